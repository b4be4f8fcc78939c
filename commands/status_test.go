package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

type probe struct {
	name string
	read func(context.Context) []bot.Reading
}

func (p probe) Name() string                           { return p.name }
func (p probe) Read(ctx context.Context) []bot.Reading { return p.read(ctx) }

func reads(name string, rs ...bot.Reading) bot.Probe {
	return probe{name, func(context.Context) []bot.Reading { return rs }}
}

func reading(host, what, value string, s bot.ReadingState) bot.Reading {
	return bot.Reading{Host: host, What: what, Value: value, State: s}
}

// What fires and stands in no thread yet is said, in status and in alerts.
func TestUntold(t *testing.T) {
	ok := reading("vulcan", "load", "0.4", bot.OK)
	one := disk()
	one.Counts.Firing = 1
	for _, c := range []struct {
		threads []bot.ThreadFacts
		untold  int
		want    string
		tone    bot.Tone
	}{
		{nil, 1, "1 alert fires without a thread yet", bot.ToneWarning},
		{[]bot.ThreadFacts{load()}, 2, "2 alerts fire without a thread yet; 1 held back", bot.ToneWarning},
		{[]bot.ThreadFacts{one}, 2, "1 critical alert fires; 2 more without a thread yet", bot.ToneCritical},
	} {
		w := quietWorld(t)
		w.threads, w.untold, w.probes, w.health = c.threads, c.untold, []bot.Probe{reads("p", ok)}, nil
		for _, command := range []string{"status", "alerts"} {
			out, err := ask(t, w, observer, "", command)
			if err != nil {
				t.Fatal(err)
			}
			m := out.(bot.Say).Message
			if got := m.Title.String(); !strings.HasPrefix(got, c.want) || command == "status" && m.Tone != c.tone {
				t.Errorf("%s: %s (%s), want %s (%s)", command, got, m.Tone, c.want, c.tone)
			}
			mustContain(t, said(t, out, nil), "no webhook has told of it")
		}
	}
}

func TestStatusHeadline(t *testing.T) {
	ok := reading("vulcan", "load", "0.4", bot.OK)
	full := reading("vulcan", "disk /", "91 %", bot.NotOK)
	lost := reading("mars", "memory", "", bot.Unknown)
	silenced := load()
	missed := bot.ThreadFacts{Thread: bot.Thread{State: bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog"}}}}
	notice := bot.ThreadFacts{Thread: bot.Thread{State: bot.ThreadState{Notice: &bot.NoticeState{Title: "A webhook was refused"}}}}
	one := disk()
	one.Counts.Firing = 1
	for _, c := range []struct {
		threads  []bot.ThreadFacts
		readings []bot.Reading
		openErr  error
		want     string
		tone     bot.Tone
	}{
		{nil, []bot.Reading{ok, ok}, nil, "Nothing fires; all 2 readings are ok", bot.ToneOK},
		{nil, []bot.Reading{ok}, nil, "Nothing fires; the one reading is ok", bot.ToneOK},
		{nil, nil, nil, "Nothing fires; nothing is measured", bot.ToneUnknown},
		{nil, []bot.Reading{ok, lost, lost}, nil, "Nothing fires; 2 of 3 readings unknown", bot.ToneUnknown},
		{nil, []bot.Reading{ok, {What: "x", State: "strange"}}, nil, "Nothing fires; 1 of 2 readings unknown", bot.ToneUnknown},
		{nil, []bot.Reading{ok, full, lost}, nil, "Nothing fires; vulcan: disk / 91 %; 1 of 3 readings unknown", bot.ToneWarning},
		{nil, []bot.Reading{full, full, full, full}, nil, "Nothing fires; vulcan: disk / 91 %, disk / 91 %, 2 more not ok", bot.ToneWarning},
		{[]bot.ThreadFacts{one}, []bot.Reading{ok}, nil, "1 critical alert fires; the one reading is ok", bot.ToneCritical},
		{[]bot.ThreadFacts{disk(), disk(), silenced}, []bot.Reading{ok, full}, nil, "2 critical groups fire (4 alerts); 1 held back; vulcan: disk / 91 %", bot.ToneCritical},
		{[]bot.ThreadFacts{silenced}, []bot.Reading{ok}, nil, "All that fires is held back (1); the one reading is ok", bot.ToneMuted},
		{[]bot.ThreadFacts{missed, notice}, []bot.Reading{ok}, nil, "Nothing fires; 1 heartbeat is missed; 1 trouble of my own; the one reading is ok", bot.ToneWarning},
		{nil, []bot.Reading{ok}, errors.New("no state"), "What fires is unknown: my state cannot be read; the one reading is ok", bot.ToneUnknown},
	} {
		w := quietWorld(t)
		w.threads, w.openErr = c.threads, c.openErr
		if len(c.readings) > 0 {
			w.probes, w.health = []bot.Probe{reads("p", c.readings[:1]...)}, c.readings[1:]
		}
		out, err := ask(t, w, observer, "", "status")
		if err != nil {
			t.Fatal(err)
		}
		m := out.(bot.Say).Message
		if got := m.Title.String(); got != c.want || m.Tone != c.tone {
			t.Errorf("got  %s (%s)\nwant %s (%s)", got, m.Tone, c.want, c.tone)
		}
	}
}

// A probe that hangs, one that fails and one that says nothing are unknown; the
// others are told all the same, and nobody waits longer than the limit.
func TestStatusHangingProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := quietWorld(t)
		w.threads = []bot.ThreadFacts{disk(), load()}
		w.probes = []bot.Probe{
			probe{"host mars", func(context.Context) []bot.Reading { <-release; return nil }}, // deaf to its context, too
			probe{"host juno", func(ctx context.Context) []bot.Reading {
				<-ctx.Done()
				return []bot.Reading{{Host: "juno", What: "load", Note: "gave up waiting", State: bot.Unknown}}
			}},
			probe{"zfs", func(context.Context) []bot.Reading { panic("bug") }},
			reads("quiet"),
			probe{"host vulcan", func(context.Context) []bot.Reading {
				time.Sleep(9 * time.Second)
				return []bot.Reading{reading("vulcan", "load", "0.4", bot.OK), {Host: "vulcan", What: "disk /", Value: "91 % of 1 TiB", Note: "more than 90 %", State: bot.NotOK},
					reading("vulcan", "memory", "61 % of 64 GiB", bot.OK)}
			}},
		}
		w.health = []bot.Reading{reading("", "chat matrix", "listening", bot.OK)}
		start := time.Now()
		out, err := ask(t, w, observer, "", "status")
		got := said(t, out, err)
		if took := time.Since(start); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("took %s", took)
		}
		// Juno's probe ends at the same moment as its time; either word is true.
		got = strings.Replace(got, "juno: 1 unknown\n- unknown: load (gave up waiting)\n", "", 1)
		got = strings.Replace(got, "- unknown: host juno (no answer within 10 s)\n", "", 1)
		got = strings.Replace(got, "Elsewhere: 4 unknown", "Elsewhere: 3 unknown", 1)
		want := `1 critical group fires (2 alerts); 1 held back; vulcan: disk / 91 % of 1 TiB; 4 of 8 readings unknown
- DiskFull (job=node), critical, 2 firing, 1 resolved, since Wed 14 Jan 13:00 CET, acked by bob · thr_DISKAAAA
vulcan: 1 not ok, 2 ok
- not ok: disk / 91 % of 1 TiB (more than 90 %)
- ok: load 0.4
- ok: memory 61 % of 64 GiB
Elsewhere: 3 unknown
- unknown: host mars (no answer within 10 s)
- unknown: zfs (the probe failed inside)
- unknown: quiet (it told nothing)
The bot: 1 ok
- ok: chat matrix listening
(status zfs, status backup, status units and their like tell where the figures come from.)
`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		close(release)
	})
}

// A long list ends with where to find the rest.
func TestStatusLong(t *testing.T) {
	w := quietWorld(t)
	for i := range 15 {
		f := disk()
		f.Thread.ID = bot.ThreadID(fmt.Sprintf("thr_%d", i))
		w.threads = append(w.threads, f)
	}
	out, err := ask(t, w, observer, "", "status")
	text := said(t, out, err)
	mustContain(t, text, "15 critical groups fire (30 alerts)", "- and 3 more; alerts all lists them\n")
	if n := strings.Count(text, "DiskFull"); n != 12 {
		t.Errorf("%d threads are listed", n)
	}
}

// What two probes tell of the same thing is told once, by who knows more; but
// nothing bad is hidden by it, and nothing that only the other one knows.
func TestStatusTellsOnce(t *testing.T) {
	agents := []bot.Reading{
		reading("vulcan", "pool rpool", "ONLINE, 42 % of 960 GiB", bot.OK),
		reading("vulcan", "pool tank", "ONLINE, fill unknown", bot.Unknown), // it knows a part
		reading("vulcan", "pool dozer", "ONLINE, 10 % of 1 TiB", bot.OK),
		reading("vulcan", "failed units", "", bot.Unknown), // it knows nothing
		reading("vulcan", "pools", "", bot.Unknown),
		reading("vulcan", "pools", "", bot.Unknown), // twice by the same probe: two things
		reading("mars", "pool rpool", "FAULTED", bot.NotOK),
	}
	kernels := []bot.Reading{
		reading("vulcan", "pool rpool", "ONLINE", bot.OK),
		reading("vulcan", "pool tank", "ONLINE", bot.OK),
		reading("vulcan", "pool dozer", "SUSPENDED", bot.NotOK),
		reading("vulcan", "pool usb", "ONLINE", bot.OK),
		reading("vulcan", "failed units", "none", bot.OK),
	}
	w := quietWorld(t)
	w.probes = []bot.Probe{reads("agents", agents...), reads("host vulcan", kernels...)}
	out, err := ask(t, w, observer, "", "status")
	text := said(t, out, err)
	want := `vulcan: 1 not ok, 3 unknown, 3 ok
- not ok: pool dozer SUSPENDED
- unknown: pool tank ONLINE, fill unknown
- unknown: pools
- unknown: pools
- ok: pool rpool ONLINE, 42 % of 960 GiB
- ok: failed units none
- ok: pool usb ONLINE
mars: 1 not ok
- not ok: pool rpool FAULTED
`
	if mustContain(t, text, want); !strings.HasPrefix(text, "Nothing fires; vulcan: pool dozer SUSPENDED, mars: pool rpool FAULTED; 3 of 8 readings unknown\n") {
		t.Error(text)
	}
}

// Plans are named, those first that nobody may forget; that they are unknown is no
// peace.
func TestStatusPlans(t *testing.T) {
	w := quietWorld(t)
	w.probes = []bot.Probe{reads("p", reading("vulcan", "load", "0.4", bot.OK))}
	for range 14 {
		w.plans = append(w.plans, planThread("pln_QQQQ22", bot.Queued))
	}
	w.plans = append(w.plans, planThread("pln_PPPP22", bot.Proposed), planThread("pln_CCCC22", bot.Confirming))
	out, err := ask(t, w, observer, "", "status")
	text := said(t, out, err)
	if tone := out.(bot.Say).Message.Tone; tone != bot.ToneInfo {
		t.Error(tone)
	}
	mustContain(t, text, "Nothing fires; 1 plan is undone unless somebody confirms it; 1 plan waits for approval; the one reading is ok\nPlans\n- confirming: ", "\n- and 4 others; approvals lists them\n")
	if strings.Index(text, "pln_CCCC22") > strings.Index(text, "pln_PPPP22") || strings.Index(text, "pln_PPPP22") > strings.Index(text, "pln_QQQQ22") {
		t.Error(text)
	}
	w.plansErr = errors.New("no state")
	w.plans = nil
	out, err = ask(t, w, observer, "", "status")
	mustContain(t, said(t, out, err), "Nothing fires; which plans wait is unknown; the one reading is ok")
	if tone := out.(bot.Say).Message.Tone; tone != bot.ToneUnknown {
		t.Error(tone)
	}
}

// Every topic that is offered means something that status tells of a whole host,
// and no other word is taken for a command in ordinary talk.
func TestStatusTopics(t *testing.T) {
	w := sickWorld(t)
	w.probes = append(w.probes, reads("more", reading("vulcan", "ssh root logins", "none", bot.OK),
		reading("", "prometheus targets", "4 of 4 up", bot.OK), reading("", "grafana dashboards", "14 found", bot.OK), reading("vulcan", "document runbooks", "last changed 20 d ago", bot.OK), reading("vulcan", "forecast /", "61 %, not filling", bot.OK), reading("vulcan", "dump postgresql", "812 MiB, 6 h ago, whole", bot.OK)))
	for _, topic := range topics {
		for _, word := range topic.words {
			out, err := ask(t, w, observer, "", "status "+word)
			if err != nil {
				t.Errorf("status %s: %v", word, err)
				continue
			}
			if m := out.(bot.Say).Message; len(m.Blocks) == 0 {
				t.Errorf("status %s: nothing", word)
			}
			if i := New(All()); !i.Meant("st "+word, false) {
				t.Errorf("st %s is not heard", word)
			}
		}
	}
	for line, want := range map[string]string{
		"status vulcan": "all figures on vulcan: 8 not ok", "status NGINX": "NGINX: 1 not ok", "status on mars": "all figures on mars: 4 ok", "status certs on vulcan": "certs on vulcan: 1 not ok, 1 unknown, 1 ok",
	} {
		out, err := ask(t, w, observer, "", line)
		mustContain(t, said(t, out, err), want)
	}
	_, err := ask(t, w, observer, "", "status on ceres")
	wantError(t, err, bot.CodeNotFound, "Nothing is measured on ceres; there is mars or vulcan.")
	if _, err = ask(t, w, observer, "", "status coffee"); err == nil || !strings.HasPrefix(bot.ForPeople(err), "No figure is called coffee. I know `zfs`, ") {
		t.Error(err)
	}
	if i := New(All()); i.Meant("st louis is nice", false) || i.Meant("st louis", false) {
		t.Error("a town is taken for a command")
	}
}

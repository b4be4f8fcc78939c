package commands

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"watchstander/bot"
)

func TestAck(t *testing.T) {
	for _, c := range []struct {
		thread bot.ThreadID
		line   string
		want   bot.Outcome
	}{
		{diskID, "ack", bot.TakeAck{Thread: diskID}},
		{diskID, "Ack I'm on it", bot.TakeAck{Thread: diskID, Comment: "I'm on it"}},
		{diskID, "ack thr_LOAD on it", bot.TakeAck{Thread: loadID, Comment: "on it"}},
		{"", "ack load on it", bot.TakeAck{Thread: loadID, Comment: "on it"}},
		{"", "ack " + string(diskID), bot.TakeAck{Thread: diskID}},
		{diskID, "unack", bot.DropAck{Thread: diskID}},
		{"", "unack thr_load", bot.DropAck{Thread: loadID}},
	} {
		w := newWorld(t)
		w.threads = []bot.ThreadFacts{disk(), load()}
		if out, err := ask(t, w, operator, c.thread, c.line); err != nil || out != c.want {
			t.Errorf("%q: got %#v, %v", c.line, out, err)
		}
	}
}

func TestSilence(t *testing.T) {
	group := []bot.Matcher{{Name: "alertname", Op: "=", Value: "DiskFull"}, {Name: "job", Op: "=", Value: "node"}}
	second := []bot.Matcher{{Name: "alertname", Op: "=", Value: "DiskFull"}, {Name: "instance", Op: "=", Value: "mars"}, {Name: "job", Op: "=", Value: "node"}}
	const none = "no reason given; covered 3 alerts"
	for _, c := range []struct {
		thread   bot.ThreadID
		line     string
		about    bot.ThreadID
		am       string
		matchers []bot.Matcher
		comment  string
		until    time.Time
	}{
		{diskID, "silence 2h", diskID, "main", group, none, noon.Add(2 * time.Hour)},
		{diskID, "silence all 2h why", diskID, "main", group, "why", noon.Add(2 * time.Hour)},
		{diskID, "silence 2h because Replacing the fan", diskID, "main", group, "Replacing the fan", noon.Add(2 * time.Hour)},
		{diskID, "silence until 18:00 Because “it is loud”", diskID, "main", group, "it is loud", noon.Add(3 * time.Hour)},
		{diskID, "silence 2h because", diskID, "main", group, "because", noon.Add(2 * time.Hour)},
		{diskID, "silence #2 1d12h", diskID, "main", second, none, noon.Add(36 * time.Hour)},
		{diskID, "silence #2 until 18:00 disk swap", diskID, "main", second, "disk swap", noon.Add(3 * time.Hour)},
		{"", "silence thr_DISK 2h", diskID, "main", group, none, noon.Add(2 * time.Hour)},
		{diskID, "silence thr_LOAD 2h x", loadID, "lab", []bot.Matcher{{Name: "alertname", Op: "=", Value: "LoadHigh"}}, "x", noon.Add(2 * time.Hour)},
		{"", `silence {alertname="X",instance=~"h.*"} 2h why not`, "", "main",
			[]bot.Matcher{{Name: "alertname", Op: "=", Value: "X"}, {Name: "instance", Op: "=~", Value: "h.*"}}, "why not", noon.Add(2 * time.Hour)},
		{"", `silence { alertname = X , b!="c" , d !~ "e|f" , } for 90 min`, "", "main",
			[]bot.Matcher{{Name: "alertname", Op: "=", Value: "X"}, {Name: "b", Op: "!=", Value: "c"}, {Name: "d", Op: "!~", Value: "e|f"}},
			none, noon.Add(90 * time.Minute)},
		{"", `silence {alertname=“Disk Full”} 2h`, "", "main", []bot.Matcher{{Name: "alertname", Op: "=", Value: "Disk Full"}},
			none, noon.Add(2 * time.Hour)},
		{"", `silence {instance=~"vulcan\.lan"} 2h x`, "", "main", []bot.Matcher{{Name: "instance", Op: "=~", Value: `vulcan\.lan`}}, "x", noon.Add(2 * time.Hour)},
		{"", `silence {"my.label"="ä b"} 2h x`, "", "main", []bot.Matcher{{Name: "my.label", Op: "=", Value: "ä b"}}, "x", noon.Add(2 * time.Hour)},
		{"", `silence alertname=X 2h x`, "", "main", []bot.Matcher{{Name: "alertname", Op: "=", Value: "X"}}, "x", noon.Add(2 * time.Hour)},
		{"", `silence on lab {alertname=X} 2h x`, "", "lab", []bot.Matcher{{Name: "alertname", Op: "=", Value: "X"}}, "x", noon.Add(2 * time.Hour)},
		{diskID, `silence {alertname=X} 2h x`, "", "main", []bot.Matcher{{Name: "alertname", Op: "=", Value: "X"}}, "x", noon.Add(2 * time.Hour)},
	} {
		t.Run(c.line, func(t *testing.T) {
			w := newWorld(t)
			w.threads, w.covered = []bot.ThreadFacts{disk(), load()}, 3
			out, err := ask(t, w, operator, c.thread, c.line)
			if err != nil {
				t.Fatal(err)
			}
			want := bot.MakeSilence{Thread: c.about, Alertmanager: c.am,
				Silence: bot.Silence{Matchers: c.matchers, Comment: c.comment, StartsAt: noon, EndsAt: c.until}}
			if !reflect.DeepEqual(out, want) {
				t.Errorf("got  %+v\nwant %+v", out, want)
			}
		})
	}
}

// A silence without a reason says so where people will look for one; one by
// matchers that covers nothing says so at once, with a reason or without.
func TestSilenceCovered(t *testing.T) {
	const nothing = "It covers no alert that fires now. If it should, compare its matchers with the labels in `alerts THREAD`."
	for _, c := range []struct {
		thread        bot.ThreadID
		line          string
		covered       int
		err           error
		comment, note string
	}{
		{"", "silence {a=b} 2h", 0, nil, "no reason given", nothing},
		{"", "silence {a=b} 2h why", 0, nil, "why", nothing},
		{"", "silence {a=b} 2h", 1, nil, "no reason given; covered 1 alert", ""},
		{"", "silence {a=b} 2h why", 1, nil, "why", ""},
		{"", "silence {a=b} 2h why", 0, errors.New("no answer"), "why", ""},
		{"", "silence {a=b} 2h", 0, errors.New("no answer"), "no reason given", ""},
		{diskID, "silence 2h", 0, nil, "no reason given", ""},
	} {
		w := newWorld(t)
		w.threads, w.covered, w.coveredErr = []bot.ThreadFacts{disk()}, c.covered, c.err
		out, err := ask(t, w, operator, c.thread, c.line)
		if err != nil {
			t.Fatal(err)
		}
		if o := out.(bot.MakeSilence); o.Silence.Comment != c.comment || o.Note != c.note {
			t.Errorf("%s: got %q, %q", c.line, o.Silence.Comment, o.Note)
		}
	}
}

func TestSilenceRefused(t *testing.T) {
	w := newWorld(t)
	bare := disk()
	bare.Thread.State.Alert.GroupLabels = bot.Labels{}
	w.threads = []bot.ThreadFacts{bare}
	_, err := ask(t, w, operator, diskID, "silence 2h")
	wantError(t, err, bot.CodeInvalid,
		"This group has no labels in common by which it could be silenced; a silence would hold everything back. Silence one alert: `silence #1 2h`.")
	if _, err = ask(t, w, operator, diskID, "silence #1 2h"); err != nil {
		t.Error(err)
	}
	bare.Episodes[0].Labels = bot.Labels{"a": ""}
	_, err = ask(t, w, operator, diskID, "silence #1 2h")
	wantError(t, err, bot.CodeInvalid, "#1 has no labels, and a silence without labels would hold everything back.")
	w.threads[0].Thread.State = bot.ThreadState{Heartbeat: &bot.HeartbeatState{}}
	_, err = ask(t, w, operator, diskID, "silence 2h")
	wantError(t, err, bot.CodeInvalid, "This thread is about no alerts of Alertmanager, so there is nothing in it to silence.")
	w.managers = nil
	_, err = ask(t, w, operator, "", "silence {a=b} 2h")
	wantError(t, err, bot.CodeUnavailable, "No Alertmanager is configured, so there is nobody to ask for silence.")
	_, err = ask(t, w, operator, "", "silences")
	wantError(t, err, bot.CodeUnavailable, "No Alertmanager is configured, so there is nobody to ask for silence.")
}

func TestUnsilence(t *testing.T) {
	w := newWorld(t)
	w.threads = []bot.ThreadFacts{disk(), load()}
	w.silences["main"] = []bot.Silence{silenceOf(silenceB, "active")}
	w.silences["lab"] = []bot.Silence{silenceOf(silenceA, "active"), silenceOf("aaaaaa00-0000-4000-8000-000000000003", "expired")}
	for _, c := range []struct {
		thread bot.ThreadID
		line   string
		want   bot.EndSilence
	}{
		{loadID, "unsilence", bot.EndSilence{Thread: loadID, Alertmanager: "lab", IDs: []string{silenceA}}},
		{loadID, "unmute all", bot.EndSilence{Thread: loadID, Alertmanager: "lab", IDs: []string{silenceA}}},
		{"", "unsilence load", bot.EndSilence{Thread: loadID, Alertmanager: "lab", IDs: []string{silenceA}}},
		{"", "unsilence 5D3F9AB", bot.EndSilence{Alertmanager: "main", IDs: []string{silenceB}}},
		{diskID, "unsilence " + silenceA, bot.EndSilence{Alertmanager: "lab", IDs: []string{silenceA}}},
	} {
		if out, err := ask(t, w, operator, c.thread, c.line); err != nil || !reflect.DeepEqual(out, c.want) {
			t.Errorf("%q: got %+v, %v", c.line, out, err)
		}
	}
	_, err := ask(t, w, operator, "", "unsilence aaaaaa")
	wantError(t, err, bot.CodeConflict, "That silence ended Wed 14 Jan 18:00 CET.")
	w.mute["main"] = bot.Errorf(bot.CodeUnavailable, "Alertmanager main does not answer.")
	_, err = ask(t, w, operator, "", "unsilence 5d3f9ab")
	wantError(t, err, bot.CodeUnavailable, "Alertmanager main does not answer.")

	// A hexadecimal word may be the beginning of a thread's id, too.
	hex := load()
	hex.Thread.ID = "thr_FADEDA22"
	w.threads, w.mute = []bot.ThreadFacts{hex}, map[string]error{}
	if out, err := ask(t, w, operator, "", "unsilence fadeda"); err != nil || out.(bot.EndSilence).Thread != "thr_FADEDA22" {
		t.Errorf("got %+v, %v", out, err)
	}
}

// What one silence holds is ended; where that would end more, it is asked first.
func TestUnsilenceAsks(t *testing.T) {
	w := newWorld(t)
	other := disk()
	other.Silences = []bot.Silence{silenceOf(silenceA, "active")}
	w.threads = []bot.ThreadFacts{load(), other}
	out, err := ask(t, w, operator, loadID, "unsilence")
	if got, want := said(t, out, err), `1 silence holds these alerts; I have ended none yet. Say which: unsilence 5d3f9a00
- {alertname="LoadHigh"} by bob, until Wed 14 Jan 18:00 CET: load test · 5d3f9a00; it also holds DiskFull (job=node)
`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	two := load()
	over := silenceOf("bbbbbb00-0000-4000-8000-000000000004", "active")
	over.EndsAt = noon.Add(-time.Minute)
	two.Silences = append(two.Silences, silenceOf(silenceB, "active"), silenceOf("cccccc00-0000-4000-8000-000000000005", "expired"), over)
	w.threads = []bot.ThreadFacts{two}
	out, err = ask(t, w, operator, loadID, "unsilence")
	mustContain(t, said(t, out, err), "2 silences hold these alerts; I have ended none yet. Say which: unsilence 5d3f9a00 or unsilence 5d3f9abb or unsilence all\n")
	out, err = ask(t, w, operator, loadID, "unsilence all")
	if want := (bot.EndSilence{Thread: loadID, Alertmanager: "lab", IDs: []string{silenceA, silenceB}}); err != nil || !reflect.DeepEqual(out, want) {
		t.Errorf("got %+v, %v", out, err)
	}
}

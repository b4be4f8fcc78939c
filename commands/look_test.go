package commands

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

func TestHelp(t *testing.T) {
	w := newWorld(t)
	for _, who := range []bot.Person{operator, observer, admin} {
		out, err := ask(t, w, who, "", "help")
		text := said(t, out, err)
		for _, c := range All() {
			mustContain(t, text, c.Name)
		}
		if n := len(text); n > 1500 {
			t.Errorf("help has %d characters; that is no message for a phone", n)
		}
	}
	out, err := ask(t, w, observer, "", "help")
	mustContain(t, said(t, out, err), "Needs the role operator: "+strings.Join(named(bot.RoleOperator, ""), ", ")+"\n", "- Alerts: silences")
	out, err = ask(t, w, observer, "", "help NixOS")
	mustContain(t, said(t, out, err), "- generations: List", "rollback: Ask to go back to another generation. E.g. rollback 41 (needs the role operator)\n")
	out, err = ask(t, w, observer, "", "help all")
	mustContain(t, said(t, out, err), "- silences: List", "- drift: Tell")
	out, err = ask(t, w, operator, "", "?")
	if text := said(t, out, err); strings.Contains(text, "Needs the role") {
		t.Errorf("an operator lacks a role in:\n%s", text)
	}
	out, err = ask(t, w, observer, "", "help mute")
	mustContain(t, said(t, out, err), "silence [on NAME] [#N|all|THREAD|{MATCHERS}] DURATION|until TIME [COMMENT…]\n",
		"- DURATION|until TIME: how long, at most a year: 2h,", "- silence #3 until 18:00 replacing the disk", "(Also: mute. Needs the role operator. When and how: runbook silence.)")
	for _, c := range All() {
		out, err = ask(t, w, operator, "", "help "+c.Name)
		mustContain(t, said(t, out, err), c.Summary, c.Examples[0])
	}
	out, err = ask(t, w, operator, "", " ws: ")
	mustContain(t, said(t, out, err), "What you can ask me")
}

func TestWhoami(t *testing.T) {
	out, err := ask(t, newWorld(t), operator, diskID, "whoami")
	if got, want := said(t, out, err), "You are alice\nRoles: operator\nRoom: ops\nThread: "+string(diskID)+
		"\nYou may: "+strings.Join(named("", ""), ", ")+"\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out, err = ask(t, newWorld(t), observer, "", "whoami")
	mustContain(t, said(t, out, err), "Roles: observer\n", "You may not: "+strings.Join(named(bot.RoleOperator, " (operator)"), ", ")+"\n")
}

// named are the commands that need a role, "" for all, each with what is added.
func named(r bot.Role, add string) (names []string) {
	for _, c := range All() {
		if r == "" || c.Role == r {
			names = append(names, c.Name+add)
		}
	}
	return names
}

func TestAlerts(t *testing.T) {
	w := newWorld(t)
	missed := bot.ThreadFacts{Thread: bot.Thread{ID: "thr_BEAT2222", OpenedAt: noon, State: bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog", LastAt: noon.Add(-time.Hour)}}}}
	w.threads = []bot.ThreadFacts{load(), missed, disk()}
	out, err := ask(t, w, observer, "", "alerts")
	want := `1 critical group fires (2 alerts); 1 held back; 1 heartbeat is missed
Critical
- DiskFull (job=node), critical, 2 firing, 1 resolved, since Wed 14 Jan 13:00 CET, acked by bob · thr_DISKAAAA
Missed heartbeats
- Heartbeat Watchdog, last heard Wed 14 Jan 14:00 CET · thr_BEAT2222
Held back
- LoadHigh on vulcan, warning, 1 silenced, since Wed 14 Jan 14:00 CET, silenced by bob until Wed 14 Jan 18:00 CET · thr_LOADAAAA
(alerts THREAD lists a thread's alerts; the first characters of its id do.)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out, err = ask(t, w, observer, diskID, "alerts all")
	if got := said(t, out, err); got != want {
		t.Errorf("alerts all, in a thread: got\n%s", got)
	}
	out, err = ask(t, w, observer, diskID, "alerts")
	want = `DiskFull (job=node), critical, 2 firing, 1 resolved, since Wed 14 Jan 13:00 CET, acked by bob · thr_DISKAAAA
All have alertname=DiskFull, job=node
- #1 instance=vulcan, critical, firing, since Wed 14 Jan 13:00 CET
- #2 instance=mars, critical, firing, since Wed 14 Jan 13:00 CET
- #3 instance=juno, resolved Wed 14 Jan 14:00 CET after 1 h
(thr_DISKAAAABBBBCCCCDDDDEEEE22)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out, err = ask(t, w, observer, "", "alerts load")
	mustContain(t, said(t, out, err), "- #1 instance=vulcan, warning, silenced, since")
	w.threads = nil
	out, err = ask(t, w, observer, "", "alerts")
	if got := said(t, out, err); got != "Nothing fires\n" {
		t.Errorf("got %q", got)
	}
}

func TestAlertsLong(t *testing.T) {
	w := newWorld(t)
	f := disk()
	f.Counts = bot.EpisodeCounts{Firing: 60}
	for len(f.Episodes) < 45 {
		f.Episodes = append(f.Episodes, f.Episodes[0])
	}
	w.threads = []bot.ThreadFacts{f}
	out, err := ask(t, w, observer, diskID, "alerts")
	mustContain(t, said(t, out, err), "- and 15 more that are not listed\n")
	n := 0
	for _, b := range out.(bot.Say).Message.Blocks {
		if l, ok := b.(bot.List); ok {
			if n++; len(l.Items) > 20 {
				t.Errorf("a list of %d items", len(l.Items))
			}
		}
	}
	if n != 3 {
		t.Errorf("%d lists", n)
	}
}

func TestAlertsFind(t *testing.T) {
	w := newWorld(t)
	old := load()
	old.Thread.OpenedAt, old.Thread.ClosedAt = noon.AddDate(-1, 0, 0), noon.AddDate(-1, 0, 0).Add(2*time.Hour)
	w.found = []bot.ThreadFacts{disk(), old}
	out, err := ask(t, w, observer, "", "alerts find disk  vulcan")
	want := `2 threads with disk  vulcan
- Wed 14 Jan 13:00 CET DiskFull (job=node), critical, open: 2 firing, 1 resolved · thr_DISKAAAA
- Tue 14 Jan 2025 15:00 CET LoadHigh on vulcan, warning, over after 2 h · thr_LOADAAAA
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if w.words != "disk  vulcan" {
		t.Errorf("looked for %q", w.words)
	}
	for len(w.found) < 30 {
		w.found = append(w.found, old)
	}
	out, err = ask(t, w, observer, "", "alerts find disk")
	mustContain(t, said(t, out, err), "The newest 20 threads with disk; more words find fewer\n")
	w.found = nil
	out, err = ask(t, w, observer, "", "alerts find “no such”")
	if got := said(t, out, err); got != "No thread has all of these words in its labels and annotations: no such\n" {
		t.Errorf("got %q", got)
	}
}

func TestGraph(t *testing.T) {
	for _, c := range []struct {
		thread bot.ThreadID
		line   string
		want   bot.Outcome
	}{
		{diskID, "graph", bot.DrawGraph{Thread: diskID}},
		{diskID, "graph #2", bot.DrawGraph{Thread: diskID, Episode: "epi_2"}},
		{"", "graph thr_DISK", bot.DrawGraph{Thread: diskID}},
		{"", "plot thr_DISK #3", bot.DrawGraph{Thread: diskID, Episode: "epi_3"}},
		{loadID, "graph thr_DISK", bot.DrawGraph{Thread: diskID}},
	} {
		w := newWorld(t)
		w.threads = []bot.ThreadFacts{disk(), load()}
		if out, err := ask(t, w, observer, c.thread, c.line); err != nil || out != c.want {
			t.Errorf("%q: got %#v, %v", c.line, out, err)
		}
	}
	for _, c := range []struct {
		line, expr string
		span       time.Duration
	}{
		{"graph up", "up", 6 * time.Hour},
		{"graph up over 12h", "up", 12 * time.Hour},
		{"graph up over 12 hours", "up", 12 * time.Hour},
		{"graph kubelet Over 1d", "kubelet", 24 * time.Hour},
		{`graph rate(x{job="a b"}[5m]) > 3`, `rate(x{job="a b"}[5m]) > 3`, 6 * time.Hour},
		{`graph rate(x{job=“a b”}[5m])`, `rate(x{job="a b"}[5m])`, 6 * time.Hour},
		{`graph x{job="“quoted”"}`, `x{job="“quoted”"}`, 6 * time.Hour},
		{`graph x{job="over 5h"}`, `x{job="over 5h"}`, 6 * time.Hour},
		{`graph x{job='it over 5h'}`, `x{job='it over 5h'}`, 6 * time.Hour},
		{`graph "sum by (job) (up)" over 2h`, `sum by (job) (up)`, 2 * time.Hour},
		{`graph "up"`, `up`, 6 * time.Hour},
		{`graph sum_over_time(x[1h])`, `sum_over_time(x[1h])`, 6 * time.Hour},
		{`graph -x`, `-x`, 6 * time.Hour},
	} {
		w := newWorld(t)
		out, err := ask(t, w, observer, diskID, c.line)
		text := said(t, out, err)
		if w.expr != c.expr || w.span != c.span {
			t.Errorf("%q drew %q over %s", c.line, w.expr, w.span)
		}
		mustContain(t, text, " over the last "+phrase.Duration(c.span)+"\n[up: 1]\n")
	}
	w := newWorld(t)
	w.graphErr = bot.Errorf(bot.CodeInvalid, "Prometheus cannot read it.")
	_, err := ask(t, w, observer, "", "graph up{")
	wantError(t, err, bot.CodeInvalid, "Prometheus cannot read it.")
}

// Every kind of thread and every state of an alert has its own words.
func TestAlertsKinds(t *testing.T) {
	alert := func(c bot.EpisodeCounts, sev bot.Severity) bot.ThreadFacts {
		return bot.ThreadFacts{Counts: c, Thread: bot.Thread{ID: "thr_A", Severity: sev, State: bot.ThreadState{Alert: &bot.AlertState{GroupLabels: bot.Labels{"job": "node"}}}}}
	}
	many := alert(bot.EpisodeCounts{Firing: 1, Silenced: 3, Resolved: 1, Doubt: 1, Since: noon}, bot.SeverityUnknown)
	e := bot.Episode{Number: 1, Labels: bot.Labels{"a": "1"}, StartsAt: noon, Severity: bot.SeverityInfo}
	doubt, silenced, muted, inhibited, absent := e, e, e, e, e
	doubt.Doubt, silenced.SilencedBy, muted.MutedBy, inhibited.InhibitedBy = true, []string{"x"}, []string{"nights"}, []string{"y"}
	absent.Resolved, absent.Ended, absent.EndsAt, absent.Labels = true, bot.EndedByAbsence, noon, bot.Labels{"a": "2"}
	many.Episodes = []bot.Episode{e, doubt, silenced, muted, inhibited, absent}
	many.Thread.State.Alert.Truncated = 4
	many.Thread.ClosedAt = noon
	w := newWorld(t)
	w.threads = []bot.ThreadFacts{many}
	out, err := ask(t, w, observer, "thr_A", "alerts")
	want := `job=node, no severity, 1 firing, 3 silenced, 1 resolved, since Wed 14 Jan 15:00 CET, 1 in doubt, over since Wed 14 Jan 15:00 CET · thr_A
- #1 a=1, info, firing, since Wed 14 Jan 15:00 CET
- #1 a=1, info, in doubt, since Wed 14 Jan 15:00 CET
- #1 a=1, info, silenced, since Wed 14 Jan 15:00 CET
- #1 a=1, info, muted by nights, since Wed 14 Jan 15:00 CET
- #1 a=1, info, inhibited, since Wed 14 Jan 15:00 CET
- #1 a=2, no longer listed since Wed 14 Jan 15:00 CET
Not the whole list: Alertmanager left 4 alerts out of its notice.
(thr_A)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	kind := func(s bot.ThreadState) bot.ThreadFacts {
		return bot.ThreadFacts{Thread: bot.Thread{ID: "thr_K", OpenedAt: noon, State: s}}
	}
	single := alert(bot.EpisodeCounts{Firing: 1, Since: noon}, bot.SeverityInfo)
	single.Episodes = []bot.Episode{{Labels: bot.Labels{"alertname": "Odd"}}}
	whole := alert(bot.EpisodeCounts{}, bot.SeverityWarning)
	whole.Thread.State.Alert.GroupLabels = nil
	reboot := kind(bot.ThreadState{Reboot: &bot.RebootState{Host: "vulcan"}})
	reboot.Gathered = []bot.ThreadFacts{single}
	w.threads = []bot.ThreadFacts{whole, single, reboot,
		kind(bot.ThreadState{Notice: &bot.NoticeState{Title: "A webhook was refused", Text: "It was too large."}}),
		kind(bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog", LastAt: noon, Returned: noon}}),
		alert(bot.EpisodeCounts{Firing: 1, Since: noon}, bot.SeverityWarning)}
	out, err = ask(t, w, observer, "", "alerts")
	want = `1 warning and 1 info alerts fire; 1 trouble of my own
Warning
- job=node, warning, since Wed 14 Jan 15:00 CET · thr_A
Info
- Odd (job=node), info, since Wed 14 Jan 15:00 CET · thr_A
Other
- After the reboot of vulcan, since Wed 14 Jan 15:00 CET · thr_K
- A webhook was refused: It was too large. · thr_K
Open, but nothing fires
- All alerts, no alerts · thr_A
- Heartbeat Watchdog, last heard Wed 14 Jan 15:00 CET · thr_K
(alerts THREAD lists a thread's alerts; the first characters of its id do.)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	w.threads = []bot.ThreadFacts{reboot}
	out, err = ask(t, w, observer, "thr_K", "alerts")
	mustContain(t, said(t, out, err), "After the reboot of vulcan,", "- Odd (job=node), info, since")
}

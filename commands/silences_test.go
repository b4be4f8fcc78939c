package commands

import (
	"errors"
	"maps"
	"testing"

	"watchstander/bot"
)

func TestSilences(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "silences")
	if got := said(t, out, err); got != "No silence holds\n" {
		t.Errorf("got %q", got)
	}
	w.silences["main"] = []bot.Silence{silenceOf(silenceA, "active"), silenceOf("aaaaaa00-0000-4000-8000-000000000003", "expired")}
	w.silences["lab"] = []bot.Silence{silenceOf(silenceB, "pending")}
	out, err = ask(t, w, observer, "", "silences")
	want := `1 silence holds, 1 will
main
- {alertname="LoadHigh"} by bob, until Wed 14 Jan 18:00 CET: load test · 5d3f9a00
lab
- {alertname="LoadHigh"} by bob, from Wed 14 Jan 14:00 CET until Wed 14 Jan 18:00 CET: load test · 5d3f9abb
(unsilence ID ends one; as much of its id as stands here is enough.)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out, err = ask(t, w, observer, "", "silences all")
	mustContain(t, said(t, out, err), "1 silence holds, 1 will, 1 ended\n", ", ended Wed 14 Jan 18:00 CET: load test · aaaaaa00\n")
	w.mute["lab"] = bot.Errorf(bot.CodeUnavailable, "Alertmanager lab does not answer.")
	out, err = ask(t, w, observer, "", "silences")
	mustContain(t, said(t, out, err), "1 silence holds, 1 of 2 Alertmanagers did not answer\n", "lab: Alertmanager lab does not answer.\n")
	w.mute["main"] = errors.New("dial tcp: secret")
	out, err = ask(t, w, observer, "", "silences")
	mustContain(t, said(t, out, err), "Which silences there are is unknown\n", "main: Internal error;")
}

// In a thread, the silences are those over its alerts, the one that was made a
// moment ago too.
func TestSilencesInThread(t *testing.T) {
	w := newWorld(t)
	w.threads = []bot.ThreadFacts{disk(), load()}
	w.silences["main"] = []bot.Silence{silenceOf(silenceB, "active")}
	other := silenceOf("cccccc00-0000-4000-8000-000000000005", "active")
	other.Matchers = []bot.Matcher{{Name: "alertname", Op: "=", Value: "Other"}}
	fresh := silenceOf("dddddd00-0000-4000-8000-000000000006", "pending")
	fresh.Matchers = []bot.Matcher{{Name: "instance", Op: "=~", Value: "vul.*"}, {Name: "team", Op: "!=", Value: "db"}}
	w.silences["lab"] = []bot.Silence{silenceOf(silenceA, "active"), other, fresh, silenceOf("eeeeee00-0000-4000-8000-000000000003", "expired")}
	out, err := ask(t, w, observer, loadID, "silences")
	want := `1 silence is over this thread's alerts, 1 will be
- {alertname="LoadHigh"} by bob, until Wed 14 Jan 18:00 CET: load test · 5d3f9a00
- {instance=~"vul.*", team!="db"} by bob, from Wed 14 Jan 14:00 CET until Wed 14 Jan 18:00 CET: load test · dddddd00
(unsilence ID ends one; silences all lists all there are, those that ended too.)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out, err = ask(t, w, observer, diskID, "silences")
	if got := said(t, out, err); got != "No silence is over this thread's alerts\n(silences all lists all there are, those that ended too.)\n" {
		t.Errorf("got %q", got)
	}
	out, err = ask(t, w, observer, loadID, "silences all")
	mustContain(t, said(t, out, err), "3 silences hold, 1 will, 1 ended\n", "cccccc00", "eeeeee00")
}

func TestShortSilences(t *testing.T) {
	var all []bot.Silence
	want := map[string]string{
		"5d3f9a00-0000-4000-8000-000000000001": "5d3f9a00-0000-4000-8000-000000000001",
		"5d3f9a00-0000-4000-8000-000000000002": "5d3f9a00-0000-4000-8000-000000000002",
		"5d3f9a00-1000-4000-8000-000000000002": "5d3f9a00-1",
		"5d3f9abb-1000-4000-8000-000000000002": "5d3f9abb",
		"aaaa":                                 "aaaa",
	}
	for id := range want {
		all = append(all, bot.Silence{ID: id})
	}
	if got := shortSilences(append(all, all[0])); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// What is no alert says what it is, and how it ends.
func TestNoAlert(t *testing.T) {
	for _, c := range []struct {
		state      bot.ThreadState
		line, want string
	}{
		{bot.ThreadState{Notice: &bot.NoticeState{}}, "graph", "This is a trouble of my own and no alert: there is no graph. It closes by itself when it has passed."},
		{bot.ThreadState{Notice: &bot.NoticeState{}}, "ack", "This is a trouble of my own and no alert: there is nothing to ack. It closes by itself when it has passed."},
		{bot.ThreadState{Heartbeat: &bot.HeartbeatState{}}, "ack on it", "This is a missed heartbeat and no alert: there is nothing to ack. It closes by itself when the heartbeat returns."},
		{bot.ThreadState{Reboot: &bot.RebootState{}}, "ack", "This thread gathers alerts, each with a thread of its own: there is nothing to ack. `alerts` lists them here; then `ack THREAD`."},
		{bot.ThreadState{Digest: &bot.DigestState{}}, "unack", "This thread is about no alert: there is no ack to take back. `alerts` lists those that are."},
	} {
		w := newWorld(t)
		w.threads = []bot.ThreadFacts{{Thread: bot.Thread{ID: "thr_NOTE2222", State: c.state}}}
		_, err := ask(t, w, operator, "thr_NOTE2222", c.line)
		wantError(t, err, bot.CodeInvalid, c.want)
	}
}

// Two groups of one name are told apart by where they are, and no severity is
// said twice.
func TestAlertsApart(t *testing.T) {
	group := func(id bot.ThreadID, labels bot.Labels, host string, es ...bot.Episode) bot.ThreadFacts {
		return bot.ThreadFacts{Counts: bot.EpisodeCounts{Firing: len(es), Since: noon}, Episodes: es[:1],
			Thread: bot.Thread{ID: id, Severity: bot.SeverityCritical, OpenedAt: noon, State: bot.ThreadState{Alert: &bot.AlertState{GroupLabels: labels, Host: host}}}}
	}
	alert := func(instance string) bot.Episode {
		return bot.Episode{Number: 1, Severity: bot.SeverityCritical, StartsAt: noon, Labels: bot.Labels{"alertname": "DiskFull", "severity": "critical", "instance": instance}}
	}
	w := newWorld(t)
	w.threads = []bot.ThreadFacts{
		group("thr_AAAA2222", bot.Labels{"alertname": "DiskFull"}, "", alert("vulcan")),
		group("thr_BBBB2222", bot.Labels{"alertname": "DiskFull", "severity": "critical"}, "mars", alert("m1"), alert("m2")),
		group("thr_CCCC2222", bot.Labels{"alertname": "DiskFull", "instance": "juno"}, "juno", alert("juno")),
	}
	out, err := ask(t, w, observer, "", "alerts")
	mustContain(t, said(t, out, err), "3 critical groups fire (4 alerts)\n",
		"- DiskFull on vulcan, critical, since Wed 14 Jan 15:00 CET · thr_AAAA2222\n",
		"- DiskFull on mars, critical, 2 firing, since Wed 14 Jan 15:00 CET · thr_BBBB2222\n",
		"- DiskFull (instance=juno), critical, since Wed 14 Jan 15:00 CET · thr_CCCC2222\n")
	out, err = ask(t, w, observer, "thr_AAAA2222", "alerts")
	mustContain(t, said(t, out, err), "- #1 instance=vulcan, critical, firing, since")
}

package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/golden"
)

// TestBook compares every kind of message, as people read it, with
// testdata/book.txt. Read that file to see what the bot says; after a change of
// words, look at the difference and run the test with -update.
func TestBook(t *testing.T) {
	var b strings.Builder
	for _, p := range slices.Concat(pages(style(t)), planPages(style(t)), checklistPages(style(t)), scorecardPages(style(t)), maintenancePages(style(t)), incidentPages(style(t))) {
		fmt.Fprintf(&b, "=== %s\n%s\n", p.what, drawn(p.m))
	}
	golden.Check(t, "testdata/book.txt", b.String())
}

// drawn is a message with what text leaves out: its tone, buttons, small print.
func drawn(m bot.Message) string {
	tone := string(m.Tone)
	if m.Tone == bot.TonePlain {
		tone = "plain"
	}
	lines := []string{"(" + tone + ") " + text(m)}
	for _, x := range m.Blocks {
		if p, ok := x.(bot.Picture); ok {
			lines = append(lines, "[picture] "+p.Alt)
		}
	}
	for _, a := range m.Actions {
		if a.URL != "" {
			lines = append(lines, fmt.Sprintf("[%s -> %s]", a.Label, a.URL))
			continue
		}
		lines = append(lines, fmt.Sprintf("[%s %s: %s]", a.Emoji, a.Label, a.Name))
	}
	if len(m.Note) > 0 {
		lines = append(lines, "~ "+m.Note.String())
	}
	return strings.Join(lines, "\n") + "\n"
}

type page struct {
	what string
	m    bot.Message
}

func pages(s Style) []page {
	s.Graphs = true
	labels := bot.Labels{"alertname": "HighLoad"}
	carol := bot.Silence{ID: "5f0c", State: "active", CreatedBy: "carol", Comment: "the fan is being replaced [eff_ABC]", StartsAt: noon, EndsAt: noon.Add(2 * time.Hour),
		Matchers: []bot.Matcher{{Name: "alertname", Op: "=", Value: "HighLoad"}, {Name: "instance", Op: "=~", Value: "web.*"}}}
	ack := bot.Ack{By: "alice", At: noon.Add(3 * time.Minute), Comment: "on it"}
	root := func(f bot.ThreadFacts, change func(*bot.ThreadFacts)) bot.Message {
		if change != nil {
			change(&f)
		}
		return Root(f, s)
	}
	thread := func(kind bot.ThreadKind, st bot.ThreadState, closed time.Time, gathered ...bot.ThreadFacts) bot.Message {
		return Root(bot.ThreadFacts{Thread: bot.Thread{ID: "thr_X", Kind: kind, State: st, OpenedAt: noon, ClosedAt: closed}, Gathered: gathered}, s)
	}
	firing, over := group(2, 0, 0, 0), group(0, 0, 0, 1)
	later := noon.Add(time.Hour)
	es := func(f bot.ThreadFacts) []bot.Episode { return f.Episodes }
	return []page{
		{"one alert", root(group(1, 0, 0, 0), func(f *bot.ThreadFacts) {
			f.Thread.State.Alert.Host, f.Thread.State.Alert.ExternalURL = "web", "https://am.example.org"
			f.Episodes[0].Annotations = bot.Labels{"summary": "Load is 9", "description": "The load of the last 15 minutes", "runbook_url": "https://runbooks.example.org/HighLoad"}
			f.Episodes[0].GeneratorURL = "https://prom.example.org/graph?g0.expr=node_load15"
		})},
		{"a critical group, acked", root(group(2, 0, 0, 1), func(f *bot.ThreadFacts) {
			f.Thread.Severity, f.Thread.State.Alert.Ack = bot.SeverityCritical, &ack
		})},
		{"silenced", root(group(0, 2, 0, 0), func(f *bot.ThreadFacts) { f.Silences = []bot.Silence{carol} })},
		{"partly silenced, partly inhibited, truncated, in doubt", root(group(1, 1, 1, 1), func(f *bot.ThreadFacts) {
			f.Silences, f.Thread.State.Alert.Truncated, f.Counts.Doubt, f.Episodes[0].Doubt = []bot.Silence{carol}, 7, 1, true
		})},
		{"resolved; its silence goes on; it changed much before", root(group(0, 0, 0, 1), func(f *bot.ThreadFacts) {
			f.Kept, f.Thread.Former, f.Thread.State.Alert.Reopened = []bot.Silence{carol}, "thr_OLD", 2
			f.Changes = []bot.Change{{Host: "web", Text: "rebooted", At: noon.Add(-time.Minute)}, {Text: "watchstander 1 started", At: noon}}
		})},
		{"ended by absence", root(group(1, 0, 0, 1), func(f *bot.ThreadFacts) { f.Episodes[1].Ended = bot.EndedByAbsence })},
		{"many", root(group(30, 0, 0, 0), nil)},
		{"a heartbeat is missing", thread(bot.ThreadHeartbeat, bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog", LastAt: noon, Every: 10 * time.Minute}}, time.Time{})},
		{"a heartbeat never came", thread(bot.ThreadHeartbeat, bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog", Every: 10 * time.Minute}}, time.Time{})},
		{"a heartbeat stopped", thread(bot.ThreadHeartbeat, bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog", LastAt: noon, Every: 10 * time.Minute, Stopped: true}}, time.Time{})},
		{"a heartbeat returned", thread(bot.ThreadHeartbeat, bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog", Returned: later}}, later)},
		{"a heartbeat is no longer expected", thread(bot.ThreadHeartbeat, bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog", LastAt: noon}}, later)},
		{"a silence made elsewhere", thread(bot.ThreadSilence, bot.ThreadState{Silence: &carol}, time.Time{})},
		{"… has ended", thread(bot.ThreadSilence, bot.ThreadState{Silence: &carol}, later)},
		{"after a reboot", thread(bot.ThreadReboot, bot.ThreadState{Reboot: &bot.RebootState{Host: "web", At: noon, Until: noon.Add(5 * time.Minute)}}, time.Time{}, firing)},
		{"… the grace is over", thread(bot.ThreadReboot, bot.ThreadState{Reboot: &bot.RebootState{Host: "web", At: noon, Over: true}}, later, firing, over)},
		{"the digest", thread(bot.ThreadDigest, bot.ThreadState{Digest: &bot.DigestState{Since: noon.Add(-24 * time.Hour), Until: noon}}, noon, firing, over)},
		{"a storm", thread(bot.ThreadStorm, bot.ThreadState{Storm: &bot.StormState{Peak: 3}}, time.Time{}, firing, firing, over)},
		{"… is over", thread(bot.ThreadStorm, bot.ThreadState{Storm: &bot.StormState{Peak: 30}}, later)},
		{"a notice", thread(bot.ThreadNotice, bot.ThreadState{Notice: &bot.NoticeState{Tone: bot.ToneWarning, Title: "A notice of Alertmanager was refused (400)", Text: "What posts …", Count: 2, Last: later}}, time.Time{})},
		{"… is over", thread(bot.ThreadNotice, bot.ThreadState{Notice: &bot.NoticeState{Title: "Alertmanager main does not answer", Text: "Webhooks may …", Count: 1, Last: noon}}, later)},

		{"log: fired", Fired(es(group(2, 0, 0, 0)), labels, s)},
		{"log: resolved", Resolved(es(over), labels, s)},
		{"log: all resolved", Over(noon, noon.Add(12*time.Minute))},
		{"log: in doubt", InDoubt(es(group(1, 0, 0, 0)), labels, s)},
		{"log: confirmed", Confirmed(es(group(1, 0, 0, 0)), labels, s)},
		{"log: silenced elsewhere", Held(es(group(0, 1, 0, 0)), labels, []bot.Silence{carol}, s)},
		{"log: inhibited", Held(es(group(0, 0, 1, 0)), labels, nil, s)},
		{"log: set free", Freed(es(group(1, 0, 0, 0)), labels, []bot.Silence{carol}, s)},
		{"log: a silence changed", SilenceChanged(carol, s)},
		{"log: a silence ends soon", SilenceEnds(carol, 2, s)},
		{"log: silenced from here", Silenced(carol, "5f0c", s)},
		{"log: unsilenced", Unsilenced("alice", []string{"5f0c"})},
		{"log: acked", Acked("alice", "on it", 2, 0)},
		{"log: acked, partly held", Acked("alice", "", 3, 1)},
		{"log: unacked", Unacked("alice", "")},
		{"log: the ack fell", Unacked("", "the severity rose to critical")},
		{"log: a forgotten ack", Forgotten(ack, 2, s)},
		{"log: worse", Worse(bot.SeverityWarning, bot.SeverityCritical)},
		{"log: failed", Failed("The silence", "Alertmanager main cannot be reached.")},
		{"log: heard again", Heard(bot.HeartbeatState{Name: "Watchdog", LastAt: noon, Returned: later}, s)},
		{"log: a picture", PictureOf(bot.Picture{Name: "HighLoad.png", PNG: []byte{1}, Alt: "HighLoad: 9 (1 to 9). Alert when > 5."})},
		{"log: no picture", NoPicture("no Prometheus is configured.")},
		{"a root that was made anew", root(group(1, 0, 0, 0), func(f *bot.ThreadFacts) { f.Remade = true })},
		{"a room far behind: merged", Merge([]bot.Entry{{At: noon, Message: Acked("alice", "on it", 1, 0)}, {At: later, Message: Unacked("alice", "")}, {At: later, Message: Resolved(es(over), labels, s)}}, s)},
		{"what no platform takes otherwise", Marker(firing.Thread)},
	}
}

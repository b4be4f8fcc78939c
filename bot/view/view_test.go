package view

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

var noon = time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)

func style(t testing.TB) Style {
	t.Helper()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	return Style{Zone: zone}
}

// text is a message in plain words, a line for each block and item.
func text(m bot.Message) string {
	lines := []string{m.Title.String()}
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case bot.Para:
			lines = append(lines, b.Text.String())
		case bot.Fields:
			for _, f := range b.Fields {
				lines = append(lines, f.Name+": "+f.Value.String())
			}
		case bot.List:
			for _, i := range b.Items {
				lines = append(lines, "- "+i.String())
			}
		}
	}
	return strings.Join(lines, "\n")
}

// group is a thread with so many alerts, all of one name.
func group(firing, silenced, inhibited, resolved int) bot.ThreadFacts {
	f := bot.ThreadFacts{Thread: bot.Thread{ID: "thr_X", Kind: bot.ThreadAlert, Version: 1, Severity: bot.SeverityWarning, OpenedAt: noon,
		State: bot.ThreadState{Alert: &bot.AlertState{GroupLabels: bot.Labels{"alertname": "HighLoad"}}}}}
	f.Counts = bot.EpisodeCounts{Firing: firing, Silenced: silenced, Inhibited: inhibited, Resolved: resolved, Since: noon}
	for i := range firing + silenced + inhibited + resolved {
		e := bot.Episode{ID: bot.EpisodeID(fmt.Sprint("epi_", i)), Number: i + 1, StartsAt: noon, Severity: bot.SeverityWarning,
			Labels: bot.Labels{"alertname": "HighLoad", "severity": "warning", "job": "node", "instance": fmt.Sprintf("web%d", i+1)}}
		switch {
		case i < firing:
		case i < firing+silenced:
			e.SilencedBy = []string{"s"}
		case i < firing+silenced+inhibited:
			e.InhibitedBy = []string{"i"}
		default:
			e.Resolved, e.EndsAt, e.Ended = true, noon.Add(12*time.Minute), bot.EndedByNotice
			f.Counts.LastEnd = e.EndsAt
		}
		f.Episodes = append(f.Episodes, e)
	}
	return f
}

// TestHeadlines: the first word is what people act on at night.
func TestHeadlines(t *testing.T) {
	for _, c := range []struct {
		f    bot.ThreadFacts
		want string
		tone bot.Tone
	}{
		{group(1, 0, 0, 0), "FIRING HighLoad on web1", bot.ToneWarning},
		{group(3, 0, 0, 0), "FIRING ×3 HighLoad", bot.ToneWarning},
		{group(1, 0, 0, 2), "FIRING ×1 HighLoad", bot.ToneWarning},
		{group(1, 2, 0, 0), "FIRING ×1 HighLoad", bot.ToneWarning},
		{group(0, 1, 0, 0), "SILENCED HighLoad on web1", bot.ToneMuted},
		{group(0, 0, 1, 0), "INHIBITED HighLoad on web1", bot.ToneMuted},
		{group(0, 0, 0, 2), "RESOLVED HighLoad", bot.ToneOK},
	} {
		if m := Root(c.f, style(t)); m.Title.String() != c.want || m.Tone != c.tone {
			t.Errorf("%s (%s), want %s (%s)", m.Title, m.Tone, c.want, c.tone)
		}
	}
	critical := group(1, 0, 0, 0)
	critical.Thread.Severity = bot.SeverityCritical
	if m := Root(critical, style(t)); !strings.HasPrefix(m.Title.String(), "CRITICAL ") || m.Tone != bot.ToneCritical {
		t.Errorf("%s (%s)", m.Title, m.Tone)
	}
	critical.Thread.State.Alert.Ack = &bot.Ack{By: "alice", At: noon}
	if m := Root(critical, style(t)); !strings.HasPrefix(m.Title.String(), "ACKED ") || m.Tone != bot.ToneCritical || !strings.Contains(text(m), "Acked by: alice") {
		t.Errorf("%s", text(m))
	}
}

func TestRootSaysWhatIsTrue(t *testing.T) {
	f := group(1, 1, 0, 1)
	f.Thread.State.Alert.Truncated = 7
	f.Thread.Former = "thr_OLD"
	f.Silences = []bot.Silence{{ID: "s", CreatedBy: "carol", EndsAt: noon.Add(time.Hour), Comment: "known [eff_ABC]"}}
	f.Changes = []bot.Change{{Host: "vulcan", Text: "rebooted", At: noon.Add(-time.Minute)}}
	got := text(Root(f, style(t)))
	for _, want := range []string{
		"Alerts: 1 firing, 1 silenced, 1 resolved", "Since: Mon 23 Nov 12:00 PST", "Silenced by: carol, until Mon 23 Nov 13:00 PST: known",
		"#1 instance=web1, since", "(silenced)", "resolved Mon 23 Nov 12:12 PST", "left 7 alerts out", "Before: thr_OLD", "rebooted, 1 min before", "Changed in the 6 h before", "Labels: job=node",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	// A root stands for hours without an edit: nothing in it may age.
	for _, aging := range []string{" ago", "eff_"} {
		if strings.Contains(got, aging) {
			t.Errorf("holds %q:\n%s", aging, got)
		}
	}
}

// TestLessDetailIsShorterAndCounted: what is left out is said, at every level.
func TestLessDetailIsShorterAndCounted(t *testing.T) {
	f := group(40, 0, 0, 0)
	f.Counts.Firing = 10_000
	last := 1 << 30
	for detail := range Details {
		s := style(t)
		s.Detail = detail
		m := Root(f, s)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) >= last {
			t.Errorf("detail %d is no shorter: %d bytes", detail, len(b))
		}
		last = len(b)
		listed := strings.Count(text(m), "- #")
		if want := fmt.Sprintf("and %d more", 10_000-listed); !strings.Contains(text(m), want) {
			t.Errorf("detail %d lists %d and lacks %q", detail, listed, want)
		}
	}
}

func TestEveryKindHasARoot(t *testing.T) {
	some := []bot.ThreadFacts{group(2, 0, 0, 0), group(0, 0, 0, 1)}
	for kind, st := range map[bot.ThreadKind]bot.ThreadState{
		bot.ThreadHeartbeat: {Heartbeat: &bot.HeartbeatState{Name: "Watchdog", Every: 10 * time.Minute}},
		bot.ThreadSilence:   {Silence: &bot.Silence{ID: "s", State: "active", CreatedBy: "carol", Matchers: []bot.Matcher{{Name: "a", Op: "=", Value: "b"}}}},
		bot.ThreadReboot:    {Reboot: &bot.RebootState{Host: "vulcan", At: noon, Until: noon.Add(5 * time.Minute)}},
		bot.ThreadDigest:    {Digest: &bot.DigestState{Since: noon, Until: noon}},
		bot.ThreadStorm:     {Storm: &bot.StormState{Peak: 2}},
		bot.ThreadNotice:    {Notice: &bot.NoticeState{Title: "Trouble", Text: "It happened.", Count: 2, Last: noon}},
	} {
		for _, closed := range []time.Time{{}, noon} {
			f := bot.ThreadFacts{Thread: bot.Thread{ID: "thr_X", Kind: kind, State: st, OpenedAt: noon, ClosedAt: closed}, Gathered: some}
			m := Root(f, style(t))
			if m.Title.String() == "" || len(m.Blocks) == 0 || m.Title.String() == string(kind) {
				t.Errorf("%s says only %q", kind, text(m))
			}
			if TitleOf(f.Thread) == "" {
				t.Errorf("%s has no name", kind)
			}
		}
	}
}

// TestStormNamesEveryGroup: hundreds of groups, all of them by name.
func TestStormNamesEveryGroup(t *testing.T) {
	f := bot.ThreadFacts{Thread: bot.Thread{Kind: bot.ThreadStorm, OpenedAt: noon, State: bot.ThreadState{Storm: &bot.StormState{Room: "ops"}}}}
	for i := range 200 {
		g := group(1, 0, 0, 0)
		g.Thread.State.Alert.GroupLabels = bot.Labels{"alertname": "Flood", "host": fmt.Sprintf("web%03d", i)}
		if i%50 == 0 {
			g.Thread.Severity = bot.SeverityCritical
		}
		f.Gathered = append(f.Gathered, g)
	}
	got := text(Root(f, style(t)))
	for i := range 200 {
		if !strings.Contains(got, fmt.Sprintf("web%03d", i)) {
			t.Fatalf("web%03d is not named:\n%s", i, got)
		}
	}
	if strings.Index(got, "critical: 4 groups") > strings.Index(got, "warning: 196 groups") {
		t.Error("the worst do not come first")
	}
}

// A root says whether its thread is over; its looks do not: a silenced alert looks as
// a denied plan does.
func TestRootsSayThatTheyAreOver(t *testing.T) {
	denied := bot.PlanState{Proposal: bot.Proposal{State: bot.Denied}}
	for _, kind := range []bot.Thread{group(0, 1, 0, 0).Thread, {Kind: bot.ThreadPlan, State: bot.ThreadState{Plan: &denied}}} {
		for _, closed := range []time.Time{{}, noon} {
			kind.ClosedAt = closed
			m := Root(bot.ThreadFacts{Thread: kind}, style(t))
			if m.Over == closed.IsZero() || Marker(kind).Over != m.Over {
				t.Errorf("%s, closed at %s: over is %t, and of its marker %t", kind.Kind, closed, m.Over, Marker(kind).Over)
			}
		}
	}
}

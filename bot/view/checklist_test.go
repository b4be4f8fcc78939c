package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// aRun has an item in every state.
func aRun() bot.ChecklistState {
	day := 24 * time.Hour
	age := func(hours float64, at time.Time, s bot.ReadingState, note string) bot.Reading {
		return bot.Reading{Host: "vulcan", What: "backup b2", Value: fmt.Sprintf("newest snapshot %v h ago", hours), Note: note, At: at, State: s}.With(hours*3600, bot.FigureSeconds)
	}
	items := []bot.ItemState{
		{Item: bot.Item{ID: "dashboards", Task: "Look at the dashboards for gaps and jumps", Person: "what is odd, no probe knows"}, Status: bot.ItemOpen},
		{Item: bot.Item{ID: "backups", Task: "Check that last night's backups are whole", Evidence: []string{"backup *"}}, Status: bot.ItemOpen,
			Verdict: bot.NotOK, Evidence: []bot.Reading{age(31, noon, bot.NotOK, "more than 26 h"), {Host: "vulcan", What: "restore b2", Value: "1,204 files restored and compared, 0 differ", State: bot.OK}},
			Before: []bot.Reading{age(6, noon.Add(-day), bot.OK, "")}, Since: noon.Add(-2 * day), Carried: 2, Assigned: "alice"},
		{Item: bot.Item{ID: "logins", Task: "Read the security events", Evidence: []string{"ssh root logins"}}, Status: bot.ItemOpen, Verdict: bot.Unknown,
			Evidence: []bot.Reading{{What: "ssh root logins", Note: "nothing measures it here", State: bot.Unknown}}},
		{Item: bot.Item{ID: "units", Task: "Check that every service runs"}, Status: bot.ItemDone, At: noon, Verdict: bot.OK, Evidence: []bot.Reading{{Host: "vulcan", What: "failed units", Value: "none of 212", State: bot.OK}}},
		{Item: bot.Item{ID: "docs", Task: "Bring the documentation up to date"}, Status: bot.ItemDone, By: "bob", At: noon, Reason: "nothing changed"},
		{Item: bot.Item{ID: "updates", Task: "Build the security updates"}, Status: bot.ItemSkipped, By: "bob", At: noon, Reason: "frozen until the fair is over"},
		{Item: bot.Item{ID: "disk", Task: "Replace the disk with bad sectors"}, Status: bot.ItemDeferred, By: "alice", At: noon, Reason: "it comes on Friday", Until: noon.Add(3 * day), Since: noon.Add(-day), Carried: 1},
	}
	for i := range items {
		items[i].Number = i + 1
	}
	return bot.ChecklistState{Name: "daily", Title: "Daily checklist", Firing: noon.Add(-4 * time.Hour), Until: noon.Add(20 * time.Hour), MeasuredAt: noon, Items: items}
}

func checklistPages(s Style) []page {
	thread := func(st bot.ChecklistState, closed time.Time) bot.Message {
		return Root(bot.ThreadFacts{Thread: bot.Thread{ID: "thr_X", Kind: bot.ThreadChecklist, State: bot.ThreadState{Checklist: &st}, OpenedAt: noon, ClosedAt: closed}}, s)
	}
	run := aRun()
	late := aRun()
	late.Cause = "was due Wed 14 Jan 08:00 CET, when I was not running; made up for now"
	late.Unmade = Unmade(bot.Schedule{Unmade: 3, UnmadeFrom: noon.Add(-72 * time.Hour), UnmadeTo: noon.Add(-24 * time.Hour), UnmadeWhy: "I was not running"}, 1000, s)
	late.MeasuredAt, late.Measuring = time.Time{}, "eff_1"
	after := aRun()
	after.Title, after.Host, after.Cause = "Validation", "vulcan", "after: switched to generation 42 on vulcan"
	complete := aRun()
	for i := range complete.Items {
		if x := &complete.Items[i]; x.Status == bot.ItemOpen {
			x.Status, x.By, x.Verdict = bot.ItemDone, "alice", bot.OK
		}
	}
	ticked := []ItemNews{{Item: run.Items[3], Was: bot.ItemOpen}}
	turned := []ItemNews{{Item: run.Items[1], Was: bot.ItemDone}}
	carried, _ := Carried(run, []bot.ItemState{{Item: bot.Item{Task: "Rotate the keys"}}}, s)
	done := bot.Proposal{State: bot.Done, Plan: bot.Plan{ID: "pln_K7QF2M", Draft: bot.Draft{Summary: "verify b2"}}, Evidence: []bot.Reading{{What: "restore b2", Value: "12 files, 0 differ", State: bot.OK}}}
	failed := done
	failed.State = bot.Failed
	unsure := done
	unsure.Evidence = []bot.Reading{{What: "restore b2", Note: "nothing was compared", State: bot.Unknown}}
	unsureItem := run.Items[0]
	unsureItem.Verdict = bot.Unknown
	offered := run.Items[1]
	offered.Status, offered.Verdict = bot.ItemDone, bot.OK
	drill := aRun()
	drill.Name, drill.Title, drill.Firing = "drill", "Disaster recovery drill", noon.Add(-3*time.Hour)
	drill.Incident = &bot.IncidentState{Name: "drill", What: "of the quarter", By: "alice", Lead: "alice"}
	for i := range drill.Items {
		x := &drill.Items[i]
		x.Evidence, x.Verdict, x.Carried, x.Comments = nil, "", 0, nil
		if i < 3 {
			x.Status, x.By, x.At = bot.ItemDone, "alice", drill.Firing.Add([]time.Duration{12 * time.Minute, 115 * time.Minute, 31 * time.Minute}[i])
		}
	}
	drill.Items[2].Comments = []bot.Comment{{By: "bob", Text: "the second factor of B2 was in the host"}}
	drill.Items[5].Status, drill.Items[5].Assigned = bot.ItemOpen, "bob"
	withMenu := func() bot.Message {
		s := s
		s.Buttons = true
		st := run
		return Root(bot.ThreadFacts{Thread: bot.Thread{ID: "thr_X", Kind: bot.ThreadChecklist, State: bot.ThreadState{Checklist: &st}}}, s)
	}()
	return []page{
		{"a checklist", thread(run, time.Time{})},
		{"a checklist, made up for", thread(late, time.Time{})},
		{"a checklist after a switch", thread(after, time.Time{})},
		{"a checklist that is complete", thread(complete, noon.Add(time.Hour))},
		{"a checklist that ended", thread(run, noon.Add(20*time.Hour))},
		{"a checklist with buttons", withMenu},
		{"log: evidence, the first look", Looked(run, bot.Measure{}, true, ticked, s)},
		{"log: evidence again", Looked(run, bot.Measure{}, false, turned, s)},
		{"log: evidence of one item, nothing new", Looked(run, bot.Measure{Number: 2}, false, nil, s)},
		{"log: an item is done", ItemSet(run, run.Items[4], bot.ItemOpen, "bob", s)},
		{"log: an item is done against its evidence", ItemSet(run, func() bot.ItemState { x := run.Items[1]; x.Status = bot.ItemDone; return x }(), bot.ItemOpen, "bob", s)},
		{"log: an item is skipped", ItemSet(run, run.Items[5], bot.ItemOpen, "bob", s)},
		{"log: an item is deferred", ItemSet(run, run.Items[6], bot.ItemOpen, "alice", s)},
		{"log: a deferred item is opened", ItemSet(run, run.Items[0], bot.ItemDeferred, "alice", s)},
		{"log: a deferred item's time came", Undeferred(run.Items[6], s)},
		{"log: a comment", Commented(run.Items[0], "bob", "two panels are empty")},
		{"log: an item is assigned", Assigned(run.Items[1], "bob")},
		{"log: an item is nobody's", Assigned(run.Items[0], "bob")},
		{"log: carried over", carried},
		{"log: what is left, before the end", LeftOver(run, noon, s)},
		{"log: the end of a run", RunSummary(run, "", s)},
		{"log: the end of a complete run", RunSummary(complete, "", s)},
		{"log: a step of a drill is done", ItemSet(drill, drill.Items[1], bot.ItemOpen, "alice", s)},
		{"log: what an item offered is done", Offered(offered, done, s)},
		{"log: what an item offered is done and found nothing", Offered(unsureItem, unsure, s)},
		{"log: what an item offered failed", Offered(run.Items[1], failed, s)},
		{"log: a month's report", Report(bot.Report{From: noon.AddDate(0, -1, 0), To: noon, Alerts: 12, Criticals: 2,
			Lists: []bot.ListReport{{Title: "Daily checklist", Runs: 30, ByEvidence: 180, ByPeople: 25, Skipped: 2, Left: 3, Longest: "Read the security events", Carried: 2}},
			Incidents: []bot.IncidentReport{{List: "Incident", Title: "Incident wiki", What: "pages time out", OpenedAt: noon.AddDate(0, 0, -9), Took: 72 * time.Minute, Done: 7, All: 8, FollowUps: 2, FollowUpsOpen: 1},
				{List: "Disaster recovery drill", Title: "Disaster recovery drill", What: "of the quarter", OpenedAt: noon.Add(-3 * time.Hour), Took: 3 * time.Hour, Open: true, Done: 3, All: 9}},
			Plans:   []bot.Tally{{What: "done", N: 4}, {What: "undone", N: 1}},
			Changes: []bot.Tally{{What: "switch", N: 5}, {What: "reboot", N: 1}},
			Trends: []bot.Trend{{Host: "vulcan", What: "disk /", First: bot.Reading{Value: "3.1 % of 1 TiB", At: noon.AddDate(0, -1, 0)}.With(3.1, bot.FigurePercent), Last: bot.Reading{Value: "4.8 % of 1 TiB", At: noon}.With(4.8, bot.FigurePercent)},
				{Host: "vulcan", What: "generations kept", First: bot.Reading{At: noon.AddDate(0, -1, 0)}.With(5, bot.FigureCount), Last: bot.Reading{At: noon}.With(5, bot.FigureCount)}}},
			[]bot.Picture{{Name: "trends.png", Alt: "disk / 3.1 % to 4.8 %"}}, s)},
		{"log: a review's beginning", Report(bot.Report{From: noon.AddDate(0, -3, 0), To: noon, Alerts: 41, Criticals: 3, Known: noon.AddDate(0, -2, 0),
			Review: &bot.Review{
				Lost: "of a group of alerts that fired for over a week, what had ended a week before is not kept", EarlierKnown: noon.AddDate(0, -2, 0),
				Changes: []bot.Change{{Host: "vulcan", Kind: bot.ChangeReboot, Text: "vulcan rebooted", At: noon.Add(-time.Hour)}, {Host: "vulcan", Kind: bot.ChangeSwitch, Text: "switched to generation 55", At: noon.AddDate(0, -1, 0)}},
				Runs:    []bot.Ran{{Plan: "p-1", Host: "vulcan", Summary: "Roll back to generation 54", State: bot.Undone, At: noon.AddDate(0, -1, 0)}},
				New:     []string{"DiskFull", "ZpoolDegraded"},
			},
			Trends: []bot.Trend{{Host: "vulcan", What: "generations kept", First: bot.Reading{At: noon.AddDate(0, -1, 0)}.With(5, bot.FigureCount), Last: bot.Reading{At: noon}.With(5, bot.FigureCount)},
				{Host: "vulcan", What: "disk /", First: bot.Reading{Value: "3.1 % of 1 TiB", At: noon.AddDate(0, -1, 0)}.With(3.1, bot.FigurePercent), Last: bot.Reading{Value: "4.8 % of 1 TiB", At: noon}.With(4.8, bot.FigurePercent)}}}, nil, s)},
		{"log: a review's beginning, of a new state", Report(bot.Report{From: noon.AddDate(0, -3, 0), To: noon, Known: noon.Add(-time.Hour), Review: &bot.Review{}}, nil, s)},
		{"log: a report of nothing", Report(bot.Report{From: noon.AddDate(0, -1, 0), To: noon}, nil, s)},
		{"log: a report of a month that is known in part", Report(bot.Report{From: noon.AddDate(0, -1, 0), To: noon, Known: noon.AddDate(0, 0, -3), Alerts: 1}, nil, s)},
		{"log: a report of a month before the state began", Report(bot.Report{From: noon.AddDate(0, -2, 0), To: noon.AddDate(0, -1, 0), Known: noon.AddDate(0, 0, -3)}, nil, s)},
		{"answer: paused", Paused("Daily checklist", bot.Schedule{PausedBy: "bob", PausedUntil: noon.Add(72 * time.Hour), Reason: "holidays"}, s)},
		{"answer: resumed", Paused("Daily checklist", bot.Schedule{Next: noon.Add(20 * time.Hour)}, s)},
	}
}

// However little room there is, what is left is told, and how much more there is.
func TestALongChecklistTellsWhatItLeavesOut(t *testing.T) {
	run := aRun()
	for len(run.Items) < 200 {
		x := run.Items[len(run.Items)%7]
		x.Number = len(run.Items) + 1
		run.Items = append(run.Items, x)
	}
	before := 1 << 30
	for detail := range Details {
		s := style(t)
		s.Detail = detail
		m := Root(bot.ThreadFacts{Thread: bot.Thread{ID: "thr_X", Kind: bot.ThreadChecklist, State: bot.ThreadState{Checklist: &run}}}, s)
		got := text(m)
		if !strings.Contains(got, "and ") || !strings.Contains(got, " more") {
			t.Errorf("detail %d does not tell that more is left", detail)
		}
		if len(got) > before {
			t.Errorf("detail %d is longer than the one before", detail)
		}
		before = len(got)
	}
	if before > 3000 {
		t.Errorf("the shortest form has %d bytes", before)
	}
}

// A figure is compared with one of the same unit alone, whatever a probe calls it.
func TestFiguresOfAnotherUnitAreNotCompared(t *testing.T) {
	now := bot.Reading{What: "disk /", Value: "61 %"}.With(61, bot.FigurePercent)
	for unit, want := range map[string]string{bot.FigurePercent: "disk / 61 %, was 42 % on 22 Nov", bot.FigureBytes: "disk / 61 %", "": "disk / 61 %"} {
		before := bot.Reading{What: "disk /", At: noon.AddDate(0, 0, -1)}.With(42, unit)
		if got := readingText(now, []bot.Reading{before}, style(t)); got != want {
			t.Errorf("before in %q: %q, want %q", unit, got, want)
		}
	}
}

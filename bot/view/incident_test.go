package view

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// anIncident is half done, opened from an alert.
func anIncident() bot.Thread {
	at := func(min int) time.Time { return noon.Add(time.Duration(min) * time.Minute) }
	run := bot.ChecklistState{Name: "incident", Title: "Incident", Firing: noon, MeasuredAt: at(1), Incident: &bot.IncidentState{
		Name: "wiki", What: "pages time out since 11:50.", By: "alice", Lead: "bob", About: "thr_ALERT222", AboutTitle: "WikiDown", FollowUps: 2,
		Findings: []bot.Comment{{By: "alice", At: at(9), Text: "the disk of the database is full"}}}}
	for i, task := range []string{"Say who leads", "Write down what people see", "Stop the harm", "Look at what changed", "Mend it"} {
		run.Items = append(run.Items, bot.ItemState{Item: bot.Item{Task: task, Person: "Only people know."}, Number: i + 1, Status: bot.ItemOpen})
	}
	for i, min := range map[int]int{0: 2, 1: 14, 3: 5} {
		run.Items[i].Status, run.Items[i].By, run.Items[i].At = bot.ItemDone, "alice", at(min)
	}
	run.Items[2].Status, run.Items[2].By, run.Items[2].Reason = bot.ItemSkipped, "bob", "nothing gets worse"
	run.Items[4].Evidence = []bot.Reading{{What: "disk /", Value: "99 %", State: bot.NotOK}}
	run.Items[4].Verdict, run.Items[4].Assigned = bot.NotOK, "bob"
	run.Items[1].Comments = []bot.Comment{{By: "bob", Text: "two users called"}}
	return bot.Thread{ID: "thr_X", Kind: bot.ThreadChecklist, Severity: bot.SeverityCritical, OpenedAt: noon, State: bot.ThreadState{Checklist: &run}}
}

func itsFollowUps() []bot.FollowUp {
	return []bot.FollowUp{
		{Origin: "thr_X", OriginTitle: "Incident wiki", Number: 1, Text: "order a second disk", By: "alice", At: noon.Add(20 * time.Minute), Owner: "bob", Due: noon.AddDate(0, 0, 7), Status: bot.ItemOpen},
		{Origin: "thr_X", OriginTitle: "Incident wiki", Number: 2, Text: "alert before it is full", By: "alice", At: noon.Add(21 * time.Minute), Status: bot.ItemDone, EndedBy: "olga", Reason: "the rule is there"},
	}
}

func incidentPages(s Style) []page {
	open, todo := anIncident(), itsFollowUps()
	in := open.State.Checklist.Incident
	root := func(t bot.Thread, todo []bot.FollowUp) bot.Message {
		return Root(bot.ThreadFacts{Thread: t, FollowUps: todo, Changes: []bot.Change{{Host: "vulcan", Kind: bot.ChangeSwitch, Text: "generation 41 -> 42 on vulcan", At: noon.Add(-20 * time.Minute)}}}, s)
	}
	buttons := s
	buttons.Buttons = true
	closed := func(still bot.Still) bot.Thread {
		t := anIncident()
		t.ClosedAt = noon.Add(72 * time.Minute)
		x := t.State.Checklist.Incident
		x.EndedBy, x.Why, x.Still = "bob", "pages are there again", &still
		return t
	}
	bare := closed(bot.Still{})
	bare.Severity = bot.SeverityUnknown
	bare.State.Checklist.Incident = &bot.IncidentState{Name: "drill", What: "of the quarter", By: "alice", Lead: "alice", Still: &bot.Still{}}
	bare.State.Checklist.Name, bare.State.Checklist.Title = "drill", "Disaster recovery drill"
	for i := range bare.State.Checklist.Items {
		x := &bare.State.Checklist.Items[i]
		x.Status, x.By, x.At, x.Comments, x.Verdict, x.Evidence = bot.ItemDone, "alice", noon.Add(time.Duration(i+1)*time.Minute), nil, "", nil
	}
	firing := bot.Still{Alerts: 2, Others: 1, Names: []string{"WikiDown (1 firing, 1 silenced)"}}
	asItem := bot.ItemState{Number: 9, Status: bot.ItemOpen, Assigned: "bob", FollowUp: &todo[0], Item: bot.Item{Task: todo[0].Text, Person: "Nothing measures it."}}
	weekly := aRun()
	weekly.Items = append(weekly.Items, asItem)
	taken, _ := Carried(weekly, nil, s)
	return []page{
		{"an incident", root(open, todo)},
		{"an incident with buttons", Root(bot.ThreadFacts{Thread: open}, buttons)},
		{"an incident, closed while alerts fire", root(closed(firing), todo)},
		{"an incident, closed in the dark", root(closed(bot.Still{Unknown: "Alertmanager main has not told lately"}), nil)},
		{"a drill that is over", root(bare, nil)},
		{"a checklist with a follow-up", Root(bot.ThreadFacts{Thread: bot.Thread{ID: "thr_Y", Kind: bot.ThreadChecklist, State: bot.ThreadState{Checklist: &weekly}}}, s)},
		{"log: a follow-up is taken over", taken},
		{"log: in an alert's thread, an incident is open", IncidentOpened(open)},
		{"log: in an alert's thread, an incident is closed", IncidentOver(open)},
		{"log: its alert is over", AlertTurned(bot.Thread{ID: "thr_ALERT222", ClosedAt: noon, State: bot.ThreadState{Alert: &bot.AlertState{GroupLabels: bot.Labels{"alertname": "WikiDown"}}}})},
		{"log: its alert fires again", AlertTurned(bot.Thread{ID: "thr_ALERT222", State: bot.ThreadState{Alert: &bot.AlertState{GroupLabels: bot.Labels{"alertname": "WikiDown"}}}})},
		{"log: somebody else leads", Leads(*in, "alice")},
		{"log: somebody takes the lead", Leads(*in, "bob")},
		{"log: a finding", Found(in.Findings[0])},
		{"log: a follow-up", ToFollowUp(todo[0], "Weekly checklist", noon.AddDate(0, 0, 3), s)},
		{"log: a follow-up that no list takes", ToFollowUp(bot.FollowUp{Number: 3, Text: "write it down"}, "", time.Time{}, s)},
		{"log: a follow-up is done", FollowedUp(todo[1])},
		{"log: no step is left", AllStepsDone()},
		{"log: an incident is open still", StillOpen(*open.State.Checklist, noon.Add(4*time.Hour))},
		{"log: the end of an incident", IncidentSummary(closed(firing), todo, s)},
		{"log: the end of an incident in the dark", IncidentSummary(closed(bot.Still{Unknown: "Alertmanager main has not told lately"}), nil, s)},
		{"log: the end of a drill", IncidentSummary(bare, nil, s)},
	}
}

// What fires at the closing decides how the closed root is headed: never as if all were
// well where something fires, or where that is unknown.
func TestAClosedIncidentSaysWhatFired(t *testing.T) {
	for _, x := range []struct {
		still bot.Still
		tone  bot.Tone
		word  string
	}{
		{bot.Still{}, bot.ToneOK, "CLOSED"},
		{bot.Still{Alerts: 1}, bot.ToneWarning, "CLOSED WITH 1 ALERT STILL FIRING"},
		{bot.Still{Alerts: 1, Unknown: "x"}, bot.ToneWarning, "CLOSED WITH 1 ALERT STILL FIRING"},
		{bot.Still{Unknown: "x"}, bot.ToneUnknown, "CLOSED, WHETHER ALERTS FIRED IS UNKNOWN"},
	} {
		th := anIncident()
		th.ClosedAt = noon.Add(time.Hour)
		th.State.Checklist.Incident.Still = &x.still
		if tone, word := incidentState(th); tone != x.tone || word != x.word {
			t.Errorf("%+v: %s, %s", x.still, tone, word)
		}
	}
}

// Times are told in the order of the clock, whatever the steps' numbers are.
func TestStepsGoByTheClock(t *testing.T) {
	got := ""
	for _, x := range stepsDone(*anIncident().State.Checklist, style(t)) {
		got += x.String() + "\n"
	}
	want := `1. Say who leads: alice, at 2 min, took 2 min
4. Look at what changed: alice, at 5 min, took 3 min
2. Write down what people see: alice, at 14 min, took 9 min
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

// However many follow-ups and findings there are, the shortest root tells how many.
func TestALongIncidentTellsWhatItLeavesOut(t *testing.T) {
	th := anIncident()
	in := th.State.Checklist.Incident
	var todo []bot.FollowUp
	for i := range bot.MostFollowUps {
		x := itsFollowUps()[0]
		x.Number = i + 1
		todo = append(todo, x)
	}
	for len(in.Findings) < bot.MostFindings {
		in.Findings = append(in.Findings, bot.Comment{By: "alice", Text: strings.Repeat("long ", 1000)})
	}
	for detail := range Details {
		s := style(t)
		s.Detail = detail
		got := text(Root(bot.ThreadFacts{Thread: th, FollowUps: todo}, s))
		if strings.Count(got, " more") < 2 {
			t.Errorf("detail %d does not tell what it leaves out:\n%s", detail, got)
		}
		if detail == Details-1 && len(got) > 2000 {
			t.Errorf("the shortest form has %d bytes", len(got))
		}
	}
}

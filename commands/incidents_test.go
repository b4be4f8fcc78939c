package commands

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func incidentThread(id bot.ThreadID, name string) bot.Thread {
	run := &bot.ChecklistState{Name: "incident", Title: "Incident", Firing: noon.Add(-72 * time.Minute),
		Incident: &bot.IncidentState{Name: name, What: "pages time out", By: "alice", Lead: "alice"}}
	for i, task := range []string{"Say who leads", "Write down what people see", "Mend it"} {
		run.Items = append(run.Items, bot.ItemState{Item: bot.Item{ID: "x", Task: task}, Number: i + 1, Status: bot.ItemOpen})
	}
	run.Items[0].Status, run.Items[0].By = bot.ItemDone, "alice"
	return bot.Thread{ID: id, Kind: bot.ThreadChecklist, OpenedAt: run.Firing, State: bot.ThreadState{Checklist: run}}
}

// atWork is a world with lists that people open, and the incidents that are open.
func atWork(t *testing.T, open ...bot.Thread) *fakeWorld {
	w := newWorld(t)
	w.lists = append(w.lists, bot.ScheduleFacts{Checklist: bot.Checklist{Name: "incident", Title: "Incident", Timed: true}},
		bot.ScheduleFacts{Checklist: bot.Checklist{Name: "drill", Title: "Disaster recovery drill", Timed: true}})
	w.incidents.Open = open
	w.threads = []bot.ThreadFacts{disk()}
	for _, th := range open {
		w.threads = append(w.threads, bot.ThreadFacts{Thread: th})
	}
	return w
}

func TestIncidentOutcomes(t *testing.T) {
	wiki, mail := incidentThread("thr_WIKI2222", "wiki"), incidentThread("thr_MAIL2222", "mail")
	day := func(d int) time.Time { return time.Date(2026, 1, d, 22, 59, 0, 0, time.UTC) }
	todo := func(x bot.AddFollowUp) bot.AddFollowUp {
		x.Thread = wiki.ID
		return x
	}
	for _, x := range []struct {
		in   bot.ThreadID
		line string
		want bot.Outcome
	}{
		{"", "incident open wiki2 because pages time out", bot.OpenIncident{Name: "wiki2", List: "incident", What: "pages time out"}},
		{"", "incident open wiki2 critical because x", bot.OpenIncident{Name: "wiki2", List: "incident", What: "x", Severity: bot.SeverityCritical}},
		{"", "incident open drill because of the quarter", bot.OpenIncident{Name: "drill", List: "drill", What: "of the quarter"}},
		{"", "incident open DRILL info because x", bot.OpenIncident{Name: "drill", List: "drill", What: "x", Severity: bot.SeverityInfo}},
		{diskID, "incident open because it fills", bot.OpenIncident{Name: "DiskFull", List: "incident", What: "it fills", About: diskID}},
		{diskID, "incident open tank warning because it fills", bot.OpenIncident{Name: "tank", List: "incident", What: "it fills", About: diskID, Severity: bot.SeverityWarning}},
		{wiki.ID, "incident close", bot.CloseIncident{Thread: wiki.ID}},
		{wiki.ID, "incident close because it answers", bot.CloseIncident{Thread: wiki.ID, Why: "it answers"}},
		{"", "incident close of mail", bot.CloseIncident{Thread: mail.ID}},
		{wiki.ID, "incident close of mail because x", bot.CloseIncident{Thread: mail.ID, Why: "x"}},
		{wiki.ID, "incident lead me", bot.LeadIncident{Thread: wiki.ID, To: "alice"}},
		{"", "incident lead @Root of wiki", bot.LeadIncident{Thread: wiki.ID, To: "root"}},
		{wiki.ID, "finding the disk is full", bot.AddFinding{Thread: wiki.ID, Text: "the disk is full"}},
		{wiki.ID, "followup order a second disk", todo(bot.AddFollowUp{Text: "order a second disk"})},
		{wiki.ID, "followup order a second disk for root by friday", todo(bot.AddFollowUp{Text: "order a second disk", Owner: "root", Due: day(16)})},
		{wiki.ID, "followup order a second disk by 2026-01-31 for @root.", todo(bot.AddFollowUp{Text: "order a second disk", Owner: "root", Due: day(31)})},
		{wiki.ID, "followup order it, by today of daily for me", todo(bot.AddFollowUp{Text: "order it", Owner: "alice", Due: day(14), List: "daily"})},
		// What is not quite one of these stays in the text.
		{wiki.ID, "followup replace the cables for backups by fibre", todo(bot.AddFollowUp{Text: "replace the cables for backups by fibre"})},
		{wiki.ID, "followup make a copy of validation", todo(bot.AddFollowUp{Text: "make a copy of validation"})},
		{wiki.ID, "followup for root", todo(bot.AddFollowUp{Text: "for root"})},
		{wiki.ID, "done 2", bot.SetItem{Thread: wiki.ID, Number: 2, Status: bot.ItemDone}},
		{"", "done 2 of mail", bot.SetItem{Thread: mail.ID, Number: 2, Status: bot.ItemDone}},
	} {
		out, err := ask(t, atWork(t, wiki, mail), operator, x.in, x.line)
		if err != nil || out != x.want {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", x.line, out, err, x.want)
		}
	}
	// In the thread of the alert that it was opened from, it is meant.
	about := incidentThread("thr_DISK3333", "DiskFull")
	about.State.Checklist.Incident.About = diskID
	out, err := ask(t, atWork(t, wiki, about), operator, diskID, "finding it is the log")
	if err != nil || out != (bot.AddFinding{Thread: about.ID, Text: "it is the log"}) {
		t.Errorf("%+v, %v", out, err)
	}
	// What is closed can still be written into, in its own thread.
	over := incidentThread("thr_OVER2222", "over")
	over.ClosedAt = noon
	w := atWork(t, wiki)
	w.threads = append(w.threads, bot.ThreadFacts{Thread: over})
	if out, err := ask(t, w, operator, over.ID, "followup write it down"); err != nil || out != (bot.AddFollowUp{Thread: over.ID, Text: "write it down"}) {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestIncidentFaults(t *testing.T) {
	wiki, mail := incidentThread("thr_WIKI2222", "wiki"), incidentThread("thr_MAIL2222", "mail")
	for _, x := range []struct{ line, want string }{
		{"incident open", "incident open: REASON is missing. Usage: `incident open [NAME] [critical|warning|info] because REASON…`"},
		{"incident open wiki", "incident open wiki: REASON is missing. Usage: `incident open [NAME] [critical|warning|info] because REASON…`"},
		{"incident open because x", "incident open: say what to call it, e.g. `incident open wiki because pages time out`; or say it in an alert's thread."},
		{"incident open a/b because x", "incident open a/b because x: `a/b` (word 3) is no reason; write `because` and why. Usage: `incident open [NAME] [critical|warning|info] because REASON…`"},
		{"incident clsoe", "There is no command `incident clsoe`. Did you mean `incident close`?"},
		{"incident close", "incident close: which incident? Say it in its thread, or with one behind it: `of wiki` or `of mail`."},
		{"incident close of web", "No incident `web` is open; there is `wiki` or `mail`."},
		{"incident lead mallory of wiki", "There is nobody `mallory` in my configuration."},
		{"incident lead oscar of wiki", "Whoever leads must be able to close it: oscar has not the role operator."},
		{"finding the disk", "finding: which incident? 2 are open. Say it in the thread of the one that is meant; `incident` lists them."},
		{"finding", "finding: TEXT is missing. Usage: `finding TEXT…`"},
		{"schedule run drill", "Disaster recovery drill begins with `incident open drill because …`."},
		{"schedule run incident", "Incident begins with `incident open NAME because …`."},
		{"done 1 of drill", "Disaster recovery drill is not open. `incident open drill because …` begins one."},
	} {
		_, err := ask(t, atWork(t, wiki, mail), operator, "", x.line)
		if err == nil || bot.ForPeople(err) != x.want {
			t.Errorf("%s:\ngot  %v\nwant %s", x.line, err, x.want)
		}
	}
	for _, x := range []struct{ line, want string }{
		{"followup order it for @mallory", "There is nobody `@mallory` in my configuration."},
		{"followup order it by wednesday", "followup: today is Wednesday; write `by today`, or the date."},
		{"followup order it by 2025-12-24", "followup: `2025-12-24` has passed."},
		{"followup order it by 2028-12-24", "followup: `2028-12-24` is more than a year away."},
		{"followup " + strings.Repeat("x", 301) + " for me", "followup: that has 301 letters, and a line in a list has room for 300: say it in short, and the rest with `finding …`."},
	} {
		_, err := ask(t, atWork(t, wiki), operator, wiki.ID, x.line)
		if err == nil || bot.ForPeople(err) != x.want {
			t.Errorf("%s:\ngot  %v\nwant %s", x.line, err, x.want)
		}
	}
	for _, line := range []string{"incident close", "incident lead me", "finding x", "followup x"} {
		_, err := ask(t, atWork(t), operator, "", line)
		wantError(t, err, bot.CodeNotFound, "No incident is open. `incident open NAME because …` opens one.")
		if _, err := ask(t, atWork(t, wiki), observer, wiki.ID, line); err == nil || !strings.Contains(err.Error(), "needs the role operator") {
			t.Errorf("%s of an observer: %v", line, err)
		}
	}
	w := newWorld(t)
	w.lists = nil
	_, err := ask(t, w, operator, "", "incident open wiki because x")
	wantError(t, err, bot.CodeNotFound, "No list of steps is configured: write `checklists: {lists: [{name: incident}]}` into my configuration.")
}

// People talk of incidents, too.
func TestTalkOfIncidents(t *testing.T) {
	i := New(All())
	for line, want := range map[string]bool{
		"incident": true, "incident open wiki because x": true, "incident open wiki": true, "incident open because x": true, "incident close": true, "incident close of wiki": true,
		"finding the second factor was on the host": true, "followup order a disk": true, "Incident open wiki critical because x": true,
		"incident at 3 in the night": false, "incidents are rare": false, "incident closed at 3": false, "incident open and shut": false, "incident close to being solved": false,
		"findings so far": false, "follow up on this": false, "follow-up needed": false, "incident report is ready": false,
	} {
		if got := i.Meant(line, false); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

func TestIncidentPages(t *testing.T) {
	w := atWork(t, incidentThread("thr_WIKI2222", "wiki"))
	w.incidents.Last = incidentThread("thr_LAST2222", "mail")
	w.incidents.Last.ClosedAt = noon.Add(-time.Hour)
	w.incidents.FollowUps = []bot.FollowUp{
		{Origin: "thr_LAST2222", OriginTitle: "Incident mail", Number: 1, Text: "order a second disk", At: noon.AddDate(0, 0, -6), Owner: "root", Due: noon.AddDate(0, 0, -1), List: "weekly"},
		{Origin: "thr_LAST2222", OriginTitle: "Incident mail", Number: 2, Text: "write it down", At: noon.Add(-time.Hour), Due: noon.AddDate(0, 0, 2)}}
	out, err := ask(t, w, observer, "", "incident")
	want := `Open: 1 incident or drill
- Incident wiki for 1 h 12 min, alice leads: pages time out; 2 of 3 steps left, next 2. Write down what people see · thr_WIKI2222
Closed last: Incident mail Wed 14 Jan 14:00 CET, after 12 min: pages time out · thr_LAST2222
To follow up
- order a second disk: root's, of Incident mail, 6 d old, was due Tue 13 Jan · checklist weekly
- write it down: nobody's, of Incident mail, 1 h old, by Fri 16 Jan
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
	out, err = ask(t, w, observer, "", "checklist")
	mustContain(t, said(t, out, err), "- Incident wiki checklist of wiki: 2 of 3 left, open since Wed 14 Jan 13:48 CET", "Weekly checklist checklist weekly: 4 of 5 left, of Wed 14 Jan; 1 follow-up waits for the next one")
	out, err = ask(t, w, observer, "thr_WIKI2222", "checklist")
	mustContain(t, said(t, out, err), "Incident wiki of Wed 14 Jan: 2 of 3 left", "- 1. done: Say who leads")
	// Once the weekly list has it, it waits no more, and the list says what it is of.
	run := w.lists[1].Run.State.Checklist
	run.Items = append(run.Items, bot.ItemState{Number: 6, Status: bot.ItemOpen, Assigned: "root", FollowUp: &w.incidents.FollowUps[0], Item: bot.Item{Task: "order a second disk"}})
	out, err = ask(t, w, observer, "", "checklist weekly")
	mustContain(t, said(t, out, err), "- 6. open: order a second disk (root), of Incident mail, 6 d old, was due Tue 13 Jan")
	out, err = ask(t, w, observer, "", "checklist")
	if got := said(t, out, err); strings.Contains(got, "waits") {
		t.Errorf("it waits though the list has it:\n%s", got)
	}
	out, err = ask(t, w, observer, "", "checklist 6 of weekly")
	mustContain(t, said(t, out, err), "Follow-up: of Incident mail, 6 d old, was due Tue 13 Jan, thr_LAST2222")
	out, err = ask(t, w, observer, "", "schedule")
	mustContain(t, said(t, out, err), "- Incident (incident): begins with incident open NAME because …; never run yet", "- Disaster recovery drill (drill): begins with incident open drill because …")
	out, err = ask(t, atWork(t), observer, "", "incident")
	if got := said(t, out, err); got != "No incident is open\n" {
		t.Errorf("got\n%s", got)
	}
}

package commands

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// checklists are an open daily one, an open weekly one, and one that never ran.
func checklists() []bot.ScheduleFacts {
	run := func(name, title string, id bot.ThreadID) bot.Thread {
		st := bot.ChecklistState{Name: name, Title: title, Firing: noon.Add(-6 * time.Hour), Until: noon.Add(18 * time.Hour), MeasuredAt: noon.Add(-6 * time.Hour)}
		for i, task := range []string{"Look at the dashboards", "Check last night's backups", "Read the security events", "Restore a backup", "Read the documentation"} {
			st.Items = append(st.Items, bot.ItemState{Item: bot.Item{ID: "x", Task: task}, Number: i + 1, Status: bot.ItemOpen})
		}
		st.Items[0].Item.Person = "only a person sees what is odd"
		st.Items[0].Item.Runbook, st.Items[0].Item.Look, st.Items[0].Item.Why = "dashboards", []string{"`graph up` for gaps"}, "Gaps hide outages."
		st.Items[1] = bot.ItemState{Number: 2, Item: bot.Item{ID: "backups", Task: "Check last night's backups", Plan: "Check backup completion", Evidence: []string{"backup *"}},
			Status: bot.ItemOpen, Verdict: bot.NotOK, Since: noon.AddDate(0, 0, -2), Carried: 2, Assigned: "alice",
			Evidence: []bot.Reading{{Host: "vulcan", What: "backup b2", Value: "31 h old", Note: "more than 26 h", Source: "restic snapshots", State: bot.NotOK, Figure: 111600, Unit: "s"}},
			Before:   []bot.Reading{{Host: "vulcan", What: "backup b2", Value: "6 h old", At: noon.AddDate(0, 0, -1), Figure: 21600, Unit: "s"}},
			Comments: []bot.Comment{{By: "root", At: noon.Add(-time.Hour), Text: "the line was down"}}}
		st.Items[2].Item.Evidence = []string{"ssh root logins"}
		st.Items[2].Item.Role = bot.RoleAdmin
		st.Items[3].Item.Offer = "backup verify"
		st.Items[4].Status, st.Items[4].By, st.Items[4].At = bot.ItemDone, "root", noon.Add(-time.Hour)
		return bot.Thread{ID: id, Kind: bot.ThreadChecklist, OpenedAt: st.Firing, State: bot.ThreadState{Checklist: &st}}
	}
	daily, weekly := run("daily", "Daily checklist", "thr_DAILY222"), run("weekly", "Weekly checklist", "thr_WEEKLY22")
	return []bot.ScheduleFacts{
		{Checklist: bot.Checklist{Name: "daily", Title: "Daily checklist", Cron: "0 8 * * *", Zone: "Europe/Berlin"},
			Schedule: bot.Schedule{Name: "daily", Next: noon.Add(18 * time.Hour), Ran: noon.Add(-6 * time.Hour)}, Run: daily, Open: []bot.Thread{daily}},
		{Checklist: bot.Checklist{Name: "weekly", Title: "Weekly checklist", Cron: "0 9 * * 1", Zone: "Europe/Berlin"},
			Schedule: bot.Schedule{Name: "weekly", Next: noon.Add(100 * time.Hour), PausedBy: "root", PausedUntil: noon.Add(48 * time.Hour), Reason: "holidays"}, Run: weekly, Open: []bot.Thread{weekly}},
		{Checklist: bot.Checklist{Name: "validation", Title: "Validation", After: []bot.ChangeKind{bot.ChangeSwitch, bot.ChangeReboot}}},
	}
}

// inDaily says a line in the daily checklist's thread.
func inDaily(t *testing.T, w *fakeWorld, line string) (bot.Outcome, error) {
	w.threads = []bot.ThreadFacts{{Thread: w.lists[0].Run}, disk()}
	return ask(t, w, operator, "thr_DAILY222", line)
}

func TestItems(t *testing.T) {
	until := func(day, hour int) time.Time { return time.Date(2026, 1, day, hour, 0, 0, 0, time.UTC) }
	for line, want := range map[string]bot.Outcome{
		"done 3":                              bot.SetItem{Thread: "thr_DAILY222", Number: 3, Status: bot.ItemDone},
		"done #3 because I read them":         bot.SetItem{Thread: "thr_DAILY222", Number: 3, Status: bot.ItemDone, Reason: "I read them"},
		"done 3 of weekly":                    bot.SetItem{Thread: "thr_WEEKLY22", Number: 3, Status: bot.ItemDone},
		"undone 5":                            bot.SetItem{Thread: "thr_DAILY222", Number: 5, Status: bot.ItemOpen},
		"skip 4 because of the move":          bot.SetItem{Thread: "thr_DAILY222", Number: 4, Status: bot.ItemSkipped, Reason: "of the move"},
		"defer 4 until monday because x":      bot.SetItem{Thread: "thr_DAILY222", Number: 4, Status: bot.ItemDeferred, Reason: "x", Until: until(19, 7)},
		"defer 4 until monday 9:00 because x": bot.SetItem{Thread: "thr_DAILY222", Number: 4, Status: bot.ItemDeferred, Reason: "x", Until: until(19, 8)},
		"defer 4 until 2026-01-31 because x":  bot.SetItem{Thread: "thr_DAILY222", Number: 4, Status: bot.ItemDeferred, Reason: "x", Until: until(31, 7)},
		"defer 4 3d because bob is away":      bot.SetItem{Thread: "thr_DAILY222", Number: 4, Status: bot.ItemDeferred, Reason: "bob is away", Until: noon.AddDate(0, 0, 3)},
		"comment 1 two panels are empty":      bot.CommentItem{Thread: "thr_DAILY222", Number: 1, Text: "two panels are empty"},
		"assign 1 me":                         bot.AssignItem{Thread: "thr_DAILY222", Number: 1, To: "alice"},
		"assign 1 oscar":                      bot.AssignItem{Thread: "thr_DAILY222", Number: 1, To: "oscar"},
		"assign 1 nobody":                     bot.AssignItem{Thread: "thr_DAILY222", Number: 1},
		"recheck":                             bot.Measure{Thread: "thr_DAILY222"},
		"recheck 2":                           bot.Measure{Thread: "thr_DAILY222", Number: 2},
		"schedule run daily because I must":   bot.RunChecklist{Name: "daily", Why: "I must"},
		"schedule pause weekly 2d because x":  bot.PauseSchedule{Name: "weekly", Until: noon.AddDate(0, 0, 2), Reason: "x"},
		"schedule pause weekly because x":     bot.PauseSchedule{Name: "weekly", Reason: "x"},
		"schedule resume weekly":              bot.PauseSchedule{Name: "weekly", Resume: true},
		"do 4":                                bot.Ask{Thread: "thr_DAILY222", Operation: "backup.verify", Item: 4},
	} {
		out, err := inDaily(t, newWorld(t), line)
		if a, ok := out.(bot.Ask); ok {
			a.Arguments = nil
			out = a
		}
		if err != nil || !reflect.DeepEqual(out, want) {
			t.Errorf("%s: %#v, %v; want %#v", line, out, err, want)
		}
	}
}

func TestItemFaults(t *testing.T) {
	for line, want := range map[string]string{
		"done 9":                             "Daily checklist has the items 1 to 5; there is no item 9.",
		"done 3 of wekly":                    "There is no checklist `wekly`. Did you mean `weekly`?",
		"done 3 of nothing":                  "There is no checklist `nothing`; there is `daily`, `weekly`, `validation`.",
		"done 3 of validation":               "Validation has had no run yet. `schedule run validation` begins one.",
		"skip 4":                             "skip 4: REASON is missing. Usage: `skip ITEM [of LIST] [on NAME] because REASON…`",
		"defer 4 until yesterday because":    "defer 4 until yesterday because: `yesterday` (word 4) is no time; write e.g. `until 18:00`, `until tomorrow 8:00`, `until 2026-12-24 18:00`. Usage: `defer [ITEM] until DAY|DURATION [of LIST] [on NAME] because REASON…`",
		"defer 4 until 2026-01-13 because x": "defer 4 until 2026-01-13 because x: `2026-01-13` (word 4) has passed; a day alone means 8:00. Usage: `defer [ITEM] until DAY|DURATION [of LIST] [on NAME] because REASON…`",
		"defer until monday because x":       "defer: say which item, e.g. `defer 5 until monday because …`.",
		"assign 1 mallory":                   "There is nobody `mallory` in my configuration.",
		"assign 3 oscar":                     "Item 3 wants the role admin, which oscar has not.",
		"recheck 1":                          "No machine can look at item 1: only a person sees what is odd",
		"do 1":                               "Item 1 offers nothing to do by command. `checklist 1` tells what to look at.",
	} {
		_, err := inDaily(t, newWorld(t), line)
		if err == nil || bot.ForPeople(err) != want {
			t.Errorf("%s:\ngot  %v\nwant %s", line, err, want)
		}
	}
	if _, err := ask(t, newWorld(t), operator, "", "done 3"); err == nil || bot.ForPeople(err) != "done: which checklist? Say it in its thread, or with one behind it: `of daily` or `of weekly`." {
		t.Errorf("outside a thread: %v", err)
	}
}

// Where a list is open of several hosts, a word outside their threads names one.
func TestItemsOfSeveralHosts(t *testing.T) {
	w := newWorld(t)
	of := func(host string) bot.Thread {
		th := w.lists[0].Run
		st := *th.State.Checklist
		st.Host = host
		th.ID, th.State.Checklist = bot.ThreadID("thr_"+strings.ToUpper(host)), &st
		return th
	}
	w.lists = []bot.ScheduleFacts{{Checklist: bot.Checklist{Name: "validation", Title: "Validation"}, Run: of("mars"), Open: []bot.Thread{of("vulcan"), of("mars")}}}
	for _, line := range []string{"done 3", "done 3 of validation"} {
		_, err := ask(t, w, operator, "", line)
		if want := "done: of which host? One is open of `vulcan`, `mars` each. Say it in its thread, or with `on HOST` behind it."; err == nil || bot.ForPeople(err) != want {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, line := range []string{"done 3 on vulcan", "done 3 of validation on vulcan because I looked"} {
		out, err := ask(t, w, operator, "", line)
		if o, ok := out.(bot.SetItem); err != nil || !ok || o.Thread != "thr_VULCAN" || o.Number != 3 {
			t.Errorf("%s: %#v, %v", line, out, err)
		}
	}
	if _, err := ask(t, w, operator, "", "done 3 on pluto"); err == nil || !strings.Contains(bot.ForPeople(err), "No checklist of `pluto` is open") {
		t.Errorf("another host: %v", err)
	}
}

// In an alert's thread, what waits for something known is held back until then.
func TestDeferAlert(t *testing.T) {
	w := newWorld(t)
	w.threads = []bot.ThreadFacts{disk()}
	out, err := ask(t, w, operator, diskID, "defer until friday because the new disk comes then")
	o, ok := out.(bot.MakeSilence)
	if err != nil || !ok || o.Thread != diskID || o.Silence.Comment != "deferred: the new disk comes then" || !o.Silence.EndsAt.Equal(time.Date(2026, 1, 16, 7, 0, 0, 0, time.UTC)) || len(o.Silence.Matchers) != 2 {
		t.Errorf("%#v, %v", out, err)
	}
}

func TestChecklistPages(t *testing.T) {
	out, err := inDaily(t, newWorld(t), "checklist 2")
	want := `2. Check last night's backups: open, not ok
Left: since Mon 12 Jan, through 2 lists
From the plan: Check backup completion
Evidence
- not ok: backup b2 31 h old (more than 26 h); on Tue 13 Jan it was 6 h old from restic snapshots
Said of it
- root, Wed 14 Jan 14:00 CET: the line was down
(thr_DAILY222)
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
	out, err = inDaily(t, newWorld(t), "checklist 1")
	mustContain(t, said(t, out, err), "graph up for gaps", "Why: Gaps hide outages.", "For a person: only a person sees what is odd", "runbook dashboards has the steps")
	out, err = ask(t, newWorld(t), observer, "", "checklist")
	want = `Checklists
- Daily checklist checklist daily: 4 of 5 left, of Wed 14 Jan
- Weekly checklist checklist weekly: 4 of 5 left, of Wed 14 Jan
- Validation checklist validation: no run yet
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
	out, err = ask(t, newWorld(t), observer, "", "checklist daily")
	mustContain(t, said(t, out, err), "Daily checklist of Wed 14 Jan: 4 of 5 left", "- 2. open, not ok: Check last night's backups (alice)", "- 5. done: Read the documentation")
	out, err = ask(t, newWorld(t), observer, "", "schedule")
	want = `What runs when
- Daily checklist (daily): next Thu 15 Jan 09:00 CET; last Wed 14 Jan 09:00 CET · 0 8 * * * Europe/Berlin
- Weekly checklist (weekly): paused by root until Fri 16 Jan 15:00 CET, holidays; never run yet · 0 9 * * 1 Europe/Berlin
- Validation (validation): after a switch or a reboot; never run yet
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s", got)
	}
}

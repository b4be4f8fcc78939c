package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// checklist shows a run, or one item of it.
func checklist(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	if _, one := call.Args["item"]; one {
		th, x, err := item(ctx, call)
		if err != nil {
			return nil, err
		}
		return bot.Say{Message: itemPage(th, x, call)}, nil
	}
	if call.Thread == "" && listNamed(call) == "" {
		return allLists(ctx, call)
	}
	th, err := runOf(ctx, call)
	if err != nil {
		return nil, err
	}
	run := th.State.Checklist
	title := run.Title
	if run.Incident != nil {
		title = run.IncidentName()
	}
	m := bot.Message{Title: bot.Line(bot.B(title), bot.T(fmt.Sprintf(" of %s: %d of %d left", dayText(run.Firing, call), run.Left(), len(run.Items)))),
		Note: bot.Line(bot.M(string(th.ID)))}
	var items []bot.Text
	for _, x := range run.Items {
		t := bot.Line(bot.B(fmt.Sprintf("%d. %s", x.Number, statusWord(x))), bot.T(": "+x.Item.Task))
		if x.Assigned != "" {
			t = append(t, bot.T(" ("+string(x.Assigned)+")"))
		}
		if x.FollowUp != nil {
			t = append(t, bot.T(", "+followUpOf(*x.FollowUp, call)))
		}
		items = append(items, t)
	}
	m.Blocks = []bot.Block{bot.List{Items: items}}
	return bot.Say{Message: m}, nil
}

// allLists are all checklists with what is left of their runs.
func allLists(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	all, err := call.World.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	incidents, err := call.World.Incidents(ctx)
	if err != nil {
		return nil, err
	}
	var items []bot.Text
	for _, th := range incidents.Open {
		run := th.State.Checklist
		items = append(items, bot.Line(bot.B(run.IncidentName()), bot.T(" "), bot.M("checklist of "+run.Incident.Name),
			bot.T(fmt.Sprintf(": %d of %d left, open since %s", run.Left(), len(run.Items), clockText(run.Firing, call.World.Zone(), call.Now)))))
	}
	for _, x := range all {
		if x.Checklist.Timed {
			continue
		}
		t := bot.Line(bot.B(x.Checklist.Title), bot.T(" "), bot.M("checklist "+x.Checklist.Name))
		run := x.Run.State.Checklist
		switch {
		case run == nil:
			t = append(t, bot.T(": no run yet"))
		case x.Run.Open():
			t = append(t, bot.T(fmt.Sprintf(": %d of %d left, of %s", run.Left(), len(run.Items), dayText(run.Firing, call))))
		default:
			t = append(t, bot.T(fmt.Sprintf(": ended with %d of %d left, of %s", run.Left(), len(run.Items), dayText(run.Firing, call))))
		}
		if n := waiting(incidents.FollowUps, x); n > 0 {
			t = append(t, bot.T(fmt.Sprintf("; %s for the next one", phrase.Count(n, "follow-up waits", "follow-ups wait"))))
		}
		items = append(items, t)
	}
	if items == nil {
		return bot.Say{Message: bot.Message{Title: bot.Line(bot.T("No checklist is configured."))}}, nil
	}
	return bot.Say{Message: bot.Message{Title: bot.Line(bot.B("Checklists")), Blocks: []bot.Block{bot.List{Items: items}}}}, nil
}

// waiting counts the follow-ups that a list's next run takes, and that its newest has not.
func waiting(all []bot.FollowUp, x bot.ScheduleFacts) (n int) {
	for _, f := range all {
		has := func(item bot.ItemState) bool { return item.FollowUp != nil && item.FollowUp.Is(f) }
		if run := x.Run.State.Checklist; f.List == x.Checklist.Name && (run == nil || !slices.ContainsFunc(run.Items, has)) {
			n++
		}
	}
	return n
}

// followUpOf is "of Incident wiki, 6 d old, by Fri 7 Jan".
func followUpOf(x bot.FollowUp, call bot.Call) string {
	text := "of " + x.OriginTitle + ", " + phrase.Duration(call.Now.Sub(x.At)) + " old"
	switch {
	case x.Due.IsZero():
	case call.Now.After(x.Due):
		text += ", was due " + dayText(x.Due, call)
	default:
		text += ", by " + dayText(x.Due, call)
	}
	return text
}

func dayText(t time.Time, call bot.Call) string {
	return t.In(call.World.Zone()).Format("Mon 2 Jan")
}

func statusWord(x bot.ItemState) string {
	switch {
	case x.Status == bot.ItemDone && x.By == "":
		return "done by evidence"
	case x.Status == bot.ItemOpen && x.Verdict == bot.NotOK:
		return "open, not ok"
	case x.Status == bot.ItemOpen && x.Verdict == bot.Unknown && len(x.Evidence) > 0:
		return "open, unknown"
	}
	return string(x.Status)
}

// itemPage is all about one item.
func itemPage(th bot.Thread, x bot.ItemState, call bot.Call) bot.Message {
	m := bot.Message{Title: bot.Line(bot.B(fmt.Sprintf("%d. %s", x.Number, x.Item.Task)), bot.T(": "+statusWord(x))), Note: bot.Line(bot.M(string(th.ID)))}
	para := func(head, text string) {
		if text != "" {
			m.Blocks = append(m.Blocks, bot.Para{Text: append(bot.Line(bot.B(head), bot.T(": ")), bot.Quoted(text)...)})
		}
	}
	list := func(head string, items []bot.Text) {
		if len(items) > 0 {
			m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(head))}, bot.List{Items: items})
		}
	}
	zone := call.World.Zone()
	if x.By != "" {
		said := string(x.By) + ", " + clockText(x.At, zone, call.Now)
		if x.Reason != "" {
			said += ": " + x.Reason
		}
		if x.Status == bot.ItemDeferred {
			said += ", until " + clockText(x.Until, zone, call.Now)
		}
		para("By", said)
	}
	if x.Carried > 0 {
		para("Left", fmt.Sprintf("since %s, through %s", dayText(x.Since, call), phrase.Count(x.Carried, "list", "lists")))
	}
	if x.FollowUp != nil {
		para("Follow-up", fmt.Sprintf("%s, `%s`", followUpOf(*x.FollowUp, call), x.FollowUp.Origin))
	}
	para("From the plan", x.Item.Plan)
	var look []bot.Text
	for _, l := range x.Item.Look {
		look = append(look, bot.Quoted(l))
	}
	list("Look at", look)
	para("Why", x.Item.Why)
	var evidence []bot.Text
	for _, r := range x.Evidence {
		t := readingItem(r)
		for _, old := range x.Before {
			if old.Host == r.Host && old.What == r.What && old.Value != "" {
				t = append(t, bot.T(fmt.Sprintf("; on %s it was %s", dayText(old.At, call), old.Value)))
			}
		}
		if r.Source != "" {
			t = append(t, bot.F(" from "+r.Source))
		}
		evidence = append(evidence, t)
	}
	list("Evidence", evidence)
	if x.Item.Person != "" {
		para("For a person", x.Item.Person)
	}
	var comments []bot.Text
	for _, c := range x.Comments {
		comments = append(comments, bot.Line(bot.B(string(c.By)), bot.T(", "+clockText(c.At, zone, call.Now)+": "+c.Text)))
	}
	list("Said of it", comments)
	var can []string
	if x.Item.Offer != "" {
		can = append(can, fmt.Sprintf("`do %d` asks for `%s`", x.Number, x.Item.Offer))
	}
	if x.Item.Runbook != "" {
		can = append(can, "`runbook "+x.Item.Runbook+"` has the steps")
	}
	if len(can) > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Quoted(strings.Join(can, "; ") + ".")})
	}
	return m
}

package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// runOf is the checklist's run that a command means: that of its thread, the one that is
// named, or the only one that is open.
func runOf(ctx context.Context, call bot.Call) (bot.Thread, error) {
	name := listNamed(call)
	if call.Thread != "" && name == "" {
		f, err := call.World.Thread(ctx, call.Thread)
		switch {
		case err == nil && f.Thread.State.Checklist != nil:
			return f.Thread, nil
		case err != nil && !notFound(err):
			return bot.Thread{}, err
		}
	}
	all, err := call.World.Schedules(ctx)
	if err != nil {
		return bot.Thread{}, err
	}
	if name != "" {
		x, err := listOf(all, name)
		if err != nil {
			return bot.Thread{}, err
		}
		if x.Run.State.Checklist == nil {
			return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "%s has had no run yet. `schedule run %s` begins one.", x.Checklist.Title, x.Checklist.Name)
		}
		return x.Run, nil
	}
	var open []bot.ScheduleFacts
	var names []string
	for _, x := range all {
		if x.Run.State.Checklist != nil && x.Run.Open() {
			open, names = append(open, x), append(names, "`of "+x.Checklist.Name+"`")
		}
	}
	switch len(open) {
	case 0:
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "No checklist is open now. `schedule` tells when the next one begins.")
	case 1:
		return open[0].Run, nil
	}
	return bot.Thread{}, bot.Errorf(bot.CodeInvalid, "%s: which checklist? Say it in its thread, or with one behind it: %s.", call.Command, phrase.Or(names))
}

func listNamed(call bot.Call) string { return call.Args["list"].Text }

func listOf(all []bot.ScheduleFacts, name string) (bot.ScheduleFacts, error) {
	names := make([]string, len(all))
	for i, x := range all {
		if strings.EqualFold(x.Checklist.Name, name) {
			return x, nil
		}
		names[i] = x.Checklist.Name
	}
	if len(all) == 0 {
		return bot.ScheduleFacts{}, bot.Errorf(bot.CodeNotFound, "No checklist is configured.")
	}
	if near := nearest(strings.ToLower(name), names); near != "" {
		return bot.ScheduleFacts{}, bot.Errorf(bot.CodeNotFound, "There is no checklist `%s`. Did you mean `%s`?", echo(name, echoWord), near)
	}
	return bot.ScheduleFacts{}, bot.Errorf(bot.CodeNotFound, "There is no checklist `%s`; there is %s.", echo(name, echoWord), quotedList(names))
}

// item is the run and its item that a command means.
func item(ctx context.Context, call bot.Call) (bot.Thread, bot.ItemState, error) {
	th, err := runOf(ctx, call)
	if err != nil {
		return th, bot.ItemState{}, err
	}
	items := th.State.Checklist.Items
	n := call.Args["item"].Number
	if n < 1 || n > len(items) {
		return th, bot.ItemState{}, bot.Errorf(bot.CodeInvalid, "%s has the items 1 to %d; there is no item %d.", th.State.Checklist.Title, len(items), n)
	}
	return th, items[n-1], nil
}

// setItem is the command that puts an item somewhere.
func setItem(to bot.ItemStatus) func(context.Context, bot.Call) (bot.Outcome, error) {
	return func(ctx context.Context, call bot.Call) (bot.Outcome, error) {
		th, x, err := item(ctx, call)
		if err != nil {
			return nil, err
		}
		return bot.SetItem{Thread: th.ID, Number: x.Number, Status: to, Reason: call.Args["reason"].Text}, nil
	}
}

// deferItem puts an item off, or in an alert's thread its notices.
func deferItem(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	until := endOfDay(call)
	if !until.After(call.Now) {
		return nil, bot.Errorf(bot.CodeInvalid, "defer: `%s` has passed in the meantime.", echo(call.Args["until"].Text, echoWord))
	}
	if _, numbered := call.Args["item"]; !numbered {
		return deferAlert(ctx, call, until)
	}
	th, x, err := item(ctx, call)
	if err != nil {
		return nil, err
	}
	return bot.SetItem{Thread: th.ID, Number: x.Number, Status: bot.ItemDeferred, Reason: call.Args["reason"].Text, Until: until}, nil
}

// deferAlert has Alertmanager hold a group's notices back until what it waits for.
func deferAlert(ctx context.Context, call bot.Call, until time.Time) (bot.Outcome, error) {
	out := bot.MakeSilence{Silence: bot.Silence{StartsAt: call.Now, EndsAt: until}}
	if call.Thread == "" {
		return nil, bot.Errorf(bot.CodeInvalid, "defer: say which item of a checklist, e.g. `defer 5 until monday because …`; or say it in an alert's thread.")
	}
	f, err := call.World.Thread(ctx, call.Thread)
	if err != nil {
		return nil, err
	}
	if f.Thread.State.Checklist != nil {
		return nil, bot.Errorf(bot.CodeInvalid, "defer: say which item, e.g. `defer 5 until monday because …`.")
	}
	if err := aimAtThread(ctx, call, bot.Value{}, &out); err != nil {
		return nil, err
	}
	out.Silence.Comment = "deferred: " + call.Args["reason"].Text
	return out, nil
}

func endOfDay(call bot.Call) time.Time {
	v := call.Args["until"]
	if !v.Until.IsZero() {
		return v.Until
	}
	return call.Now.Add(v.Duration)
}

func commentItem(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, x, err := item(ctx, call)
	if err != nil {
		return nil, err
	}
	return bot.CommentItem{Thread: th.ID, Number: x.Number, Text: call.Args["text"].Text}, nil
}

func assignItem(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, x, err := item(ctx, call)
	if err != nil {
		return nil, err
	}
	name := bot.PersonID(call.Args["person"].Text)
	switch {
	case strings.EqualFold(string(name), "me"):
		name = call.By.ID
	case strings.EqualFold(string(name), "nobody"):
		name = ""
	default:
		p, known := call.World.Person(name)
		if !known {
			return nil, bot.Errorf(bot.CodeNotFound, "There is nobody `%s` in my configuration.", echo(string(name), echoWord))
		}
		if !p.Has(x.Item.Role) {
			return nil, bot.Errorf(bot.CodeInvalid, "Item %d wants the role %s, which %s has not.", x.Number, x.Item.Role, p.ID)
		}
		name = p.ID
	}
	return bot.AssignItem{Thread: th.ID, Number: x.Number, To: name}, nil
}

func recheck(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	if _, one := call.Args["item"]; one {
		th, x, err := item(ctx, call)
		if err != nil {
			return nil, err
		}
		if len(x.Item.Evidence)+len(x.Item.Optional) == 0 {
			return nil, bot.Errorf(bot.CodeInvalid, "No machine can look at item %d: %s", x.Number, x.Item.Person)
		}
		return bot.Measure{Thread: th.ID, Number: x.Number}, nil
	}
	th, err := runOf(ctx, call)
	return bot.Measure{Thread: th.ID}, err
}

// doItem asks for what an item offers, as if it had been typed.
func doItem(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, x, err := item(ctx, call)
	if err != nil {
		return nil, err
	}
	if x.Item.Offer == "" {
		return nil, bot.Errorf(bot.CodeInvalid, "Item %d offers nothing to do by command. `checklist %d` tells what to look at.", x.Number, x.Number)
	}
	if !th.Open() {
		return nil, bot.Errorf(bot.CodeConflict, "That run is over. `checklist %s` shows the newest.", th.State.Checklist.Name)
	}
	out, err := New(call.World.Commands()).interpret(ctx, x.Item.Offer, call)
	if o, ok := out.(bot.Ask); ok && err == nil {
		o.Thread, o.Item = th.ID, x.Number
		return o, nil
	}
	return out, err
}

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
	m := bot.Message{Title: bot.Line(bot.B(run.Title), bot.T(fmt.Sprintf(" of %s: %d of %d left", dayText(run.Firing, call), run.Left(), len(run.Items)))),
		Note: bot.Line(bot.M(string(th.ID)))}
	var items []bot.Text
	for _, x := range run.Items {
		t := bot.Line(bot.B(fmt.Sprintf("%d. %s", x.Number, statusWord(x))), bot.T(": "+x.Item.Task))
		if x.Assigned != "" {
			t = append(t, bot.T(" ("+string(x.Assigned)+")"))
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
	var items []bot.Text
	for _, x := range all {
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
		items = append(items, t)
	}
	if items == nil {
		return bot.Say{Message: bot.Message{Title: bot.Line(bot.T("No checklist is configured."))}}, nil
	}
	return bot.Say{Message: bot.Message{Title: bot.Line(bot.B("Checklists")), Blocks: []bot.Block{bot.List{Items: items}}}}, nil
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

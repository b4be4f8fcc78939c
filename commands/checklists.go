package commands

import (
	"context"
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
	incidents, err := call.World.Incidents(ctx)
	if err != nil {
		return bot.Thread{}, err
	}
	for _, th := range incidents.Open {
		if name != "" && strings.EqualFold(th.State.Checklist.Incident.Name, name) {
			return th, nil
		}
	}
	if name != "" {
		x, err := listOf(all, name)
		if err != nil {
			return bot.Thread{}, err
		}
		if x.Checklist.Timed {
			return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "%s is not open. `incident open %s because …` begins one.", x.Checklist.Title, x.Checklist.Name)
		}
		all = []bot.ScheduleFacts{x}
		if x.Run.State.Checklist == nil {
			return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "%s has had no run yet. `schedule run %s` begins one.", x.Checklist.Title, x.Checklist.Name)
		}
		if len(x.Open) == 0 {
			return x.Run, nil
		}
	}
	var open []bot.Thread
	var names, hosts []string
	for _, th := range incidents.Open {
		if name == "" && on(call) == "" {
			open, hosts = append(open, th), append(hosts, th.State.Checklist.Host)
			names = append(names, "`of "+th.State.Checklist.Incident.Name+"`")
		}
	}
	for _, x := range all {
		before := len(open)
		for _, th := range x.Open {
			if h := th.State.Checklist.Host; on(call) == "" || h == on(call) {
				open, hosts = append(open, th), append(hosts, h)
			}
		}
		if len(open) > before {
			names = append(names, "`of "+x.Checklist.Name+"`")
		}
	}
	switch {
	case len(open) == 1:
		return open[0], nil
	case len(open) == 0 && on(call) != "":
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "No checklist of `%s` is open now. `schedule` tells when the next one begins.", echo(on(call), echoWord))
	case len(open) == 0:
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "No checklist is open now. `schedule` tells when the next one begins.")
	case len(names) > 1:
		return bot.Thread{}, bot.Errorf(bot.CodeInvalid, "%s: which checklist? Say it in its thread, or with one behind it: %s.", call.Command, phrase.Or(names))
	}
	return bot.Thread{}, bot.Errorf(bot.CodeInvalid, "%s: of which host? One is open of %s each. Say it in its thread, or with `on HOST` behind it.", call.Command, quotedList(hosts))
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
	typed := call.Args["person"].Text
	var name bot.PersonID
	switch {
	case strings.EqualFold(typed, "me"):
		name = call.By.ID
	case strings.EqualFold(typed, "nobody"):
	default:
		p, err := personNamed(call, typed)
		if err != nil {
			return nil, err
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
		return nil, bot.Errorf(bot.CodeConflict, "That run is over. `checklist` shows those that are open.")
	}
	out, err := New(call.World.Commands()).interpret(ctx, x.Item.Offer, call)
	if o, ok := out.(bot.Ask); ok && err == nil {
		o.Thread, o.Item = th.ID, x.Number
		return o, nil
	}
	return out, err
}

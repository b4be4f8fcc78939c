package commands

import (
	"context"

	"watchstander/bot"
)

// schedule shows what runs when.
func schedule(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	all, err := call.World.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return bot.Say{Message: bot.Message{Title: bot.Line(bot.T("No checklist is configured."))}}, nil
	}
	zone := call.World.Zone()
	var items []bot.Text
	for _, x := range all {
		t := bot.Line(bot.B(x.Checklist.Title), bot.T(" ("), bot.M(x.Checklist.Name), bot.T(")"))
		switch {
		case x.Schedule.Paused(call.Now) && x.Schedule.PausedUntil.IsZero():
			t = append(t, bot.B(": paused"), bot.T(" by "+string(x.Schedule.PausedBy)+" until `schedule resume`, "+x.Schedule.Reason))
		case x.Schedule.Paused(call.Now):
			t = append(t, bot.B(": paused"), bot.T(" by "+string(x.Schedule.PausedBy)+" until "+clockText(x.Schedule.PausedUntil, zone, call.Now)+", "+x.Schedule.Reason))
		case !x.Schedule.Next.IsZero():
			t = append(t, bot.T(": next "+clockText(x.Schedule.Next, zone, call.Now)))
		case x.Checklist.Timed:
			t = append(t, bot.T(": begins with "), bot.M("incident open "+timedName(x.Checklist.Name)+" because …"))
		default:
			t = append(t, bot.T(": "+comesAfter(x.Checklist.After)))
		}
		if !x.Schedule.Ran.IsZero() {
			t = append(t, bot.T("; last "+clockText(x.Schedule.Ran, zone, call.Now)))
		} else {
			t = append(t, bot.T("; never run yet"))
		}
		if x.Checklist.Cron != "" {
			t = append(t, bot.T(" · "), bot.M(x.Checklist.Cron), bot.F(" "+x.Checklist.Zone))
		}
		items = append(items, t)
	}
	return bot.Say{Message: bot.Message{Title: bot.Line(bot.B("What runs when")), Blocks: []bot.Block{bot.List{Items: items}}}}, nil
}

func comesAfter(kinds []bot.ChangeKind) string {
	if len(kinds) == 0 {
		return "by hand alone"
	}
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = "a " + string(k)
	}
	text := words[0]
	for _, w := range words[1:] {
		text += " or " + w
	}
	return "after " + text
}

// timedName is what people write for the name of an incident of a list.
func timedName(list string) string {
	if list == incidentList {
		return "NAME"
	}
	return list
}

func runSchedule(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	x, err := listGiven(ctx, call)
	if x.Checklist.Timed {
		return nil, bot.Errorf(bot.CodeInvalid, "%s begins with `incident open %s because …`.", x.Checklist.Title, timedName(x.Checklist.Name))
	}
	return bot.RunChecklist{Name: x.Checklist.Name, Why: call.Args["reason"].Text}, err
}

func pauseSchedule(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	x, err := listGiven(ctx, call)
	if err != nil {
		return nil, err
	}
	o := bot.PauseSchedule{Name: x.Checklist.Name, Reason: call.Args["reason"].Text}
	if _, given := call.Args["until"]; given {
		if o.Until = endOfDay(call); !o.Until.After(call.Now) {
			return nil, bot.Errorf(bot.CodeInvalid, "schedule pause: `%s` has passed in the meantime.", echo(call.Args["until"].Text, echoWord))
		}
	}
	return o, nil
}

func resumeSchedule(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	x, err := listGiven(ctx, call)
	return bot.PauseSchedule{Name: x.Checklist.Name, Resume: true}, err
}

// listGiven is the checklist that a command names.
func listGiven(ctx context.Context, call bot.Call) (bot.ScheduleFacts, error) {
	all, err := call.World.Schedules(ctx)
	if err != nil {
		return bot.ScheduleFacts{}, err
	}
	return listOf(all, listNamed(call))
}

package commands

import (
	"context"
	"time"

	"watchstander/bot"
)

// showScorecard tells what each of the plan's measures of success comes to, this month
// and the last, where it is from, and how it is counted.
func showScorecard(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	zone := call.World.Zone()
	now := call.Now.In(zone)
	this, err := call.World.Scorecard(ctx, now)
	if err != nil {
		return nil, err
	}
	before, err := call.World.Scorecard(ctx, time.Date(now.Year(), now.Month()-1, 1, 12, 0, 0, 0, zone))
	if err != nil {
		return nil, err
	}
	m := bot.Message{Title: bot.Line(bot.B("Scorecard"), bot.T(" of "+now.Format("January 2006")+" so far: "+bot.CountStates(this, func(x bot.Score) bot.ReadingState { return x.State })))}
	var items []bot.Text
	for _, x := range this {
		t := bot.Line(bot.B(string(x.State)+": "+x.Metric.Name), bot.T(" ("+x.Metric.Plan+"; goal: "+x.Metric.Target+"): "+scored(x)+"."))
		for _, old := range before {
			if old.Metric.ID == x.Metric.ID {
				t = append(t, bot.T(" "+old.From.In(zone).Format("January")+" "), bot.B(string(old.State)), bot.T(": "+scored(old)+"."))
			}
		}
		t = append(t, bot.F(" Counted: "+x.Metric.How+" From "+x.Metric.Source+"."))
		items = append(items, t)
	}
	m.Blocks = []bot.Block{bot.List{Items: items}, bot.Para{Text: bot.Line(bot.T("An unknown is not a pass. "), bot.M("runbook scorecard"), bot.T(" tells what to do about it."))}}
	return bot.Say{Message: m}, nil
}

// scored is a score's figure, and why it is so.
func scored(x bot.Score) string {
	switch {
	case x.Value == "" && x.Note == "":
		return "no figure"
	case x.Value == "":
		return x.Note
	case x.Note == "":
		return x.Value
	}
	return x.Value + "; " + x.Note
}

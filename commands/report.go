package commands

import (
	"context"
	"time"

	"watchstander/bot"
)

// kindMonth is a month: 2026-10.
const kindMonth bot.ArgKind = "month"

// month reads a month by its number.
func month(w word) (v bot.Value, fits bool) {
	t, err := time.Parse("2006-01", w.text)
	return bot.Value{Text: w.text, Until: t}, err == nil
}

// report tells a month as a whole.
func report(_ context.Context, call bot.Call) (bot.Outcome, error) {
	zone := call.World.Zone()
	now := call.Now.In(zone)
	from := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, zone)
	if v, given := call.Args["month"]; given {
		from = time.Date(v.Until.Year(), v.Until.Month(), 1, 0, 0, 0, 0, zone)
	}
	if from.After(now) {
		return nil, bot.Errorf(bot.CodeInvalid, "report: `%s` is yet to come.", echo(call.Args["month"].Text, echoWord))
	}
	to := from.AddDate(0, 1, 0)
	if to.After(now) {
		to = now
	}
	return bot.MakeReport{From: from.UTC(), To: to.UTC()}, nil
}

package view

import (
	"slices"

	"watchstander/bot"
)

// Scorecard shows the plan's measures of success in one month: first what misses its
// goal, then what is unknown, then the rest, each with its goal and why. Of none it is
// empty.
func Scorecard(scores []bot.Score, s Style) []bot.Block {
	if len(scores) == 0 {
		return nil
	}
	sorted := slices.Clone(scores)
	slices.SortStableFunc(sorted, func(a, b bot.Score) int { return stateRank(a.State) - stateRank(b.State) })
	var items []bot.Text
	for _, x := range sorted {
		items = append(items, scoreItem(x, s))
	}
	return []bot.Block{bot.Para{Text: bot.Line(bot.B("Scorecard"), bot.T(" of "+scoreSpan(scores[0], s)+": "+bot.CountStates(scores, func(x bot.Score) bot.ReadingState { return x.State })))}, bot.List{Items: items}}
}

// scoreItem is "not ok: SSH Security (goal 0): at least 1; 1 from 192.0.2.9 …".
func scoreItem(x bot.Score, s Style) bot.Text {
	value := x.Value
	if value == "" {
		value = "no figure"
	}
	t := bot.Line(bot.B(string(x.State)+": "+x.Metric.Name), bot.T(" (goal: "+x.Metric.Target+"): "+value))
	if x.Note != "" && (x.State != bot.OK || s.Detail == 0) {
		t = append(t, bot.T("; "+x.Note))
	}
	return t
}

// scoreSpan is "November 2026", and until when, where it was not over.
func scoreSpan(x bot.Score, s Style) string {
	from, until := x.From.In(s.zone()), x.Until.In(s.zone())
	month := from.Format("January 2006")
	if until.Before(from.AddDate(0, 1, 0)) {
		return month + " until " + s.Time(x.Until)
	}
	return month
}

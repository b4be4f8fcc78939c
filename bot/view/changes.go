package view

import (
	"fmt"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

const (
	// mostRestarts and mostOtherChanges are how many of each a root lists, the
	// newest: a switch that restarted a hundred services is told with all of them,
	// and must not vanish among them.
	mostRestarts     = 5
	mostOtherChanges = 6
	// oneByOne is how often the same may happen before it is told as one.
	oneByOne = 2
)

// changesBefore lists what changed on the host before the thread opened; nothing
// where nothing is known to have changed.
func changesBefore(f bot.ThreadFacts, s Style) []bot.Block {
	if len(f.Changes) == 0 {
		return nil
	}
	times := map[string]int{}
	for _, c := range f.Changes {
		times[c.Text]++
	}
	var shown []bot.Change
	told := map[string]bool{}
	left, restarts, others := 0, 0, 0
	for _, c := range slices.Backward(f.Changes) {
		n, most := &others, s.limit(mostOtherChanges)
		if c.Kind == bot.ChangeRestart {
			n, most = &restarts, s.limit(mostRestarts)
		}
		switch {
		case times[c.Text] > oneByOne && told[c.Text]:
			continue
		case *n == most:
			left++
			continue
		}
		*n++
		told[c.Text] = true
		shown = append(shown, c)
	}
	slices.Reverse(shown)
	items := make([]bot.Text, 0, len(shown)+1)
	for _, c := range shown {
		text := c.Text
		if n := times[c.Text]; n > oneByOne {
			text += fmt.Sprintf(", %d times, the last", n)
		}
		if before := f.Thread.OpenedAt.Sub(c.At).Round(time.Minute); before > 0 {
			text += ", " + phrase.Duration(before) + " before"
		}
		items = append(items, bot.Line(bot.F(s.Clock(c.At)+" "), bot.T(text)))
	}
	if left > 0 {
		items = append(items, bot.Line(bot.F(phrase.Count(left, "more; ", "more; ")), bot.M("changes"), bot.F(" lists them")))
	}
	return []bot.Block{bot.Para{Text: bot.Line(bot.B("Changed in the " + phrase.Duration(bot.ChangesBefore) + " before"))}, bot.List{Items: items}}
}

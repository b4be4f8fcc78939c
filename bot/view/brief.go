package view

import (
	"fmt"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// briefRoot tells what the night brought: what fired, what was done, what waits.
func briefRoot(f bot.ThreadFacts, s Style) bot.Message {
	b := f.Thread.State.Brief
	m := bot.Message{Tone: bot.ToneInfo, Note: idNote(f.Thread)}
	var live, over []bot.ThreadFacts
	for _, g := range f.Gathered {
		if g.Counts.Live() > 0 {
			live = append(live, g)
		} else {
			over = append(over, g)
		}
	}
	fired := phrase.Count(len(b.Threads), "alert group fired", "alert groups fired")
	if len(b.Threads) == 0 {
		fired = "nothing fired"
	}
	m.Title = bot.Line(bot.B("Morning brief"), bot.T(fmt.Sprintf(" %s to %s: %s, %d done, %d waiting", s.Time(b.Since), s.Time(b.Until), fired, len(b.Done), len(b.Waits))))
	part := func(head string, items []bot.Text) {
		if len(items) > 0 {
			m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B(head))}, bot.List{Items: items})
		}
	}
	part("Fires still", groupItems(live, s, 30))
	part("Over", groupItems(over, s, 30))
	if b.Before > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(phrase.Count(b.Before, "alert group fires", "alert groups fire")+" since before; "), bot.M("alerts"), bot.T(" lists them."))})
	}
	part("Done", plainItems(b.Done, s.limit(30)))
	part("Waits", plainItems(b.Waits, max(s.limit(30), 3)))
	return m
}

func plainItems(lines []string, most int) []bot.Text {
	var items []bot.Text
	for i, l := range lines {
		if i == most {
			return append(items, bot.Line(bot.F(fmt.Sprintf("and %d more", len(lines)-most))))
		}
		items = append(items, bot.Quoted(l))
	}
	return items
}

package bottest

import (
	"strings"

	"watchstander/bot"
)

// Text is the post in plain words.
func (p Post) Text() string { return PlainText(p.Message) }

// PlainText is a message in plain words, a line for each block and item.
func PlainText(m bot.Message) string {
	var b strings.Builder
	line := func(s string) { b.WriteString(s); b.WriteByte('\n') }
	line(m.Title.String())
	for _, x := range m.Blocks {
		switch x := x.(type) {
		case bot.Para:
			line(x.Text.String())
		case bot.Fields:
			for _, f := range x.Fields {
				line(f.Name + ": " + f.Value.String())
			}
		case bot.List:
			for _, it := range x.Items {
				line("- " + it.String())
			}
		case bot.Pre:
			line(x.Body)
		case bot.Picture:
			line("[picture: " + x.Alt + "]")
		case bot.File:
			line("[file: " + x.Name + "]")
		}
	}
	for _, a := range m.Actions {
		line("(" + a.Emoji + " " + a.Label + ")")
	}
	if len(m.Note) > 0 {
		line(m.Note.String())
	}
	return b.String()
}

// bare is a message's words without their looks, buttons and bytes.
func bare(m bot.Message) bot.Message {
	title, rest, _ := strings.Cut(PlainText(m), "\n")
	return bot.Message{Tone: m.Tone, Title: bot.Line(bot.T(title)), Blocks: []bot.Block{bot.Para{Text: bot.Line(bot.T(rest))}}}
}

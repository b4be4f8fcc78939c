package matrix

import (
	"strings"

	"watchstander/bot"
	"watchstander/bot/pieces"
)

// platform is what Matrix has of its own where a message is taken apart. Costs are in
// bytes of JSON, of both forms together.
var platform = pieces.Platform{
	Link:      safeLink,
	Captioned: func(alt string) bool { return len(alt) <= maxCaption },
	Span:      func(s bot.Span, _ pieces.Kind) int { return spanCost(s) },
	Frame: func(k pieces.Kind) int {
		if k == pieces.Item {
			return 64 // there may be many, and they stand close
		}
		return 160 // tags, a sign, separators
	},
	MostPiece: 20 << 10,
	MostSpan:  1 << 10,
}

// takeApart makes pieces of a message, its reactions' meaning included.
func takeApart(m bot.Message, attached bool) []pieces.Piece {
	all := platform.Apart(m, attached, legend(m.Actions))
	if len(all) == 0 {
		return []pieces.Piece{{Kind: pieces.Para, Text: bot.Line(bot.T("—"))}} // an empty body is refused
	}
	return all
}

// legend says which reaction does what: "React: ✅ Ack · 🔕 Silence 1 h". An
// action without an emoji is told as the words to write.
func legend(actions []bot.Action) bot.Text {
	var react, write []string
	for _, a := range actions {
		label := pieces.Either(a.Label, a.Name)
		switch {
		case a.Emoji != "" && label != "":
			react = append(react, a.Emoji+" "+label)
		case a.Name != "":
			write = append(write, a.Name)
		}
	}
	var lines []string
	if len(react) > 0 {
		lines = append(lines, "React: "+strings.Join(react, " · "))
	}
	if len(write) > 0 {
		lines = append(lines, "Write in the thread: "+strings.Join(write, " · "))
	}
	return bot.Line(bot.T(strings.Join(lines, "\n")))
}

// spanCost counts two blanks for each line break, by which list items are
// indented.
func spanCost(s bot.Span) int {
	return jsonLen(htmlSpan(s)) + jsonLen(plainSpan(s)) + 2*strings.Count(s.Text, "\n")
}

// jsonLen is the length of a cleaned string in JSON.
func jsonLen(s string) int {
	n := len(s)
	for i := range len(s) {
		switch s[i] {
		case '"', '\\', '\n', '\t':
			n++
		}
	}
	return n
}

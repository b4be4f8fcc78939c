package matrix

import (
	"html"
	"strings"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// look is how a tone shows: a sign in front for everybody, and a colour that
// can be read on light and on dark ground.
type look struct{ sign, colour string }

var looks = map[bot.Tone]look{
	bot.ToneCritical: {"🔴", "#d93025"},
	bot.ToneWarning:  {"🟠", "#d07a00"},
	bot.ToneInfo:     {"🔵", "#2f7fd1"},
	bot.ToneOK:       {"✅", "#2e9e4f"},
	bot.ToneMuted:    {"🔇", "#8a8a8a"},
	bot.ToneUnknown:  {"❔", "#8e6bbf"},
}

const faintColour = "#8a8a8a"

// colourTag is the tag of Matrix' list that may carry a colour; <font> has been
// taken from the list.
const colourTag = "span"

// group is a run of pieces that stand in one block.
type group []piece

func groups(pieces []piece) []group {
	var all []group
	for i, p := range pieces {
		if i > 0 && pieces[i-1].kind == p.kind && pieces[i-1].block == p.block {
			all[len(all)-1] = append(all[len(all)-1], p)
			continue
		}
		all = append(all, group{p})
	}
	return all
}

// renderHTML writes pieces in the part of HTML that Matrix allows. A single
// line stays without a paragraph around it, so that a log's short replies do
// not stand far apart.
func renderHTML(tone bot.Tone, pieces []piece) string {
	all := groups(pieces)
	var b strings.Builder
	for _, g := range all {
		inner := make([]string, len(g))
		for i, p := range g {
			inner[i] = htmlPiece(tone, p)
		}
		switch {
		case g[0].kind == kindItem:
			b.WriteString("<ul><li>" + strings.Join(inner, "</li><li>") + "</li></ul>")
		case g[0].kind == kindPre:
			b.WriteString("<pre><code>" + strings.Join(inner, "") + "</code></pre>")
		case len(all) == 1:
			b.WriteString(strings.Join(inner, "<br>"))
		default:
			b.WriteString("<p>" + strings.Join(inner, "<br>") + "</p>")
		}
	}
	return b.String()
}

func htmlPiece(tone bot.Tone, p piece) string {
	switch p.kind {
	case kindTitle:
		l, ok := looks[tone]
		if !ok {
			return "<strong>" + htmlText(p.text) + "</strong>"
		}
		return l.sign + " <strong>" + coloured(l.colour, htmlText(p.text)) + "</strong>"
	case kindSmall:
		return coloured(faintColour, htmlText(p.text))
	case kindPre:
		return escape(strings.TrimRight(p.text.String(), "\n"))
	}
	return htmlText(p.text)
}

func htmlText(t bot.Text) string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(htmlSpan(s))
	}
	return b.String()
}

func htmlSpan(s bot.Span) string {
	if s.Text == "" {
		return ""
	}
	text := strings.ReplaceAll(escape(s.Text), "\n", "<br>")
	switch s.Style {
	case bot.Bold:
		text = "<strong>" + text + "</strong>"
	case bot.Mono:
		// HTML makes one blank of many; between these it must not.
		text = "<code>" + strings.ReplaceAll(text, "  ", "\u00A0 ") + "</code>"
	case bot.Faint:
		text = coloured(faintColour, text)
	case bot.Struck:
		text = "<del>" + text + "</del>"
	}
	if s.URL != "" {
		text = `<a href="` + html.EscapeString(s.URL) + `">` + text + "</a>"
	}
	return text
}

func coloured(colour, inner string) string {
	return "<" + colourTag + ` data-mx-color="` + colour + `">` + inner + "</" + colourTag + ">"
}

// escape is the only way of a cleaned text into HTML.
func escape(s string) string { return html.EscapeString(clean.Isolate(tame(s))) }

// renderPlain writes pieces for notifications, terminals and clients without
// HTML: the title in the first line, then the blocks with an empty line between
// them.
func renderPlain(tone bot.Tone, pieces []piece) string {
	var b strings.Builder
	before := kindTitle
	for i, g := range groups(pieces) {
		switch {
		case i == 0:
		case before == kindTitle:
			b.WriteString("\n")
		default:
			b.WriteString("\n\n")
		}
		for j, p := range g {
			if j > 0 && p.kind != kindPre {
				b.WriteString("\n")
			}
			b.WriteString(plainPiece(tone, p))
		}
		before = g[0].kind
	}
	return b.String()
}

func plainPiece(tone bot.Tone, p piece) string {
	switch p.kind {
	case kindTitle:
		if l, ok := looks[tone]; ok {
			return l.sign + " " + plainText(p.text)
		}
	case kindItem:
		if p.cont { // the bullet stands in the part before
			return plainText(p.text)
		}
		return "• " + strings.ReplaceAll(plainText(p.text), "\n", "\n  ")
	case kindPre:
		return strings.TrimRight(plainText(p.text), "\n")
	}
	return plainText(p.text)
}

func plainText(t bot.Text) string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(plainSpan(s))
	}
	return b.String()
}

func plainSpan(s bot.Span) string {
	text := clean.Isolate(tame(s.Text))
	if s.URL == "" || s.URL == s.Text || text == "" {
		return text
	}
	return text + " <" + s.URL + ">"
}

package matrix

import (
	"html"
	"strings"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/pieces"
)

const faintColour = "#8a8a8a"

// colourTag is the tag of Matrix' list that may carry a colour; <font> has been
// taken from the list.
const colourTag = "span"

// group is a run of pieces that stand in one block.
type group []pieces.Piece

func groups(apart []pieces.Piece) []group {
	var all []group
	for i, p := range apart {
		if i > 0 && apart[i-1].Kind == p.Kind && apart[i-1].Block == p.Block {
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
func renderHTML(tone bot.Tone, apart []pieces.Piece) string {
	all := groups(apart)
	var b strings.Builder
	for _, g := range all {
		inner := make([]string, len(g))
		for i, p := range g {
			inner[i] = htmlPiece(tone, p)
		}
		switch {
		case g[0].Kind == pieces.Item:
			b.WriteString("<ul><li>" + strings.Join(inner, "</li><li>") + "</li></ul>")
		case g[0].Kind == pieces.Pre:
			b.WriteString("<pre><code>" + strings.Join(inner, "") + "</code></pre>")
		case len(all) == 1:
			b.WriteString(strings.Join(inner, "<br>"))
		default:
			b.WriteString("<p>" + strings.Join(inner, "<br>") + "</p>")
		}
	}
	return b.String()
}

func htmlPiece(tone bot.Tone, p pieces.Piece) string {
	switch p.Kind {
	case pieces.Title:
		l, ok := pieces.LookOf(tone)
		if !ok {
			return "<strong>" + htmlText(p.Text) + "</strong>"
		}
		return l.Sign + " <strong>" + coloured(l.Colour, htmlText(p.Text)) + "</strong>"
	case pieces.Small:
		return coloured(faintColour, htmlText(p.Text))
	case pieces.Pre:
		return escape(strings.TrimRight(p.Text.String(), "\n"))
	}
	return htmlText(p.Text)
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
func renderPlain(tone bot.Tone, apart []pieces.Piece) string {
	var b strings.Builder
	before := pieces.Title
	for i, g := range groups(apart) {
		switch {
		case i == 0:
		case before == pieces.Title:
			b.WriteString("\n")
		default:
			b.WriteString("\n\n")
		}
		for j, p := range g {
			if j > 0 && p.Kind != pieces.Pre {
				b.WriteString("\n")
			}
			b.WriteString(plainPiece(tone, p))
		}
		before = g[0].Kind
	}
	return b.String()
}

func plainPiece(tone bot.Tone, p pieces.Piece) string {
	switch p.Kind {
	case pieces.Title:
		if l, ok := pieces.LookOf(tone); ok {
			return l.Sign + " " + plainText(p.Text)
		}
	case pieces.Item:
		return "• " + strings.ReplaceAll(plainText(p.Text), "\n", "\n  ")
	case pieces.Pre:
		return strings.TrimRight(plainText(p.Text), "\n")
	}
	return plainText(p.Text)
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

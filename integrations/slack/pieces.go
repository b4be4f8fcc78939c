package slack

import (
	"unicode/utf8"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/pieces"
)

// platform is what Slack has of its own where a message is taken apart. Costs are in
// bytes of JSON.
var platform = pieces.Platform{
	Link: func(address string) (string, bool) {
		link, ok := clean.Link(address)
		return link, ok && len(link) <= maxLink
	},
	Captioned: func(alt string) bool { return utf8.RuneCountInString(clean.Text(alt)) <= maxAlt },
	Span:      func(s bot.Span, k pieces.Kind) int { return len(marshal(element(s, k))) + 1 },
	Frame:     func(pieces.Kind) int { return 160 },
	MostPiece: 2400,
	MostSpan:  300,
}

// element writes a span. The text of a rich text's element is never read as markup: no
// sign, name or address in it comes to life, and nothing needs to be escaped.
func element(s bot.Span, k pieces.Kind) slack.RichTextSectionElement {
	style := slack.RichTextSectionTextStyle{
		Bold:   s.Style == bot.Bold || k == pieces.Title,
		Italic: s.Style == bot.Faint || k == pieces.Small,
		Code:   s.Style == bot.Mono,
		Strike: s.Style == bot.Struck,
	}
	p := &style
	if style == (slack.RichTextSectionTextStyle{}) || k == pieces.Pre {
		p = nil
	}
	text := clean.Isolate(s.Text)
	if s.URL != "" && k != pieces.Pre {
		return slack.NewRichTextSectionLinkElement(s.URL, text, p)
	}
	return slack.NewRichTextSectionTextElement(text, p)
}

func elements(p pieces.Piece) []slack.RichTextSectionElement {
	out := make([]slack.RichTextSectionElement, 0, len(p.Text))
	for _, s := range p.Text {
		if s.Text != "" { // an empty element is refused
			out = append(out, element(s, p.Kind))
		}
	}
	return out
}

package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// A message is taken apart into pieces, the smallest things between which it may be
// cut, before it is written as blocks: a title, a paragraph, one field, one list item,
// a run of output, a line of small print.

type kind int

const (
	kindTitle kind = iota
	kindPara
	kindField
	kindItem
	kindPre
	kindSmall
)

// piece is one of them. Its text is cleaned, and the addresses in it are safe.
type piece struct {
	kind  kind
	block int // pieces of one block stand together
	text  bot.Text
	cont  bool // goes on where the piece before it was cut
}

// takeApart makes pieces of all that a message says in words. attached tells whether
// pictures and files go out beside it; where not, their words stand in their place.
func takeApart(m bot.Message, attached bool) []piece {
	var pieces []piece
	add := func(k kind, block int, t bot.Text) {
		if t = cleanText(t); strings.TrimSpace(t.String()) != "" {
			pieces = append(pieces, piece{kind: k, block: block, text: t})
		}
	}
	add(kindTitle, -1, oneLine(m.Title))
	for i, b := range m.Blocks {
		switch b := b.(type) {
		case bot.Para:
			add(kindPara, i, b.Text)
		case bot.Fields:
			for _, f := range b.Fields {
				add(kindField, i, append(bot.Line(bot.B(f.Name+":"), bot.T(" ")), f.Value...))
			}
		case bot.List:
			for _, item := range b.Items {
				add(kindItem, i, item)
			}
		case bot.Pre:
			add(kindPre, i, bot.Line(bot.T(strings.TrimRight(b.Body, "\n"))))
		case bot.Picture:
			if !attached || len(b.PNG) == 0 {
				add(kindSmall, i, bot.Line(bot.T("🖼 "+either(b.Alt, either(b.Name, "a picture")))))
			} else if utf8.RuneCountInString(clean.Text(b.Alt)) > maxAlt {
				add(kindPara, i, bot.Line(bot.T(b.Alt)))
			}
		case bot.File:
			if !attached || len(b.Data) == 0 {
				add(kindSmall, i, bot.Line(bot.T(fmt.Sprintf("📎 %s (%d bytes, not attached here)", either(b.Name, "a file"), len(b.Data)))))
			}
		}
	}
	add(kindSmall, len(m.Blocks), m.Note)
	return pieces
}

func either(first, second string) string {
	if strings.TrimSpace(first) != "" {
		return first
	}
	return second
}

func oneLine(t bot.Text) bot.Text {
	return t.Map(func(s string) string { return strings.ReplaceAll(clean.Text(s), "\n", " ") })
}

// cleanText cleans every span, and shows the addresses that cannot be links as text.
func cleanText(t bot.Text) bot.Text {
	out := make(bot.Text, 0, len(t))
	for _, s := range t {
		address := s.URL
		s.Text, s.URL = clean.Text(s.Text), ""
		if address == "" {
			out = append(out, s)
			continue
		}
		link, ok := clean.Link(address)
		ok = ok && len(link) <= maxLink
		shown := clean.Text(address)
		switch {
		case ok && s.Text == "":
			s.Text, s.URL = shown, link
		case ok:
			s.URL = link
		case s.Text == "" || s.Text == shown:
			s.Text, s.Style = shown, bot.Mono
		default:
			out = append(out, s, bot.T(" "))
			s = bot.M(shown)
		}
		out = append(out, s)
	}
	return out
}

// element writes a span. The text of a rich text's element is never read as markup: no
// sign, name or address in it comes to life, and nothing needs to be escaped.
func element(s bot.Span, k kind) slack.RichTextSectionElement {
	style := slack.RichTextSectionTextStyle{
		Bold:   s.Style == bot.Bold || k == kindTitle,
		Italic: s.Style == bot.Faint || k == kindSmall,
		Code:   s.Style == bot.Mono,
		Strike: s.Style == bot.Struck,
	}
	p := &style
	if style == (slack.RichTextSectionTextStyle{}) || k == kindPre {
		p = nil
	}
	text := clean.Isolate(s.Text)
	if s.URL != "" && k != kindPre {
		return slack.NewRichTextSectionLinkElement(s.URL, text, p)
	}
	return slack.NewRichTextSectionTextElement(text, p)
}

func elements(p piece) []slack.RichTextSectionElement {
	out := make([]slack.RichTextSectionElement, 0, len(p.text))
	for _, s := range p.text {
		if s.Text != "" { // an empty element is refused
			out = append(out, element(s, p.kind))
		}
	}
	return out
}

// frame is more than what stands around a piece and beside it.
const frame = 160

// cost is how many bytes of JSON a piece needs at most.
func cost(p piece) int {
	n := frame
	for _, s := range p.text {
		n += spanCost(s, p.kind)
	}
	return n
}

func spanCost(s bot.Span, k kind) int {
	b, _ := json.Marshal(element(s, k)) // strings and truths always marshal
	return len(b) + 1
}

// cut makes pieces of a piece that are not too long each: at line breaks where it can,
// else between characters.
func (p piece) cut() []piece {
	if cost(p) <= maxUnit {
		return []piece{p}
	}
	const chunk = 300
	var all []piece
	now, sum := piece{kind: p.kind, block: p.block, cont: p.cont}, frame
	for _, s := range p.text {
		for rest := s.Text; rest != ""; {
			part := s
			part.Text = rest[:seam(rest, chunk)]
			rest = rest[len(part.Text):]
			c := spanCost(part, p.kind)
			if sum+c > maxUnit && len(now.text) > 0 {
				all = append(all, now)
				now, sum = piece{kind: p.kind, block: p.block, cont: true}, frame
			}
			now.text, sum = join(now.text, part), sum+c
		}
	}
	return append(all, now)
}

// join appends a span, and makes one of two that differ in nothing but their words: a
// link that was cut is told once.
func join(t bot.Text, s bot.Span) bot.Text {
	if last := len(t) - 1; last >= 0 && t[last].Style == s.Style && t[last].URL == s.URL {
		t[last].Text += s.Text
		return t
	}
	return append(t, s)
}

// seam is where to cut a string to at most size bytes: after the last line break in its
// second half, else after a blank there, else before a character.
func seam(s string, size int) int {
	if len(s) <= size {
		return len(s)
	}
	for _, sep := range []string{"\n", " "} {
		if i := strings.LastIndex(s[size/2:size], sep); i >= 0 {
			return size/2 + i + 1
		}
	}
	for size > 1 && !utf8.RuneStart(s[size]) {
		size--
	}
	return size
}

// pack puts pieces into as few parts as hold them.
func pack(pieces []piece, budget int) [][]piece {
	var parts [][]piece
	var part []piece
	sum := 0
	for _, whole := range pieces {
		for _, p := range whole.cut() {
			c := cost(p)
			if sum+c > budget && len(part) > 0 {
				parts, part, sum = append(parts, part), nil, 0
			}
			sum += c
			switch last := len(part) - 1; {
			case p.cont && last >= 0:
				for _, s := range p.text {
					part[last].text = join(part[last].text, s)
				}
			default:
				if p.cont && (p.kind == kindTitle || p.kind == kindItem) {
					p.kind = kindPara // a title is a title once, and an item begins once
				}
				part = append(part, p)
			}
		}
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

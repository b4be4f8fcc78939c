package matrix

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// A message is taken apart into pieces, the smallest things between which it
// may be cut, before it is written down: a title, a paragraph, one field, one
// list item, a run of output, a line of small print.

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

// maxPiece bounds what one piece may cost (see cost). It leaves room for the
// dearest span: maxChunk characters that all need escaping, with a link.
const (
	maxPiece = 20 << 10
	maxChunk = 1 << 10
)

// takeApart makes pieces of all that a message says in words. attached tells
// whether pictures and files go out beside it; where not, their words stand in
// their place.
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
			add(kindPre, i, bot.Line(bot.T(b.Body)))
		case bot.Picture:
			if !attached || len(b.PNG) == 0 {
				add(kindSmall, i, bot.Line(bot.T("🖼 "+words(b.Alt, words(b.Name, "a picture")))))
			} else if len(b.Alt) > maxCaption {
				add(kindPara, i, bot.Line(bot.T(b.Alt)))
			}
		case bot.File:
			if !attached || len(b.Data) == 0 {
				add(kindSmall, i, bot.Line(bot.T(fmt.Sprintf("📎 %s (%d bytes, not attached here)", words(b.Name, "a file"), len(b.Data)))))
			}
		}
	}
	end := len(m.Blocks)
	add(kindSmall, end, legend(m.Actions))
	add(kindSmall, end, m.Note)
	if len(pieces) == 0 {
		pieces = append(pieces, piece{kind: kindPara, text: bot.Line(bot.T("—"))}) // an empty body is refused
	}
	return pieces
}

func words(first, second string) string {
	if strings.TrimSpace(first) != "" {
		return first
	}
	return second
}

// legend says which reaction does what: "React: ✅ Ack · 🔕 Silence 1 h". An
// action without an emoji is told as the words to write.
func legend(actions []bot.Action) bot.Text {
	var react, write []string
	for _, a := range actions {
		label := words(a.Label, a.Name)
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

func oneLine(t bot.Text) bot.Text {
	return t.Map(func(s string) string {
		return strings.ReplaceAll(clean.Text(s), "\n", " ")
	})
}

// cleanText cleans every span, and shows the addresses that cannot be links as
// text.
func cleanText(t bot.Text) bot.Text {
	out := make(bot.Text, 0, len(t))
	for _, s := range t {
		address := s.URL
		s.Text, s.URL = clean.Text(s.Text), ""
		if address == "" {
			out = append(out, s)
			continue
		}
		link, ok := safeLink(address)
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

// cost is how many bytes of JSON a piece needs at most, in both forms.
func cost(p piece) int {
	n := p.frame()
	for _, s := range p.text {
		n += spanCost(s)
	}
	return n
}

// frame is what stands around a piece: tags, a sign, separators.
func (p piece) frame() int {
	if p.kind == kindItem {
		return 64 // there may be many, and they stand close
	}
	return 160
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

// cut makes pieces of a piece that are not too dear each: at line breaks where
// it can, else between characters.
func (p piece) cut() []piece {
	if cost(p) <= maxPiece {
		return []piece{p}
	}
	var all []piece
	now, sum := piece{kind: p.kind, block: p.block, cont: p.cont}, p.frame()
	for _, s := range p.text {
		for rest := s.Text; rest != ""; {
			chunk := s
			chunk.Text = rest[:seam(rest, maxChunk)]
			rest = rest[len(chunk.Text):]
			c := spanCost(chunk)
			if sum+c > maxPiece && len(now.text) > 0 {
				all = append(all, now)
				now, sum = piece{kind: p.kind, block: p.block, cont: true}, p.frame()
			}
			now.text, sum = join(now.text, chunk), sum+c
		}
	}
	return append(all, now)
}

// join appends a span, and makes one of two that differ in nothing but their
// words: a link that was cut is told once.
func join(t bot.Text, s bot.Span) bot.Text {
	if last := len(t) - 1; last >= 0 && t[last].Style == s.Style && t[last].URL == s.URL {
		t[last].Text += s.Text
		return t
	}
	return append(t, s)
}

// seam is where to cut a string to at most size bytes: after the last line
// break in its second half, else after a blank there, else before a character.
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
				if p.cont && p.kind == kindTitle {
					p.kind = kindPara // a title is a title once
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

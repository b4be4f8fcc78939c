// Package pieces takes a [bot.Message] apart into the smallest things between which a
// chat may cut it (a title, a paragraph, one field, one list item, a run of output, a
// line of small print), cleans what others wrote in them, and packs them into as few
// posts as hold them, so that nothing is lost where one is not enough. It also knows how
// a tone looks.
//
// What a piece becomes, and what that costs, is a platform's own: a [Platform] says so.
//
// Neighbours: integrations/matrix and integrations/slack write pieces down; bot/clean
// cleans the words. The console paints messages whole.
package pieces

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// Kind is what a piece is.
type Kind int

// The kinds of pieces.
const (
	Title Kind = iota
	Para
	Field
	Item
	Pre
	Small
)

// Piece is one of them. Its text is cleaned, and the addresses in it are safe.
type Piece struct {
	Kind  Kind
	Block int // pieces of one block stand together
	Text  bot.Text
	Cont  bool // goes on where the piece before it was cut
}

// Platform is what differs between chats.
type Platform struct {
	// Link gives an address that may become a link, or tells that it may not.
	Link func(address string) (link string, ok bool)
	// Captioned tells whether a picture's words stand beside it, or are too long for that.
	Captioned func(alt string) bool
	// Span and Frame are how many bytes of a post a span needs at most in a piece of a
	// kind, and what stands around such a piece.
	Span  func(bot.Span, Kind) int
	Frame func(Kind) int
	// MostPiece bounds what one piece may cost; it leaves room for the dearest span:
	// MostSpan bytes of text that all need escaping, with a link.
	MostPiece, MostSpan int
}

// Apart makes pieces of all that a message says in words; the actions are left out, and
// small stands before the small print. attached tells whether pictures and files go out
// beside it; where not, their words stand in their place.
func (x Platform) Apart(m bot.Message, attached bool, small ...bot.Text) []Piece {
	var all []Piece
	add := func(k Kind, block int, t bot.Text) {
		if t = x.clean(t); strings.TrimSpace(t.String()) != "" {
			all = append(all, Piece{Kind: k, Block: block, Text: t})
		}
	}
	add(Title, -1, oneLine(m.Title))
	for i, b := range m.Blocks {
		switch b := b.(type) {
		case bot.Para:
			add(Para, i, b.Text)
		case bot.Fields:
			for _, f := range b.Fields {
				add(Field, i, append(bot.Line(bot.B(f.Name+":"), bot.T(" ")), f.Value...))
			}
		case bot.List:
			for _, item := range b.Items {
				add(Item, i, item)
			}
		case bot.Pre:
			add(Pre, i, bot.Line(bot.T(strings.TrimRight(b.Body, "\n"))))
		case bot.Picture:
			if !attached || len(b.PNG) == 0 {
				add(Small, i, bot.Line(bot.T("🖼 "+Either(b.Alt, Either(b.Name, "a picture")))))
			} else if !x.Captioned(b.Alt) {
				add(Para, i, bot.Line(bot.T(b.Alt)))
			}
		case bot.File:
			if !attached || len(b.Data) == 0 {
				add(Small, i, bot.Line(bot.T(fmt.Sprintf("📎 %s (%d bytes, not attached here)", Either(b.Name, "a file"), len(b.Data)))))
			}
		}
	}
	for _, t := range append(small, m.Note) {
		add(Small, len(m.Blocks), t)
	}
	return all
}

// HasWords tells whether a message says anything beside what is attached to it.
func (x Platform) HasWords(m bot.Message) bool {
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case bot.Picture:
			if len(b.PNG) == 0 || !x.Captioned(b.Alt) {
				return true
			}
		case bot.File:
			if len(b.Data) == 0 {
				return true
			}
		default:
			return true
		}
	}
	return m.Title.String() != "" || m.Note.String() != "" || len(m.Actions) > 0
}

// Either is the first of two texts that holds anything to see.
func Either(first, second string) string {
	if strings.TrimSpace(first) != "" {
		return first
	}
	return second
}

func oneLine(t bot.Text) bot.Text {
	return t.Map(func(s string) string { return strings.ReplaceAll(clean.Text(s), "\n", " ") })
}

// clean cleans every span, and shows the addresses that cannot be links as text.
func (x Platform) clean(t bot.Text) bot.Text {
	out := make(bot.Text, 0, len(t))
	for _, s := range t {
		address := s.URL
		s.Text, s.URL = clean.Text(s.Text), ""
		if address == "" {
			out = append(out, s)
			continue
		}
		link, ok := x.Link(address)
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

// Clean is a text as a piece would have it, for what stands outside of pieces.
func (x Platform) Clean(t bot.Text) bot.Text { return x.clean(t) }

// FileName is a name without folders, of a bearable length; otherwise where nothing is
// left of it.
func FileName(s, otherwise string) string {
	s = strings.TrimSpace(strings.NewReplacer("/", "_", "\\", "_", "\n", " ", "\t", " ").Replace(clean.Text(s)))
	if s = strings.TrimLeft(s, "."); s == "" {
		return otherwise
	}
	for len(s) > mostName { // the extension is at the end
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s
}

// mostName is in bytes.
const mostName = 120

// Look is how a tone shows: a sign in front for everybody, and a colour that can be read
// on light and on dark ground.
type Look struct{ Sign, Colour string }

// LookOf is a tone's look; plain ones have none.
func LookOf(t bot.Tone) (Look, bool) {
	l, ok := looks[t]
	return l, ok
}

var looks = map[bot.Tone]Look{
	bot.ToneCritical: {"🔴", "#d93025"},
	bot.ToneWarning:  {"🟠", "#d07a00"},
	bot.ToneInfo:     {"🔵", "#2f7fd1"},
	bot.ToneOK:       {"✅", "#2e9e4f"},
	bot.ToneMuted:    {"🔇", "#8a8a8a"},
	bot.ToneUnknown:  {"❔", "#8e6bbf"},
}

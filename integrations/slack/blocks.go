package slack

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/pieces"
)

// page is what one post shows: the title on top, the rest below it, beside a bar of the
// tone's colour where there is one.
type page struct {
	title, rest []slack.Block
}

// write makes a page of pieces. Blocks are few, since clients fold what has many.
func write(tone bot.Tone, apart []pieces.Piece, small bot.Text, actions []bot.Action) page {
	var p page
	var body []slack.RichTextElement
	for _, g := range groups(apart) {
		switch g[0].Kind {
		case pieces.Title:
			var line []slack.RichTextSectionElement
			if l, ok := pieces.LookOf(tone); ok {
				line = append(line, slack.NewRichTextSectionTextElement(l.Sign+" ", nil))
			}
			p.title = append(p.title, slack.NewRichTextBlock("", slack.NewRichTextSection(append(line, elements(g[0])...)...)))
		case pieces.Item:
			list := slack.NewRichTextList(slack.RTEListBullet, 0)
			for _, item := range g {
				list.Elements = append(list.Elements, slack.NewRichTextSection(elements(item)...))
			}
			body = append(body, list)
		case pieces.Pre:
			for _, pre := range g {
				body = append(body, &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: elements(pre)})
			}
		default:
			body = append(body, paragraph(g))
		}
	}
	if len(body) > 0 {
		p.rest = append(p.rest, slack.NewRichTextBlock("", body...))
	}
	if words := clean.Isolate(small.String()); words != "" {
		p.rest = append(p.rest, slack.NewContextBlock("", slack.NewTextBlockObject(slack.PlainTextType, words, false, false)))
	}
	if b := buttons(actions); b != nil {
		p.rest = append(p.rest, b)
	}
	return p
}

// group is a run of pieces that stand in one element: the items of a list, or lines
// that follow each other.
type group []pieces.Piece

func groups(apart []pieces.Piece) []group {
	lines := func(k pieces.Kind) bool { return k == pieces.Para || k == pieces.Field || k == pieces.Small }
	var all []group
	for i, p := range apart {
		if i > 0 {
			before := apart[i-1]
			if lines(p.Kind) && lines(before.Kind) || p.Kind == before.Kind && p.Block == before.Block {
				all[len(all)-1] = append(all[len(all)-1], p)
				continue
			}
		}
		all = append(all, group{p})
	}
	return all
}

// paragraph writes lines into one section. Blocks of a message stand apart by an empty
// line; the fields of one block, and a line of small print, do not.
func paragraph(g group) *slack.RichTextSection {
	s := slack.NewRichTextSection()
	for i, p := range g {
		if i > 0 {
			gap := "\n"
			if p.Block != g[i-1].Block && p.Kind == pieces.Para {
				gap = "\n\n"
			}
			s.Elements = append(s.Elements, slack.NewRichTextSectionTextElement(gap, nil))
		}
		s.Elements = append(s.Elements, elements(p)...)
	}
	return s
}

// smallPrint takes the note out of a message, if it fits into a line of small print
// without losing anything.
func smallPrint(m *bot.Message) bot.Text {
	note := platform.Clean(m.Note)
	for _, s := range note {
		if s.URL != "" {
			return nil
		}
	}
	if text := clean.Isolate(note.String()); strings.TrimSpace(text) == "" || len(text) > maxContext {
		return nil
	}
	m.Note = nil
	return note
}

// Ids of what people press.
const (
	actionPress = "press" // a button: its value is the command
	actionPick  = "pick"  // a menu: the option's value is the command
	actionAsk   = "ask"   // a button that asks for words first
	actionLink  = "link"  // leads elsewhere; nothing is to be done
)

// buttons are a message's actions, or nil.
func buttons(actions []bot.Action) *slack.ActionBlock {
	b := slack.NewActionBlock("")
	for i, a := range actions {
		if len(b.Elements.ElementSet) == maxActions {
			break // there are never as many
		}
		if e := button(a, strconv.Itoa(i)); e != nil {
			b.Elements.ElementSet = append(b.Elements.ElementSet, e)
		}
	}
	if len(b.Elements.ElementSet) == 0 {
		return nil
	}
	return b
}

func plain(s string, most int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, short(strings.ReplaceAll(clean.Text(s), "\n", " "), most), false, false)
}

func button(a bot.Action, n string) slack.BlockElement {
	label := pieces.Either(a.Label, a.Name)
	if a.URL != "" {
		link, ok := clean.Link(a.URL)
		if !ok || len(link) > maxLink || label == "" {
			return nil // it stands in the words too
		}
		return slack.NewButtonBlockElement(actionLink+n, "", plain(label, maxButton)).WithURL(link)
	}
	if a.Name == "" || len(a.Name) > maxValue {
		return nil
	}
	if len(a.Choices) > 0 {
		var options []*slack.OptionBlockObject
		for _, c := range a.Choices {
			if len(c.Name) <= maxOption && len(options) < maxOptions {
				options = append(options, slack.NewOptionBlockObject(c.Name, plain(pieces.Either(c.Label, c.Name), maxButton), nil))
			}
		}
		return slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain(verb(a.Name)+" …", maxPlaceholder), actionPick+n, options...)
	}
	b := slack.NewButtonBlockElement(actionPress+n, a.Name, plain(label, maxButton))
	if a.Form != nil {
		value, ok := formValue(a)
		if !ok {
			return nil // as a command that does not fit
		}
		b = slack.NewButtonBlockElement(actionAsk+n, value, plain(label, maxButton))
	}
	if a.Danger {
		b = b.WithStyle(slack.StyleDanger).WithConfirm(slack.NewConfirmationBlockObject(
			plain(label+"?", maxConfirmTitle), plain(pieces.Either(a.Then, "A second press does not take it back."), maxConfirmText), plain(label, maxConfirmButton), plain("Not now", maxConfirmButton)))
	}
	return b
}

// verb is a command's first word, as a button has it: "Silence".
func verb(command string) string {
	word, _, _ := strings.Cut(command, " ")
	r, size := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(r)) + word[size:]
}

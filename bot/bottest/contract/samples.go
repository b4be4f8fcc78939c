package contract

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"unicode"

	"watchstander/bot"
)

// plain is a short message.
func plain(s string) bot.Message { return bot.Message{Title: bot.Line(bot.T(s))} }

// toned is a root as alerts have them.
func toned(tone bot.Tone, title string) bot.Message {
	return bot.Message{Tone: tone, Title: bot.Line(bot.T(title)), Blocks: []bot.Block{
		bot.Fields{Fields: []bot.Field{{Name: "instance", Value: bot.Line(bot.M("vulcan:9100"))}}},
	}}
}

// everything holds each kind of block and span, and words lists what must be
// read of it. The names of pictures are no words where the platform shows the
// picture itself.
func everything() (m bot.Message, words []string) {
	m = bot.Message{
		Tone:  bot.ToneWarning,
		Title: bot.Line(bot.T("title-plain "), bot.B("title-bold")),
		Blocks: []bot.Block{
			bot.Para{Text: bot.Line(bot.T("para-plain "), bot.B("para-bold "), bot.M("para-mono "), bot.F("para-faint "), bot.Span{Text: "para-struck", Style: bot.Struck}, bot.T(" "), bot.L("para-link", "https://runbooks.example/disk?a=1&b=2"))},
			bot.Fields{Fields: []bot.Field{{Name: "field-one", Value: bot.Line(bot.M("value-one"))}, {Name: "field-two", Value: bot.Line(bot.T("value-two"))}}},
			bot.List{Items: []bot.Text{bot.Line(bot.T("item-one")), bot.Line(bot.B("item-two"))}},
			bot.Pre{Body: "pre-one  pre-two\npre-three"},
			bot.Picture{Name: "load.png", PNG: picture(), Alt: "alt-words 3.1", Width: 4, Height: 3},
			bot.File{Name: "report.txt", Type: "text/plain", Data: []byte("file-words\n")},
		},
		Actions: []bot.Action{{Name: "ack", Emoji: "✅", Label: "Ack"}, {Name: "silence 1h", Emoji: "🔕", Label: "Silence 1 h", Danger: true}},
		Note:    bot.Line(bot.T("note-words")),
	}
	return m, []string{
		"title-plain", "title-bold", "para-plain", "para-bold", "para-mono", "para-faint", "para-struck", "para-link",
		"field-one", "value-one", "field-two", "value-two", "item-one", "item-two", "pre-one", "pre-two", "pre-three",
		"alt-words 3.1", "report.txt", "note-words",
	}
}

// picture is a small PNG.
func picture() []byte {
	img := image.NewGray(image.Rect(0, 0, 4, 3))
	img.SetGray(1, 1, color.Gray{Y: 200})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // into memory, of a picture of ours
	}
	return b.Bytes()
}

// hostile is a text that somebody put into a label, and what of it must be read.
type hostile struct {
	name  string
	text  string
	shows []string
}

// same is for what must show to the letter.
func same(name, text string) hostile { return hostile{name, text, []string{text}} }

func hostileTexts(user bot.UserID) []hostile {
	return []hostile{
		same("HTML", `<b>bold</b><script>alert(1)</script><img src=x onerror="y"> &amp; &lt; </code></pre>`),
		same("Markdown", "**bold** _slanted_ `code` [click](https://evil.example) # head ~~no~~ > quote"),
		same("mrkdwn", "*bold* <https://evil.example|click> <!channel> <!here> <@U123> <#C1> :smile: &lt;!here&gt;"),
		same("whole rooms", "@room @here @channel @everyone"),
		same("the reader's name", string(user)+" wake up"),
		same("a pill", `<a href="https://matrix.to/#/`+string(user)+`">x</a> https://matrix.to/#/`+string(user)),
		same("quotes", `"); DROP TABLE rooms; -- \" \\ {"a":1}`),
		{"direction", "abc\u202Edef\u202Cghi\u2066jkl\u2069mno\u200Fpqr", []string{"abc", "def", "ghi", "jkl", "mno", "pqr"}},
		{"controls", "one\x00two\x1b[2Jthree\x1b]0;title\x07four\rfive\x7fsix\u0085seven\u009b1mnine", []string{"one", "two", "three", "title", "four", "five", "six", "seven", "nine"}},
		{"no width", "ze\u200Bro\u00ADwid\uFEFFth", []string{"ze", "ro", "wid", "th"}},
		{"broken bytes", "bad\xff\xfeend", []string{"bad", "end"}},
		{"line breaks", "up\nmiddle\r\ndown", []string{"up", "middle", "down"}},
		{"towers", "t" + strings.Repeat("\u0301", 60) + "end", []string{"t", "end"}},
	}
}

// everywhere puts a text into every place that a message has for words. places
// is how many of them people read.
func everywhere(text string) (m bot.Message, places int) {
	return bot.Message{
		Title: bot.Line(bot.T(text)),
		Blocks: []bot.Block{
			bot.Para{Text: bot.Line(bot.T(text), bot.T(" | "), bot.B(text), bot.T(" | "), bot.M(text))},
			bot.Fields{Fields: []bot.Field{{Name: text, Value: bot.Line(bot.T(text))}}},
			bot.List{Items: []bot.Text{bot.Line(bot.T(text))}},
			bot.Pre{Body: text},
		},
		Note: bot.Line(bot.T(text)),
	}, 8
}

// numbered is a long text of short lines.
func numbered(lines int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "line %06d <b>&amp;</b> @room \"quoted\" \\\n", i)
	}
	return b.String()
}

// squeeze leaves of a text what has ink: chats may break lines anew and put
// joiners without width into what they must not act upon.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == 0x2060, r == 0x2066, r == 0x2067, r == 0x2068, r == 0x2069:
			return -1
		}
		return r
	}, s)
}

// readings are the words of posts, read in turn, once for each face. A post with
// fewer faces shows its last one.
func readings(posts []Post) []string {
	n := 0
	for _, p := range posts {
		n = max(n, len(p.Faces))
	}
	all := make([]string, n)
	for i := range all {
		for _, p := range posts {
			if len(p.Faces) > 0 {
				all[i] += p.Faces[min(i, len(p.Faces)-1)] + "\n"
			}
			for _, a := range p.Attachments {
				all[i] += a.Name + "\n"
			}
		}
	}
	return all
}

// faultOf tells what of a text no client may be given.
func faultOf(s string) string {
	depth := 0
	for _, r := range s {
		switch {
		case r == '\n':
			if depth != 0 {
				return "it leaves the direction of writing turned"
			}
		case r == '\t':
		case unicode.IsControl(r):
			return fmt.Sprintf("it holds the control character %U", r)
		case r >= 0x202A && r <= 0x202E, r == 0x200E, r == 0x200F, r == 0x061C:
			return fmt.Sprintf("it turns the direction of writing by %U", r)
		case r >= 0x2066 && r <= 0x2068:
			depth++
		case r == 0x2069:
			depth--
		}
	}
	if depth != 0 {
		return "it leaves the direction of writing turned"
	}
	return ""
}

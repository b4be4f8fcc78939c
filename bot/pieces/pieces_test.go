package pieces

import (
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// small is a platform with room for little, where each byte of text costs one.
var small = Platform{
	Link:      clean.Link,
	Captioned: func(alt string) bool { return len(alt) < 10 },
	Span:      func(s bot.Span, _ Kind) int { return len(s.Text) },
	Frame:     func(Kind) int { return 1 },
	MostPiece: 40, MostSpan: 16,
}

// Nothing is lost, no part is dearer than it may be, and what goes on in the next part
// does not begin there once more.
func TestPack(t *testing.T) {
	long := strings.Repeat("some words, größer\n", 20)
	for _, b := range []bot.Block{bot.Para{Text: bot.Line(bot.B(long), bot.M(long))}, bot.List{Items: []bot.Text{bot.Line(bot.T(long))}}, bot.Pre{Body: long}} {
		m := bot.Message{Title: bot.Line(bot.T(strings.Repeat("title ", 30))), Blocks: []bot.Block{b}, Note: bot.Line(bot.T("note"))}
		all := small.Apart(m, false)
		want := ""
		for _, p := range all {
			want += p.Text.String()
		}
		got, begun := "", map[Kind]int{}
		for _, part := range small.Pack(all, 100) {
			sum := 0
			for _, p := range part {
				got += p.Text.String()
				sum += small.Cost(p)
				begun[p.Kind]++
			}
			if sum > 100 {
				t.Errorf("%T: a part costs %d", b, sum)
			}
		}
		if got != want {
			t.Errorf("%T: %q became %q", b, want, got)
		}
		if begun[Title] != 1 || begun[Item] > 1 {
			t.Errorf("%T: a title begins %d times, an item %d", b, begun[Title], begun[Item])
		}
	}
}

func TestWordsBesideAttachments(t *testing.T) {
	picture := func(alt string) bot.Block { return bot.Picture{Name: "p.png", PNG: []byte("png"), Alt: alt} }
	for name, x := range map[string]struct {
		m        bot.Message
		words    bool
		attached string
	}{
		"a picture":                {bot.Message{Blocks: []bot.Block{picture("load")}}, false, ""},
		"a picture of many words":  {bot.Message{Blocks: []bot.Block{picture("load of the host")}}, true, "load of the host"},
		"an empty picture":         {bot.Message{Blocks: []bot.Block{bot.Picture{Name: "p.png"}}}, true, "🖼 p.png"},
		"a file":                   {bot.Message{Blocks: []bot.Block{bot.File{Name: "f", Data: []byte("x")}}}, false, ""},
		"an empty file":            {bot.Message{Blocks: []bot.Block{bot.File{Name: "f"}}}, true, "📎 f (0 bytes, not attached here)"},
		"a picture below a title":  {bot.Message{Title: bot.Line(bot.T("t")), Blocks: []bot.Block{picture("load")}}, true, "t"},
		"an address of no address": {bot.Message{Note: bot.Line(bot.L("x", "javascript:y"))}, true, "x javascript:y"},
	} {
		got := ""
		for _, p := range small.Apart(x.m, true) {
			got += p.Text.String()
		}
		if small.HasWords(x.m) != x.words || got != x.attached {
			t.Errorf("%s says %q, has words: %v; want %q, %v", name, got, small.HasWords(x.m), x.attached, x.words)
		}
	}
}

func TestFileName(t *testing.T) {
	for s, want := range map[string]string{"../../etc/passwd": "_.._etc_passwd", "": "else", "..": "else", "a\nb.txt": "a b.txt", strings.Repeat("ä", 100) + ".png": strings.Repeat("ä", 58) + ".png"} {
		if got := FileName(s, "else"); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

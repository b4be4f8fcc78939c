package clean

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain text\n\tand more":            "plain text\n\tand more",
		"a\u202Eb":                          "a⟨U+202E⟩b",
		"a\x00\x1b[31m\x7f":                 "a␀␛[31m␡",
		"a\r\nb\u2028c\rd":                  "a\nb\nc␍d",
		"\xff\xfe":                          "\uFFFD",
		"zero\u200Bwidth\uFEFF\u2060\u00AD": "zero⟨U+200B⟩width⟨U+FEFF⟩⟨U+2060⟩⟨U+00AD⟩",
		"\U000E0041\uE000\u180B":            "⟨U+E0041⟩⟨U+E000⟩⟨U+180B⟩",
		"👩‍💻 ❤️ 👍🏽 é \u0600١٢":              "👩‍💻 ❤️ 👍🏽 é \u0600١٢",
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Text("a" + strings.Repeat("\u0301", 40)); strings.Count(got, "\u0301") != MaxMarks {
		t.Errorf("%q", got)
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"short":             "short",
		"ten letter":        "ten letter",
		"eleven lett":       "eleven let…",
		"a\n\tb":            "a␤ b",
		"ääääääääää":        "ääääääääää",
		"äääääääääää":       "ääääääääää…",
		"\x1b]0;title\x07x": "␛]0;title␇…",
	} {
		if got := Line(in, 10); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Line(strings.Repeat("x", 1<<20), 160); utf8.RuneCountInString(got) != 161 {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\u202Eb\x1b[31m\r\n\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		for _, r := range got {
			if r != '\n' && r != '\t' && (unicode.IsControl(r) || hidden(r)) || r == 0x2028 || r == 0x2029 {
				t.Errorf("%q keeps %U: %q", s, r, got)
			}
		}
		if !utf8.ValidString(got) || Text(got) != got {
			t.Errorf("%q becomes %q, and that %q", s, got, Text(got))
		}
		if line := Line(s, 40); strings.ContainsAny(line, "\n\t") || utf8.RuneCountInString(line) > 41 || !utf8.ValidString(line) {
			t.Errorf("%q in a line is %q", s, line)
		}
	})
}

func TestIsolate(t *testing.T) {
	if got := Isolate("abc אבג\ndef"); got != fsi+"abc אבג"+pdi+"\ndef" {
		t.Errorf("%q", got)
	}
}

func TestLink(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.example/x?y=1":  "https://a.example/x?y=1",
		"http://a.example/<b>|c@d": "http://a.example/%3Cb%3E%7Cc%40d",
		"https://u:p@a.example/":   "",
		"javascript:alert(1)":      "",
		"https:///nowhere":         "",
		"https://./":               "",
		"https://a.example/\u202e": "",
		"https://a.example/\nb":    "",
	} {
		if got, ok := Link(raw); got != want || ok != (want != "") {
			t.Errorf("Link(%q) = %q, %v; want %q", raw, got, ok, want)
		}
	}
}

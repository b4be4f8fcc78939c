package plan

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"watchstander/bot"
)

// filled is a plan that says s wherever others' words stand, and its reason; its
// argument, which is quoted, says arg.
func filled(s, arg string) (bot.Plan, string) {
	p := sample()
	p.Draft.Summary, p.Draft.Steps, p.Draft.Differences = s, []string{s, "a step"}, []string{s}
	p.Draft.Conditions = []bot.Condition{{Text: s, Found: s, State: bot.OK}}
	p.Draft.Irreversible, p.Draft.Undo, p.Draft.Takes = []string{s}, s, s
	p.Draft.Observed = []bot.Fact{{Name: "free", Value: s}}
	p.Draft.Bound = []bot.Fact{{Name: "boot", Value: s}}
	p.Draft.Locks, p.Draft.WaitFor, p.Draft.Roots = []string{s}, []string{s}, []string{s}
	p.Arguments = bot.Arguments{"to": {arg}}
	p.Rule.Name = s
	return p, s
}

// shownOf is all that an approver reads, "" where it is refused.
func shownOf(s, arg string) string {
	p, reason := filled(s, arg)
	st, err := NewStatement(p, "alice", bot.Approve, reason, "nonce-1", p.MintedAt, p.MintedAt.Add(10*time.Minute))
	if err != nil {
		return ""
	}
	text, err := RenderStatement(st, p)
	if err != nil {
		return ""
	}
	return text
}

// headingsOf are the lines that begin in the first column.
func headingsOf(text string) string {
	var out []string
	for l := range strings.Lines(text) {
		if !strings.HasPrefix(l, " ") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

// FuzzShown puts any text wherever a plan or a statement holds others' words. Either
// it is refused, or all of it can be seen on a terminal: no sequence that moves the
// cursor, nothing without a look or that turns the direction, no line that looks
// like one of our own, and no two texts in the same signs.
func FuzzShown(f *testing.F) {
	for _, s := range []string{"on", "a\nWho\n  must agree   nobody", "a\r\nb", "\x1b[2J\x1b[Hon", "a\u202egnihton", "no\u200bthing", "a\u00adb", "\u2028x", "\u2066x\u2069", "a\u0300\u0301\u0302\u0303\u0304\u0305",
		"  a  ", "a\u00a0b", "a\u202fb", "␣a", "a\tb", "| a", "a\n\n\nb", "\U000e0041", "\ufeffa", "\u3164", "\u115f", "\u2800", strings.Repeat("x", 200), strings.Repeat("x ", 100), "e\u0301", "\ufe0f", "\u034f", "\x9b31m", "\u17b4", "\U000c1041", "\u0378", "\n", "\n\na"} {
		f.Add(s, s+" ")
	}
	for _, blank := range []string{" ", "\u00a0", "\u202f", "␣", "⍽", "⎵"} {
		for _, other := range []string{" ", "\u00a0", "\u202f"} {
			f.Add("a"+blank, "a"+other)
			f.Add("‹"+blank+"›", "‹"+other+"›")
			f.Add(blank+"a", other+"a")
		}
	}
	want := headingsOf(shownOf("on", "on"))
	f.Fuzz(func(t *testing.T, s, other string) {
		if s == "" || len(s) > 1000 || len(other) > 1000 {
			return
		}
		text := shownOf(s, s)
		if text == "" {
			return
		}
		for _, r := range text {
			if r != '\n' && (!unicode.IsGraphic(r) || unicode.In(r, unicode.Cf, unicode.Cc, unicode.Co, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)) {
				t.Fatalf("U+%04X is on the terminal: %q", r, s)
			}
		}
		if got := headingsOf(text); got != want {
			t.Fatalf("the headings are %q", got)
		}
		if other == s || other == "" {
			return
		}
		// What is seen, digests aside: blanks that differ have different signs or places.
		look := func(text string) string {
			body, _, _ := strings.Cut(text, "\nDigest of all this")
			return body
		}
		if text := shownOf(other, "on"); text != "" && look(text) == look(shownOf(s, "on")) {
			t.Fatalf("%q and %q are shown in the same signs", s, other)
		}
	})
}

// TestBlanksCanBeSigned: what shows blanks by signs can itself be signed.
func TestBlanksCanBeSigned(t *testing.T) {
	for s, want := range map[string]string{"a  b": "a ␣b", "a\u00a0": "a⍽", "a\u202f": "a⎵", "␣": "‹␣›"} {
		if text := shownOf(s, "on"); !strings.Contains(text, want) {
			t.Errorf("%q is not shown as %q: %q", s, want, text)
		}
	}
}

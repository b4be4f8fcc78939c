package commands

import (
	"strings"
	"testing"

	"watchstander/bot"
)

// TestWithoutCode: which lines hold a code that must not stay, and which only a
// number.
func TestWithoutCode(t *testing.T) {
	i := New(All())
	for _, c := range []struct{ line, want string }{
		{"approve pln_K7QF2M 123456", "approve pln_K7QF2M CODE"},
		{"Approve pln_K7QF2M 123 456", "Approve pln_K7QF2M CODE"},
		{"  !approve   k7qf2m `12345678`", "  !approve   k7qf2m `CODE`"},
		{"ws: approve 123456", "ws: approve CODE"},
		{"aprove pln_K7QF2M 123456", "aprove pln_K7QF2M CODE"},
		{"approve 123456 pln_K7QF2M", "approve CODE pln_K7QF2M"},
		{"pln_K7QF2M 123456", "pln_K7QF2M CODE"},
		{"123 456", "CODE"},
		{"confirm pln_K7QF2M 123456", "confirm pln_K7QF2M CODE"},
	} {
		if got, had := i.WithoutCode(c.line); got != c.want || !had {
			t.Errorf("%q: %q, %v", c.line, got, had)
		}
		if strings.Contains(c.line, "pln_") && !i.Meant(c.line, false) {
			t.Errorf("%q is met with silence", c.line)
		}
	}
	for _, line := range []string{
		"", "approve", "approve pln_K7QF2M", "approve pln_234567", "approve pln_K7QF2M 12345", "approve pln_K7QF2M 123456789",
		"deny pln_K7QF2M because 123456", "silence 2h ticket 123456", "journal find 123456", "we approved 123456 of them", "approved 123456 of them",
		"approve pln_K7QF2M\n" + signatureBegin + "\n123456\n" + signatureEnd,
	} {
		if got, had := i.WithoutCode(line); had || got != line {
			t.Errorf("%q: %q, %v", line, got, had)
		}
	}
	if i.Meant("123456", false) {
		t.Error("a number that people tell each other is taken for a code")
	}
}

// TestNoAnswerRepeatsACode: whatever is wrong with a line.
func TestNoAnswerRepeatsACode(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"aprove pln_K7QF2M 123456", "approve 123456 pln_K7QF2M", "approve pln_NONE22 123456", "approve \"123 456", "123456", "pln_K7QF2M 123456", "approve thr_ABCD 123 456 x"} {
		_, err := ask(t, w, operator, "", line)
		if err == nil || strings.Contains(strings.ReplaceAll(err.Error(), " ", ""), "123456") {
			t.Errorf("%q: %v", line, err)
		}
	}
	late := bot.Call{By: operator, Room: "ops", At: noon.Add(-5 * 60e9), Now: noon, World: w}
	_, err := New(All()).Interpret(t.Context(), "approve pln_K7QF2M 123456", late)
	wantError(t, err, bot.CodeConflict, "You said this 5 min ago, while I was away: `approve pln_K7QF2M CODE`. Say it again if you still mean it.")
}

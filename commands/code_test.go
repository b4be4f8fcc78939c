package commands

import (
	"slices"
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
		{"approve pln_K7QF2M 123-456", "approve pln_K7QF2M CODE"},
		{"approve pln_K7QF2M 123\u2013456", "approve pln_K7QF2M CODE"},
		{"approve pln_K7QF2M 123  456", "approve pln_K7QF2M CODE"},
		{"approve pln_K7QF2M 123\u00a0456", "approve pln_K7QF2M CODE"},
		{"approve pln_K7QF2M\u00a0123\u202f456", "approve pln_K7QF2M\u00a0CODE"},
		{"approve pln_K7QF2M 123 - 456", "approve pln_K7QF2M CODE"},
		{"approve pln_K7QF2M \u2068123\u200b456\u2069", "approve pln_K7QF2M \u2068CODE\u2069"},
		{"approve pln_K7QF2M\n123\u2009456", "approve pln_K7QF2M\nCODE"},
		{"aprove pln_K7QF2M 12-34-56", "aprove pln_K7QF2M CODE"},
		{"123-456", "CODE"},
		// Where no code is wanted, and where nothing is understood.
		{"deny pln_K7QF2M 123-456", "deny pln_K7QF2M CODE"},
		{"cancel 123 456", "cancel CODE"},
		{"statement pln_K7QF2M 123456", "statement pln_K7QF2M CODE"},
		{"approvals pln_K7QF2M 123456", "approvals pln_K7QF2M CODE"},
		{"please approve pln_K7QF2M 123-456", "please approve pln_K7QF2M CODE"},
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
		"cancel the order 123456", "approve pln_K7QF2M 2026-11-28", "pln_K7QF2M 2026-11-28", "2026-11-28", "approve pln_K7QF2M 12:34:56",
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

// TestCodeAsItIsPassedOn: six digits, however they were typed.
func TestCodeAsItIsPassedOn(t *testing.T) {
	w := newWorld(t)
	w.plans = []bot.Thread{planThread("pln_K7QF2M", bot.Waiting)}
	for _, typed := range []string{
		"123456", "123 456", "123  456", "123-456", "123 - 456", "123\u2011456", "123\u2212456", "123\u00a0456", "123\u202f456", "12 34 56", "`123-456`",
		"\u2068123\u200b456\u2069", "123\t456", "1 2 3 4 5 6",
	} {
		out, err := ask(t, w, operator, "", "approve pln_K7QF2M "+typed)
		if d, ok := out.(bot.Decide); err != nil || !ok || d.Code != "123456" {
			t.Errorf("%q: %+v, %v", typed, out, err)
		}
	}
}

// TestCodesOfALine: what is handed on of a line with which nothing is begun.
func TestCodesOfALine(t *testing.T) {
	i := New(All())
	for line, want := range map[string][]string{
		"aprove pln_K7QF2M 123-456":                          {"123456"},
		"please approve pln_K7QF2M 123\u00a0456, or 654321":  {"123456", "654321"},
		"approve 123456 12 of them":                          {"123456", "234561", "345612"},
		"approve 111111, 222222, 333333, 444444, 555555 now": {"111111", "222222", "333333", "444444"},
		"silence 2h ticket 123456":                           nil,
		"123 456":                                            {"123456"},
	} {
		if got := i.Codes(line); !slices.Equal(got, want) {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// TestNoAnswerRepeatsACode: whatever is wrong with a line.
func TestNoAnswerRepeatsACode(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"aprove pln_K7QF2M 123456", "approve 123456 pln_K7QF2M", "approve pln_NONE22 123456", "approve \"123 456", "123456", "pln_K7QF2M 123456", "approve thr_ABCD 123 456 x",
		"approve pln_K7QF2M 123-456 x", "approve 123\u00a0456 pln_K7QF2M", "aprove pln_K7QF2M 123\u200e456", "deny pln_K7QF2M 123-456", "please approve pln_K7QF2M 123 456",
		"approve x 123 456", "approve pln_K7QF2M with this code of mine, if you please, 123456", "aprove pln_K7QF2M with this code of my phone, if you please 123456"} {
		_, err := ask(t, w, operator, "", line)
		if err == nil || strings.Contains(err.Error(), "123") || strings.Contains(err.Error(), "456") {
			t.Errorf("%q: %v", line, err)
		}
	}
	late := bot.Call{By: operator, Room: "ops", At: noon.Add(-5 * 60e9), Now: noon, World: w}
	_, err := New(All()).Interpret(t.Context(), "approve pln_K7QF2M 123456", late)
	wantError(t, err, bot.CodeConflict, "You said this 5 min ago, while I was away: `approve pln_K7QF2M CODE`. Say it again if you still mean it.")
}

package config_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/prometheus/alertmanager/pkg/labels"

	"watchstander/bot/config"
)

func matcher(t testing.TB, kind labels.MatchType, value string) *labels.Matcher {
	t.Helper()
	m, err := labels.NewMatcher(kind, "l", value)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCommonValue(t *testing.T) {
	const re, not, is, isNot = labels.MatchRegexp, labels.MatchNotRegexp, labels.MatchEqual, labels.MatchNotEqual
	type ms []*labels.Matcher
	for _, x := range []struct {
		ms    ms
		want  string
		found bool
	}{
		{ms{matcher(t, is, "a"), matcher(t, is, "b")}, "", false},
		{ms{matcher(t, is, "a.c"), matcher(t, re, "a.c")}, "a.c", true},
		{ms{matcher(t, re, "a.c"), matcher(t, re, "ab?c")}, "abc", true},
		{ms{matcher(t, re, "web[0-9]+"), matcher(t, re, "web[a-z]+")}, "", false},
		{ms{matcher(t, re, "web.*"), matcher(t, re, ".*db")}, "webdb", true},
		{ms{matcher(t, re, "web.*"), matcher(t, not, "web.*")}, "", false},
		{ms{matcher(t, re, ".+"), matcher(t, not, "[a-z]")}, "0", true},
		{ms{matcher(t, isNot, "")}, "a", true},
		{ms{matcher(t, isNot, ""), matcher(t, not, ".+")}, "", false},
		{ms{matcher(t, not, "(?s).*")}, "", false},
		{ms{matcher(t, not, ".*")}, "", false}, // but for line breaks, which no label has
		{ms{matcher(t, re, "(?i)VULCAN"), matcher(t, re, "vulcan|titan")}, "vulcan", true},
		{ms{matcher(t, re, `\bx\b.*`), matcher(t, re, `xy.*`)}, "", false},
		{ms{matcher(t, re, `x\b.*`), matcher(t, re, `x.+`)}, "x-", true},
		{ms{matcher(t, re, "ä+"), matcher(t, re, `\pL{3}`)}, "äää", true},
		{ms{matcher(t, re, "(a|b){20}"), matcher(t, re, "(b|c){20}")}, "bbbbbbbbbbbbbbbbbbbb", true},
	} {
		got, found := config.CommonValue(x.ms...)
		if found != x.found || found && !all(x.ms, got) || len(got) != len(x.want) {
			t.Errorf("%v: %q, %v", x.ms, got, found)
		}
	}
}

// TestManyHosts: hundreds of hosts with names that begin alike are told apart in
// no time, and too many patterns to tell are a warning and not a wait.
func TestManyHosts(t *testing.T) {
	var text strings.Builder
	text.WriteString("hosts:\n")
	for i := range 400 {
		fmt.Fprintf(&text, "  - {name: h%d, match: ['instance=~\"host%d(:[0-9]+)?\"']}\n", i, i)
	}
	if c := mustParse(t, text.String(), config.Options{}); len(c.Warnings) > 0 {
		t.Error(c.Warnings)
	}
	text.Reset()
	text.WriteString("hosts:\n")
	for i := range 8 {
		fmt.Fprintf(&text, "  - {name: h%d, match: ['instance=~\"(a|b)*a(a|b){20}%d\"']}\n", i, i)
	}
	c := mustParse(t, text.String(), config.Options{})
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Message, "too many or too large") {
		t.Error(c.Warnings)
	}
}

func all(ms []*labels.Matcher, value string) bool {
	for _, m := range ms {
		if !m.Matches(value) {
			return false
		}
	}
	return true
}

// TestCommonValueAgainstTrying compares with trying all short words.
func TestCommonValueAgainstTrying(t *testing.T) {
	var words []string
	for n, last := 0, []string{""}; n < 5; n++ {
		words = append(words, last...)
		var next []string
		for _, w := range last {
			next = append(next, w+"a", w+"b", w+"-")
		}
		last = next
	}
	r := rand.New(rand.NewPCG(1, 2))
	var pattern func(depth int) string
	pattern = func(depth int) string {
		atoms := []string{"a", "b", "-", ".", "[ab]", "[^a]", `\w`, `\b`, "", "^", "$"}
		if depth == 0 {
			return atoms[r.IntN(len(atoms))]
		}
		x, y := pattern(depth-1), pattern(depth-1)
		return []string{x + y, "(" + x + "|" + y + ")", "(" + x + ")*", "(" + x + ")?" + y, "(" + x + ")+"}[r.IntN(5)]
	}
	for range 800 {
		ms := []*labels.Matcher{
			matcher(t, labels.MatchType(2+r.IntN(2)), pattern(3)),
			matcher(t, labels.MatchType(2+r.IntN(2)), pattern(3)),
			matcher(t, labels.MatchType(r.IntN(2)), fmt.Sprint(words[r.IntN(len(words))])),
		}
		got, found := config.CommonValue(ms...)
		if found && !all(ms, got) {
			t.Fatalf("%v do not all take %q", ms, got)
		}
		for _, w := range words {
			if all(ms, w) && (!found || len(w) < len(got)) {
				t.Fatalf("%v all take %q, but %q, %v", ms, w, got, found)
			}
		}
	}
}

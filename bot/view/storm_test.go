package view

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"watchstander/bot"
)

// expand is how an administrator reads what ranges writes.
func expand(t *testing.T, s string) []string {
	t.Helper()
	m := regexp.MustCompile(`^(.*)\[([0-9,-]+)\](.*)$`).FindStringSubmatch(s)
	if m == nil {
		return []string{s}
	}
	var out []string
	for part := range strings.SplitSeq(m[2], ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, _ := strconv.Atoi(from)
		b, _ := strconv.Atoi(to)
		if a > b {
			t.Fatalf("%q goes backwards", s)
		}
		for n := a; n <= b; n++ {
			number := strconv.Itoa(n)
			if from[0] == '0' {
				number = fmt.Sprintf("%0*d", len(from), n)
			}
			out = append(out, m[1]+number+m[3])
		}
	}
	return out
}

// TestRanges: what is written together stands for exactly the names that went in.
func TestRanges(t *testing.T) {
	write := func(all []string) (texts []string, n int) {
		for _, r := range ranges(all) {
			texts, n = append(texts, r.text), n+r.names
		}
		return texts, n
	}
	for _, c := range []struct{ in, want string }{
		{"web-003 web-001 web-002 web-007", "web-[001-003,007]"},
		{"n9.lan:9100 n10.lan:9100 n11.lan:9100", "n[9-11].lan:9100"},
		{"a01 a1 a2", "a01 a[1-2]"},
		{"db alone", "db alone"},
		{"a1 a1 a2", "a1 a1 a2"},
		{"x[1] x[2]", "x[1] x[2]"},
		{"r1-n1 r1-n2 r2-n1", "r1-n[1-2] r2-n1"},
		{"a0 a1 a00", "a[0-1] a00"},
	} {
		if got, _ := write(strings.Fields(c.in)); strings.Join(got, " ") != c.want {
			t.Errorf("%s is written %q, and not %q", c.in, got, c.want)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var in []string
		for range random.IntN(60) {
			name := []string{"web", "db-", "rack1-", "n0", "é"}[random.IntN(5)]
			if random.IntN(2) == 0 {
				name += fmt.Sprintf("%0*d", 1+random.IntN(3), random.IntN(120))
			}
			in = append(in, name+[]string{"", ".lan", ":9100"}[random.IntN(3)])
		}
		texts, n := write(in)
		var back []string
		for _, s := range texts {
			back = append(back, expand(t, s)...)
		}
		slices.Sort(in)
		slices.Sort(back)
		if !slices.Equal(in, back) || n != len(in) {
			t.Fatalf("%d of %q are read as %q", n, in, back)
		}
	}
}

// TestStormTellsWhatItLeavesOut: at every level of detail, what is not named is counted,
// by severity and in all, and the worst is named as long as anything is.
func TestStormTellsWhatItLeavesOut(t *testing.T) {
	f := bot.ThreadFacts{Thread: bot.Thread{Kind: bot.ThreadStorm, OpenedAt: noon, State: bot.ThreadState{Storm: &bot.StormState{Room: "ops"}}}}
	const groups = 500
	words := []string{"alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel"}
	for i := range groups {
		g := group(1, 0, 0, 0)
		host := words[i%8] + words[i/8%8] + words[i/64] + strings.Repeat("x", 10) // no two differ in a number
		g.Thread.State.Alert.GroupLabels = bot.Labels{"alertname": "Flood", "host": host}
		if i%100 == 0 {
			g.Thread.State.Alert.GroupLabels["alertname"] = "Outage"
			g.Thread.Severity = bot.SeverityCritical
		}
		f.Gathered = append(f.Gathered, g)
	}
	s := style(t)
	for s.Detail = range Details {
		got := text(Root(f, s))
		named := 0
		for _, g := range f.Gathered {
			if strings.Contains(got, g.Thread.State.Alert.GroupLabels["host"]) {
				named++
			} else if g.Thread.Severity == bot.SeverityCritical {
				t.Errorf("detail %d leaves a critical group out:\n%s", s.Detail, got)
			}
		}
		for _, want := range []string{"500 threads", "critical: 5 groups", "warning: 495 groups"} {
			if !strings.Contains(got, want) {
				t.Errorf("detail %d does not say %q:\n%s", s.Detail, want, got)
			}
		}
		if all := strings.Contains(got, "all of them"); all != (named == groups) {
			t.Errorf("detail %d says that it names all: %t, and it names %d", s.Detail, all, named)
		}
		if want := fmt.Sprintf("%d of them are only counted", groups-named); named < groups && !strings.Contains(got, want) {
			t.Errorf("detail %d does not say %q:\n%s", s.Detail, want, got)
		}
		if s.Detail > 1 && (named == groups || len(got) > stormRoom[s.Detail]+1000) {
			t.Errorf("detail %d names %d in %d bytes", s.Detail, named, len(got))
		}
	}
}

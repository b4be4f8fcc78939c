package commands

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
)

// tally counts readings by what they say. A state that nobody has heard of is
// unknown, not ok.
type tally struct{ ok, notOK, unknown int }

func (t tally) all() int { return t.ok + t.notOK + t.unknown }

func (t *tally) add(r bot.Reading) {
	switch r.State {
	case bot.OK:
		t.ok++
	case bot.NotOK:
		t.notOK++
	default:
		t.unknown++
	}
}

// Ranks of readings, the worst first.
const (
	rankNotOK = iota
	rankUnknown
	rankOK
)

func rank(r bot.Reading) int {
	switch r.State {
	case bot.NotOK:
		return rankNotOK
	case bot.OK:
		return rankOK
	}
	return rankUnknown
}

// mostFine is how many lines of a host tell of what is ok.
const mostFine = 40

// byHost puts readings together by their hosts, those with trouble first, and each
// host's worst first.
func byHost(rs []bot.Reading) [][]bot.Reading {
	at := map[string]int{}
	var out [][]bot.Reading
	for _, r := range rs {
		i, known := at[r.Host]
		if !known {
			i = len(out)
			at[r.Host] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	worstFirst := func(a, b bot.Reading) int { return cmp.Compare(rank(a), rank(b)) }
	for _, of := range out {
		slices.SortStableFunc(of, worstFirst)
	}
	slices.SortStableFunc(out, func(a, b []bot.Reading) int {
		// What is no host's comes after hosts that are as well.
		return cmp.Or(worstFirst(a[0], b[0]), -cmp.Compare(min(len(a[0].Host), 1), min(len(b[0].Host), 1)))
	})
	return out
}

// readingBlocks show readings by host, one line each.
func readingBlocks(rs []bot.Reading, rest string) []bot.Block {
	var out []bot.Block
	for _, of := range byHost(rs) {
		var items []bot.Text
		var t tally
		for _, r := range of {
			if t.add(r); t.ok <= mostFine {
				items = append(items, readingItem(r))
			}
		}
		if more := t.ok - mostFine; more > 0 {
			items = append(items, bot.Line(bot.T(fmt.Sprintf("ok: %d more", more))))
		}
		out = append(out, bot.Para{Text: bot.Line(bot.B(cmp.Or(of[0].Host, rest)), bot.T(": "+t.String()))}, bot.List{Items: items})
	}
	return out
}

// String is "2 not ok, 1 unknown, 12 ok".
func (t tally) String() string {
	var parts []string
	for _, k := range []struct {
		n    int
		word string
	}{{t.notOK, "not ok"}, {t.unknown, "unknown"}, {t.ok, "ok"}} {
		if k.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", k.n, k.word))
		}
	}
	return strings.Join(parts, ", ")
}

// readingItem is "not ok: disk / 91 % of 1 TiB (more than 90 %)".
func readingItem(r bot.Reading) bot.Text {
	var t bot.Text
	switch rank(r) {
	case rankNotOK:
		t = bot.Line(bot.B("not ok: "+r.What), bot.T(gap(r.Value)))
	case rankUnknown:
		t = bot.Line(bot.B("unknown: "+r.What), bot.T(gap(r.Value)))
	default:
		t = bot.Line(bot.T("ok: " + what(r)))
	}
	switch {
	case r.Note == "":
	case strings.HasSuffix(r.Value, ")"):
		t = append(t, bot.T("; "+r.Note))
	default:
		t = append(t, bot.T(" ("+r.Note+")"))
	}
	return t
}

func gap(value string) string {
	if value == "" {
		return ""
	}
	return " " + value
}

// what is "disk / 91 % of 1 TiB".
func what(r bot.Reading) string { return strings.TrimSpace(r.What + " " + r.Value) }

// brief is what up to where its value goes into detail: "pool rpool DEGRADED".
func brief(r bot.Reading) string {
	if i := strings.IndexAny(r.Value, ",(;"); i > 0 {
		r.Value = strings.TrimSpace(r.Value[:i])
	}
	return what(r)
}

// worstReadings are the ones for a headline: the first that are not ok, and how
// many more there are: "vulcan: pool rpool DEGRADED, disk / 91 %, 2 more not ok".
func worstReadings(rs []bot.Reading, most int) string {
	var parts []string
	more, last := 0, ""
	for _, r := range rs {
		switch {
		case r.State != bot.NotOK:
		case len(parts) == most:
			more++
		case r.Host == "" || r.Host == last:
			parts = append(parts, brief(r))
		default:
			last = r.Host
			parts = append(parts, r.Host+": "+brief(r))
		}
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("%d more not ok", more))
	}
	return strings.Join(parts, ", ")
}

package redact

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// span is a part of a text that must not be seen: text[lo:hi].
type span struct {
	lo, hi int
	rank   rank
	name   string
}

// settle drops spans in which nothing is left to hide, joins those that
// overlap, and returns them in order. A joined span has the name of its
// best-ranked part.
func settle(text string, spans []span) []span {
	spans = slices.DeleteFunc(spans, func(s span) bool { return !hasContent(text[s.lo:s.hi]) })
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(b.hi, a.hi), cmp.Compare(a.rank, b.rank), cmp.Compare(a.name, b.name))
	})
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.lo < out[n-1].hi {
			last := &out[n-1]
			last.hi = max(last.hi, s.hi)
			if s.rank < last.rank {
				last.rank, last.name = s.rank, s.name
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// hasContent tells whether a span hides anything: a marker, blanks and the
// punctuation around a marker are nothing.
func hasContent(s string) bool {
	if !strings.Contains(s, hole) {
		return strings.TrimSpace(s) != ""
	}
	for _, c := range s {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return true
		}
	}
	return false
}

// splice puts a hole in the place of each span; spans are in order and do not overlap.
func splice(text string, names []string, spans []span) (string, []string) {
	var b strings.Builder
	var out []string
	at, used := 0, 0
	for _, s := range spans {
		kept := strings.Count(text[at:s.lo], hole)
		out = append(out, names[used:used+kept]...)
		used += kept + strings.Count(text[s.lo:s.hi], hole)
		b.WriteString(text[at:s.lo])
		b.WriteString(hole)
		out = append(out, s.name)
		at = s.hi
	}
	b.WriteString(text[at:])
	return b.String(), append(out, names[used:]...)
}

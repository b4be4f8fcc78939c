package config

import (
	"fmt"
	"strings"

	"watchstander/bot/phrase"
)

// choose is what to write instead of a word that is none of the few known ones:
// the nearest, or all of them.
func choose(word string, known ...string) string {
	if hint := meant(word, known); hint != "" {
		return hint
	}
	return ": write " + phrase.Or(known)
}

// meant is `, did you mean "x"?` when one of the known words is near enough to
// be what was meant, and "" otherwise.
func meant(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

func nearest(word string, known []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		// "matchers" for "match", "addr" for "address".
		for _, k := range known {
			if len(k) >= 3 && len(word) >= 3 && (strings.HasPrefix(word, k) || strings.HasPrefix(k, word)) {
				best = k
			}
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that make b of a.
func distance(a, b string) int {
	const longest = 64 // longer words are nobody's slip
	if len(a) > longest || len(b) > longest {
		return longest
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for k := range rows[0] {
		rows[0][k] = k
	}
	for i := 1; i <= len(a); i++ {
		for k := 1; k <= len(b); k++ {
			cost := 1
			if a[i-1] == b[k-1] {
				cost = 0
			}
			d := min(rows[i-1][k]+1, rows[i][k-1]+1, rows[i-1][k-1]+cost)
			if i > 1 && k > 1 && a[i-1] == b[k-2] && a[i-2] == b[k-1] {
				d = min(d, rows[i-2][k-2]+1)
			}
			rows[i][k] = d
		}
	}
	return rows[len(a)][len(b)]
}

// names are the names of one kind of thing.
type names struct {
	kind  string // "room", for the messages
	first map[string]place
	order []string
	// partly: some name could not be read, and may be the one that is looked for.
	partly bool
}

func newNames(kind string) *names {
	return &names{kind: kind, first: map[string]place{}}
}

// add notes a name, and is false when it has been given before. What could not
// be read is neither noted nor a second fault.
func (n *names) add(j *judge, g given[string]) bool {
	if !g.ok {
		n.partly = true
		return false
	}
	if at, twice := n.first[g.v]; twice {
		j.fault(g.place, "the %s %s exists already (line %d): every one needs a name of its own", n.kind, short(g.v), at.line)
		return false
	}
	n.first[g.v] = g.place
	n.order = append(n.order, g.v)
	return true
}

// known tells whether the name was noted, and faults it otherwise.
func (n *names) known(j *judge, g given[string]) bool {
	if !g.ok {
		return false
	}
	if _, ok := n.first[g.v]; ok {
		return true
	}
	if n.partly {
		return false
	}
	hint := meant(g.v, n.order)
	if hint == "" && len(n.order) > 0 && len(n.order) <= 8 {
		hint = ": known are " + strings.Join(n.order, ", ")
	}
	j.fault(g.place, "there is no %s %s%s", n.kind, short(g.v), hint)
	return false
}

// nameIsPlain: what people type in commands and what stands in URLs.
func nameIsPlain(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._-", rune(c))) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// named checks the grammar of a name.
func (j *judge) named(g given[string]) {
	if g.ok && !nameIsPlain(g.v) {
		j.fault(g.place, "%s is no name: use up to 64 letters (a–z), digits, '.', '_' and '-', beginning with a letter or digit", short(g.v))
	}
}

package redact

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"
)

// pattern is a rule made of a regular expression.
type pattern struct {
	name string
	rank rank
	// words wake the rule; each match holds one of them.
	words []string
	expr  string
	// group is the submatch to hide; 0 means the groups named "s" if there
	// are any, else the first group that matched, else the whole match.
	group int
	// entropy is the least Shannon entropy (bits per character) of the secret.
	entropy float64
	// respect says what exempts the secret (exempt.go).
	respect respect
	// keep, if set, looks at the secret and tells whether to leave it alone.
	keep func(secret string) bool
}

// compiled is a pattern ready to run.
type compiled struct {
	re     *regexp.Regexp
	groups []int // candidates for the secret
	all    bool  // hide each of the groups, not the first that matched
	reach  int   // how far a match can extend from a keyword, in bytes
}

// maxReach bounds a look around a keyword for patterns without a bound of their own.
const maxReach = 2048

// rule makes the pattern a rule. It is compiled when a keyword of it is first
// seen: most of gitleaks' vendors never are, and compiling them all would be most of New.
func (p pattern) rule() *rule {
	get := sync.OnceValue(p.compile)
	return &rule{name: p.name, rank: p.rank, words: p.words, find: func(c *call) { p.find(c, get()) }}
}

func (p pattern) compile() compiled {
	out := compiled{re: regexp.MustCompile(p.expr), reach: maxReach}
	if tree, err := syntax.Parse(p.expr, syntax.Perl); err == nil {
		if n := longest(tree); n >= 0 && n < maxReach {
			out.reach = n + utf8.UTFMax
		}
	}
	out.groups, out.all = p.hidden(out.re)
	return out
}

// hidden are the groups of re that may hold the secret, and whether each does that
// matched, not the first alone.
func (p pattern) hidden(re *regexp.Regexp) (groups []int, all bool) {
	if p.group > 0 {
		return []int{p.group}, false
	}
	for i, name := range re.SubexpNames() {
		if name == "s" {
			groups = append(groups, i)
		}
	}
	if len(groups) > 0 {
		return groups, true
	}
	for i := range re.NumSubexp() {
		groups = append(groups, i+1)
	}
	if len(groups) == 0 {
		groups = []int{0} // the whole match
	}
	return groups, false
}

// find runs the pattern around its keywords. Go's regexp takes linear time but
// has a fast way only for short texts, and most texts hold a keyword or two.
func (p pattern) find(c *call, re compiled) {
	for lo, hi := range around(c.text, c.hits, re.reach) {
		for _, m := range re.re.FindAllStringSubmatchIndex(c.text[lo:hi], -1) {
			for _, g := range re.groups {
				from, to := m[2*g], m[2*g+1]
				if from < 0 || from == to {
					continue
				}
				p.judge(c, lo+from, runEnd(c.text, lo+to, hi))
				if !re.all {
					break
				}
			}
		}
	}
}

// runEnd is where a secret ends that was found up to end. Where the window cut
// it, it goes on to the end of the word.
func runEnd(text string, end, cut int) int {
	if end < cut {
		return end
	}
	for end < len(text) && !space(text[end]) && strings.IndexByte("\"'<>`", text[end]) < 0 && !strings.HasPrefix(text[end:], hole) {
		end++
	}
	return end
}

func (p pattern) judge(c *call, lo, hi int) {
	secret := c.text[lo:hi]
	switch {
	case p.entropy > 0 && entropy(secret) <= p.entropy:
	case p.keep != nil && p.keep(secret):
	case c.covers(lo, hi, p.respect):
	default:
		c.emit(lo, hi)
	}
}

// longest is the greatest number of characters that a match of re can have, -1
// if there is no bound.
func longest(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpStar, syntax.OpPlus:
		return -1
	case syntax.OpRepeat:
		n := longest(re.Sub[0])
		if n < 0 || re.Max < 0 {
			return -1
		}
		return n * re.Max
	}
	// Alternatives, and what stands in a row: concatenation, capture, option, and what
	// has no width.
	sum, most := 0, 0
	for _, sub := range re.Sub {
		n := longest(sub)
		if n < 0 {
			return -1
		}
		sum, most = sum+n, max(most, n)
	}
	if re.Op == syntax.OpAlternate {
		return most
	}
	return sum
}

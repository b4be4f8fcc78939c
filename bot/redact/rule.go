package redact

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"
)

// rank orders names where findings overlap: the lowest names the marker.
type rank int8

const (
	rankKnown rank = iota
	rankConfigured
	rankBlock   // whole private keys
	rankShape   // our own shapes
	rankVendor  // gitleaks' rules
	rankContext // what stands after a telling key
)

// hit is an occurrence of a keyword: text[lo:hi].
type hit struct{ lo, hi int }

// rule looks for one kind of secret.
type rule struct {
	name  string
	rank  rank
	words []string    // lower-case keywords; without one of them the rule does not look
	find  func(*call) // emits what it finds
}

// call is one rule's look at a text.
type call struct {
	text   string
	hits   []hit // of the rule's keywords, in order of their ends
	exempt *exemptions
	// passages are what is exempt in the text, as far as it was asked for (exempt.go).
	passages map[int]*passage
	rule     *rule
	spans    []span
	work     int // bytes that findAssigned looked at; only tests read it
}

func (c *call) run(rl *rule, hits []hit) {
	c.rule, c.hits = rl, hits
	rl.find(c)
}

// emit reports text[lo:hi] under the rule's own name.
func (c *call) emit(lo, hi int) { c.emitAs(lo, hi, c.rule.name) }

func (c *call) emitAs(lo, hi int, name string) {
	if 0 <= lo && lo < hi {
		c.spans = append(c.spans, span{lo, hi, c.rule.rank, name})
	}
}

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
	for i, name := range out.re.SubexpNames() {
		if name == "s" {
			out.groups, out.all = append(out.groups, i), true
		}
	}
	switch {
	case p.group > 0:
		out.groups = []int{p.group}
	case out.all:
	case out.re.NumSubexp() > 0:
		for i := range out.re.NumSubexp() {
			out.groups = append(out.groups, i+1)
		}
	default:
		out.groups = []int{0}
	}
	return out
}

// find runs the pattern around its keywords. Go's regexp takes linear time but
// has a fast way only for short texts, and most texts hold a keyword or two.
func (p pattern) find(c *call, re compiled) {
	w := windows{text: c.text, reach: re.reach, first: -1}
	for i := 0; i < len(c.hits); {
		// A window may begin within the one before: what its keyword stands at the end of
		// began there. What is found twice is hidden once.
		lo, hi := w.start(c.hits[i]), w.end(c.hits[i])
		for i++; i < len(c.hits) && c.hits[i].lo <= hi; i++ {
			hi = max(hi, w.end(c.hits[i]))
		}
		for _, m := range re.re.FindAllStringSubmatchIndex(c.text[lo:hi], -1) {
			for _, g := range re.groups {
				if m[2*g] < 0 || m[2*g] == m[2*g+1] {
					continue
				}
				p.judge(c, lo+m[2*g], runEnd(c.text, lo+m[2*g+1], hi))
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

// windows are the parts of a text in which a match can lie: the line of a
// keyword and the next (a value may stand below its key), at most reach bytes
// to either side. The ends of the lines are kept, as hits come in order and
// many may share a line.
type windows struct {
	text          string
	reach         int
	first, second int // the end of the last hit's line, and of the one below
}

func (w *windows) start(h hit) int {
	lo := max(0, h.hi-w.reach)
	for lo > 0 && lo < h.lo && !utf8.RuneStart(w.text[lo]) {
		lo++
	}
	lo = min(lo, h.lo)
	return lo + strings.LastIndexByte(w.text[lo:h.lo], '\n') + 1
}

func (w *windows) end(h hit) int {
	if w.first < h.hi {
		w.first = lineEnd(w.text, h.hi)
		w.second = lineEnd(w.text, min(w.first+1, len(w.text)))
	}
	hi := max(h.hi, min(h.lo+w.reach, len(w.text), w.second+1))
	for hi < len(w.text) && !utf8.RuneStart(w.text[hi]) {
		hi++
	}
	return hi
}

// lineEnd is where the line ends in which at lies.
func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(text)
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
	case syntax.OpAlternate:
		most := 0
		for _, sub := range re.Sub {
			n := longest(sub)
			if n < 0 {
				return -1
			}
			most = max(most, n)
		}
		return most
	default: // concatenation, capture, option, and what has no width
		sum := 0
		for _, sub := range re.Sub {
			n := longest(sub)
			if n < 0 {
				return -1
			}
			sum += n
		}
		return sum
	}
}

package gate

import (
	"fmt"
	"strings"
)

// A form is how a policy writes the names and values that it allows:
//
//   - exact text: "vulcan" is never "vulcan2"
//   - a glob: "*" stands for any run of characters, none included, but never for
//     a "/" or a control character; a glob takes no path with "." or ".." in it
//   - for values, a range of whole numbers ("1..10") or sizes ("8GiB..32GiB"),
//     both ends included; a size without a unit is in bytes
type form string

// matches tells whether a value has the form; ranges hold for values alone.
func (f form) matches(value string, ranges bool) bool {
	if lo, hi, ok := f.amounts(); ranges && ok {
		v, ok := parseAmount(value)
		if !ok || v.unit && !lo.unit {
			return false
		}
		return lo.n <= v.n && v.n <= hi.n
	}
	if strings.Contains(string(f), "*") {
		return !dotted(value) && glob(string(f), value)
	}
	return string(f) == value
}

// Match tells whether a name has the form, as the hosts and operations of a rule.
func Match(pattern, name string) bool { return form(pattern).matches(name, false) }

// covers tells whether everything that has form o surely has form f too.
func (f form) covers(o form, ranges bool) bool {
	if f == o {
		return true
	}
	lo, hi, wide := f.amounts()
	olo, ohi, narrow := o.amounts()
	switch {
	case ranges && wide && narrow:
		return lo.unit == olo.unit && lo.n <= olo.n && ohi.n <= hi.n
	case ranges && narrow:
		// A glob that takes every number and size takes a range of them.
		return f == "*"
	}
	// The "*" of o is one more character to f, which only a "*" of f takes; and
	// what that one takes, the other does too.
	return f.matches(string(o), ranges)
}

// fault says what is wrong with the form, or "".
func (f form) fault(ranges bool) string {
	s := string(f)
	switch {
	case s == "":
		return "is empty, and matches nothing"
	case strings.Contains(s, "**"):
		return fmt.Sprintf("%q: write a single *, which stands for any text but a /", s)
	case strings.ContainsFunc(s, control):
		return fmt.Sprintf("%q holds a control character", s)
	case !ranges || !strings.Contains(s, ".."):
		return ""
	}
	if lo, hi, ok := f.amounts(); ok {
		if lo.n > hi.n {
			return fmt.Sprintf("%q is a range that ends before it begins", s)
		}
		return ""
	}
	return fmt.Sprintf("%q is no range: write whole numbers (1..10), or sizes with B, KiB, MiB, GiB or TiB at both ends (8GiB..32GiB)", s)
}

// amounts are the ends of a range.
func (f form) amounts() (lo, hi amount, ok bool) {
	a, b, found := strings.Cut(string(f), "..")
	if !found {
		return amount{}, amount{}, false
	}
	lo, okLo := parseAmount(a)
	hi, okHi := parseAmount(b)
	return lo, hi, okLo && okHi && lo.unit == hi.unit
}

// amount is a whole number, or a size in bytes.
type amount struct {
	n    int64
	unit bool
}

var units = []struct {
	name  string
	shift uint
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}, {"B", 0}}

// parseAmount reads "12" and "8GiB" in their plain forms: no sign, no zeros in
// front, nothing that does not fit.
func parseAmount(s string) (a amount, ok bool) {
	shift := uint(0)
	for _, u := range units {
		if digits, found := strings.CutSuffix(s, u.name); found {
			s, shift, a.unit = digits, u.shift, true
			break
		}
	}
	if s == "" || len(s) > 18 || s[0] == '0' && s != "0" {
		return amount{}, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return amount{}, false
		}
		a.n = 10*a.n + int64(c-'0')
	}
	if a.n > (1<<62)>>shift {
		return amount{}, false
	}
	a.n <<= shift
	return a, true
}

// glob matches with "*". On a mismatch the last star takes one character more;
// earlier stars need not: what they would have to take in addition holds the
// same "/" that stopped the last one.
func glob(pattern, value string) bool {
	p, v := 0, 0
	star, taken := -1, 0
	for v < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, taken = p, v
			p++
		case p < len(pattern) && pattern[p] == value[v]:
			p++
			v++
		case star >= 0 && value[taken] != '/' && !control(rune(value[taken])):
			taken++
			p, v = star+1, taken
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// dotted: a path that leads elsewhere than it looks.
func dotted(value string) bool {
	for part := range strings.SplitSeq(value, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

package redact

import (
	"regexp"
	"strings"
)

// bareEnd is where an unquoted value ends.
func (a *assignment) bareEnd(i int) int {
	w := a.ends.word(i, a.query, a.escaped)
	switch {
	case w.exact:
		return w.stop
	case w.stop < len(a.text) && (a.text[w.stop] <= ' ' || a.text[w.stop] == 0x7f):
		return a.wrapped(i, w.trim(i))
	}
	return w.trim(i)
}

// nextKey follows a sign that separates two assignments.
var nextKey = regexp.MustCompile(`^(?:&amp;|[&;,])[ \t]*(?:$|[\s"'{\[\\]|[A-Za-z_][A-Za-z0-9_. -]{0,40}(?:=|:|%3D))`)

// separates tells whether the sign at the start of s ends a value: a password
// may hold any of them.
func separates(s string) bool { return nextKey.MatchString(s[:min(len(s), 64)]) }

// wrapWidth is the shortest line that a terminal or mail program may have wrapped.
const wrapWidth = 70

// wrapped extends a value that ends where its line does, if the line is long
// enough to have been wrapped and the next begins with more of a token.
func (a *assignment) wrapped(lo, hi int) int {
	if hi >= len(a.text) || a.text[hi] != '\n' || hi-lo < 8 {
		return hi
	}
	start := strings.LastIndexByte(a.text[max(0, hi-512):hi], '\n')
	if start >= 0 && min(hi, 512)-start-1 < wrapWidth || start < 0 && hi < wrapWidth {
		return hi
	}
	i := skipBlank(a.text, hi+1)
	j, words := a.ends.token(i)
	if j-i < 4 || words || j < len(a.text) && !space(a.text[j]) && a.text[j] != '"' && a.text[j] != '\'' {
		return hi
	}
	return j
}

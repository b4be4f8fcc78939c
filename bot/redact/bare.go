package redact

import (
	"regexp"
	"strings"
)

// bareEnd is where an unquoted value ends.
func (a *assignment) bareEnd(i int) int {
	j := i
	for ; j < len(a.text); j++ {
		c := a.text[j]
		switch {
		case c <= ' ' || c == 0x7f:
			return a.wrapped(i, trimBare(a.text, i, j))
		case c == '"' || c == '\'' || c == '`':
			if j+1 >= len(a.text) || !wordByte(a.text[j+1]) {
				return trimBare(a.text, i, j)
			}
		case c == '\\' && quoteLen(a.text[j:]) > 0:
			return trimBare(a.text, i, j)
		case c == '<' && (strings.HasPrefix(a.text[j:], "</") || strings.HasPrefix(a.text[j:], "<br")):
			return j
		case c == '&' && a.query:
			return j
		case c == '&' || c == ';' || c == ',':
			if separates(a.text[j:]) {
				return trimBare(a.text, i, j)
			}
		case c == '%' && a.escaped && (strings.HasPrefix(a.text[j:], "%22") || strings.HasPrefix(a.text[j:], "%26") || strings.HasPrefix(a.text[j:], "%2C") || strings.HasPrefix(a.text[j:], "%7D")):
			return j
		}
	}
	return trimBare(a.text, i, j)
}

// nextKey follows a sign that separates two assignments.
var nextKey = regexp.MustCompile(`^(?:&amp;|[&;,])[ \t]*(?:$|[\s"'{\[\\]|[A-Za-z_][A-Za-z0-9_. -]{0,40}(?:=|:|%3D))`)

// separates tells whether the sign at the start of s ends a value: a password
// may hold any of them.
func separates(s string) bool { return nextKey.MatchString(s[:min(len(s), 64)]) }

// trimBare takes from the end of an unquoted value what closes the sentence or
// the brackets around it.
func trimBare(text string, lo, hi int) int {
	for hi > lo {
		switch c := text[hi-1]; c {
		case ',', ';', '.', ':':
		case ')', ']', '}':
			open := map[byte]string{')': "(", ']': "[", '}': "{"}[c]
			if strings.Contains(text[lo:hi], open) {
				return hi
			}
		default:
			return hi
		}
		hi--
	}
	return hi
}

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
	j := i
	for j < len(a.text) && tokenByte(a.text[j]) {
		j++
	}
	if j-i < 4 || j < len(a.text) && !space(a.text[j]) && a.text[j] != '"' && a.text[j] != '\'' {
		return hi
	}
	if part := a.text[i:j]; wordy(part) || wordPart.MatchString(part) {
		return hi
	}
	return j
}

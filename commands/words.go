package commands

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one word of a line.
type word struct {
	text string // without quotes and escapes
	raw  string // as it was typed
	n    int    // its place in the line, from 1
	// quoted: some of it stood in quotes, so it is no keyword.
	quoted bool
	// unclosed: a quote opens in it and nothing closes it.
	unclosed bool
}

// is tells whether the word is one of the keywords, in any case.
func (w word) is(keywords ...string) bool {
	if w.quoted {
		return false
	}
	for _, k := range keywords {
		if strings.EqualFold(w.text, k) {
			return true
		}
	}
	return false
}

// reader reads a line word by word. It is copied to look ahead.
type reader struct {
	line string
	at   int // the byte where reading goes on
	n    int // words read so far
}

// next reads a word; ok is false at the end of the line.
//
// Double quotes, straight or as phones set them, may open anywhere. Single ones
// are apostrophes more often than quotes: they open only at a word's beginning
// and close only at one's end, so that "don't" and 'don't do it' are what they
// look like. A backslash takes the meaning from a quote, a space or another
// backslash; before anything else it stands for itself, since patterns hold many.
func (r *reader) next() (w word, ok bool) {
	r.skipSpace()
	start := r.at
	if start == len(r.line) {
		return word{}, false
	}
	r.n++
	w.n = r.n
	var b strings.Builder
	for r.at < len(r.line) {
		c, size := utf8.DecodeRuneInString(r.line[r.at:])
		if unicode.IsSpace(c) {
			break
		}
		if c == '\\' {
			if e, n := utf8.DecodeRuneInString(r.line[r.at+1:]); e == '\\' || unicode.IsSpace(e) || isQuote(e) {
				b.WriteRune(e)
				r.at += 1 + n
				continue
			}
		}
		if closers := closersOf(c, r.at == start); closers != "" {
			w.quoted = true
			text, end, closed := quotedText(r.line[r.at+size:], closers)
			b.WriteString(text)
			r.at += size + end
			w.unclosed = w.unclosed || !closed
			continue
		}
		b.WriteRune(c)
		r.at += size
	}
	w.text, w.raw = b.String(), r.line[start:r.at]
	return w, true
}

// peek is the next word, which stays unread.
func (r reader) peek() (word, bool) { return r.next() }

// rest is all that has not been read, as it was typed.
func (r reader) rest() string { return strings.TrimSpace(r.line[r.at:]) }

// done tells that nothing follows.
func (r reader) done() bool { return r.rest() == "" }

func (r *reader) skipSpace() {
	rest := strings.TrimLeftFunc(r.line[r.at:], unicode.IsSpace)
	r.at = len(r.line) - len(rest)
}

const (
	closeDouble = "\"”“"
	closeSingle = "'’‘"
)

// closersOf are the characters that close a quote which c opens, "" when c opens
// none here.
func closersOf(c rune, first bool) string {
	switch c {
	case '"':
		return `"`
	case '“', '”', '„':
		return closeDouble
	case '\'':
		if first {
			return "'"
		}
	case '‘', '’', '‚':
		if first {
			return closeSingle
		}
	}
	return ""
}

func isQuote(c rune) bool { return strings.ContainsRune("\"'“”„‘’‚", c) }

// quotedText reads up to a closing quote; end is the byte behind it.
func quotedText(s, closers string) (text string, end int, closed bool) {
	single := strings.ContainsAny(closers, "'’")
	var b strings.Builder
	for at := 0; at < len(s); {
		c, size := utf8.DecodeRuneInString(s[at:])
		if c == '\\' {
			if e, n := utf8.DecodeRuneInString(s[at+1:]); e == '\\' || isQuote(e) {
				b.WriteRune(e)
				at += 1 + n
				continue
			}
		}
		if strings.ContainsRune(closers, c) {
			after, _ := utf8.DecodeRuneInString(s[at+size:])
			if !single || at+size == len(s) || unicode.IsSpace(after) {
				return b.String(), at + size, true
			}
		}
		b.WriteRune(c)
		at += size
	}
	return b.String(), len(s), false
}

// clean makes a line of what a chat sent: valid, and without the invisible
// characters that come along when people copy from web pages.
func clean(line string) string {
	line = strings.ToValidUTF8(line, "\uFFFD")
	return strings.TrimSpace(strings.NewReplacer("\u200b", "", "\u2060", "", "\ufeff", "", "\x00", "").Replace(line))
}

// unquoted is a remark without the quotes around the whole of it.
func unquoted(s string) string {
	r := reader{line: s}
	if w, ok := r.next(); ok && w.quoted && !w.unclosed && r.done() && wholeQuote(s) {
		return w.text
	}
	return s
}

// wholeQuote: the quote opens with the first character, and ends with the last.
func wholeQuote(s string) bool {
	c, size := utf8.DecodeRuneInString(s)
	closers := closersOf(c, true)
	if closers == "" {
		return false
	}
	_, end, closed := quotedText(s[size:], closers)
	return closed && size+end == len(s)
}

// straighten turns the double quotes that phones set into straight ones, but for
// those inside straight quotes, where they are somebody's text. Every character
// keeps its place.
func straighten(s string) string {
	var b strings.Builder
	var open, escaped bool
	for _, c := range s {
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			open = !open
		case !open && (c == '“' || c == '”' || c == '„'):
			c = '"'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// echo is somebody's text in an answer: short, in one line, and unable to end
// the quotation that it stands in.
func echo(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, c := range strings.ToValidUTF8(strings.TrimSpace(s), "\uFFFD") {
		if n == most {
			return b.String() + "…"
		}
		switch {
		case c == '`':
			c = '\''
		case unicode.IsSpace(c):
			c = ' '
		case unicode.IsControl(c), unicode.Is(unicode.Cf, c):
			c = '\uFFFD'
		}
		b.WriteRune(c)
		n++
	}
	return b.String()
}

// Lengths of what is echoed: one word, and the line that it stands in.
const (
	echoWord = 40
	echoLine = 60
)

package redact

import "strings"

// ends keeps where words, tokens and lines end, as keys that stand in one
// another's values ask for the same end again and again: key=key=key=….
type ends struct {
	text   string
	words  [4]word // for each of the ways in which a word can end
	tokens span    // asked for by where they begin
	wordy  bool    // the tokens are words
	lines  span
	work   int // bytes that were looked at
}

// word is an unquoted value that begins at lo or anywhere between lo and stop.
type word struct {
	lo, stop int
	exact    bool // nothing is to be trimmed from its end
	// What closes the sentence or the brackets around a value begins at tail. For
	// each kind of bracket, closed is where the last one of them in the tail ends,
	// and open is where the last one before the tail opens; -1 if there is none.
	tail         int
	closed, open [3]int
	known        bool
}

const (
	opening = "([{"
	closing = ")]}"
)

// word finds the end of the unquoted value that begins at i: in a URL's query,
// and written with escapes, it may end at other signs.
func (e *ends) word(i int, query, escaped bool) *word {
	w := &e.words[0]
	if query {
		w = &e.words[1]
	}
	if escaped {
		w = &e.words[2]
		if query {
			w = &e.words[3]
		}
	}
	// What ended a value further on ends this one, too, if it begins within it: where
	// a value ends does not depend on where it begins.
	if w.known && w.lo <= i && i <= w.stop {
		return w
	}
	*w = word{lo: i, known: true}
	w.stop, w.exact = e.stop(i, query, escaped)
	e.work += w.stop - i
	w.tail = w.stop
	w.closed, w.open = [3]int{-1, -1, -1}, [3]int{-1, -1, -1}
	for ; w.tail > i && strings.IndexByte(",;.:"+closing, e.text[w.tail-1]) >= 0; w.tail-- {
		if k := strings.IndexByte(closing, e.text[w.tail-1]); k >= 0 && w.closed[k] < 0 {
			w.closed[k] = w.tail
		}
	}
	for k := range opening {
		if n := strings.LastIndexByte(e.text[i:w.tail], opening[k]); n >= 0 {
			w.open[k] = i + n
		}
	}
	return w
}

// stop goes on to what ends an unquoted value. exact tells that the value ends right
// there; else what closes a sentence is no part of it.
func (e *ends) stop(i int, query, escaped bool) (stop int, exact bool) {
	for j := i; j < len(e.text); j++ {
		c := e.text[j]
		switch {
		case c <= ' ' || c == 0x7f:
			return j, false
		case c == '"' || c == '\'' || c == '`':
			if j+1 >= len(e.text) || !wordByte(e.text[j+1]) {
				return j, false
			}
		case c == '\\' && quoteLen(e.text[j:]) > 0:
			return j, false
		case c == '<' && (strings.HasPrefix(e.text[j:], "</") || strings.HasPrefix(e.text[j:], "<br")):
			return j, true
		case c == '&' && query:
			return j, true
		case c == '&' || c == ';' || c == ',':
			if separates(e.text[j:]) {
				return j, false
			}
		case c == '%' && escaped && (strings.HasPrefix(e.text[j:], "%22") || strings.HasPrefix(e.text[j:], "%26") || strings.HasPrefix(e.text[j:], "%2C") || strings.HasPrefix(e.text[j:], "%7D")):
			return j, true
		}
	}
	return len(e.text), false
}

// trim is where the value ends that begins at lo, without what closes the sentence
// or the brackets around it. A bracket that closes one in the value belongs to it.
func (w *word) trim(lo int) int {
	end := max(lo, w.tail)
	for k := range w.closed {
		if w.open[k] >= lo {
			end = max(end, w.closed[k])
		}
	}
	return end
}

// token is where the characters of a token end that begin at i; words tells that
// they are words.
func (e *ends) token(i int) (end int, words bool) {
	if e.tokens.lo != i || e.tokens.hi == 0 {
		j := i
		for j < len(e.text) && tokenByte(e.text[j]) {
			j++
		}
		e.work += j - i
		part := e.text[i:j]
		e.tokens, e.wordy = span{lo: i, hi: j}, wordy(part) || wordPart.MatchString(part)
	}
	return e.tokens.hi, e.wordy
}

// line is where the line ends in which i lies.
func (e *ends) line(i int) int {
	if i < e.lines.lo || i > e.lines.hi || e.lines.hi == 0 {
		e.lines = span{lo: i, hi: lineEnd(e.text, i)}
		e.work += e.lines.hi - i
	}
	return e.lines.hi
}

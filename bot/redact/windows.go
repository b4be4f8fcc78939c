package redact

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// around gives the parts of a text in which a match can lie, those that overlap as
// one. One may begin within the one before: what its keyword stands at the end of
// began there. What is found twice is hidden once.
func around(text string, hits []hit, reach int) iter.Seq2[int, int] {
	return func(yield func(lo, hi int) bool) {
		w := windows{text: text, reach: reach, first: -1}
		for i := 0; i < len(hits); {
			lo, hi := w.start(hits[i]), w.end(hits[i])
			for i++; i < len(hits) && hits[i].lo <= hi; i++ {
				hi = max(hi, w.end(hits[i]))
			}
			if !yield(lo, hi) {
				return
			}
		}
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

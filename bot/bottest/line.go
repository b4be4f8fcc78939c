package bottest

import (
	"fmt"
	"strings"
)

// line is a step taken apart at spaces; double quotes stand around what holds
// spaces: summary="it is full".
type line struct {
	words []string
	text  string
	ends  []int // of each word in text
}

func readLine(text string) (line, error) {
	l := line{text: strings.TrimSpace(text)}
	var b strings.Builder
	quoted, any := false, false
	end := func(at int) {
		if any || b.Len() > 0 {
			l.words, l.ends = append(l.words, b.String()), append(l.ends, at)
		}
		b.Reset()
		any = false
	}
	for i, r := range l.text {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			end(i)
		default:
			b.WriteRune(r)
		}
	}
	end(len(l.text))
	if quoted {
		return l, fmt.Errorf("a quote is not closed")
	}
	return l, nil
}

// rest is the text behind the first n words, as it was written.
func (l line) rest(n int) string {
	if n > len(l.ends) {
		return ""
	}
	return strings.TrimSpace(l.text[l.ends[n-1]:])
}

// Package clean makes text harmless that others wrote: labels, file names, the
// words of other programs. What comes out holds no control character but line
// breaks (and tabs), nothing that turns the direction of writing, and no
// character without a look of its own; what was there shows as a sign, so that
// it can be seen and told.
//
// Neighbours: the chats pass everything that they draw through Text, and add
// what their platform alone would act upon; the probes pass what a kernel or a
// bus says through Line.
package clean

import (
	"fmt"
	"strings"
	"unicode"
)

// MaxMarks in a row may stand on one letter; more would paint over the lines
// above and below.
const MaxMarks = 6

// Text shows control characters and hidden ones as signs: "␛", "⟨U+202E⟩". Line
// breaks of every kind become "\n"; tabs stay.
func Text(s string) string {
	if plain(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for _, r := range s {
		if unicode.In(r, unicode.Mn, unicode.Me) && !selector(r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r == 0x2028 || r == 0x2029:
			b.WriteByte('\n')
		case r < ' ':
			b.WriteRune(0x2400 + r) // the picture of the control character
		case r == 0x7F:
			b.WriteRune('␡')
		case hidden(r) || marks > MaxMarks:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Line is Text in one line of at most longest characters; what is cut off ends
// in "…". Line breaks show as "␤", tabs as a blank.
func Line(s string, longest int) string {
	// A character of the outcome comes from a byte at least.
	rest := ""
	if len(s) > 4*longest {
		s, rest = s[:4*longest], s[4*longest:]
	}
	s = strings.NewReplacer("\n", "␤", "\t", " ").Replace(Text(s))
	n := 0
	for i := range s {
		if n == longest {
			return s[:i] + "…"
		}
		n++
	}
	if rest != "" {
		return s + "…"
	}
	return s
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '\n' && c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// selector tells a sign that only chooses how the one before it looks.
func selector(r rune) bool { return r >= 0xFE00 && r <= 0xFE0F }

// hidden tells whether a character shows nothing or changes how others are
// shown. The joiners within emoji and Persian words, the signs before Arabic
// figures, and variation selectors are left to do their work.
func hidden(r rune) bool {
	switch {
	case r == 0x200C, r == 0x200D, r >= 0x0600 && r <= 0x0605, r == 0x06DD, r == 0x070F, r == 0x0890, r == 0x0891, r == 0x08E2:
		return false
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
		return true
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x180B, r == 0x2065, r == 0x3164, r == 0xFFA0: // fillers
		return true
	case r >= 0xFFF0 && r <= 0xFFF8, r >= 0xE0000 && r <= 0xE0FFF: // signs to come, tags
		return true
	}
	return r&0xFFFE == 0xFFFE // no characters at all
}

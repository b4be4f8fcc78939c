package console

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// What messages hold was written by others, and a terminal obeys what it is
// sent. Every text passes through here before it is laid out: what comes out
// holds no control character but "\n", and nothing that turns the direction of
// writing. What was there is shown as a sign, so that it can be seen and told.

// maxMarks in a row may stand on one letter; more would paint over the lines
// above and below.
const maxMarks = 6

// clean makes a text harmless. Line breaks of every kind become "\n", tabs a
// blank.
func clean(s string) string {
	if harmless(s) {
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
		case r == '\n', r == 0x2028, r == 0x2029:
			b.WriteByte('\n')
		case r == '\t':
			b.WriteByte(' ')
		case r < ' ':
			b.WriteRune(0x2400 + r) // the picture of the control character
		case r == 0x7F:
			b.WriteRune('␡')
		case invisible(r) || marks > maxMarks:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cleanLine makes a text harmless that has its place in one line.
func cleanLine(s string) string { return strings.ReplaceAll(clean(s), "\n", "␤") }

// cleanTable makes a text harmless whose columns count: tabs go to the next
// multiple of eight.
func cleanTable(s string) string {
	if !strings.Contains(s, "\t") {
		return clean(s)
	}
	rows := strings.Split(s, "\n")
	for i, row := range rows {
		cells := strings.Split(row, "\t")
		var b strings.Builder
		at := 0
		for j, cell := range cells {
			cell = clean(cell)
			b.WriteString(cell)
			at += widthOf(cell)
			if j < len(cells)-1 {
				gap := 8 - at%8
				b.WriteString(strings.Repeat(" ", gap))
				at += gap
			}
		}
		rows[i] = b.String()
	}
	return strings.Join(rows, "\n")
}

func harmless(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '\n' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// selector tells a sign that only chooses how the one before it looks.
func selector(r rune) bool { return r >= 0xFE00 && r <= 0xFE0F }

// invisible tells a character that shows nothing itself: controls, what turns
// the direction of writing, tags, fillers, and what is no character at all. The
// joiners of emoji and of Persian words do their work.
func invisible(r rune) bool {
	switch {
	case r == 0x200C, r == 0x200D:
		return false
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
		return true
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x180B, r == 0x3164, r == 0xFFA0:
		return true
	case r >= 0xE0000 && r <= 0xE0FFF, r == 0x2065, r >= 0xFFF0 && r <= 0xFFF8:
		return true
	}
	return r&0xFFFE == 0xFFFE
}

// address gives a link's address in characters that every terminal takes for
// one word; false for what is no link.
func address(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	var b strings.Builder
	for _, c := range []byte(raw) {
		if c <= ' ' || c > '~' || c == '"' || c == '<' || c == '>' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

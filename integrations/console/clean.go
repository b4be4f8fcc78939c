package console

import (
	"fmt"
	"net/url"
	"strings"

	"watchstander/bot/clean"
)

// What messages hold was written by others, and a terminal obeys what it is
// sent. Every text passes through here before it is laid out: what comes out
// holds no control character but "\n", and nothing that turns the direction of
// writing. What was there is shown as a sign, so that it can be seen and told.

// cleaned makes a text harmless. Tabs become a blank.
func cleaned(s string) string { return strings.ReplaceAll(clean.Text(s), "\t", " ") }

// cleanLine makes a text harmless that has its place in one line.
func cleanLine(s string) string { return strings.ReplaceAll(cleaned(s), "\n", "␤") }

// cleanTable makes a text harmless whose columns count: tabs go to the next
// multiple of eight.
func cleanTable(s string) string {
	if !strings.Contains(s, "\t") {
		return cleaned(s)
	}
	rows := strings.Split(s, "\n")
	for i, row := range rows {
		cells := strings.Split(row, "\t")
		var b strings.Builder
		at := 0
		for j, cell := range cells {
			cell = cleaned(cell)
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

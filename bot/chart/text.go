package chart

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRunes bounds what is looked at of any foreign text; more never fits.
const maxRunes = 240

const ellipsis = "…"

// clean makes foreign text fit for one line of a picture. Control and format
// characters go (among them the marks that turn the direction of writing, which
// could make a label read as another), any run of white space becomes one
// space, and what the font cannot draw becomes a question mark.
func clean(s string) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if n >= maxRunes {
			b.WriteString(ellipsis)
			break
		}
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.In(r, unicode.C, unicode.M, unicode.Variation_Selector):
			// Marks would pile up on their neighbours: the font's glyphs are set
			// one after the other, without shaping.
			continue
		case r == utf8.RuneError || !drawable(r):
			r = '?'
		}
		if space {
			b.WriteByte(' ')
			space = false
			n++
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// fit shortens a line at its end until it is no wider than w.
func fit(s string, w float64, st style) string {
	return shorten(s, w, st, func(r []rune, keep int) string {
		return strings.TrimRight(string(r[:keep]), " ") + ellipsis
	})
}

// fitMiddle shortens a line in its middle, because names of hosts and devices
// tend to differ at their ends.
func fitMiddle(s string, w float64, st style) string {
	return shorten(s, w, st, func(r []rune, keep int) string {
		tail := keep * 2 / 5
		return string(r[:keep-tail]) + ellipsis + string(r[len(r)-tail:])
	})
}

func shorten(s string, w float64, st style, cut func(r []rune, keep int) string) string {
	if width(s, st) <= w {
		return s
	}
	r := []rune(s)
	lo, hi := 0, len(r)-1 // the widest cut that fits lies in [lo, hi]
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if width(cut(r, mid), st) <= w {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return cut(r, lo)
}

// fileName makes a plain file name of a title.
func fileName(title string) string {
	var b strings.Builder
	for _, r := range title {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 60 {
			break
		}
	}
	name := strings.Trim(b.String(), "-")
	if name == "" {
		name = "graph"
	}
	return name + ".png"
}

package plan

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"watchstander/bot"
)

// width is where lines are broken; column is where values begin.
const (
	width  = 76
	column = 15
)

// page is text that is being written. Headings begin in the first column; all
// else is set in, and what others wrote is broken into lines here, so that
// neither its line breaks nor those of a terminal bring it to the first column.
type page struct{ b strings.Builder }

func (w *page) heading(format string, args ...any) {
	if w.b.Len() > 0 {
		w.b.WriteByte('\n')
	}
	w.put("", "  ", fmt.Sprintf(format, args...))
}

func (w *page) text(s string) { w.put("  ", "  ", s) }

// named is a value behind its name.
func (w *page) named(name, value string) {
	first := "  " + visible(name)
	if n := column - utf8.RuneCountInString(first); n > 0 {
		first += strings.Repeat(" ", n)
	} else {
		first += " "
	}
	w.put(first, strings.Repeat(" ", column), value)
}

// item is a value behind a sign.
func (w *page) item(sign, value string) {
	w.put("  "+sign, strings.Repeat(" ", 2+utf8.RuneCountInString(sign)), value)
}

// listed is the heading of a list, and all there is where the list is empty.
func (w *page) listed(heading string, n int, none string) {
	if n == 0 {
		heading += ": " + none
	}
	w.heading("%s", heading)
}

func (w *page) list(heading string, items []string, none string) {
	w.listed(heading, len(items), none)
	for _, s := range items {
		w.item("- ", s)
	}
}

func (w *page) facts(heading string, facts []bot.Fact) {
	w.listed(heading, len(facts), "nothing")
	for _, f := range facts {
		w.item("- ", f.Name+" = "+f.Value)
	}
}

// instant is a time in UTC, and in the zones of the windows.
func (w *page) instant(name string, t time.Time, zones []*time.Location) {
	const form = "Mon 2 Jan 2006 15:04:05.999 MST"
	w.named(name, t.UTC().Format(form))
	for _, z := range zones {
		w.named("", t.In(z).Format(form)+" ("+z.String()+")")
	}
}

// raw is set in and not broken.
func (w *page) raw(s string) {
	for line := range strings.SplitSeq(s, "\n") {
		w.b.WriteString("  " + line + "\n")
	}
}

// put writes a text between margins: first before its first line, rest before
// the others. Lines of the text's own are marked with a bar.
func (w *page) put(first, rest, s string) {
	if s == "" {
		w.b.WriteString(first + "(empty)\n")
		return
	}
	for i, line := range strings.Split(s, "\n") {
		margin, next := first, rest
		if i > 0 {
			margin, next = rest+"| ", rest+"| "
		}
		for _, part := range broken(visible(line), width-utf8.RuneCountInString(margin), width-utf8.RuneCountInString(next)) {
			w.b.WriteString(strings.TrimRight(margin+part, " ") + "\n")
			margin = next
		}
	}
}

// broken is a line in parts of at most so many characters, broken at blanks.
func broken(line string, first, rest int) []string {
	var out []string
	part, room := "", first
	for i, word := range strings.Split(line, " ") {
		if i > 0 && utf8.RuneCountInString(part)+1+utf8.RuneCountInString(word) > room {
			out = append(out, part)
			part, room = word, rest
			continue
		}
		if i > 0 {
			part += " "
		}
		part += word
	}
	return append(out, part)
}

// blankSigns are how blanks are shown where nobody would see them, each by its own. The
// sign itself, where a text holds it, stands in ‹ ›: between these no blank is unseen.
var blankSigns = map[rune]rune{' ': '␣', 0xA0: '⍽', 0x202F: '⎵'}

// visible makes signs of the blanks that nobody would see: those at the ends of a
// line, and those after another.
func visible(line string) string {
	var b strings.Builder
	last := ' '
	end := len(strings.TrimRight(line, " \u00A0\u202F"))
	for i, r := range line {
		sign, blank := blankSigns[r]
		if blank && (last == ' ' || i >= end) {
			b.WriteRune(sign)
			continue
		}
		if r == '␣' || r == '⍽' || r == '⎵' {
			b.WriteString("‹" + string(r) + "›")
		} else {
			b.WriteRune(r)
		}
		last = r
		if blank {
			last = ' '
		}
	}
	return b.String()
}

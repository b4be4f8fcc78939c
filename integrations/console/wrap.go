package console

import (
	"regexp"
	"strings"

	"github.com/mattn/go-runewidth"
)

// run is a piece of clean text in one look.
type run struct {
	text string
	sgr  string // what stands between ESC [ and m; "" for the terminal's own look
	// whole is never broken, so that an address can be clicked and copied; it
	// runs over the edge instead.
	whole bool
}

// cells measures text. It does not ask the locale: what stands in a line must
// not depend on it.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

func widthOf(s string) (n int) {
	for _, r := range s {
		n += cells.RuneWidth(r)
	}
	return n
}

func width(rs []run) (n int) {
	for _, r := range rs {
		n += widthOf(r.text)
	}
	return n
}

// page collects the lines of one entry. Each line begins with a lead: the first
// with one that says when and where, the others with one that only holds their
// place, so that no text can stand where a lead should.
type page struct {
	first, rest []run
	width       int // 0 for no end
	colour      bool
	lines       []string
}

// text lays out words, with an indent of its own behind the lead. An empty text
// gives no line.
func (p *page) text(first, rest []run, content []run) {
	if width(content) == 0 {
		return
	}
	lead := first
	for paragraph := range paragraphs(content) {
		for _, l := range p.fold(paragraph, width(lead), width(rest)) {
			p.put(lead, l)
			lead = rest
		}
	}
}

// table lays out lines as they are. What is too long goes on below, broken at a
// blank where there is one, and behind the margin that the line itself has. Where
// such a line already goes on below, as in a plan, that is filled up with it.
func (p *page) table(indent []run, body, sgr string) {
	rows := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	for i := 0; i < len(rows); i++ {
		row, hang := rows[i], margin(rows[i])
		if hang > 0 && widthOf(row) > p.room(width(indent)) {
			for i+1 < len(rows) && goesOn(rows[i+1], hang) {
				i++
				row += " " + strings.TrimLeft(rows[i], " ")
			}
		}
		in, below := 0, min(hang, p.room(width(indent))/2)
		for {
			head, rest := breakAt(row, p.room(width(indent)+in), below-in)
			p.put(indent, []run{{text: strings.Repeat(" ", in) + head, sgr: sgr}})
			if rest == "" {
				break
			}
			row, in = rest, below
		}
	}
}

// goesOn tells whether a line is what was broken off one whose words begin at hang.
func goesOn(row string, hang int) bool {
	blanks := len(row) - len(strings.TrimLeft(row, " "))
	return blanks == hang && blanks < len(row) && margin(row) == hang
}

// breakAt gives as much of a line as fits, and what goes on below, hang further in.
// It breaks at a blank behind the line's first word; within a word only where that
// has no room below either, as a store's path.
func breakAt(row string, room, hang int) (head, rest string) {
	head = cut(row, room, true)
	if head == row {
		return row, ""
	}
	begin := len(row) - len(strings.TrimLeft(row, " "))
	end := len(head)
	if i := strings.LastIndexByte(head, ' '); i > begin && row[end] != ' ' {
		if word, _, _ := strings.Cut(row[i+1:], " "); widthOf(word) <= room-hang {
			end = i
		}
	}
	return strings.TrimRight(row[:end], " "), strings.TrimLeft(row[end:], " ")
}

// begins is what a line's words stand behind: a mark, a mark in brackets, a name
// with a colon, or a column that two blanks end.
var begins = regexp.MustCompile(`^ *([-•·] +|[0-9]+\. +|\[[A-Z ]+\] +|[^ ]+: +|[^ ]+( [^ ]+)*  +)?`)

// margin is where the words of a line begin, so that what is broken off can
// stand below them.
func margin(row string) int { return widthOf(begins.FindString(row)) }

// room is how wide a line may be behind its indent; there is always some.
func (p *page) room(indent int) int {
	if p.width == 0 {
		return 1 << 30
	}
	lead := p.rest
	if len(p.lines) == 0 {
		lead = p.first
	}
	return max(p.width-width(lead)-indent, 8)
}

func (p *page) put(indent, content []run) {
	lead := p.rest
	if len(p.lines) == 0 {
		lead = p.first
	}
	var all []run
	all = append(append(append(all, lead...), indent...), content...)
	p.lines = append(p.lines, paintRuns(all, p.colour))
}

// paragraphs gives the runs between line breaks.
func paragraphs(rs []run) func(func([]run) bool) {
	return func(yield func([]run) bool) {
		var now []run
		for _, r := range rs {
			parts := strings.Split(r.text, "\n")
			for i, part := range parts {
				if i > 0 {
					if !yield(now) {
						return
					}
					now = nil
				}
				if part != "" {
					now = append(now, run{part, r.sgr, r.whole})
				}
			}
		}
		yield(now)
	}
}

// fold breaks one paragraph between words. Styles may change within a word; that
// is no place to break it.
func (p *page) fold(rs []run, firstIndent, restIndent int) [][]run {
	var out [][]run
	var now []run
	at := 0
	lead := 0 // lines that the page had before this paragraph count for room
	room := func() int {
		if p.width == 0 {
			return 1 << 30
		}
		l, indent := p.rest, restIndent
		if lead == 0 {
			indent = firstIndent
			if len(p.lines) == 0 {
				l = p.first
			}
		}
		return max(p.width-width(l)-indent, 8)
	}
	end := func() {
		out, now, at = append(out, now), nil, 0
		lead++
	}
	var gap []run
	for _, w := range split(rs) {
		if w.blank {
			gap = w.runs
			continue
		}
		wide := width(w.runs)
		if at > 0 && at+width(gap)+wide > room() {
			end()
			gap = nil
		}
		now, at = append(now, gap...), at+width(gap)
		gap = nil
		if at+wide <= room() || w.whole {
			now, at = append(now, w.runs...), at+wide
			continue
		}
		for _, r := range w.runs {
			for r.text != "" {
				head := cut(r.text, room()-at, at == 0)
				if head == "" {
					end()
					continue
				}
				now, at = append(now, run{head, r.sgr, false}), at+widthOf(head)
				r.text = r.text[len(head):]
			}
		}
	}
	return append(out, now)
}

// word is a stretch of runs without blanks, or of blanks.
type word struct {
	runs         []run
	blank, whole bool
}

func split(rs []run) []word {
	var out []word
	for _, r := range rs {
		rest := r.text
		for rest != "" {
			blank := rest[0] == ' '
			n := strings.IndexFunc(rest, func(c rune) bool { return (c == ' ') != blank })
			if n < 0 {
				n = len(rest)
			}
			if len(out) == 0 || out[len(out)-1].blank != blank {
				out = append(out, word{blank: blank})
			}
			w := &out[len(out)-1]
			w.runs = append(w.runs, run{rest[:n], r.sgr, r.whole})
			w.whole = w.whole || r.whole
			rest = rest[n:]
		}
	}
	return out
}

// cut gives as much of s as fits. At a line's beginning there is always room for
// one letter, so that there is an end.
func cut(s string, room int, begins bool) string {
	n := 0
	for i, r := range s {
		w := cells.RuneWidth(r)
		if n+w > room && !(begins && i == 0) {
			return s[:i]
		}
		n += w
	}
	return s
}

// paintRuns writes a line. Each look is ended before the next begins, so that a
// line cut short by a pipe leaves none behind.
func paintRuns(rs []run, colour bool) string {
	var b strings.Builder
	for i := 0; i < len(rs); {
		j, text := i, ""
		for ; j < len(rs) && rs[j].sgr == rs[i].sgr; j++ {
			text += rs[j].text
		}
		if j == len(rs) {
			text = strings.TrimRight(text, " ")
		}
		switch {
		case text == "":
		case colour && rs[i].sgr != "":
			b.WriteString("\x1b[" + rs[i].sgr + "m" + text + "\x1b[0m")
		default:
			b.WriteString(text)
		}
		i = j
	}
	return strings.TrimRight(b.String(), " ")
}

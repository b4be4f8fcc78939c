package console

import (
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
)

// painter turns what came into lines of text. It keeps nothing but what the
// look of the next lines depends on. All text passes through clean on its way.
type painter struct {
	width  int // 0 for no end
	colour bool
	zone   *time.Location
	// names are what the bot calls people; name gives a user's for whom it has
	// none. Both are for reading: nobody decides anything by them.
	names map[bot.UserID]string
	name  func(bot.UserID) string
	// day is the last one that was named.
	day string
	// open: the last entry was a block, and wants an empty line behind it.
	open bool
	// begun: something stands above.
	begun bool
}

// look is how a tone shows. The signs are in every terminal's fonts, the
// kernel's own console included. Whatever the bot says begins with one, what a
// person says begins with another, so that neither can be taken for the other
// whatever text it holds.
type look struct{ sign, sgr string }

var looks = map[bot.Tone]look{
	bot.ToneCritical: {"■", "31"},
	bot.ToneWarning:  {"▲", "33"},
	bot.ToneInfo:     {"•", "36"},
	bot.ToneOK:       {"√", "32"},
	bot.ToneMuted:    {"○", "2"},
	bot.ToneUnknown:  {"?", "35"},
	bot.TonePlain:    {"·", ""},
}

// lookOf takes a tone of a newer version for none.
func lookOf(t bot.Tone) look {
	if l, ok := looks[t]; ok {
		return l
	}
	return looks[bot.TonePlain]
}

const (
	faint = "2"
	bold  = "1"
	bar   = "▌ "
	rail  = "│ "
	// narrow terminals get no column of times.
	narrow = 60
	// nobody, in the place of a name that is empty.
	somebody = "somebody"
)

// place is where a message stands.
type place struct {
	at      time.Time
	thread  int
	changed time.Time
}

func (p *painter) dayOf(t time.Time) string { return t.In(p.zone).Format("Monday 2 January 2006") }

func (p *painter) clock(t time.Time) string { return t.In(p.zone).Format("15:04") }

func (p *painter) page(first, rest []run) *page {
	return &page{first: first, rest: rest, width: p.width, colour: p.colour}
}

// root paints a thread's root as a block with a bar in its colour.
func (p *painter) root(w place, m bot.Message) string {
	l := lookOf(m.Tone)
	pg := p.page(p.barLead(w, l, append([]run{{text: t(w.thread) + " ", sgr: bold}}, l.runs()...)))
	p.message(pg, m, w, l.sgr)
	return p.entry(w.at, pg, true)
}

// barLead is the lead of what stands beside a bar.
func (p *painter) barLead(w place, l look, sign []run) (first, rest []run) {
	b := run{text: bar, sgr: l.sgr}
	at := run{text: p.clock(w.at) + " ", sgr: faint}
	if p.width > 0 && p.width < narrow {
		return append([]run{b, at}, sign...), []run{b}
	}
	return append([]run{at, b}, sign...), []run{{text: strings.Repeat(" ", len(at.text))}, b}
}

// railLead is the lead of what stands in a thread.
func (p *painter) railLead(w place, sign []run) (first, rest []run) {
	at := run{text: p.clock(w.at) + " ", sgr: faint}
	name := run{text: t(w.thread) + " ", sgr: bold}
	r := run{text: rail, sgr: faint}
	if p.width > 0 && p.width < narrow {
		return append([]run{name, r, at}, sign...), []run{{text: strings.Repeat(" ", len(name.text))}, r}
	}
	return append([]run{at, {text: "  "}, name, r}, sign...), []run{{text: strings.Repeat(" ", len(at.text)+2+len(name.text))}, r}
}

// plainLead is the lead of what stands in no thread.
func (p *painter) plainLead(w place, sign []run) (first, rest []run) {
	at := run{text: p.clock(w.at) + " ", sgr: faint}
	hang := strings.Repeat(" ", len(at.text))
	if p.width > 0 && p.width < narrow {
		hang = "  "
	}
	return append([]run{at}, sign...), []run{{text: hang}}
}

// reply paints a line of a thread's log.
func (p *painter) reply(w place, m bot.Message) string {
	l := lookOf(m.Tone)
	pg := p.page(p.railLead(w, l.runs()))
	p.message(pg, m, w, l.sgr)
	return p.entry(w.at, pg, false)
}

// answer paints what stands outside threads.
func (p *painter) answer(w place, m bot.Message) string {
	l := lookOf(m.Tone)
	pg := p.page(p.plainLead(w, l.runs()))
	p.message(pg, m, w, l.sgr)
	return p.entry(w.at, pg, false)
}

func (l look) runs() []run { return []run{{text: l.sign + " ", sgr: l.sgr}} }

// said paints what a person typed elsewhere, or earlier.
func (p *painter) said(s said) string {
	w := place{at: s.At, thread: s.Thread}
	content := []run{{text: p.who(s.User) + ": ", sgr: bold}, {text: cleanLine(s.Text)}}
	lead := p.plainLead
	if s.Thread > 0 {
		lead = p.railLead
	}
	pg := p.page(lead(w, []run{{text: "» ", sgr: bold}}))
	pg.text(nil, nil, content)
	return p.entry(s.At, pg, false)
}

// maxNames bounds how many names are remembered.
const maxNames = 1000

// named remembers what the bot calls a user, which is how its own messages do.
func (p *painter) named(u bot.UserID, name string) {
	if name == "" {
		return
	}
	if p.names == nil || len(p.names) >= maxNames {
		p.names = map[bot.UserID]string{}
	}
	p.names[u] = name
}

func (p *painter) who(u bot.UserID) string {
	name, known := p.names[u]
	if !known {
		name = string(u)
		if p.name != nil {
			name = p.name(u)
		}
	}
	if name = cleanLine(name); name == "" {
		return somebody
	}
	return name
}

// edit paints what a root has become: its title, and what is new below it.
// Nothing, when no word of it is.
func (p *painter) edit(w place, before *bot.Message, now bot.Message) string {
	fresh, left := changes(before, now)
	same := before != nil && before.Tone == now.Tone && before.Title.String() == now.Title.String()
	if same && len(fresh) == 0 {
		return ""
	}
	l := lookOf(now.Tone)
	sign := []run{{text: t(w.thread) + " ", sgr: bold}}
	if !same {
		sign = append(sign, run{text: "is now ", sgr: faint})
	}
	pg := p.page(p.barLead(w, l, append(sign, l.runs()...)))
	title := p.title(now.Title, l.sgr)
	if same {
		title = append(title, run{text: ", changed:", sgr: faint})
	}
	pg.text(nil, nil, title)
	p.blocks(pg, fresh, w)
	if before != nil && len(before.Actions) == 0 {
		p.actions(pg, now.Actions, w) // nobody has seen them yet
	}
	if left > 0 {
		pg.text(nil, nil, []run{{text: fmt.Sprintf("and %s; /show %s", plural(left, "line more", "lines more"), t(w.thread)), sgr: faint}})
	}
	return p.entry(w.at, pg, false)
}

// headline is a thread in one line, for lists.
func (p *painter) headline(w place, m bot.Message) string {
	l := lookOf(m.Tone)
	first := append([]run{{text: fmt.Sprintf("%-5s", t(w.thread)), sgr: bold}}, l.runs()...)
	pg := p.page(first, []run{{text: strings.Repeat(" ", width(first))}})
	day := w.at.In(p.zone).Format("Mon 2 Jan 15:04")
	pg.text(nil, nil, append(p.title(m.Title, l.sgr), run{text: "  " + day, sgr: faint}))
	p.open, p.begun = false, true
	return strings.Join(pg.lines, "\n") + "\n"
}

// note paints a word of the console itself.
func (p *painter) note(format string, args ...any) string {
	pg := p.page([]run{{text: "-- ", sgr: faint}}, []run{{text: "   "}})
	pg.text(nil, nil, []run{{text: cleanLine(fmt.Sprintf(format, args...)), sgr: faint}})
	return p.aside(pg)
}

// warn is a note that must be seen.
func (p *painter) warn(format string, args ...any) string {
	pg := p.page([]run{{text: "!! ", sgr: "1;31"}}, []run{{text: "   "}})
	pg.text(nil, nil, []run{{text: cleanLine(fmt.Sprintf(format, args...)), sgr: bold}})
	return p.aside(pg)
}

func (p *painter) aside(pg *page) string {
	out := ""
	if p.open {
		out = "\n"
	}
	p.open, p.begun = false, true
	return out + strings.Join(pg.lines, "\n") + "\n"
}

// entry puts a day's name and empty lines around what has been laid out. Blocks
// stand apart; single lines stand close.
func (p *painter) entry(at time.Time, pg *page, block bool) string {
	if len(pg.lines) == 0 {
		pg.put(nil, []run{{text: "(nothing)", sgr: faint}})
	}
	block = block || len(pg.lines) > 4
	var b strings.Builder
	if day := p.dayOf(at); day != p.day {
		if p.begun {
			b.WriteByte('\n')
		}
		p.day, p.begun = day, true
		head := "── " + day + " "
		if p.width > 0 {
			head += strings.Repeat("─", max(min(p.width, 80)-widthOf(head), 0))
		}
		b.WriteString(paintRuns([]run{{text: head, sgr: faint}}, p.colour) + "\n")
		p.open = false
	}
	if p.begun && (block || p.open) {
		b.WriteByte('\n')
	}
	b.WriteString(strings.Join(pg.lines, "\n") + "\n")
	p.open, p.begun = block, true
	return b.String()
}

// t is a thread's short number. An alert's number in its thread is "#3"; this
// cannot be taken for one.
func t(n int) string { return fmt.Sprintf("t%d", n) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

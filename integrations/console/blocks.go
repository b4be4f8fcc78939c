package console

import (
	"fmt"
	"strings"

	"watchstander/bot"
)

// message paints a message onto a page: title, blocks, what to type, small
// print.
func (p *painter) message(pg *page, m bot.Message, w place, sgr string) {
	pg.text(nil, nil, p.title(m.Title, sgr))
	p.blocks(pg, m.Blocks, w)
	p.actions(pg, m.Actions, w)
	note := styled(m.Note, faint, false)
	if !w.changed.IsZero() {
		if len(note) > 0 {
			note = append(note, run{text: " · ", sgr: faint})
		}
		note = append(note, run{text: "as of " + p.clock(w.changed), sgr: faint})
	}
	pg.text(nil, nil, note)
}

// title is one line, whatever it holds.
func (p *painter) title(t bot.Text, sgr string) []run { return styled(t, sgr, true) }

// styled turns spans into runs; base is the look of what has none of its own.
func styled(t bot.Text, base string, oneLine bool) []run {
	tidy := cleaned
	if oneLine {
		tidy = cleanLine
	}
	var out []run
	for _, s := range t {
		text, sgr := tidy(s.Text), base
		switch s.Style {
		case bot.Bold:
			sgr = join(bold, base)
		case bot.Mono:
			if base == "" {
				sgr = "36"
			}
		case bot.Faint:
			sgr = faint
		case bot.Struck:
			// Few terminals strike text out, so a sign says it too.
			sgr, text = join("9", faint), "~"+text+"~"
		}
		link, ok := address(s.URL)
		if ok && s.Text != s.URL && text != "" {
			text += " "
		}
		if !ok || s.Text != s.URL {
			out = append(out, run{text: text, sgr: sgr})
		}
		if ok {
			out = append(out, run{text: link, sgr: "4", whole: true})
		}
	}
	return out
}

func join(a, b string) string {
	switch {
	case a == "" || a == b:
		return b
	case b == "":
		return a
	}
	return a + ";" + b
}

func (p *painter) blocks(pg *page, bs []bot.Block, w place) {
	for _, b := range bs {
		switch b := b.(type) {
		case bot.Para:
			pg.text(nil, nil, styled(b.Text, "", false))
		case bot.Fields:
			p.fields(pg, b.Fields)
		case bot.List:
			for _, item := range b.Items {
				pg.text([]run{{text: "• "}}, []run{{text: "  "}}, styled(item, "", false))
			}
		case bot.Pre:
			pg.table([]run{{text: "  "}}, strings.Trim(cleanTable(b.Body), "\n"), "")
		case bot.Picture:
			p.attachment(pg, fmt.Sprintf("picture %s", b.Name), b.Alt, len(b.PNG), w)
		case bot.File:
			p.attachment(pg, fmt.Sprintf("file %s", b.Name), "", len(b.Data), w)
		}
	}
}

// maxName is how wide the column of the fields' names may be.
const maxName = 14

// fields stand below each other, their values in one column.
func (p *painter) fields(pg *page, fs []bot.Field) {
	most := maxName
	if pg.width > 0 && pg.width < narrow {
		most = 10
	}
	column := 0
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = cleanLine(f.Name)
		if w := widthOf(names[i]); w <= most {
			column = max(column, w)
		}
	}
	rest := []run{{text: strings.Repeat(" ", column+2)}}
	for i, f := range fs {
		gap := strings.Repeat(" ", max(column-widthOf(names[i]), 0)+2)
		first := []run{{text: names[i] + gap, sgr: faint}}
		value := styled(f.Value, "", false)
		if width(first) > width(rest) {
			// A long name takes a line's beginning for itself; the value follows.
			value = append(first, value...)
			first = nil
		}
		if width(value) == 0 {
			value = []run{{text: "-"}}
		}
		pg.text(first, rest, value)
	}
}

// attachment is told in words; the bytes can be kept.
func (p *painter) attachment(pg *page, what, alt string, size int, w place) {
	content := []run{{text: "[" + cleanLine(what) + "] ", sgr: bold}, {text: cleaned(alt)}}
	switch {
	case size == 0:
		content = append(content, run{text: " (no longer kept)", sgr: faint})
	case w.thread > 0:
		content = append(content, run{text: fmt.Sprintf(" (%s; /save %s)", bytesText(size), t(w.thread)), sgr: faint})
	default:
		content = append(content, run{text: fmt.Sprintf(" (%s; /save)", bytesText(size)), sgr: faint})
	}
	pg.text(nil, []run{{text: "  "}}, content)
}

func bytesText(n int) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%d KiB", (n+1<<10-1)>>10)
}

// actions are what can be typed, as it must be typed.
func (p *painter) actions(pg *page, as []bot.Action, w place) {
	var content []run
	for _, a := range as {
		name := cleanLine(a.Name)
		if name == "" {
			continue
		}
		if len(content) > 0 {
			content = append(content, run{text: " · ", sgr: faint})
		}
		if w.thread > 0 {
			name = "@" + t(w.thread) + " " + name
		}
		sgr := bold
		if a.Danger {
			sgr = "1;31"
			name += " (dangerous)"
		}
		content = append(content, run{text: name, sgr: sgr})
	}
	if len(content) > 0 {
		pg.text([]run{{text: "→ ", sgr: faint}}, []run{{text: "  "}}, content)
	}
}

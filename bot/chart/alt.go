package chart

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// describe says in words what the picture shows, for those who cannot see it:
// screen readers, notifications, and readers of a room's export.
func describe(m *model) string {
	var b strings.Builder
	if m.title != "" {
		b.WriteString(cut(m.title, 80) + ": ")
	}
	b.WriteString(m.span() + ".")
	for _, p := range m.panels {
		b.WriteByte(' ')
		if p.expr != "" && len(m.panels) > 1 {
			b.WriteString(cut(p.expr, 60) + ": ")
		}
		if p.empty() {
			b.WriteString("no data.")
			continue
		}
		var said []string
		for _, l := range append(p.named[:len(p.named):len(p.named)], p.limits[:min(len(p.limits), 1)]...) {
			s := p.told(l.last.v, m.zone)
			if !l.fresh {
				s += " at " + m.clock(m.start.Add(seconds(l.last.t)))
			}
			if lo, hi := p.told(l.min, m.zone), p.told(l.max, m.zone); lo != hi {
				s += " (" + lo + " to " + hi + ")"
			}
			if l.name != "" {
				s = cut(l.name, 40) + " " + s
			}
			said = append(said, s)
		}
		if n := len(p.rest) + p.unseen; n > 0 {
			said = append(said, "and "+strconv.Itoa(n)+" more")
		}
		b.WriteString(strings.Join(said, "; ") + ".")
		for _, t := range p.thresholds {
			b.WriteString(" Alert when " + p.condition(t, m.zone) + ".")
		}
	}
	if m.begins() {
		b.WriteString(" Alert began " + m.clock(m.since) + ".")
	}
	if m.note != "" {
		b.WriteString(" " + m.note)
	}
	return b.String()
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:n-1]), " ") + ellipsis
}

package chart

import (
	"math"
	"strings"
)

// Lengths of the layout, in units of a phone's screen (see paper).
const (
	margin    = 14.0
	titleLine = 30.0 // baseline
	exprLine  = 46.0 // baseline
	tickRow   = 17.0
	legendRow = 18.0
	swatch    = 23.0
	tail      = 7.0 // room for the mark of a line's last value
	minPlot   = 72.0
)

// plotHeight is a plot's height when the caller leaves it to us, by the number
// of panels.
var plotHeight = [MaxPanels + 1]float64{0, 180, 124, 100}

// Type sizes.
var (
	titleType  = style{16, true}
	statType   = style{20, true}
	headType   = style{11.5, true}
	exprType   = style{11, false}
	tickType   = style{11, false}
	nameType   = style{12, false}
	firingType = style{12, true}
	valueType  = style{12, true}
	badgeType  = style{11, true}
	smallType  = style{10.5, false}
)

// layout says where everything stands.
type layout struct {
	height float64
	stat   *line // a lone value told in the header
	panels []place
	x      []tick
	foot   []string // lines of small print
	footY  float64  // the first one's baseline
}

// place is one panel's part of the sheet.
type place struct {
	heading float64 // baseline; 0 when the header tells the expression
	strip   float64 // baseline of the words above the plot
	plot    rect
	y       axis
	legend  legend
}

func arrange(m *model, o Options) layout {
	l := layout{stat: m.lone()}
	gutter := 0.0
	axes := make([]axis, len(m.panels))
	for i, p := range m.panels {
		if p.empty() {
			continue
		}
		axes[i] = vertical(p, m, len(m.panels))
		for _, t := range axes[i].ticks {
			gutter = max(gutter, width(t.label, tickType))
		}
	}
	gutter += margin + 7

	l.foot = wrap(m.span()+notes(m.note), paper-2*margin, smallType, 3)
	y := exprLine + 6
	if len(m.panels) > 1 {
		y = titleLine + 6 // each panel has its expression above it
	}
	fixed := y
	for i, p := range m.panels {
		pl := place{y: axes[i], legend: newLegend(p, m, l.stat == nil)}
		l.panels = append(l.panels, pl)
		fixed += m.above(i) + tickRow + pl.legend.height()
	}
	fixed += 10 + 13*float64(len(l.foot)) + 2

	each := plotHeight[len(m.panels)]
	if o.Height > 0 {
		each = (float64(o.Height)*paper/float64(o.Width) - fixed) / float64(len(m.panels))
		each = max(each, minPlot)
	}
	for i := range l.panels {
		pl := &l.panels[i]
		if len(m.panels) > 1 {
			pl.heading = y + 15
		}
		y += m.above(i)
		pl.strip = y - 10
		pl.plot = rect{gutter, y, paper - margin, y + each}
		y = pl.plot.y1 + tickRow
		pl.legend.top = y
		y += pl.legend.height()
	}
	l.footY = y + 14
	l.height = fixed + each*float64(len(m.panels))

	room := paper - margin - tail - gutter
	l.x = horizontal(m.start, m.end, m.zone, int(math.Floor(room/62)))
	return l
}

// above is the room over a panel's plot: its heading, and for the first one the
// words about the alert's begin.
func (m *model) above(i int) float64 {
	room := 8.0
	if i == 0 && m.begins() {
		room = 26
	}
	if len(m.panels) > 1 {
		room += 16
	}
	return room
}

// begins: the alert's begin is known and not after the picture.
func (m *model) begins() bool { return !m.since.IsZero() && !m.since.After(m.end) }

func notes(s string) string {
	if s == "" {
		return ""
	}
	return ". " + s
}

// lone is the only line of the picture; its value then stands in the header and
// needs no legend.
func (m *model) lone() *line {
	if len(m.panels) != 1 {
		return nil
	}
	p := m.panels[0]
	if len(p.named) != 1 || len(p.rest)+len(p.limits)+p.unseen > 0 {
		return nil
	}
	return p.named[0]
}

// wrap breaks a text into at most n lines of width w.
func wrap(s string, w float64, st style, n int) []string {
	var lines []string
	rest := strings.Fields(s)
	for len(rest) > 0 {
		if len(lines) == n-1 {
			return append(lines, fit(strings.Join(rest, " "), w, st))
		}
		k := 1
		for k < len(rest) && width(strings.Join(rest[:k+1], " "), st) <= w {
			k++
		}
		lines = append(lines, fit(strings.Join(rest[:k], " "), w, st))
		rest = rest[k:]
	}
	return lines
}

package chart

import (
	"image/color"
	"strconv"
)

// maxLimits is how many of the lines to compare with get a legend line; they
// share one colour.
const maxLimits = 2

// legend is the list under a panel: each line's sign, name and last value.
type legend struct {
	top     float64
	columns int
	cells   []cell
}

type cellKind int

const (
	seriesCell cellKind = iota
	limitCell
	restCell
)

type cell struct {
	kind   cellKind
	index  int // of the colour and sign
	name   string
	firing bool
	value  string
	when   string // the value's time, when it is not the present one
}

// newLegend lists a panel's lines. Without values, the header tells the only
// value there is, and the legend is left with its name, if it has one.
func newLegend(p *panel, m *model, values bool) legend {
	var g legend
	add := func(kind cellKind, i int, l *line) {
		c := cell{kind: kind, index: i, name: l.name, firing: l.firing, value: p.told(l.last.v, m.zone)}
		if !l.fresh {
			c.when = "at " + m.clock(m.start.Add(seconds(l.last.t)))
		}
		if c.name == "" {
			if !values {
				return // the header tells it all
			}
			c.name = "value"
			if kind == limitCell {
				c.name = "limit"
			}
		}
		if !values {
			c.value, c.when = "", ""
		}
		g.cells = append(g.cells, c)
	}
	for i, l := range p.named {
		add(seriesCell, i, l)
	}
	hidden := 0
	for i, l := range p.limits {
		if i == maxLimits {
			hidden = len(p.limits) - i
			break
		}
		add(limitCell, i, l)
	}
	if n := len(p.rest) + hidden + p.unseen; n > 0 {
		c := cell{kind: restCell, name: "and " + strconv.Itoa(n) + " more"}
		if p.unseen == n {
			c.name += ", not drawn"
		} else if p.unseen > 0 {
			c.name += ", " + strconv.Itoa(p.unseen) + " of them not drawn"
		}
		g.cells = append(g.cells, c)
	}
	g.columns = 1
	if len(g.cells) > 2 && g.fits(2) {
		g.columns = 2
	}
	return g
}

func (g legend) cellWidth(columns int) float64 {
	const between = 18.0
	return (paper - 2*margin - between*float64(columns-1)) / float64(columns)
}

func (g legend) fits(columns int) bool {
	for _, c := range g.cells {
		if swatch+width(c.name, c.nameStyle())+8+c.valueWidth() > g.cellWidth(columns) {
			return false
		}
	}
	return true
}

func (g legend) rows() int { return (len(g.cells) + g.columns - 1) / max(g.columns, 1) }

func (g legend) height() float64 {
	if len(g.cells) == 0 {
		return 0
	}
	return 4 + legendRow*float64(g.rows())
}

func (c cell) nameStyle() style {
	if c.firing {
		return firingType
	}
	return nameType
}

func (c cell) valueWidth() float64 {
	w := width(c.value, valueType)
	if c.when != "" {
		w += 5 + width(c.when, smallType)
	}
	return w
}

// colour of a cell's line.
func (c cell) colour(th theme) color.NRGBA {
	switch c.kind {
	case limitCell:
		return th.limit
	case restCell:
		return th.rest
	}
	return th.series[c.index]
}

func paintLegend(p *pen, g legend) {
	w := g.cellWidth(g.columns)
	for i, c := range g.cells {
		// Down the first column, then the second: a list reads downwards.
		x := margin + float64(i/g.rows())*(w+18)
		base := g.top + 4 + legendRow*float64(i%g.rows()) + 12
		mid := base - 4
		dashes := []float64(nil)
		if c.kind == limitCell {
			dashes = []float64{4, 2.5}
		}
		p.stroke([]point{{x, mid}, {x + 17, mid}}, 2.2, c.colour(p.th), dashes...)
		if c.kind == seriesCell {
			p.mark(c.index, point{x + 8.5, mid}, 2.9, c.colour(p.th))
		}
		end := x + w
		ink := p.th.ink
		if c.kind == restCell {
			ink = p.th.muted
		}
		if c.when != "" {
			end -= p.text(c.when, end, base, smallType, p.th.muted, right) + 5
			p.text(c.value, end, base, valueType, p.th.muted, right)
		} else {
			p.text(c.value, end, base, valueType, ink, right)
		}
		room := w - swatch - 8 - c.valueWidth()
		p.text(fitMiddle(c.name, room, c.nameStyle()), x+swatch, base, c.nameStyle(), ink, left)
	}
}

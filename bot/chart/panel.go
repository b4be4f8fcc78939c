package chart

import (
	"image/color"
	"math"
	"time"

	"watchstander/bot"
)

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// paint draws the whole sheet.
func paint(p *pen, m *model, l layout) {
	paintHeader(p, m, l)
	for i, pl := range l.panels {
		v := view{pen: p, m: m, p: m.panels[i], place: pl, x: l.x}
		v.paint(i == 0)
	}
	for i, s := range l.foot {
		p.text(s, margin, l.footY+13*float64(i), smallType, p.th.muted, left)
	}
}

func paintHeader(p *pen, m *model, l layout) {
	room := paper - 2*margin
	titleRoom, exprRoom := room, room
	if s := l.stat; s != nil {
		// The hour, not "now": the picture will still stand there tomorrow.
		value, when := m.panels[0].told(s.last.v, m.zone), "at "+m.clock(m.start.Add(seconds(s.last.t)))
		ink := p.th.ink
		if !s.fresh {
			ink = p.th.muted
		}
		titleRoom -= p.text(value, paper-margin, titleLine+1, statType, ink, right) + 12
		exprRoom -= p.text(when, paper-margin, exprLine, smallType, p.th.muted, right) + 12
	}
	p.text(fit(m.title, titleRoom, titleType), margin, titleLine, titleType, p.th.ink, left)
	if len(m.panels) == 1 {
		p.text(fit(m.panels[0].heading(), exprRoom, exprType), margin, exprLine, exprType, p.th.muted, left)
	}
}

// heading is the expression, with the unit where values do not carry it.
func (p *panel) heading() string {
	if p.unit.word == "" {
		return p.expr
	}
	if p.expr == "" {
		return "in " + p.unit.word
	}
	return p.expr + ", in " + p.unit.word
}

// view draws one panel in its place.
type view struct {
	*pen
	m     *model
	p     *panel
	place place
	x     []tick
	taken []rect // by badges
}

func (v *view) paint(first bool) {
	plot := v.place.plot
	if v.place.heading > 0 {
		v.text(fit(v.p.heading(), paper-2*margin, headType), margin, v.place.heading, headType, v.th.ink, left)
	}
	v.grid()
	if v.p.empty() {
		v.text("no data in this time range", (plot.x0+plot.x1)/2, (plot.y0+plot.y1)/2+4, nameType, v.th.muted, centre)
		v.began(first)
		return
	}
	v.breach()
	v.began(first)
	v.area()
	for _, l := range v.p.rest {
		v.line(l, 1.1, v.th.rest)
	}
	for _, t := range v.p.thresholds {
		y := v.py(t.Value)
		v.stroke([]point{{plot.x0, y}, {plot.x1, y}}, 1.5, v.th.limit, 5, 3)
	}
	for _, l := range v.p.limits {
		v.line(l, 1.5, v.th.limit, 5, 3)
	}
	// The first in the legend lies on top.
	for i := len(v.p.named) - 1; i >= 0; i-- {
		w := 1.7
		if v.p.named[i].firing && len(v.p.named) > 1 {
			w = 2.5
		}
		v.line(v.p.named[i], w, v.th.series[i])
	}
	for i := len(v.p.named) - 1; i >= 0; i-- {
		l := v.p.named[i]
		v.mark(i, point{v.px(l.last.t), v.py(l.last.v)}, 3.4, v.th.series[i])
	}
	for _, t := range v.p.thresholds {
		v.badge(t)
	}
	paintLegend(v.pen, v.place.legend)
}

// px and py are where a time (seconds after the start) and a value stand.
func (v *view) px(t float64) float64 {
	plot := v.place.plot
	return plot.x0 + t/v.m.end.Sub(v.m.start).Seconds()*(plot.x1-tail-plot.x0)
}

func (v *view) py(value float64) float64 {
	plot, y := v.place.plot, v.place.y
	return plot.y1 - (value-y.lo)/(y.hi-y.lo)*(plot.y1-plot.y0)
}

func (v *view) grid() {
	plot := v.place.plot
	for _, t := range v.place.y.ticks {
		y := v.py(t.at)
		v.stroke([]point{{plot.x0, y}, {plot.x1, y}}, 0.8, v.th.grid)
		v.text(t.label, plot.x0-6, y+3.8, tickType, v.th.muted, right)
	}
	v.stroke([]point{{plot.x0, plot.y1}, {plot.x1, plot.y1}}, 1, v.th.faint)
	for _, t := range v.x {
		x := v.px(t.at)
		v.stroke([]point{{x, plot.y1}, {x, plot.y1 + 4}}, 1, v.th.faint)
		half := width(t.label, tickType) / 2
		x = min(max(x, margin+half), paper-margin-half)
		v.text(t.label, x, plot.y1+15, tickType, v.th.muted, centre)
	}
}

// breach tints the side of a threshold on which the alert's condition is met.
// With several thresholds the sides may contradict each other, and there is none.
func (v *view) breach() {
	if len(v.p.thresholds) != 1 {
		return
	}
	plot, t := v.place.plot, v.p.thresholds[0]
	y := v.py(t.Value)
	switch t.Op {
	case bot.Above, bot.AtLeast:
		v.box(rect{plot.x0, plot.y0, plot.x1, y}, alpha(v.th.limit, v.th.breach))
	case bot.Below, bot.AtMost:
		v.box(rect{plot.x0, y, plot.x1, plot.y1}, alpha(v.th.limit, v.th.breach))
	}
}

// began marks when the alert began: a line over the plot, its words above it.
func (v *view) began(words bool) {
	if !v.m.begins() {
		return
	}
	plot, label := v.place.plot, "alert began "+v.m.clock(v.m.since)
	y := v.place.strip - 3.5
	w := width(label, badgeType)
	t := v.m.since.Sub(v.m.start).Seconds()
	if t < 0 {
		if words {
			v.fill([]point{{plot.x0, y}, {plot.x0 + 6, y - 4}, {plot.x0 + 6, y + 4}}, v.th.since)
			v.text(label, plot.x0+10, v.place.strip, badgeType, v.th.since, left)
		}
		return
	}
	x := v.px(t)
	v.stroke([]point{{x, plot.y0 - 1}, {x, plot.y1}}, 1.1, v.th.since)
	if !words {
		return
	}
	v.fill([]point{{x - 4, plot.y0 - 6}, {x + 4, plot.y0 - 6}, {x, plot.y0}}, v.th.since)
	start := min(max(x-w/2, plot.x0), plot.x1-w)
	v.text(label, start, v.place.strip, badgeType, v.th.since, left)
}

// area fills under a line that is alone and stands on zero.
func (v *view) area() {
	if len(v.p.named) != 1 || len(v.p.rest)+len(v.p.limits) > 0 || v.p.min < 0 || v.place.y.lo > 0 {
		return
	}
	base := v.py(0)
	for _, run := range v.p.named[0].runs {
		pts := append(v.points(run), point{v.px(run[len(run)-1].t), base}, point{v.px(run[0].t), base})
		v.fill(pts, alpha(v.th.series[0], v.th.area))
	}
}

func (v *view) points(run []sample) []point {
	run = thin(run, v.m.end.Sub(v.m.start).Seconds(), 500)
	pts := make([]point, len(run), len(run)+2)
	for i, s := range run {
		pts[i] = point{v.px(s.t), v.py(s.v)}
	}
	return pts
}

func (v *view) line(l *line, width float64, c color.NRGBA, dashes ...float64) {
	for _, run := range l.runs {
		if len(run) == 1 { // a lone sample between gaps must not vanish
			v.shape(0, point{v.px(run[0].t), v.py(run[0].v)}, max(width*0.8, 1.3), c)
			continue
		}
		v.stroke(v.points(run), width, c, dashes...)
	}
}

// badge writes a threshold's condition on its line, where it hides the least.
func (v *view) badge(t bot.Threshold) {
	const high = 15.0
	plot, y, s := v.place.plot, v.py(t.Value), v.p.condition(t, v.m.zone)
	w := width(s, badgeType) + 8
	over, under := y-high-1.5, y+1.5
	if t.Op == bot.Below || t.Op == bot.AtMost {
		over, under = under, over // words stand on the condition's side
	}
	best, least, covers := rect{}, math.Inf(1), false
	for i, at := range []point{
		{plot.x0 + 3, over}, {plot.x0 + 3, under},
		{(plot.x0 + plot.x1 - w) / 2, over}, {(plot.x0 + plot.x1 - w) / 2, under},
		{plot.x1 - w - tail - 6, over}, {plot.x1 - w - tail - 6, under},
	} {
		r := rect{at.x, at.y, at.x + w, at.y + high}
		hidden := v.hidden(r)
		if cost := hidden + float64(i)*2; cost < least {
			best, least, covers = r, cost, hidden > 0
		}
	}
	v.taken = append(v.taken, best)
	if covers {
		v.box(best, alpha(v.th.back, 205))
	}
	v.text(s, best.x0+4, best.y1-3.8, badgeType, v.th.limit, left)
}

// hidden weighs what a rectangle would cover.
func (v *view) hidden(r rect) float64 {
	plot := v.place.plot
	cost := 0.0
	if r.y0 < plot.y0 || r.y1 > plot.y1 {
		cost += 1000
	}
	for _, o := range v.taken {
		if r.x0 < o.x1 && o.x0 < r.x1 && r.y0 < o.y1 && o.y0 < r.y1 {
			cost += 1000
		}
	}
	for _, l := range v.p.named {
		for _, run := range l.runs {
			pts := v.points(run)
			for i, q := range pts {
				if r.has(q) {
					cost++
				}
				if i > 0 { // steep pieces pass between their ends
					mid := point{(q.x + pts[i-1].x) / 2, (q.y + pts[i-1].y) / 2}
					if r.has(mid) {
						cost++
					}
				}
			}
		}
	}
	return cost
}

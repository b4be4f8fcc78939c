package chart

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"watchstander/bot"
)

// model is a graph made fit to draw: clean text, finite values within the time
// range, lines broken at gaps, series ranked.
type model struct {
	title, note string
	zone        *time.Location
	start, end  time.Time
	since       time.Time
	panels      []*panel
}

type panel struct {
	expr       string
	unit       unit
	named      []*line // with a colour and a legend line, in the legend's order
	rest       []*line // drawn in grey
	limits     []*line // what others are compared with
	unseen     int     // series with data that are not drawn, or not delivered
	thresholds []bot.Threshold
	min, max   float64 // of all that is drawn
	whole      bool    // every value is a whole number
}

// line is one series.
type line struct {
	name   string
	firing bool
	runs   [][]sample // without gaps inside
	last   sample
	// fresh: the last sample stands at the end of the range. Otherwise the value
	// is history, and its time must be told with it.
	fresh    bool
	min, max float64
}

// sample is a value at a number of seconds after the range's start.
type sample struct{ t, v float64 }

// beyond is where floating point arithmetic on a range of values would overflow.
const beyond = 1e300

func prepare(g bot.Graph, zone *time.Location) (*model, error) {
	if !g.End.After(g.Start) {
		return nil, ErrRange
	}
	m := &model{
		title: clean(g.Title), note: clean(g.Note), zone: zone,
		start: g.Start, end: g.End, since: g.Since,
	}
	data := false
	for i, gp := range g.Panels {
		if i == MaxPanels {
			m.note = more(len(g.Panels)-MaxPanels, "panel") + " not drawn. " + m.note
			break
		}
		p := preparePanel(gp, g)
		data = data || !p.empty()
		m.panels = append(m.panels, p)
	}
	if !data {
		return nil, ErrNoData
	}
	return m, nil
}

func (p *panel) empty() bool { return len(p.named)+len(p.limits) == 0 }

func (p *panel) all() []*line { return slices.Concat(p.rest, p.limits, p.named) }

func preparePanel(gp bot.Panel, g bot.Graph) *panel {
	p := &panel{
		expr: clean(gp.Expr), unit: unitOf(gp.Unit), unseen: max(gp.Omitted, 0),
		min: math.Inf(1), max: math.Inf(-1), whole: true,
	}
	for _, t := range gp.Thresholds {
		if usable(t.Value) && !slices.Contains(p.thresholds, t) && len(p.thresholds) < 4 {
			p.thresholds = append(p.thresholds, t)
		}
	}
	step := g.Step.Seconds()
	if step <= 0 {
		step = smallestStep(gp.Series)
	}
	var measured []*line
	for _, s := range gp.Series {
		l := trace(s, g.Start, g.End, step)
		switch {
		case l == nil:
		case s.Limit:
			p.limits = append(p.limits, l)
		default:
			measured = append(measured, l)
		}
	}
	// When every series has its own colour the source's order stays, and with it
	// the colours from one picture of a thread to the next.
	if len(measured) > NamedSeries {
		slices.SortStableFunc(measured, p.worse)
	}
	p.named = measured[:min(len(measured), NamedSeries)]
	p.rest = measured[len(p.named):min(len(measured), DrawnSeries)]
	p.unseen += len(measured) - len(p.named) - len(p.rest)
	if n := len(p.limits); n > DrawnSeries {
		p.unseen += n - DrawnSeries
		p.limits = p.limits[:DrawnSeries]
	}
	for _, l := range p.all() {
		p.min, p.max = min(p.min, l.min), max(p.max, l.max)
		for _, run := range l.runs {
			for _, s := range run {
				p.whole = p.whole && s.v == math.Trunc(s.v)
			}
		}
	}
	return p
}

// worse orders lines by what the reader must see first: the alert's own, then
// those furthest on the threshold's wrong side.
func (p *panel) worse(a, b *line) int {
	firing := func(l *line) int {
		if l.firing {
			return 0
		}
		return 1
	}
	if c := cmp.Compare(firing(a), firing(b)); c != 0 {
		return c
	}
	for _, t := range p.thresholds {
		switch t.Op {
		case bot.Below, bot.AtMost:
			return cmp.Compare(a.min, b.min)
		case bot.Equal:
			return cmp.Compare(math.Abs(a.last.v-t.Value), math.Abs(b.last.v-t.Value))
		}
	}
	return cmp.Compare(b.max, a.max)
}

// trace makes a line of a series, or nil when it has no value in the range.
func trace(s bot.Series, start, end time.Time, step float64) *line {
	l := &line{name: clean(s.Name), firing: s.Firing, min: math.Inf(1), max: math.Inf(-1)}
	span := end.Sub(start).Seconds()
	var run []sample
	flush := func() {
		if len(run) > 0 {
			l.runs = append(l.runs, run)
		}
		run = nil
	}
	prev := math.Inf(-1)
	for _, q := range s.Points {
		t := q.At.Sub(start).Seconds()
		if t < 0 || t > span || t <= prev {
			continue // outside, or out of order
		}
		if !usable(q.Value) {
			flush()
			continue
		}
		if t-prev > 1.5*step {
			flush()
		}
		run = append(run, sample{t, q.Value})
		prev = t
		l.last = sample{t, q.Value}
		l.min, l.max = min(l.min, q.Value), max(l.max, q.Value)
	}
	flush()
	if len(l.runs) == 0 {
		return nil
	}
	l.fresh = span-l.last.t <= 1.5*step
	return l
}

func usable(v float64) bool { return !math.IsNaN(v) && math.Abs(v) <= beyond }

// smallestStep is the smallest distance between two points, in seconds.
func smallestStep(all []bot.Series) float64 {
	step := math.Inf(1)
	for _, s := range all {
		for i := 1; i < len(s.Points); i++ {
			if d := s.Points[i].At.Sub(s.Points[i-1].At).Seconds(); d > 0 {
				step = min(step, d)
			}
		}
	}
	return step
}

// thin keeps what a line of so many columns can show: of each column the first,
// the lowest, the highest and the last sample, so that no spike is lost.
func thin(run []sample, span float64, columns int) []sample {
	if len(run) <= 4*columns {
		return run
	}
	column := func(s sample) int { return int(s.t / span * float64(columns)) }
	var out []sample
	for i := 0; i < len(run); {
		j, lo, hi := i, i, i
		for ; j < len(run) && column(run[j]) == column(run[i]); j++ {
			if run[j].v < run[lo].v {
				lo = j
			}
			if run[j].v > run[hi].v {
				hi = j
			}
		}
		keep := []int{i, min(lo, hi), max(lo, hi), j - 1}
		for _, k := range slices.Compact(keep) {
			out = append(out, run[k])
		}
		i = j
	}
	return out
}

// more counts things in words.
func more(n int, what string) string {
	if n == 1 {
		return "1 more " + what
	}
	return strconv.Itoa(n) + " more " + what + "s"
}

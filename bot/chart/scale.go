package chart

import (
	"math"

	"watchstander/bot"
)

// axis is a panel's vertical scale.
type axis struct {
	lo, hi float64
	ticks  []tick
}

// tick is a value and what is written beside it.
type tick struct {
	at    float64
	label string
}

// vertical chooses a panel's range and ticks. The threshold is always in view:
// a picture of an alert answers "how far from it", even where that flattens the
// line.
func vertical(p *panel, m *model, panels int) axis {
	lo, hi := p.min, p.max
	for _, t := range p.thresholds {
		lo, hi = min(lo, t.Value), max(hi, t.Value)
	}
	size := max(math.Abs(lo), math.Abs(hi))
	if hi-lo < 1e-9*size || size < 1e-250 { // flat, or nearly nothing
		switch {
		case size < 1e-250:
			hi = lo + 1
		default:
			lo, hi = min(lo, 0), max(hi, 0)
		}
	}
	// Zero belongs in the picture unless the movement is small beside the values;
	// then the movement is what matters, and zero would hide it.
	if lo > 0 && hi-lo > 0.2*hi {
		lo = 0
	}
	if hi < 0 && hi-lo > 0.2*-lo {
		hi = 0
	}
	a := axis{lo: lo, hi: hi}
	a.ticks = ticks(p, m, lo, hi, 6-2*min(1, panels-1))
	// Room above and below, so that neither a line at zero nor one at its peak
	// runs along the edge.
	bottom, top := 0.06, 0.08
	badge := 25 / plotHeight[panels] // a threshold at the edge needs room for its words
	for _, t := range p.thresholds {
		switch {
		case t.Value == lo && (t.Op == bot.Below || t.Op == bot.AtMost):
			bottom = max(bottom, badge)
		case t.Value == hi:
			top = max(top, badge)
		}
	}
	a.lo, a.hi = lo-bottom*(hi-lo), hi+top*(hi-lo)
	return a
}

func ticks(p *panel, m *model, lo, hi float64, want int) []tick {
	u := p.unit
	if u.name == bot.UnitTimestamp {
		return dateTicks(m, lo, hi, want)
	}
	lo, hi = lo*u.times, hi*u.times
	sc := u.scaleFor(max(math.Abs(lo), math.Abs(hi)))
	if u.ladder == sixths && sc.factor >= 60 && max(math.Abs(lo), math.Abs(hi)) < 2*sc.factor {
		sc = u.scaleFor(sc.factor * 0.99) // "0, 30, 60, 90 s", not halves of a minute
	}
	lo, hi = lo/sc.factor, hi/sc.factor
	step := u.step((hi-lo)/float64(want), sc)
	if p.whole && sc.factor == 1 && u.times == 1 {
		step = max(step, 1)
	}
	after := 0
	for f := step; after < 9 && math.Abs(f-math.Round(f)) > 1e-6*f; after++ {
		f *= 10
	}
	var out []tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+1e-9*step && len(out) < 20; i++ {
		v := i * step
		label := decimals(v, after) + sc.symbol + u.suffix
		if v == 0 {
			label = "0" + map[bool]string{true: u.suffix}[u.suffix == "%"]
		}
		out = append(out, tick{v * sc.factor / u.times, label})
	}
	return out
}

// step is the first of the unit's steps that is no smaller than raw.
func (u unit) step(raw float64, sc scale) float64 {
	var rungs []float64
	switch {
	case u.ladder == sixths && (sc.factor == 60 || sc.factor == 1) && raw <= 30 && raw > 0.1:
		rungs = []float64{0.25, 0.5, 1, 2, 5, 10, 15, 30}
	case u.ladder == sixths && sc.factor == 3600 && raw <= 12 && raw > 0.1:
		rungs = []float64{0.25, 0.5, 1, 2, 3, 6, 12}
	case u.ladder == twos && raw > 0.5:
		return math.Pow(2, math.Ceil(math.Log2(raw)-1e-9))
	default:
		ten := math.Pow(10, math.Floor(math.Log10(raw)))
		rungs = []float64{ten, 2 * ten, 5 * ten, 10 * ten}
	}
	for _, r := range rungs {
		if r >= raw*(1-1e-9) {
			return r
		}
	}
	return raw
}

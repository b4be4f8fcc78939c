package prometheus

import (
	"fmt"
	"math"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// horizon is how far a forecast is told; what comes later is no forecast.
const horizon = 5 * 365 * 24 * time.Hour

// level is the slope, in percent a day, below which nothing grows but the rounding.
const level = 1e-6

// forecast says when what fills up comes to 80 and to 100 percent, by the straight
// line that fits its points best (least squares), drawn from what was measured last.
// Its figure is the time until 100 percent; what does not fill has none.
func forecast(ps []bot.Point, step time.Duration, now time.Time) bot.Reading {
	data := time.Duration(len(ps)) * step
	if data < leastData {
		return bot.Reading{State: bot.Unknown, Note: fmt.Sprintf("there are figures of %s, and of less than %s no forecast can be made", phrase.Duration(data), phrase.Duration(leastData))}
	}
	end := ps[len(ps)-1]
	r := bot.Reading{Value: fmt.Sprintf("%.0f %%", math.Floor(end.Value)), State: bot.OK}
	if age := now.Sub(end.At); age > lost {
		r.State, r.Note = bot.Unknown, "the last figure is "+phrase.Duration(age)+" old"
		return r
	}
	perDay := slope(ps)
	until := func(percent float64) time.Duration {
		hours := max(0, percent-end.Value) / perDay * 24
		if perDay < level || hours > horizon.Hours() {
			return horizon + 1
		}
		return time.Duration(hours * float64(time.Hour))
	}
	full := until(100)
	switch {
	case perDay < level:
		r.Value += ", not filling"
	case full > horizon:
		r.Value += ", hardly filling: not full within 5 years"
	default:
		if eighty := until(80); end.Value < 80 {
			r.Value += ", 80 % in " + phrase.Duration(eighty.Round(time.Hour))
		}
		r.Value += ", 100 % in " + phrase.Duration(full.Round(time.Hour))
		r = r.With(full.Seconds(), bot.FigureSeconds)
		if full < soon {
			r.State, r.Note = bot.NotOK, fmt.Sprintf("full in less than %s, as it grows by %.1f %% a day", phrase.Duration(soon), perDay)
		}
	}
	if end.Value >= 100 {
		r.State, r.Note = bot.NotOK, "it is full"
	}
	r.Value += ", by the line" + measuredOver(data, fillSpan)
	return r
}

// slope is by how much the line through the points grows a day.
func slope(ps []bot.Point) float64 {
	n := float64(len(ps))
	var x, y float64
	day := func(p bot.Point) float64 { return p.At.Sub(ps[0].At).Hours() / 24 }
	for _, p := range ps {
		x, y = x+day(p)/n, y+p.Value/n
	}
	var xy, xx float64
	for _, p := range ps {
		dx := day(p) - x
		xy, xx = xy+dx*(p.Value-y), xx+dx*dx
	}
	if xx == 0 {
		return 0
	}
	return xy / xx
}

package prometheus

import (
	"fmt"
	"math"
	"testing"
	"time"

	"watchstander/bot"
)

// onLine is one an hour for so many days up to `to`, on a line that ends at a value.
func onLine(days, end, perDay float64) []bot.Point {
	var ps []bot.Point
	for h := int(days*24) - 1; h >= 0; h-- {
		ps = append(ps, bot.Point{At: to.Add(-time.Duration(h) * time.Hour), Value: end - perDay*float64(h)/24})
	}
	return ps
}

func TestForecast(t *testing.T) {
	for name, c := range map[string]struct {
		ps   []bot.Point
		want string
	}{
		"fills":     {onLine(14, 60, 0.5), "ok | 60 %, 80 % in 40 d, 100 % in 80 d, by the line over 14 d |  | 80 s"},
		"soon":      {onLine(14, 75, 1.25), "not ok | 75 %, 80 % in 4 d, 100 % in 20 d, by the line over 14 d | full in less than 30 d, as it grows by 1.2 % a day | 20 s"},
		"beyond 80": {onLine(14, 90, 0.125), "ok | 90 %, 100 % in 80 d, by the line over 14 d |  | 80 s"},
		"empties":   {onLine(14, 59.9, -0.5), "ok | 59 %, not filling, by the line over 14 d |  | 0 "},
		"flat":      {onLine(14, 59.9, 0), "ok | 59 %, not filling, by the line over 14 d |  | 0 "},
		"hardly":    {onLine(14, 10, 0.01), "ok | 10 %, hardly filling: not full within 5 years, by the line over 14 d |  | 0 "},
		"full":      {onLine(14, 100, 1), "not ok | 100 %, 100 % in 0 s, by the line over 14 d | it is full | 0 s"},
		"few":       {onLine(3, 60, 0.5), "ok | 60 %, 80 % in 40 d, 100 % in 80 d, by the line over 14 d, of which 3 d were measured |  | 80 s"},
		"too few":   {onLine(1.5, 60, 0.5), "unknown |  | there are figures of 1 d 12 h, and of less than 2 d no forecast can be made | 0 "},
		"none":      {nil, "unknown |  | there are figures of 0 s, and of less than 2 d no forecast can be made | 0 "},
	} {
		r := forecast(c.ps, time.Hour, to)
		if got := fmt.Sprintf("%s | %s | %s | %.0f %s", r.State, r.Value, r.Note, r.Figure/86400, r.Unit); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", name, got, c.want)
		}
	}
	if r := forecast(onLine(14, 60, 0.5), time.Hour, to.Add(5*time.Hour)); r.State != bot.Unknown || r.Note != "the last figure is 5 h old" || r.Unit != "" {
		t.Errorf("%+v", r)
	}
}

// The line goes between points that jump up and down.
func TestSlope(t *testing.T) {
	ps := onLine(14, 60, 0.5)
	for i := range ps {
		ps[i].Value += 3 * math.Sin(float64(i)*2.1)
	}
	if got := slope(ps); math.Abs(got-0.5) > 0.02 {
		t.Errorf("%v", got)
	}
	if got := slope(ps[:1]); got != 0 {
		t.Errorf("%v", got)
	}
}

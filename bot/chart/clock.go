package chart

import (
	"slices"
	"strings"
	"time"
)

// clockSteps are the distances between ticks of the time axis.
var clockSteps = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 2 * day, 7 * day, 14 * day, month, 3 * month, 12 * month,
}

const (
	day   = 24 * time.Hour
	month = 28 * day // at least; months are counted on the calendar
)

// horizontal are the ticks of the time axis: no more than want, at round times
// of the reader's clock. A tick's place is in seconds after the start.
func horizontal(start, end time.Time, zone *time.Location, want int) []tick {
	var out []tick
	for _, step := range clockSteps {
		if end.Sub(start)/step > time.Duration(want)+1 {
			continue
		}
		out = clockTicks(start, end, zone, step)
		if len(out) <= want {
			return out
		}
	}
	for len(out) > max(want, 1) { // centuries
		out = slices.DeleteFunc(out, func() func(tick) bool {
			i := 0
			return func(tick) bool { i++; return i%2 == 0 }
		}())
	}
	return out
}

func clockTicks(start, end time.Time, zone *time.Location, step time.Duration) []tick {
	var out []tick
	add := func(t time.Time, layout string) {
		out = append(out, tick{t.Sub(start).Seconds(), t.In(zone).Format(layout)})
	}
	if step >= day {
		// Days are counted on the calendar: they last 23 or 25 hours twice a year.
		y, mo, d := start.In(zone).Date()
		for i := range 40000 {
			t := time.Date(y, mo, d+i, 0, 0, 0, 0, zone)
			if t.After(end) {
				break
			}
			on := time.Date(y, mo, d+i, 0, 0, 0, 0, time.UTC)
			round := on.Unix()/86400%int64(step/day) == 0
			if step >= month {
				round = on.Day() == 1 && (int(on.Month())-1)%int(step/month) == 0
			}
			if t.Before(start) || !round {
				continue
			}
			switch {
			case step >= 3*month:
				add(t, "Jan 2006")
			case end.Sub(start) < 8*day:
				add(t, "Mon 2")
			default:
				add(t, "2 Jan")
			}
		}
		return out
	}
	// Offsets from UTC are whole quarters of an hour, so a grid of at most that
	// meets every round time of every zone's clock.
	grid := min(step, 15*time.Minute)
	for 15*time.Minute%grid != 0 {
		grid /= 2 // ten minutes: local tens may be UTC's fives
	}
	for t := start.Truncate(grid); !t.After(end); t = t.Add(grid) {
		if t.Before(start) {
			continue
		}
		l := t.In(zone)
		_, offset := l.Zone()
		if (l.Unix()+int64(offset))%int64(step/time.Second) != 0 {
			continue
		}
		switch {
		case step >= time.Minute && l.Hour() == 0 && l.Minute() == 0:
			add(t, "Mon 2")
		case step >= time.Minute:
			add(t, "15:04")
		default:
			add(t, "15:04:05")
		}
	}
	return out
}

// dateTicks are the ticks of a vertical axis whose values are instants.
func dateTicks(m *model, lo, hi float64, want int) []tick {
	a, ok1 := instant(lo)
	b, ok2 := instant(hi)
	if !ok1 || !ok2 || !b.After(a) {
		return nil
	}
	ts := horizontal(a, b, m.zone, want)
	for i := range ts {
		ts[i].at += float64(a.Unix())
	}
	return ts
}

// span tells the range in words: "Tue 24 Nov 2026, 13:00 – 19:00 PST".
func (m *model) span() string {
	a, b := m.start.In(m.zone), m.end.In(m.zone)
	from, to := "Mon 2 Jan 2006, 15:04", "Mon 2 Jan 2006, 15:04"
	if a.Format(time.DateOnly) == b.Format(time.DateOnly) {
		to = "15:04"
	} else if a.Year() == b.Year() {
		from = "Mon 2 Jan, 15:04"
	}
	return a.Format(from) + " – " + b.Format(to) + " " + m.abbreviation()
}

// abbreviation is the zone's name as the reader knows it; two of them when the
// clock was changed within the range.
func (m *model) abbreviation() string {
	name := func(t time.Time) string {
		n, _ := t.In(m.zone).Zone()
		if strings.HasPrefix(n, "+") || strings.HasPrefix(n, "-") {
			return "UTC" + n // zones without an abbreviation of their own
		}
		return clean(n)
	}
	a, b := name(m.start), name(m.end)
	if a == b {
		return a
	}
	return a + "/" + b
}

// clock writes an instant within the range as shortly as it stays clear.
func (m *model) clock(t time.Time) string {
	t = t.In(m.zone)
	switch e := m.end.In(m.zone); {
	case t.Format(time.DateOnly) == e.Format(time.DateOnly):
		return t.Format("15:04")
	case e.Sub(t) < 6*day:
		return t.Format("Mon 15:04")
	default:
		return t.Format("2 Jan 15:04")
	}
}

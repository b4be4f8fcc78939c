package bot

import (
	"slices"
	"time"
)

// Interval is a time from a moment to another, which is not before it.
type Interval struct{ From, To time.Time }

// Length is how long it lasts.
func (x Interval) Length() time.Duration { return x.To.Sub(x.From) }

// Within is the part of it that lies in another; ok is false where none does.
func (x Interval) Within(y Interval) (part Interval, ok bool) {
	if x.From.Before(y.From) {
		x.From = y.From
	}
	if x.To.After(y.To) {
		x.To = y.To
	}
	return x, x.To.After(x.From)
}

// JoinIntervals joins those that touch or overlap; they come out in order.
func JoinIntervals(all []Interval) []Interval {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Interval) int { return a.From.Compare(b.From) })
	var out []Interval
	for _, x := range all {
		if last := len(out) - 1; last >= 0 && !x.From.After(out[last].To) {
			if x.To.After(out[last].To) {
				out[last].To = x.To
			}
			continue
		}
		out = append(out, x)
	}
	return out
}

// Without is what is left of an interval where none of the others is, in order.
func (x Interval) Without(others []Interval) (left []Interval) {
	for _, y := range JoinIntervals(others) {
		if !y.To.After(x.From) || !y.From.Before(x.To) {
			continue
		}
		if y.From.After(x.From) {
			left = append(left, Interval{x.From, y.From})
		}
		x.From = y.To
		if !x.To.After(x.From) {
			return left
		}
	}
	if x.To.After(x.From) {
		left = append(left, x)
	}
	return left
}

// TotalOf is how long intervals last that do not overlap.
func TotalOf(all []Interval) (d time.Duration) {
	for _, x := range all {
		d += x.Length()
	}
	return d
}

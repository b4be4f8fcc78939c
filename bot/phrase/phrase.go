// Package phrase writes figures as people read them, the same in every room of
// the house: durations, moments, numbers with their nouns, choices.
//
// Neighbours: the views, the commands and the probes write with it.
package phrase

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a duration in the two largest units that matter: "17 d 4 h",
// "1 min 30 s", "3 h".
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	d = max(d.Round(time.Second), 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return two(d, time.Minute, "min", time.Second, "s")
	case d < day:
		return two(d, time.Hour, "h", time.Minute, "min")
	}
	return two(d, day, "d", time.Hour, "h")
}

func two(d, large time.Duration, l string, small time.Duration, s string) string {
	if rest := d % large / small; rest > 0 {
		return fmt.Sprintf("%d %s %d %s", d/large, l, rest, s)
	}
	return fmt.Sprintf("%d %s", d/large, l)
}

// Moment is an instant as people read it in their zone: "Mon 2 Jan 15:04 CET".
// The year is said when it is not the one of now.
func Moment(t time.Time, zone *time.Location, now time.Time) string {
	t = t.In(zone)
	if t.Year() != now.In(zone).Year() {
		return t.Format("Mon 2 Jan 2006 15:04 MST")
	}
	return t.Format("Mon 2 Jan 15:04 MST")
}

// Count is a number with its noun: "1 alert", "2 alerts".
func Count(n int, singular, plural string) string {
	if n == 1 {
		return "1 " + singular
	}
	return fmt.Sprintf("%d %s", n, plural)
}

// Some are names, at most so many: "a, b and 3 more".
func Some(names []string, most int) string {
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// Or is a choice: "mars", "mars or vulcan", "mars, pluto or vulcan". Of no words it
// is "".
func Or(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

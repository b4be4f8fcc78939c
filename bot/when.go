package bot

import "time"

// zoneMost is more than any zone was ever away from UTC (Manila once was by 15:56).
const zoneMost = 16 * time.Hour

// ClockShows tells when a clock on a wall in the zone first shows a date and time of
// day, and how often it does. The wall time is given as if the zone were UTC. Mostly it
// is shown once; twice where the clock is set back over it. Where the clock is set
// forward over it, and it is never shown, first is the moment of that jump: the first at
// which a later time is shown. So first never goes back while wall times go on.
func ClockShows(wall time.Time, zone *time.Location) (first time.Time, often int) {
	for at, last := wall.Add(-zoneMost).In(zone), wall.Add(zoneMost); ; {
		offset, end := OffsetAt(at)
		hit := wall.Add(-offset)
		switch {
		case hit.Before(at) && often == 0:
			return at.UTC(), 0
		case !hit.Before(at) && (end.IsZero() || hit.Before(end)):
			if often++; often == 1 {
				first = hit.UTC()
			}
		}
		if end.IsZero() || end.After(last) {
			return first, often
		}
		at = end.In(zone)
	}
}

// OffsetAt tells how far clocks in a time's zone are off UTC at that time, and until when
// that is so at least, a later time; zero for ever.
func OffsetAt(t time.Time) (offset time.Duration, until time.Time) {
	_, seconds := t.Zone()
	_, until = t.ZoneBounds()
	if !until.IsZero() && !until.After(t) {
		// Where a zone goes by a rule (after 2037), ZoneBounds takes all years for 365 days
		// long: on the last day of a leap year it tells that the day's own beginning ends it.
		until = time.Date(t.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Duration(seconds) * time.Second, until
}

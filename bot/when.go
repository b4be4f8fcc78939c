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
		_, offset := at.Zone()
		_, end := at.ZoneBounds()
		hit := wall.Add(-time.Duration(offset) * time.Second)
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

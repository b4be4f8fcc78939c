package bot_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"watchstander/bot"
)

// TestClockShows looks at a clock once a minute around its jumps, and asks for every
// minute that it could show there.
func TestClockShows(t *testing.T) {
	for _, x := range []struct {
		zone string
		day  time.Time
		// kinds are how often times around that day are shown
		missed, twice int
	}{
		{"America/Los_Angeles", time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC), 60, 0},
		{"America/Los_Angeles", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), 0, 60},
		{"Europe/Berlin", time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC), 60, 0},
		{"Europe/Berlin", time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC), 0, 60},
		{"Australia/Lord_Howe", time.Date(2026, 4, 5, 0, 0, 0, 0, time.UTC), 0, 30},
		{"Australia/Lord_Howe", time.Date(2026, 10, 4, 0, 0, 0, 0, time.UTC), 30, 0},
		{"America/Sao_Paulo", time.Date(2018, 11, 4, 0, 0, 0, 0, time.UTC), 60, 0}, // from midnight on
		{"America/Sao_Paulo", time.Date(2018, 2, 18, 0, 0, 0, 0, time.UTC), 0, 60},
		{"Pacific/Apia", time.Date(2011, 12, 30, 0, 0, 0, 0, time.UTC), 24 * 60, 0}, // all of that day
		{"Asia/Kathmandu", time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC), 0, 0},
		{"America/Los_Angeles", time.Date(2040, 12, 31, 0, 0, 0, 0, time.UTC), 0, 0}, // the 366th day, by the zone's rule
		{"America/Los_Angeles", time.Date(2040, 11, 4, 0, 0, 0, 0, time.UTC), 0, 60},
		{"UTC", time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC), 0, 0},
	} {
		t.Run(x.zone+x.day.Format(" 2006-01-02"), func(t *testing.T) {
			zone, err := time.LoadLocation(x.zone)
			if err != nil {
				t.Fatal(err)
			}
			shown := map[string][]time.Time{}
			const wide = 4 * 24 * 60
			for m := -wide; m <= wide; m++ {
				at := x.day.Add(time.Duration(m) * time.Minute)
				shown[at.In(zone).Format(time.DateTime)] = append(shown[at.In(zone).Format(time.DateTime)], at)
			}
			missed, twice, before := 0, 0, time.Time{}
			for m := -wide / 2; m <= wide/2; m++ {
				wall := x.day.Add(time.Duration(m) * time.Minute)
				first, often := bot.ClockShows(wall, zone)
				want := shown[wall.Format(time.DateTime)]
				if often != len(want) || often > 0 && !first.Equal(want[0]) {
					t.Fatalf("%s: first %v, %d times; seen at %v", wall.Format(time.DateTime), first, often, want)
				}
				if first.Before(before) {
					t.Fatalf("%s: %v is before %v, which an earlier time has", wall.Format(time.DateTime), first, before)
				}
				before = first
				switch often {
				case 0:
					missed++
					if show := func(t time.Time) string { return t.In(zone).Format(time.DateTime) }; show(first) <= wall.Format(time.DateTime) || show(first.Add(-time.Second)) >= wall.Format(time.DateTime) {
						t.Fatalf("%s: %v is not the moment of the jump", wall.Format(time.DateTime), first)
					}
				case 2:
					twice++
				}
			}
			if missed != x.missed || twice != x.twice {
				t.Errorf("%d are missed, %d shown twice; want %d and %d", missed, twice, x.missed, x.twice)
			}
		})
	}
}

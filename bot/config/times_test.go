package config_test

import (
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
)

func at(t *testing.T, zone *time.Location, text string) time.Time {
	t.Helper()
	x, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func losAngeles(t *testing.T) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestClockNext(t *testing.T) {
	zone := losAngeles(t)
	for _, x := range []struct {
		clock      config.Clock
		from, want string
	}{
		{config.Clock{Hour: 8}, "2026-06-01 07:59", "2026-06-01 08:00"},
		{config.Clock{Hour: 8}, "2026-06-01 08:00", "2026-06-02 08:00"},
		{config.Clock{Hour: 8}, "2026-12-31 09:00", "2027-01-01 08:00"},
		// The night without 02:30, and the one with two 01:30.
		{config.Clock{Hour: 2, Minute: 30}, "2026-03-08 01:00", "2026-03-08 03:00"},
		{config.Clock{Hour: 2, Minute: 30}, "2026-03-08 03:00", "2026-03-09 02:30"},
		{config.Clock{Hour: 8}, "2026-03-07 08:00", "2026-03-08 08:00"},
		{config.Clock{Hour: 8}, "2026-10-31 08:00", "2026-11-01 08:00"},
	} {
		if got := x.clock.Next(at(t, zone, x.from), zone); !got.Equal(at(t, zone, x.want)) {
			t.Errorf("%v after %s: %v", x.clock, x.from, got)
		}
	}
	first := config.Clock{Hour: 1, Minute: 30}.Next(at(t, zone, "2026-11-01 00:00"), zone)
	if again := (config.Clock{Hour: 1, Minute: 30}).Next(first, zone); again.Sub(first) != 25*time.Hour {
		t.Errorf("%v, then %v", first, again)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if got := (config.Clock{Hour: 2, Minute: 30}).Next(at(t, berlin, "2026-10-25 00:00"), berlin); !got.Equal(at(t, time.UTC, "2026-10-25 00:30")) {
		t.Errorf("the first of two 02:30 is at %v", got)
	}
	if got := (config.Clock{Hour: 7, Minute: 5}).String(); got != "07:05" {
		t.Error(got)
	}
}

func TestQuietHours(t *testing.T) {
	zone := losAngeles(t)
	night := &config.QuietHours{From: config.Clock{Hour: 22}, To: config.Clock{Hour: 7}, Zone: zone, Hold: []bot.Severity{bot.SeverityWarning}}
	noon := &config.QuietHours{From: config.Clock{Hour: 12}, To: config.Clock{Hour: 13, Minute: 30}, Zone: zone}
	gap := &config.QuietHours{From: config.Clock{Hour: 2, Minute: 10}, To: config.Clock{Hour: 2, Minute: 50}, Zone: zone}
	into := &config.QuietHours{From: config.Clock{Hour: 2, Minute: 30}, To: config.Clock{Hour: 3}, Zone: zone}
	for _, x := range []struct {
		name       string
		q          *config.QuietHours
		from, want string
	}{
		{"night", night, "2026-06-01 21:59", ""},
		{"night", night, "2026-06-01 22:00", "2026-06-02 07:00"},
		{"night", night, "2026-06-02 00:30", "2026-06-02 07:00"},
		{"night", night, "2026-06-02 06:59", "2026-06-02 07:00"},
		{"night", night, "2026-06-02 07:00", ""},
		{"night, spring", night, "2026-03-07 23:00", "2026-03-08 07:00"},
		{"night, autumn", night, "2026-10-31 23:00", "2026-11-01 07:00"},
		{"noon", noon, "2026-06-01 11:59", ""},
		{"noon", noon, "2026-06-01 13:29", "2026-06-01 13:30"},
		{"noon", noon, "2026-06-01 13:30", ""},
		// Hours that the clock jumps over have no length that day, and must not
		// turn into a day.
		{"gap", gap, "2026-03-07 12:00", ""},
		{"gap", gap, "2026-03-08 03:00", ""},
		{"gap", gap, "2026-03-09 02:10", "2026-03-09 02:50"},
		{"into", into, "2026-03-07 12:00", ""},
		{"into", into, "2026-03-08 03:00", ""},
		{"none", nil, "2026-06-01 23:00", ""},
	} {
		end, quiet := x.q.Until(at(t, zone, x.from).UTC())
		if quiet != (x.want != "") || quiet && !end.Equal(at(t, zone, x.want)) {
			t.Errorf("%s at %s: %v, %v", x.name, x.from, end, quiet)
		}
	}
	for s, want := range map[bot.Severity]bool{bot.SeverityCritical: false, bot.SeverityWarning: true, bot.SeverityUnknown: true, bot.SeverityInfo: false} {
		if night.Holds(s) != want {
			t.Errorf("%v", s)
		}
	}
	if (*config.QuietHours)(nil).Holds(bot.SeverityInfo) {
		t.Error("no quiet hours hold")
	}
}

func TestQuietHoursFile(t *testing.T) {
	c := mustParse(t, "zone: Europe/Berlin\nquiet_hours: {from: 22:00, to: \"07:00\"}\n", config.Options{})
	if q := c.QuietHours; q.Zone.String() != "Europe/Berlin" || !q.Holds(bot.SeverityInfo) || !q.Holds(bot.SeverityWarning) {
		t.Errorf("%+v", q)
	}
	c = mustParse(t, "zone: Europe/Berlin\nquiet_hours: {from: \"22:00\", to: \"07:00\", zone: UTC, hold: [info]}\n", config.Options{})
	if q := c.QuietHours; q.Zone != time.UTC || !q.Holds(bot.SeverityInfo) || q.Holds(bot.SeverityWarning) {
		t.Errorf("%+v", q)
	}
}

package phrase

import (
	"strings"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                   "0 s",
		0:                              "0 s",
		900 * time.Millisecond:         "1 s",
		59*time.Second + 600*1e6:       "1 min",
		90 * time.Second:               "1 min 30 s",
		time.Hour:                      "1 h",
		3*time.Hour + 59*time.Minute:   "3 h 59 min",
		24 * time.Hour:                 "1 d",
		17*24*time.Hour + 4*time.Hour:  "17 d 4 h",
		400*24*time.Hour + time.Minute: "400 d",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestMoment(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	at := time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC) // next year in Berlin
	for now, want := range map[time.Time]string{
		at.Add(-time.Minute):    "Fri 1 Jan 00:30 CET",
		at.Add(-24 * time.Hour): "Fri 1 Jan 2027 00:30 CET",
	} {
		if got := Moment(at, berlin, now); got != want {
			t.Errorf("at %v: %q, want %q", now, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 alerts", 1: "1 alert", 2: "2 alerts"} {
		if got := Count(n, "alert", "alerts"); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

func TestOr(t *testing.T) {
	for words, want := range map[string]string{
		"":                  "",
		"mars":              "mars",
		"mars vulcan":       "mars or vulcan",
		"mars pluto vulcan": "mars, pluto or vulcan",
	} {
		if got := Or(strings.Fields(words)); got != want {
			t.Errorf("%q is %q, want %q", words, got, want)
		}
	}
}

func TestSome(t *testing.T) {
	for most, want := range map[int]string{1: "a and 2 more", 2: "a, b and 1 more", 3: "a, b, c", 9: "a, b, c"} {
		if got := Some([]string{"a", "b", "c"}, most); got != want {
			t.Errorf("at most %d are %q, want %q", most, got, want)
		}
	}
	if got := Some(nil, 3); got != "" {
		t.Errorf("none are %q", got)
	}
}

package phrase

import (
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

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 alerts", 1: "1 alert", 2: "2 alerts"} {
		if got := Count(n, "alert", "alerts"); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

package host

import (
	"testing"
	"time"
)

func TestFlapping(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, x := range []struct {
		unit     string
		restarts int
		ago      time.Duration
		want     bool
	}{
		{"nginx.service", 17, 4 * time.Minute, true},
		{"nginx.service", 3, 59 * time.Minute, true},
		{"nginx.service", 2, time.Minute, false},       // may happen
		{"nginx.service", 300, 2 * time.Hour, false},   // it has settled
		{"nginx.service", 300, -time.Second, true},     // by a clock that was set back
		{"getty@tty1.service", 30, time.Minute, false}, // logins
		{"serial-getty@ttyS0.service", 30, time.Minute, false},
		{"gettyd.service", 30, time.Minute, true},
	} {
		if got := Flapping(x.unit, x.restarts, now.Add(-x.ago), now); got != x.want {
			t.Errorf("%s, %d times, %s ago: %v", x.unit, x.restarts, x.ago, got)
		}
	}
	if Flapping("nginx.service", 17, time.Time{}, now) {
		t.Error("when it started is unknown")
	}
}

package host

import (
	"strings"
	"time"
)

// FlapTimes is how many times systemd must have started a service again by itself,
// the last time within FlapWithin, for it to count as flapping.
const (
	FlapTimes  = 3
	FlapWithin = time.Hour
)

// Flapping tells whether a service that may well run right now falls down again and
// again: restarts counts what systemd has done by itself since somebody started it
// last, and started is its last start. Login prompts are started again after each
// login, which is what they are for.
func Flapping(unit string, restarts int, started, now time.Time) bool {
	for _, prompt := range []string{"getty@", "autovt@", "serial-getty@", "container-getty@", "console-getty."} {
		if strings.HasPrefix(unit, prompt) {
			return false
		}
	}
	return restarts >= FlapTimes && !started.IsZero() && now.Sub(started) < FlapWithin
}

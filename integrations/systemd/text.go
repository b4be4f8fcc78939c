package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"
	"unicode"

	godbus "github.com/godbus/dbus/v5"
)

// longest is how many characters of others' words are repeated.
const longest = 160

// reason is an error in words for people.
func reason(err error) string {
	if e, ok := errors.AsType[godbus.Error](err); ok {
		switch e.Name {
		case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
			"org.freedesktop.DBus.Error.Spawn.ChildExited":
			return "there is a bus, but no systemd on it"
		case "org.freedesktop.DBus.Error.AccessDenied":
			return "the bus does not let the bot ask systemd"
		}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, godbus.ErrClosed):
		return "it did not answer in time"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no system bus here: no systemd, or its socket is hidden from the bot"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens on the system bus"
	case errors.Is(err, fs.ErrPermission):
		return "no permission to use the system bus"
	}
	return err.Error()
}

// clean makes one bounded line of s.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == longest {
			b.WriteRune('…')
			break
		}
		if !unicode.IsPrint(r) {
			r = '�'
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// span writes a duration with its two largest units: "17 d 4 h".
func span(d time.Duration) string {
	d = max(0, d)
	day := 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

package systemd

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	godbus "github.com/godbus/dbus/v5"

	"watchstander/bot/clean"
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

// line is what others wrote, as one bounded line.
func line(s string) string { return clean.Line(s, longest) }

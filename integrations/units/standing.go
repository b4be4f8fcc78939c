package units

import (
	"strings"

	"watchstander/bot"
	"watchstander/bot/sys"
)

// standing is what a unit's state comes to for whoever wants it to do its work.
type standing int

const (
	// runs: it does its work, also while it reloads.
	runs standing = iota
	// ended: a oneshot, which does its work and is over, and ended well; or had nothing
	// to do yet.
	ended
	// between: it is on its way to another state; whether it gets there nobody knows.
	between
	// loops: it ends by itself, and systemd starts it again.
	loops
	// down: it does nothing.
	down
)

// standingOf judges a unit's state, with words for whatever does not run and has not
// ended well.
func standingOf(u sys.Unit) (standing, string) {
	oneshot := u.Type == "oneshot"
	switch u.Active {
	case "active", "reloading", "refreshing": // as `systemctl is-active` has it
		return runs, ""
	case "activating":
		switch {
		case !strings.HasPrefix(u.Sub, "auto-restart"):
		case u.Result == "" || u.Result == "success":
			return loops, "it ended, and systemd starts it again"
		default:
			return loops, "it fails, and systemd starts it again"
		}
		if oneshot {
			return between, "it is at its work, and not through"
		}
		return between, "it is still being started"
	case "deactivating":
		return between, "it is being stopped"
	case "maintenance":
		return down, "it does not run: systemd cleans up what it left"
	}
	switch {
	case oneshot && u.Fine() && u.Started.IsZero():
		return ended, "it has not run since the host was started"
	case oneshot && u.Fine():
		return ended, ""
	case oneshot:
		return down, "it did not go through"
	}
	return down, "it does not run"
}

// state is what evidence a standing is: of what is on its way nothing is known.
func (s standing) state() bot.ReadingState {
	switch s {
	case runs, ended:
		return bot.OK
	case between:
		return bot.Unknown
	}
	return bot.NotOK
}

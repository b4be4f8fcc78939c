package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// What the bot and the agent tell systemd (sd_notify). Without one nothing of it
// goes anywhere.

func sdNotify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd could not be told", "state", state, "err", err)
	}
}

// tellSystemd says that the program is ready as soon as it is alive, and from then
// on that it is alive for as long as it is, where the unit has a watchdog. It
// returns when ctx ends.
func tellSystemd(ctx context.Context, log *slog.Logger, alive func(context.Context) bool) {
	for !alive(ctx) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond): // what says no at once must not spin
		}
	}
	sdNotify(log, daemon.SdNotifyReady)
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("what systemd says of its watchdog cannot be read", "err", err)
		return
	}
	if every <= 0 {
		return
	}
	tick := time.NewTicker(every / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if alive(ctx) {
				sdNotify(log, daemon.SdNotifyWatchdog)
			}
		}
	}
}

// hangups are the SIGHUPs from now on: before, one would end the program.
func hangups() chan os.Signal {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	return hup
}

// reloadAt has the file taken up at each hangup, until ctx ends, and tells systemd
// when that is over.
func reloadAt(ctx context.Context, hup chan os.Signal, log *slog.Logger, reload func()) {
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			sdNotify(log, reloading())
			reload()
			sdNotify(log, daemon.SdNotifyReady)
		}
	}
}

// tellReloaded puts into systemd's status line why a file was not taken up, or takes
// that away. The host's own status may show what a room may not.
func tellReloaded(log *slog.Logger, file, why string) {
	if why != "" {
		why = file + " was not taken up, and the old one stays in force: " + strings.ReplaceAll(why, "\n", "; ")
	}
	sdNotify(log, "STATUS="+why)
}

// reloading is what Type=notify-reload wants to hear, with the time by its own
// clock.
func reloading() string {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return daemon.SdNotifyReloading
	}
	return fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, ts.Nano()/1000)
}

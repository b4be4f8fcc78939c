package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/flow"
	"watchstander/bot/phrase"
)

// reloadOnHangup reads the configuration again at each SIGHUP, and tells people
// what came of it: whoever wrote the file believes that it is in force.
func (h *house) reloadOnHangup(ctx context.Context, file string, level *slog.LevelVar) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			e := h.hangup(file, level)
			if err := h.flow.Take(ctx, bot.Batch{Source: "reload", Events: []bot.Event{e}}); err != nil && ctx.Err() == nil {
				h.log.Error("what the reload came to could not be told", "err", err)
			}
		}
	}
}

// hangup reloads under systemd's eyes. It must hear that we are ready in any
// case, since we are, as before; the status says whether the new file counts.
func (h *house) hangup(file string, level *slog.LevelVar) bot.Reloaded {
	sdNotify(h.log, reloading())
	failure := h.reload(file, level)
	status := ""
	if failure != "" {
		h.log.Error("the configuration was not taken; the old one stays", "err", failure)
		status = "The configuration was not taken: " + failure
	}
	sdNotify(h.log, daemon.SdNotifyReady+"\nSTATUS="+strings.ReplaceAll(status, "\n", " "))
	return bot.Reloaded{Failure: failure, At: time.Now()}
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

// reload takes up the file as a whole, or nothing of it, and then says why, for
// people.
func (h *house) reload(file string, level *slog.LevelVar) (failure string) {
	c, err := config.Load(file, config.Options{Getenv: os.Getenv})
	if err != nil {
		return refusedFile(file, err)
	}
	reload, restart := config.Diff(h.current.Load(), c)
	if len(restart) > 0 {
		// Other changes may lean on these: half a configuration is none.
		return "it has changes that need a restart, and nothing of it counts before: " + strings.Join(restart, ", ") + "."
	}
	if len(reload) == 0 {
		h.log.Info("the configuration says the same as before")
		return ""
	}
	rules, err := rulesOf(c)
	if err != nil {
		return err.Error()
	}
	h.redactor.rules.Store(rules)
	level.Set(c.Log.Level)
	h.current.Store(c)
	h.flow.Reload(flow.SettingsOf(c))
	for _, chat := range h.consoles {
		chat.Reloaded()
	}
	for _, w := range c.Warnings {
		h.log.Warn("configuration", "warning", w.String())
	}
	h.log.Info("the configuration was taken", "changed", strings.Join(reload, ", "))
	return ""
}

// refusedFile tells the first faults of a file in one line.
func refusedFile(file string, err error) string {
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		return err.Error()
	}
	const most = 3
	var told []string
	for _, f := range faults[:min(most, len(faults))] {
		f.File = filepath.Base(f.File)
		told = append(told, f.String())
	}
	if more := len(faults) - len(told); more > 0 {
		told = append(told, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s has %s, as `watchstander check` tells: %s",
		filepath.Base(file), phrase.Count(len(faults), "fault", "faults"), strings.Join(told, "; "))
}

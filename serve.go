package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/phrase"
	"watchstander/integrations/linux"
)

func serveCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the bot",
		Long: `Run the bot until it is told to stop (SIGTERM, Ctrl-C).

SIGHUP reads the configuration again: people, routes, hosts, times and rules take
effect at once. A file with faults, or one that needs a restart, changes nothing;
the log, the notices room and systemd's status say why. Under systemd it tells
when it is ready, stops, and is alive (Type=notify-reload, WatchdogSec).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), file, cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &file)
	return cmd
}

func configFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "config", "c", "/etc/watchstander/config.yaml", "the configuration `file`")
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // the flag was made on the line before
	}
}

// load reads a configuration; its faults are told one on a line.
func load(file string) (*config.Config, error) {
	c, err := config.Load(file, config.Options{Getenv: os.Getenv})
	if faults, ok := errors.AsType[config.Faults](err); ok {
		return nil, fmt.Errorf("the configuration has %s:\n%w", phrase.Count(len(faults), "fault", "faults"), faults)
	}
	return c, err
}

func newLogger(w io.Writer, c config.Log) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(c.Level)
	if c.JSON {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})), level
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})), level
}

func serve(ctx context.Context, file string, stderr io.Writer) error {
	c, err := load(file)
	if err != nil {
		return err
	}
	log, level := newLogger(stderr, c.Log)
	for _, w := range c.Warnings {
		log.Warn("configuration", "warning", w.String())
	}
	h, err := build(ctx, c, log, stage{})
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return errors.Join(bot.Errorf(bot.CodeUnavailable, "The address %s cannot be listened on.", c.Listen).Because(err), h.close())
	}
	log.Info("watchstander starts", "version", version(), "listen", listener.Addr().String(), "state", c.State.Path)

	helpers, stopHelpers := context.WithCancel(context.WithoutCancel(ctx))
	reloaded := make(chan struct{})
	go func() { defer close(reloaded); h.reloadOnHangup(helpers, file, level) }()
	notified := make(chan struct{})
	go func() { defer close(notified); h.tellBoot(helpers); h.notify(helpers) }()
	context.AfterFunc(ctx, func() { sdNotify(log, daemon.SdNotifyStopping) })

	err = h.run(ctx, listener)
	stopHelpers()
	<-reloaded
	<-notified
	err = errors.Join(err, h.close())
	log.Info("watchstander has stopped", "err", err)
	return err
}

func sdNotify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd could not be told", "state", state, "err", err)
	}
}

// notify tells systemd that the bot is ready once an event has gone through the
// loop, and that it is alive for as long as events do.
func (h *house) notify(ctx context.Context) {
	alive := func() bool {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		return h.flow.Take(ctx, bot.Batch{Source: "watchdog", Events: []bot.Event{bot.Tick{At: time.Now()}}}) == nil
	}
	for !alive() {
		if ctx.Err() != nil {
			return
		}
	}
	sdNotify(h.log, daemon.SdNotifyReady)
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every <= 0 {
		return
	}
	tick := time.NewTicker(every / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if alive() {
				sdNotify(h.log, daemon.SdNotifyWatchdog)
			}
		}
	}
}

// tellBoot tells the bot which boot of its host this is.
func (h *house) tellBoot(ctx context.Context) {
	host, ok := h.config.LocalHost()
	if !ok {
		return
	}
	id, at, err := linux.Boot("/proc")
	if err != nil {
		h.log.Warn("whether the host was rebooted is unknown", "err", err)
		return
	}
	if err := h.flow.Take(ctx, bot.Batch{Source: "boot", Events: []bot.Event{bot.Booted{Host: host.Name, Boot: id, At: at}}}); err != nil && ctx.Err() == nil {
		h.log.Error("the host's boot could not be noted", "err", err)
	}
}

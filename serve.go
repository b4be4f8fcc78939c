package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/flow"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/linux"
)

func serveCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the bot",
		Long: `Run the bot until it is told to stop (SIGTERM, Ctrl-C).

SIGHUP reads the configuration again: people, routes, hosts, times and rules take
effect at once, and so do new secrets of webhooks, Prometheus and the dead man's
switch. A file with faults, or one that needs a restart, changes nothing;
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
	c, err := config.Load(file, config.Options{Getenv: os.Getenv, Offer: grammar.Offered})
	if faults, ok := errors.AsType[config.Faults](err); ok {
		return nil, fmt.Errorf("the configuration has %s:\n%w", phrase.Count(len(faults), "fault", "faults"), faults)
	}
	return c, err
}

func serve(ctx context.Context, file string, stderr io.Writer) (err error) {
	c, err := load(file)
	if err != nil {
		return err
	}
	rules, err := rulesOf(c)
	if err != nil {
		return err
	}
	var built atomic.Pointer[house] // knows the secrets of the last reload
	hide := func(s string) string {
		now := rules
		if h := built.Load(); h != nil {
			now = h.redactor.rules.Load()
		}
		out, _ := now.Redact(s)
		return out
	}
	defer func() { err = hush(err, hide) }()
	log, level := newLogger(stderr, c.Log, hide)
	for _, w := range c.Warnings {
		log.Warn("configuration", "warning", w.String())
	}
	h, err := build(ctx, c, log, stage{})
	if err != nil {
		return err
	}
	built.Store(h)
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return errors.Join(bot.Errorf(bot.CodeUnavailable, "The address %s cannot be listened on.", c.Listen).Because(err), h.close())
	}
	log.Info("watchstander starts", "version", version(), "listen", listener.Addr().String(), "state", c.State.Path)

	helpers, stopHelpers := context.WithCancel(context.WithoutCancel(ctx))
	reloaded, hup := make(chan struct{}), hangups()
	go func() {
		defer close(reloaded)
		reloadAt(helpers, hup, log, func() { h.reload(helpers, file, level) })
	}()
	notified := make(chan struct{})
	go func() {
		defer close(notified)
		h.tellBoot(helpers)
		h.noteConfig(helpers, c, "in force since a start")
		// A start takes the file as a whole, so that what the last reload came to is
		// over.
		h.tellReload(helpers, bot.Troubled{Subject: aboutReload, Over: true, At: time.Now()})
		tellSystemd(helpers, log, h.alive)
	}()
	context.AfterFunc(ctx, func() { sdNotify(log, daemon.SdNotifyStopping) })

	err = h.run(ctx, listener)
	stopHelpers()
	<-reloaded
	<-notified
	err = errors.Join(err, h.close())
	log.Info("watchstander has stopped", "err", err)
	return err
}

// alive tells whether events still go through the loop.
func (h *house) alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return h.flow.Take(ctx, bot.Batch{Source: "watchdog", Events: []bot.Event{bot.Tick{At: time.Now()}}}) == nil
}

// reload takes the configuration up again, or says why not, to the log and to
// people: whoever removed a person must know that the old file still counts.
func (h *house) reload(ctx context.Context, file string, level *slog.LevelVar) {
	changed, err := h.takeUp(file, level)
	e := bot.Troubled{Subject: aboutReload, At: time.Now(), Over: err == nil, Title: "The configuration was not taken up", Text: "The old one stays in force."}
	why := ""
	switch {
	case err != nil:
		h.log.Error("the configuration was not taken; the old one stays", "err", err)
		why = h.redactor.redact(err.Error()) // systemd shows it
		e.Text += " " + bot.ForPeople(err)
	case changed == "":
		h.log.Info("the configuration says the same as before")
	default:
		h.log.Info("the configuration was taken", "changed", changed)
	}
	tellReloaded(h.log, "The configuration", why)
	h.tellReload(ctx, e)
	if err == nil && changed != "" {
		h.noteConfig(ctx, h.current.Load(), "in force since a reload; changed: "+changed)
	}
}

// noteConfig writes into the journal which configuration came into force.
func (h *house) noteConfig(ctx context.Context, c *config.Config, text string) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	e := bot.Noted{Kind: string(journal.KindConfig), Text: "the configuration is " + text, At: time.Now(),
		Fields: map[string]string{"file": c.File, journal.FieldDigest: c.Digest, "version": version()}}
	if err := h.flow.Take(ctx, bot.Batch{Source: "config", Events: []bot.Event{e}}); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		h.log.Error("the journal has no word of the configuration", "err", err)
	}
}

// aboutReload is the subject of what people are told of reloads.
const aboutReload = "reload"

// tellReload must not keep systemd waiting for a state that takes nothing.
func (h *house) tellReload(ctx context.Context, e bot.Troubled) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := h.flow.Take(ctx, bot.Batch{Source: "reload", Events: []bot.Event{e}}); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		h.log.Error("people could not be told of the reload", "err", err)
	}
}

// takeUp tells what changed.
func (h *house) takeUp(file string, level *slog.LevelVar) (changed string, err error) {
	c, err := config.Load(file, config.Options{Getenv: os.Getenv, Offer: grammar.Offered})
	if faults, ok := errors.AsType[config.Faults](err); ok {
		// The faults may name what is nobody's business in a room.
		return "", bot.Errorf(bot.CodeInvalid, "The file has %s; run \"watchstander check\" to see what and where.", phrase.Count(len(faults), "fault", "faults")).Because(err)
	}
	if err != nil {
		return "", err
	}
	reload, restart := config.Diff(h.current.Load(), c)
	if len(restart) > 0 {
		// Other changes may lean on these: half a configuration is none.
		return "", bot.Errorf(bot.CodeConflict, "These changes need a restart, and nothing counts before it: %s.", strings.Join(restart, ", "))
	}
	if len(reload) == 0 {
		return "", nil
	}
	rules, err := rulesOf(c)
	if err != nil {
		return "", err
	}
	if err := h.admit(c); err != nil {
		return "", err
	}
	h.redactor.rules.Store(rules)
	level.Set(c.Log.Level)
	h.current.Store(c)
	h.flow.Reload(flow.SettingsOf(c))
	for _, chat := range h.consoles {
		chat.Reloaded()
	}
	return strings.Join(reload, ", "), nil
}

// admit lets the webhooks take what their secrets' files hold now; on an error
// all take what they took before.
func (h *house) admit(c *config.Config) error {
	credentials := make([]alertmanager.Credential, len(h.handlers))
	for i := range h.handlers { // Diff has seen that the webhooks are the same
		var err error
		if credentials[i], err = credentialOf(c.Webhooks[i]); err != nil {
			return fmt.Errorf("webhook %s: %w", c.Webhooks[i].Name, err)
		}
	}
	for i, handler := range h.handlers {
		// The files were read and judged with the rest: this does not fail halfway.
		if err := handler.Admit(credentials[i]); err != nil {
			return err
		}
	}
	return nil
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

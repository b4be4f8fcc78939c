package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	"watchstander/bot/journal"
)

// serveAgent runs the agent until it is told to stop.
func serveAgent(ctx context.Context, o agentOptions, stderr io.Writer) (err error) {
	h, err := openAgent(o, stderr)
	if err != nil {
		return err
	}
	defer func() { err = hush(errors.Join(err, h.close()), h.hide) }()
	log, err := h.journal()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	core, err := h.core(log, agentRoots, h.spawner)
	if err != nil {
		return err
	}
	sockets, err := agent.Listen(ctx, agent.ListenOptions{Bot: h.config.Socket, Human: h.config.HumanSocket, Owner: h.config.BotUID, Trust: trustRoom})
	if err != nil {
		return err
	}
	h.log.Info("watchstander's agent starts", "version", version(), "host", h.config.Host, "file", h.config.File)

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := agent.NewServer(agent.ServerOptions{Core: core, Bot: sockets.Bot, Human: sockets.Human, BotUID: h.config.BotUID, Log: h.log})
	var all sync.WaitGroup
	errs := make([]error, 2)
	// It is waited for: a process that is gone tells nothing any more.
	all.Go(func() { <-ctx.Done(); sdNotify(h.log, daemon.SdNotifyStopping) })
	all.Go(func() { defer stop(); errs[0] = server.Run(ctx) })
	all.Go(func() { defer stop(); errs[1] = core.Run(ctx) })
	hup := hangups()
	all.Go(func() { reloadAt(ctx, hup, h.log, func() { h.reload(core) }) })
	all.Go(func() {
		tellSystemd(ctx, h.log, func(ctx context.Context) bool {
			// It needs what every answer needs, and finds nothing.
			_, err := core.Proposals(ctx, agent.Root(), api.Since{Stamp: math.MaxInt64})
			return err == nil
		})
	})
	for _, task := range h.parts.Tasks {
		all.Go(func() { task(ctx) })
	}
	all.Wait()
	h.log.Info("watchstander's agent has stopped")
	return errors.Join(errs...)
}

// trustState is asked of the agent's own directories, which are this user's.
func trustState(dir string) error { return config.TrustedState(dir, os.Geteuid()) }

// trustRoom is asked of the directories of the sockets that it makes itself.
func trustRoom(dir string) error { return config.TrustedDirectory(dir, os.Geteuid()) }

// journal opens the agent's, and notes the start in it.
func (h *agentHouse) journal() (*journal.File, error) {
	if err := agent.OpenState(h.config.State, h.trust); err != nil {
		return nil, err
	}
	log, err := journal.OpenFile(filepath.Join(h.config.State, "journal"), h.hide)
	if err != nil {
		if log != nil {
			err = errors.Join(err, log.Close())
		}
		return nil, fmt.Errorf("the agent's journal: %w", err)
	}
	now := time.Now().UTC()
	entries := []journal.Entry{{At: now, Kind: journal.KindConfig, Host: h.config.Host, Text: "The agent starts.",
		Fields: map[string]string{"source": h.config.File, journal.FieldDigest: h.config.Digest, "version": version()}}}
	if torn := log.Torn(); torn != nil {
		h.log.Error("the journal's last line was torn off by a crash, and put aside", "file", torn.Path, "bytes", torn.Bytes)
		entries = append([]journal.Entry{{At: now, Kind: journal.KindNote, Host: h.config.Host, Text: "The last line was torn off by a crash, and put aside."}}, entries...)
	}
	if _, err := log.AppendAll(entries...); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return log, nil
}

// reload takes the file up again, or says why not.
func (h *agentHouse) reload(core *agent.Core) {
	why := ""
	if err := h.takeUp(core); err != nil {
		h.log.Error("the agent's file was not taken up; the old one stays in force", "err", err)
		why = h.hide(err.Error())
	}
	tellReloaded(h.log, "The agent's file", why)
}

// takeUp takes up people, policy and standing approvals. All else needs a restart,
// and half a file is none.
func (h *agentHouse) takeUp(core *agent.Core) error {
	c, err := h.o.load()
	if err != nil {
		return err
	}
	if fixed := fixedParts(h.config, c); len(fixed) > 0 {
		return bot.Errorf(bot.CodeConflict, "These changes need a restart, and nothing counts before it: %s.", strings.Join(fixed, ", "))
	}
	rules, err := agentRules(c, false, h.log)
	if err != nil {
		return err
	}
	if err := core.Reload(parts.Settings(c)); err != nil {
		return err
	}
	h.rules.Store(rules)
	h.level.Set(c.Log.Level)
	h.config = c
	h.digest.Store(&c.Digest)
	h.log.Info("the agent's file was taken up", "digest", c.Digest)
	return nil
}

// fixedParts names the sections that differ and cannot be taken up by a reload.
func fixedParts(a, b *config.Agent) []string {
	var out []string
	for _, x := range []struct {
		what string
		a, b any
	}{
		{"host", a.Host, b.Host}, {"socket", a.Socket, b.Socket}, {"human_socket", a.HumanSocket, b.HumanSocket}, {"state", a.State, b.State},
		{"bot_user", a.BotUID, b.BotUID}, {"busy_units", a.Busy, b.Busy}, {"nixos", a.NixOS, b.NixOS}, {"zfs", a.ZFS, b.ZFS},
		{"backup", a.Backup, b.Backup}, {"certificates", a.Certificates, b.Certificates}, {"security", a.Security, b.Security}, {"dumps", a.Dumps, b.Dumps}, {"documents", a.Documents, b.Documents}, {"services", a.Services, b.Services}, {"log.format", a.Log.JSON, b.Log.JSON},
	} {
		if !reflect.DeepEqual(x.a, x.b) {
			out = append(out, x.what)
		}
	}
	return out
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/parts"
	"watchstander/bot/config"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
	"watchstander/bot/redact"
	"watchstander/bot/sys"
)

// agentRoots is where the agent keeps what its plans and runs need from being
// collected.
const agentRoots = agent.RootsDir("/nix/var/nix/gcroots/watchstander")

func agentCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Run the privileged half, on the host that is operated",
		Long: `Run the agent: it plans operations on its host, keeps who agreed to them, and
has each run in a systemd unit of its own. It belongs to root, has no network,
and takes sockets from systemd (named "agent" and "approve") or makes them.

Its file, and all that it names, must be root's alone.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serveAgent(cmd.Context(), file, cmd.ErrOrStderr())
		},
	}
	cmd.PersistentFlags().StringVarP(&file, "config", "c", config.AgentFile, "the agent's `file`")
	perform := &cobra.Command{
		Use:    "perform PLAN",
		Short:  "Do one run; the agent starts this in a unit of its own",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return perform(cmd.Context(), file, bot.PlanID(args[0]), cmd.ErrOrStderr())
		},
	}
	cmd.AddCommand(perform)
	return cmd
}

// agentHouse is what the agent and its workers share.
type agentHouse struct {
	file   string
	config *config.Agent
	log    *slog.Logger
	host   sys.Host
	parts  parts.Parts
	hide   func(string) string
	close  func() error
}

func openAgent(file string, stderr io.Writer) (*agentHouse, error) {
	c, err := config.LoadAgent(file, config.AgentOptions{Getenv: os.Getenv, Operations: agentOperations})
	if faults, ok := errors.AsType[config.Faults](err); ok {
		return nil, fmt.Errorf("the agent's file has %s:\n%w", phrase.Count(len(faults), "fault", "faults"), faults)
	}
	if err != nil {
		return nil, err
	}
	h := &agentHouse{file: file, config: c}
	h.log, _ = newLogger(stderr, c.Log)
	for _, w := range c.Warnings {
		h.log.Warn("configuration", "warning", w.String())
	}
	rules, err := redact.New(redact.Options{IDPrefixes: bot.IDPrefixes})
	if err != nil {
		return nil, err
	}
	h.hide = func(s string) string { out, _ := rules.Redact(s); return out }
	if h.host, h.close, err = sys.Real(c.Host); err != nil {
		return nil, err
	}
	if h.parts, err = parts.Of(c, h.host, parts.Options{Output: func(line string) { fmt.Fprintln(stderr, h.hide(line)) }}); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func serveAgent(ctx context.Context, file string, stderr io.Writer) (err error) {
	h, err := openAgent(file, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := os.MkdirAll(h.config.State, 0o700); err != nil {
		return err
	}
	log, err := journal.OpenFile(filepath.Join(h.config.State, "journal"), h.hide)
	if err != nil {
		if log != nil {
			err = errors.Join(err, log.Close())
		}
		return fmt.Errorf("the agent's journal: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if torn := log.Torn(); torn != nil {
		h.log.Error("the journal's last line was torn off by a crash, and put aside", "torn", torn)
		if _, err := log.Append(journal.Entry{At: time.Now().UTC(), Kind: journal.KindNote, Host: h.config.Host, Text: "the last line was torn off by a crash, and put aside"}); err != nil {
			return err
		}
	}
	absolute, err := filepath.Abs(h.file)
	if err != nil {
		return err
	}
	core, err := agent.New(agent.Options{Host: h.host, Settings: parts.Settings(h.config), Operations: h.parts.Operations, Looks: h.parts.Looks, Probes: h.parts.Probes,
		State: h.config.State, Journal: log, Roots: agentRoots, Redact: h.hide, IDs: bot.RandomIDs, Log: h.log,
		Spawner: &agent.Systemd{Units: h.host.Units, Roots: agentRoots, Log: h.log, Network: needsNetwork,
			Argv: func(own string, s agent.Spawn) []string {
				return []string{own, "agent", "perform", "--config", absolute, string(s.Plan)}
			}}})
	if err != nil {
		return err
	}
	bots, humans, err := agentSockets(ctx, h.config)
	if err != nil {
		return err
	}
	h.log.Info("watchstander's agent starts", "version", version(), "host", h.config.Host, "file", absolute)
	server := agent.NewServer(agent.ServerOptions{Core: core, Bot: bots, Human: humans, BotUID: h.config.BotUID, Log: h.log})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { defer stop(); served <- server.Run(ctx) }()
	sdNotify(h.log, daemon.SdNotifyReady)
	context.AfterFunc(ctx, func() { sdNotify(h.log, daemon.SdNotifyStopping) })
	err = core.Run(ctx)
	stop()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, <-served)
}

// needsNetwork: a remote repository is reached over the network, and what a
// switch starts must find the host as it is.
func needsNetwork(s agent.Spawn) bool {
	return s.Operation == "nixos.rollback" || strings.HasPrefix(string(s.Operation), "backup.")
}

// agentSockets takes the sockets from systemd, or makes them: the bot's for its
// user alone, the people's for everybody, since the kernel says who they are.
func agentSockets(ctx context.Context, c *config.Agent) (bots, humans net.Listener, err error) {
	given, err := activation.ListenersWithNames()
	if err != nil {
		return nil, nil, err
	}
	take := func(name string) net.Listener {
		if l := given[name]; len(l) == 1 {
			return l[0]
		}
		return nil
	}
	if bots, humans = take("agent"), take("approve"); bots != nil || humans != nil {
		if bots == nil || humans == nil {
			return nil, nil, bot.Errorf(bot.CodeInvalid, `systemd gives one of the sockets "agent" and "approve", and not the other.`)
		}
		return bots, humans, nil
	}
	if bots, err = listenUnix(ctx, c.Socket, 0o600, c.BotUID); err != nil {
		return nil, nil, err
	}
	if humans, err = listenUnix(ctx, c.HumanSocket, 0o666, -1); err != nil {
		return nil, nil, errors.Join(err, bots.Close())
	}
	return bots, humans, nil
}

// listenUnix makes a socket in place of one that nobody listens at any more.
func listenUnix(ctx context.Context, path string, mode os.FileMode, owner int) (net.Listener, error) {
	dialer := net.Dialer{Timeout: time.Second}
	if c, err := dialer.DialContext(ctx, "unix", path); err == nil {
		return nil, errors.Join(bot.Errorf(bot.CodeConflict, "Somebody listens at %s already.", path), c.Close())
	}
	if fi, err := os.Lstat(path); err == nil && fi.Mode().Type() == os.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	err = os.Chmod(path, mode)
	if err == nil && owner >= 0 {
		err = os.Chown(path, owner, -1)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func perform(ctx context.Context, file string, id bot.PlanID, stderr io.Writer) (err error) {
	h, err := openAgent(file, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	// A stop of the unit has a name of its own: what was begun is then undone.
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(agent.ErrStopped) })()
	return agent.Perform(work, agent.PerformOptions{State: h.config.State, Plan: id, Host: h.host, Operations: h.parts.Operations, Redact: h.hide, Log: h.log})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

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
	var o agentOptions
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Run the privileged half, on the host that is operated",
		Long: `Run the agent: it plans operations on its host, keeps who agreed to them, and
has each run in a systemd unit of its own. It belongs to root, has no network,
and takes sockets from systemd (named "agent" and "approve") or makes them.

Its file, and all that it names, must be root's alone. SIGHUP reads it again:
people, policy and standing approvals take effect at once; a file with faults, or
one that needs a restart, changes nothing, and the log and systemd's status say
why. Under systemd it tells when it is ready, and is alive (Type=notify-reload,
WatchdogSec).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serveAgent(cmd.Context(), o, cmd.ErrOrStderr())
		},
	}
	cmd.PersistentFlags().StringVarP(&o.file, "config", "c", config.AgentFile, "the agent's `file`")
	perform := &cobra.Command{
		Use:    "perform PLAN",
		Short:  "Do one run; the agent starts this in a unit of its own",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.worker = true
			return perform(cmd.Context(), o, bot.PlanID(args[0]), cmd.ErrOrStderr())
		},
	}
	perform.Flags().StringVar(&o.state, "state", "", "the agent's state, instead of the file's: its `path`")
	cmd.AddCommand(perform, breakGlassCommand())
	return cmd
}

// agentOptions are the agent's command line.
type agentOptions struct {
	file string
	// state is where the state is, "" where the file says; worker: a run is done,
	// which has none of the agent's credentials and needs none.
	state  string
	worker bool
}

// load reads the agent's file; its faults are told one on a line.
func (o agentOptions) load() (*config.Agent, error) {
	c, err := config.LoadAgent(o.file, config.AgentOptions{Getenv: os.Getenv, Operations: agentOperations, WithoutSecrets: o.worker})
	if faults, ok := errors.AsType[config.Faults](err); ok {
		return nil, fmt.Errorf("the agent's file has %s:\n%w", phrase.Count(len(faults), "fault", "faults"), faults)
	}
	if err != nil {
		return nil, err
	}
	if o.state != "" {
		c.State = o.state
	}
	return c, nil
}

// agentHouse is what the agent and its workers share.
type agentHouse struct {
	o      agentOptions
	config *config.Agent
	log    *slog.Logger
	level  *slog.LevelVar
	host   sys.Host
	parts  parts.Parts
	rules  atomic.Pointer[redact.Redactor]
	close  func() error
}

func openAgent(o agentOptions, stderr io.Writer) (*agentHouse, error) {
	c, err := o.load()
	if err != nil {
		return nil, err
	}
	h := &agentHouse{o: o, config: c}
	h.log, h.level = newLogger(stderr, c.Log)
	for _, w := range c.Warnings {
		h.log.Warn("configuration", "warning", w.String())
	}
	if h.host, h.close, err = sys.Real(c.Host); err != nil {
		return nil, err
	}
	if err := h.furnish(parts.Options{Output: func(line string) { fmt.Fprintln(stderr, h.hide(line)) }}); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// furnish makes what is to be hidden and what can be done, of the configuration and
// the host.
func (h *agentHouse) furnish(o parts.Options) error {
	rules, err := agentRules(h.config, h.o.worker, h.log)
	if err != nil {
		return err
	}
	h.rules.Store(rules)
	h.parts, err = parts.Of(h.config, h.host, o)
	return err
}

// core is the agent over its state and its journal.
func (h *agentHouse) core(log *journal.File, roots agent.Roots, runs agent.Spawner) (*agent.Core, error) {
	return agent.New(agent.Options{Host: h.host, Settings: parts.Settings(h.config), Operations: h.parts.Operations, Looks: h.parts.Looks, Probes: h.parts.Probes,
		State: h.config.State, Journal: log, Spawner: runs, Roots: roots, Redact: h.hide, IDs: bot.RandomIDs, Log: h.log})
}

// perform does one run.
func (h *agentHouse) perform(ctx context.Context, id bot.PlanID) error {
	return agent.Perform(ctx, agent.PerformOptions{State: h.config.State, Plan: id, Host: h.host, Operations: h.parts.Operations, Redact: h.hide, Log: h.log})
}

// hide is the last look at everything that the agent says.
func (h *agentHouse) hide(s string) string {
	out, _ := h.rules.Load().Redact(s)
	return out
}

// needsNetwork: a remote repository is reached over the network, and what a
// switch starts must find the host as it is.
func needsNetwork(s agent.Spawn) bool {
	return s.Operation == "nixos.rollback" || strings.HasPrefix(string(s.Operation), "backup.")
}

// perform is the worker's whole life: one run.
func perform(ctx context.Context, o agentOptions, id bot.PlanID, stderr io.Writer) (err error) {
	h, err := openAgent(o, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	// A stop of the unit has a name of its own: what was begun is then undone.
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(agent.ErrStopped) })()
	return h.perform(work, id)
}

// performing is the command line of a run.
func performing(own, file, state string, id bot.PlanID) []string {
	return []string{own, "agent", "perform", "--config", file, "--state", state, "--", string(id)}
}

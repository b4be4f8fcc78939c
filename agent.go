package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

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
	perform.Flags().StringVar(&o.state, "state", "", "the agent's state: its `path`")
	if err := perform.MarkFlagRequired("state"); err != nil {
		panic(err) // the flag was made on the line before
	}
	var digest string
	ask := &cobra.Command{
		Use:    "ask-backups",
		Short:  "Ask the repositories what is in them; the agent starts this in a unit of its own",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.worker = true
			o.ordered = &agent.Ordered{Operation: askingBackups, File: digest}
			return askBackups(cmd.Context(), o, cmd.ErrOrStderr())
		},
	}
	ask.Flags().StringVar(&o.state, "state", "", "the agent's state, instead of the file's: its `path`")
	ask.Flags().StringVar(&digest, "digest", "", "the `digest` of the file that the agent goes by")
	if err := ask.MarkFlagRequired("digest"); err != nil {
		panic(err) // the flag was made on the line before
	}
	cmd.AddCommand(perform, ask, breakGlassCommand())
	return cmd
}

// agentOptions are the agent's command line.
type agentOptions struct {
	file string
	// state is where the state is, "" where the file says; worker: a run or an errand
	// is done, which has none of the agent's credentials and needs none.
	state  string
	worker bool
	// ordered is what a run or an errand is told; nil elsewhere.
	ordered *agent.Ordered
}

// load reads the agent's file; its faults are told one on a line.
func (o agentOptions) load() (*config.Agent, error) {
	opts := config.AgentOptions{Getenv: os.Getenv, Operations: agentOperations, WithoutSeeds: o.worker}
	if !o.worker { // what runs already has its plan
		opts.Make, opts.Parse = parts.Faults, parseHere
	}
	if o.ordered != nil {
		opts.Digest, opts.WithoutPasswords = o.ordered.File, !opensRepositories(o.ordered.Operation)
	}
	c, err := config.LoadAgent(o.file, opts)
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

// parseHere has an operation of the file read arguments, on this host.
func parseHere(c *config.Agent, name bot.OperationName, args bot.Arguments) (bot.Arguments, []string, error) {
	const limit = 30 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	h, done, err := sys.Real(c.Host)
	if err != nil {
		return nil, nil, bot.Errorf(bot.CodeUnavailable, "this host cannot be looked at.").Because(err)
	}
	out, proves, err := parts.Parse(ctx, c, h, name, args)
	return out, proves, errors.Join(err, done())
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
	// trust is asked of the agent's own directories; nil in the demo, whose agent can
	// do nothing to anybody.
	trust func(dir string) error
	// spawner starts units; nil in a worker, which starts none. digest is that of the
	// file that they go by: the one in force.
	spawner *agent.Systemd
	digest  atomic.Pointer[string]
}

func openAgent(o agentOptions, stderr io.Writer) (*agentHouse, error) {
	c, err := o.load()
	if err != nil {
		return nil, err
	}
	h := &agentHouse{o: o, config: c, trust: trustState}
	h.log, h.level = newLogger(stderr, c.Log, h.hide)
	for _, w := range c.Warnings {
		h.log.Warn("configuration", "warning", w.String())
	}
	if h.host, h.close, err = sys.Real(c.Host); err != nil {
		return nil, err
	}
	if !o.worker {
		if err := h.spawns(); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	if err := h.furnish(h.furniture(stderr)); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// furniture is what the agent's parts, or a worker's, need beside the file. The
// agent is confined by its unit, and has others ask what it cannot.
func (h *agentHouse) furniture(stderr io.Writer) parts.Options {
	o := parts.Options{Output: func(line string) { fmt.Fprintln(stderr, h.hide(line)) }}
	if !h.o.worker {
		o.AskBackups, o.Confined = h.sendForBackups(h.config), true
	}
	return o
}

// spawns makes what starts units. A unit finds file and state from whatever
// directory it runs in.
func (h *agentHouse) spawns() error {
	file, err := filepath.Abs(h.o.file)
	if err != nil {
		return err
	}
	state, err := filepath.Abs(h.config.State)
	if err != nil {
		return err
	}
	h.digest.Store(&h.config.Digest)
	h.spawner = &agent.Systemd{Units: h.host.Units, Roots: agentRoots, Log: h.log, Network: needsNetwork, Devices: needsDevices,
		Argv: func(own string, s agent.Spawn) []string {
			if s.Operation == askingBackups {
				return []string{own, "agent", "ask-backups", "--config", file, "--state", state, "--digest", s.File}
			}
			return performing(own, file, state, s.Plan)
		}}
	return nil
}

// askingBackups names the errand that asks the repositories. It is no operation:
// nothing is changed, and nobody is asked.
const askingBackups bot.OperationName = "backup.ask"

// exitAnotherFile is how the errand ends that finds another file than the agent has:
// its repositories may be others, under the same names.
const exitAnotherFile exitCode = 3

// sendForBackups has the repositories asked in a unit that may reach the network,
// and write nothing but what is known of them.
func (h *agentHouse) sendForBackups(c *config.Agent) func(context.Context) error {
	if c.Backup == nil {
		return nil
	}
	const starting = time.Minute // of the program, and of putting down what it heard
	dir := parts.BackupState(c)
	x := agent.Spawn{Operation: askingBackups, Unit: "watchstander-backup-ask.service",
		Description: "Watchstander asks the backups' repositories for their snapshots", Limit: c.Backup.Ask.Time + starting, Writable: []string{dir},
		Exits: map[int]string{int(exitAnotherFile): config.ErrAnotherFile.Error() + ". Restart the agent, or have it reload."}}
	return func(ctx context.Context) error {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return bot.Errorf(bot.CodeUnavailable, "The agent's state cannot be written.").Because(err)
		}
		x.File = *h.digest.Load()
		return h.spawner.Errand(ctx, x)
	}
}

// askBackups is the errand itself. That a repository does not answer stands in the
// facts, for the agent to tell, and is no failure of the unit. It goes by the file that
// the agent goes by, as runs do: the agent tells what it hears under the names there.
func askBackups(ctx context.Context, o agentOptions, stderr io.Writer) (err error) {
	h, err := openAgent(o, stderr)
	if errors.Is(err, config.ErrAnotherFile) {
		fmt.Fprintln(stderr, err)
		return exitAnotherFile
	}
	if err != nil {
		return err
	}
	defer func() { err = hush(errors.Join(err, h.close()), h.hide) }()
	if h.parts.AskBackups == nil {
		return errors.New("the agent's file has no backups")
	}
	if err := h.parts.AskBackups(ctx); err != nil {
		h.log.Warn("not every repository answers", "err", h.hide(err.Error()))
	}
	return nil
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
	return agent.New(agent.Options{Host: h.host, Settings: parts.Settings(h.config), Operations: h.parts.Operations, Looks: h.parts.Looks, Probes: h.parts.Probes, LastSwitch: h.parts.LastSwitch, Busy: h.config.Busy,
		State: h.config.State, Trust: h.trust, Journal: log, Spawner: runs, Roots: roots, Redact: h.hide, IDs: bot.RandomIDs, Log: h.log})
}

// perform does one run.
func (h *agentHouse) perform(ctx context.Context, id bot.PlanID) error {
	return agent.Perform(ctx, agent.PerformOptions{State: h.config.State, Plan: id, Host: h.host, Operations: h.parts.Operations, Redact: h.hide, Log: h.log})
}

// hide is the last look at everything that the agent says.
func (h *agentHouse) hide(s string) string {
	r := h.rules.Load()
	if r == nil { // it starts, and does not know its secrets yet
		r = unknowing()
	}
	out, _ := r.Redact(s)
	return out
}

// needsNetwork: a remote repository is reached over the network, and what a
// switch starts must find the host as it is.
func needsNetwork(s agent.Spawn) bool {
	return strings.HasPrefix(string(s.Operation), "nixos.") || opensRepositories(s.Operation)
}

func opensRepositories(op bot.OperationName) bool { return strings.HasPrefix(string(op), "backup.") }

// needsDevices: what reads and compares others' files has no use for a device, and
// must not open one that somebody put into a file's place.
func needsDevices(s agent.Spawn) bool { return !opensRepositories(s.Operation) }

// perform is the worker's whole life: one run. It takes up the file that the agent
// goes by, and no other one: what is checked after a switch, say, is what was agreed
// to. What must not be done it says in the run's own outcome, where people read it.
func perform(ctx context.Context, o agentOptions, id bot.PlanID, stderr io.Writer) (err error) {
	ordered, err := agent.OrderOf(o.state, id)
	if err != nil {
		return err
	}
	o.ordered = &ordered
	if ordered.File == "" {
		return agent.Decline(o.state, id, "its order does not say which file the agent goes by. Restart the agent, and ask again.")
	}
	h, err := openAgent(o, stderr)
	if err != nil {
		return errors.Join(err, agent.Decline(o.state, id, declined(err)))
	}
	defer func() { err = hush(errors.Join(err, h.close()), h.hide) }()
	// A stop of the unit has a name of its own: what was begun is then undone.
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(agent.ErrStopped) })()
	return h.perform(work, id)
}

// declined says why a run's own process could not take up what it needs.
func declined(err error) string {
	if _, ok := errors.AsType[config.Faults](err); ok {
		return "the agent's file, or what it names, has faults by now; \"watchstander check\" on the host tells which. Mend them, restart the agent, and ask again."
	}
	if errors.Is(err, config.ErrAnotherFile) {
		return config.ErrAnotherFile.Error() + ". Restart the agent, or have it reload, and ask again."
	}
	return "its process could not begin, and the log of its unit has the cause."
}

// performing is the command line of a run.
func performing(own, file, state string, id bot.PlanID) []string {
	return []string{own, "agent", "perform", "--config", file, "--state", state, "--", string(id)}
}

package units

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// Options are the host's facts, and what may be done and shown.
type Options struct {
	// Restartable are the units that may be restarted, and Logged those whose logs
	// may be read: exact names, ".service" implied.
	Restartable, Logged []string
	// Systemctl and Journalctl are absolute paths; those of the running system. So is
	// Podman, which is never run: that it is there tells that its images matter.
	Systemctl, Journalctl, Podman string
	// Journal is the directory of the journal, where it is not the host's own.
	Journal string
	// Settle is how long a restarted unit has before it is looked at, twice; 5 s.
	Settle time.Duration
	// Timeout bounds each program; 20 s.
	Timeout time.Duration
}

// Keeper handles the units of one host.
type Keeper struct {
	h           sys.Host
	o           Options
	restartable map[string]bool
	logged      map[string]bool
}

// New makes the Keeper of a host. It touches nothing yet. Errors are of names on
// the lists that are none, or that must never be restarted.
func New(h sys.Host, o Options) (*Keeper, error) {
	const bin = "/run/current-system/sw/bin/"
	for _, d := range []struct {
		to       *string
		standard string
	}{{&o.Systemctl, bin + "systemctl"}, {&o.Journalctl, bin + "journalctl"}, {&o.Podman, bin + "podman"}} {
		if *d.to == "" {
			*d.to = d.standard
		}
	}
	if o.Settle <= 0 {
		o.Settle = 5 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	k := &Keeper{h: h, o: o}
	var faults [3]error
	k.restartable, faults[0] = named(o.Restartable)
	k.logged, faults[1] = named(o.Logged)
	for _, name := range slices.Sorted(maps.Keys(k.restartable)) {
		if vital(name) {
			faults[2] = bot.Errorf(bot.CodeInvalid, "%s cannot be restarted while the host runs; take it from the list.", name)
		}
	}
	return k, errors.Join(faults[:]...)
}

func named(list []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, n := range list {
		full, err := host.UnitName(n)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", n, err)
		}
		out[full] = true
	}
	return out, nil
}

// vital tells units without which the host, or the agent's sight of it, ends.
func vital(name string) bool {
	switch name {
	case "dbus.service", "dbus-broker.service", "sysinit.target", "basic.target", "local-fs.target", "multi-user.target",
		"graphical.target", "default.target", "sockets.target", "init.scope", "-.slice", "system.slice":
		return true
	}
	return strings.HasSuffix(name, ".mount") || strings.HasSuffix(name, ".swap")
}

// Looks are the questions that it answers.
func (k *Keeper) Looks() []bot.Look {
	return []bot.Look{
		{Name: host.LookService, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			unit, err := unitOf(args, host.LookService)
			if err != nil {
				return nil, err
			}
			return k.Service(ctx, unit)
		}},
		{Name: host.LookLogs, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			unit, err := unitOf(args, host.LookLogs, "lines", "hours")
			if err != nil {
				return nil, err
			}
			lines, err := number(args, "lines", usualLines, mostLines)
			if err != nil {
				return nil, err
			}
			hours, err := number(args, "hours", 0, mostHours)
			if err != nil {
				return nil, err
			}
			return k.Logs(ctx, unit, lines, time.Duration(hours)*time.Hour)
		}},
		{Name: host.LookChanges, Run: func(ctx context.Context, args bot.Arguments) (any, error) {
			if err := only(args, host.LookChanges, "hours"); err != nil {
				return nil, err
			}
			hours, err := number(args, "hours", usualHours, mostHours)
			if err != nil {
				return nil, err
			}
			return k.Changes(ctx, time.Duration(hours)*time.Hour)
		}},
	}
}

// unitOf reads the unit that a look is about, and refuses arguments that it does
// not know.
func unitOf(args bot.Arguments, look string, others ...string) (string, error) {
	if err := only(args, look, append(others, host.UnitArgument)...); err != nil {
		return "", err
	}
	if args.One(host.UnitArgument) == "" {
		return "", bot.Errorf(bot.CodeInvalid, "%s needs one unit.", look)
	}
	return host.UnitName(args.One(host.UnitArgument))
}

func only(args bot.Arguments, what string, known ...string) error {
	for name := range args {
		if !slices.Contains(known, name) {
			return bot.Errorf(bot.CodeInvalid, "%s has no argument %q.", what, line(name))
		}
	}
	return nil
}

// number reads a whole number from 1 to most.
func number(args bot.Arguments, name string, standard, most int) (int, error) {
	if len(args[name]) == 0 {
		return standard, nil
	}
	n, err := strconv.Atoi(args.One(name))
	if err != nil || n < 1 || n > most {
		return 0, bot.Errorf(bot.CodeInvalid, "The number of %s must be from 1 to %d.", name, most)
	}
	return n, nil
}

// run runs a program that only looks.
func (k *Keeper) run(ctx context.Context, most int, argv ...string) (sys.Output, error) {
	out, err := k.h.Run.Run(ctx, sys.Command{Argv: argv, Env: []string{"LC_ALL=C", "TZ=UTC", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER="}, Limit: k.o.Timeout, Most: most})
	name := argv[0][strings.LastIndexByte(argv[0], '/')+1:]
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return out, bot.Errorf(bot.CodeNotFound, "There is no %s on %s.", argv[0], k.h.Name).Because(err)
	case err != nil:
		return out, bot.Errorf(bot.CodeUnavailable, "%s did not answer on %s.", name, k.h.Name).Because(err)
	case out.Exit != 0:
		return out, bot.Errorf(bot.CodeUnavailable, "%s failed on %s (exit %d): %s", name, k.h.Name, out.Exit, line(strings.TrimSpace(string(out.Stderr))))
	}
	return out, nil
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// longest is how many characters of others' words are repeated.
const longest = 200

func line(s string) string { return clean.Line(s, longest) }

package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"watchstander/bot/sys"
)

// Systemd is a Spawner whose runs are transient units: they outlive the agent,
// and a switch that restarts it. The program that they execute is this one, kept
// from collection for as long as they run: the switch may bring another.
type Systemd struct {
	Units sys.Units
	// Roots keeps store paths; nil where the program is in no store.
	Roots Roots
	// Argv makes the command line of a run; own is the absolute path of this program.
	Argv func(own string, s Spawn) []string
	// Network tells whether the operation's unit may reach the network. Activation
	// scripts and the loader's installer run as children, and must find the host as
	// it is.
	Network func(Spawn) bool
	// Devices tells whether the operation's unit may use the host's devices.
	Devices func(Spawn) bool
	Log     *slog.Logger

	own func() (string, error) // finds this program; tests have another
}

var _ Spawner = (*Systemd)(nil)

// Start starts the unit.
func (s *Systemd) Start(ctx context.Context, x Spawn) error {
	own, err := s.program(x.Unit)
	if err != nil {
		return fmt.Errorf("which program am I? %w", err)
	}
	return s.Units.StartTransient(ctx, sys.Transient{Name: x.Unit, Description: x.Description, Argv: s.Argv(own, x), Network: s.Network(x), Devices: s.Devices(x), Limit: x.Limit, Writable: x.Writable})
}

var inStore = regexp.MustCompile(`^(/nix/store/[^/]+)/`)

// program is this program's file, without links that a switch moves, and rooted
// where it is in the store.
func (s *Systemd) program(unit string) (string, error) {
	find := s.own
	if find == nil {
		find = os.Executable // the file itself, as the kernel has it
	}
	path, err := find()
	if err != nil {
		return "", err
	}
	m := inStore.FindStringSubmatch(path)
	switch {
	case m == nil:
		return path, nil
	case s.Roots == nil:
		return "", errors.New("nobody keeps store paths")
	}
	return path, s.Roots.Keep(runRoot(unit), m[1])
}

// runRoot names the root of a run's program.
func runRoot(unit string) string { return "run-" + strings.TrimSuffix(unit, ".service") }

// Running tells whether the unit's process is there, or is on its way.
func (s *Systemd) Running(ctx context.Context, unit string) (bool, error) {
	u, err := s.Units.Unit(ctx, unit)
	if err != nil {
		return false, err
	}
	switch u.Active {
	case "active", "activating", "deactivating", "reloading", "refreshing", "maintenance":
		return true, nil
	case "inactive", "failed":
		return false, nil
	}
	return false, fmt.Errorf("%s is %q, of which nothing is known here", unit, u.Active)
}

// Ended lets systemd forget a unit that failed, and lets go of its program.
func (s *Systemd) Ended(ctx context.Context, unit string) {
	if s.Roots != nil {
		if err := s.Roots.LetGo(runRoot(unit)); err != nil {
			s.Log.Warn("a root cannot be let go", "unit", unit, "err", err)
		}
	}
	if u, err := s.Units.Unit(ctx, unit); err != nil || u.Active != "failed" {
		return
	}
	if err := s.Units.ResetFailed(ctx, unit); err != nil {
		s.Log.Warn("systemd does not forget the unit of a run", "unit", unit, "err", err)
	}
}

package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"watchstander/bot/sys"
)

// Systemd is a Spawner whose runs are transient units: they outlive the agent,
// and a switch that restarts it.
type Systemd struct {
	Units sys.Units
	// Argv makes the command line of a run; the first is an absolute path.
	Argv func(Spawn) []string
	// Network tells whether the operation's unit may reach the network. Activation
	// scripts and the loader's installer run as children, and must find the host as
	// it is.
	Network func(Spawn) bool
	Log     *slog.Logger
}

// Start starts the unit.
func (s *Systemd) Start(ctx context.Context, x Spawn) error {
	return s.Units.StartTransient(ctx, sys.Transient{Name: x.Unit, Description: x.Description, Argv: s.Argv(x), Network: s.Network(x), Limit: x.Limit})
}

// Running tells whether the unit's process is there, or is on its way.
func (s *Systemd) Running(ctx context.Context, unit string) (bool, error) {
	u, err := s.Units.Unit(ctx, unit)
	if err != nil {
		return false, err
	}
	switch u.Active {
	case "active", "activating", "deactivating", "reloading", "refreshing":
		return true, nil
	}
	return false, nil
}

// Ended lets systemd forget a unit that failed.
func (s *Systemd) Ended(ctx context.Context, unit string) {
	if u, err := s.Units.Unit(ctx, unit); err != nil || u.Active != "failed" {
		return
	}
	if err := s.Units.ResetFailed(ctx, unit); err != nil {
		s.Log.Warn("systemd does not forget the unit of a run", "unit", unit, "err", err)
	}
}

// OwnBinary is the running program by a path that lasts: its file in the store,
// kept from collection by a root of its own, so that a run that outlives a switch
// finds it; elsewhere the file itself.
func OwnBinary(roots Roots) (string, error) {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("agent: which program am I? %w", err)
	}
	rest, ok := strings.CutPrefix(path, "/nix/store/")
	if !ok {
		return path, nil
	}
	top, _, _ := strings.Cut(rest, "/")
	if roots == nil {
		return "", errors.New("agent: nobody keeps store paths")
	}
	if err := roots.Keep("own-"+top[:min(len(top), 32)], "/nix/store/"+top); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return path, nil
}

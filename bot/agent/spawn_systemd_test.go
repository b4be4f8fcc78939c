package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
)

// bus is a systemd that remembers what it was asked for.
type bus struct {
	sys.Units
	started []sys.Transient
	reset   []string
	active  string
	err     error
}

func (b *bus) StartTransient(_ context.Context, t sys.Transient) error {
	b.started = append(b.started, t)
	return errors.Join(t.Check(), b.err)
}

func (b *bus) Unit(_ context.Context, name string) (sys.Unit, error) {
	return sys.Unit{Name: name, Active: b.active}, b.err // a unit that is gone is inactive
}

func (b *bus) ResetFailed(_ context.Context, name string) error {
	b.reset = append(b.reset, name)
	return nil
}

func TestUnitsOfSystemd(t *testing.T) {
	b := &bus{}
	roots := RootsDir(filepath.Join(t.TempDir(), "roots"))
	store := "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-watchstander-1.0"
	binary := store + "/bin/watchstander"
	s := &Systemd{Units: b, Roots: roots, Log: quiet(), Argv: func(own string, x Spawn) []string { return []string{own, "agent", "perform", string(x.Plan)} },
		Network: func(x Spawn) bool { return x.Operation == "backup.run" }, Devices: func(x Spawn) bool { return x.Operation != "backup.run" }, own: func() (string, error) { return binary, nil }}
	p := bot.Plan{ID: "pln_K7QF2MX4ABCDEFGHIJKLMNOPQR", Operation: "nixos.rollback", Draft: bot.Draft{Summary: "roll back", Limit: 600}}
	x := Spawn{Plan: p.ID, Operation: p.Operation, Unit: unitName(p), Description: "roll back", Limit: time.Hour, StopLimit: 12 * time.Minute}
	if err := s.Start(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	got := b.started[0]
	want := []string{binary, "agent", "perform", string(p.ID)}
	if got.Name != "watchstander-nixos-rollback-K7QF2MX4.service" || !slices.Equal(got.Argv, want) || got.Network || !got.Devices || got.Limit != time.Hour || got.StopLimit != 12*time.Minute || len(got.Env) > 0 {
		t.Errorf("%+v", got)
	}
	kept, err := roots.Kept()
	if err != nil || !slices.Equal(kept, []string{"run-watchstander-nixos-rollback-K7QF2MX4"}) {
		t.Errorf("%v, %v", kept, err)
	}
	if to, err := os.Readlink(filepath.Join(string(roots), kept[0])); err != nil || to != store {
		t.Errorf("%s, %v", to, err)
	}
	b.active = "failed"
	s.Ended(t.Context(), x.Unit)
	if kept, err = roots.Kept(); err != nil || len(kept) > 0 || !slices.Equal(b.reset, []string{x.Unit}) {
		t.Errorf("%v, %v, %v", kept, err, b.reset)
	}
	x.Operation = "backup.run"
	s.Roots = nil
	if err := s.Start(t.Context(), x); err == nil {
		t.Error("a program in the store runs, and nobody keeps it there")
	}
	binary = "/usr/local/bin/watchstander"
	if err := s.Start(t.Context(), x); err != nil || !b.started[1].Network || b.started[1].Devices {
		t.Errorf("%+v, %v", b.started[1], err)
	}
	for active, want := range map[string]string{"active": "true", "activating": "true", "deactivating": "true", "inactive": "false", "failed": "false", "odd": "error"} {
		b.active = active
		alive, err := s.Running(t.Context(), x.Unit)
		if got := map[bool]string{true: "true", false: "false"}[alive]; err == nil && got != want || (err != nil) != (want == "error") {
			t.Errorf("%s: %v, %v", active, alive, err)
		}
	}
	b.err = errors.New("the bus is away")
	if _, err := s.Running(t.Context(), x.Unit); err == nil {
		t.Error("a bus that is away says that it does not run")
	}
}

// While the bus is away nobody knows whether a run goes on: that is no end.
func TestABusThatIsAwayIsNoEnd(t *testing.T) {
	played(t, plain, func(w *world) {
		w.lamp.takes = 50 * time.Second
		away := &awayUntil{Spawner: w.spawner, until: time.Now().Add(10 * time.Minute)}
		w.core.locked(func() { w.core.o.Spawner = away })
		p := w.agreed()
		time.Sleep(40 * time.Second)
		if got := w.now(p.Plan.ID); got.State != bot.Running {
			t.Errorf("%s: %s", got.State, got.Why)
		}
		w.ends(p.Plan.ID, bot.Done) // by its outcome
	})
}

type awayUntil struct {
	Spawner
	until time.Time
}

func (a *awayUntil) Running(ctx context.Context, unit string) (bool, error) {
	if time.Now().Before(a.until) {
		return false, errors.New("the bus is away")
	}
	return a.Spawner.Running(ctx, unit)
}

// refusing takes no unit; or takes it, and says that it did not.
type refusing struct {
	Spawner
	lies bool
}

func (r refusing) Start(ctx context.Context, s Spawn) error {
	if r.lies {
		if err := r.Spawner.Start(ctx, s); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	return errors.New("Transport endpoint is not connected")
}

// An error of the start says nothing: the marker does.
func TestAStartThatFails(t *testing.T) {
	for _, lies := range []bool{false, true} {
		played(t, plain, func(w *world) {
			w.core.locked(func() { w.core.o.Spawner = refusing{w.spawner, lies} })
			p := w.agreed()
			if lies {
				w.ends(p.Plan.ID, bot.Done)
				return
			}
			p = w.ends(p.Plan.ID, bot.Failed)
			if n, _ := w.lamp.counts(); n > 0 || !strings.Contains(p.Why, "Nothing was done: its unit could not be started") {
				t.Errorf("applied %d times: %s", n, p.Why)
			}
			if err := w.perform(ctx, Spawn{Plan: p.Plan.ID}); !errors.Is(err, ErrBegun) {
				t.Errorf("it could still begin: %v", err)
			}
		})
	}
}

// Store paths of a plan are kept from its minting to its end, over restarts.
func TestRoots(t *testing.T) {
	store := "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-nixos-system-vulcan"
	played(t, func(w *world) *world { w.lamp.roots = []string{store}; return w }, func(w *world) {
		_, err := w.core.Propose(ctx, Bot(), w.ask("on"))
		refuses(t, err, bot.CodeUnavailable, "cannot keep")
		roots := RootsDir(filepath.Join(w.dir, "roots"))
		w.core.locked(func() { w.core.o.Roots = roots })
		_, err = w.core.Propose(ctx, Bot(), w.ask("on"))
		refuses(t, err, bot.CodeUnavailable, "cannot be kept from being collected") // it is not there
		kept := func() int { names, err := roots.Kept(); w.ok(err); return len(names) }
		if kept() > 0 {
			t.Error("a root was left of a plan that there is not")
		}
		w.put(store+"/activate", "#!")
		p := w.proposed()
		if kept() != 1 {
			t.Errorf("%d roots", kept())
		}
		// As if the links were lost, and others left behind.
		w.ok(os.Remove(filepath.Join(string(roots), planRoot(p.Plan.ID, 0))))
		for _, name := range []string{"pln_GONE-0", "run-watchstander-gone"} {
			w.ok(roots.Keep(name, store))
		}
		w.core.locked(func() { w.ok(w.core.keepRoots()) })
		if names, _ := roots.Kept(); !slices.Equal(names, []string{planRoot(p.Plan.ID, 0)}) {
			t.Errorf("%v", names)
		}
		_, err = w.core.Decide(ctx, Bot(), no(p, "carol"))
		w.ok(err)
		if kept() > 0 {
			t.Errorf("%d roots", kept())
		}
		for _, bad := range []string{"/etc/shadow", "/nix/store/../../etc", store + "/bin", "/nix/store/x"} {
			if err := roots.Keep("x", bad); err == nil {
				t.Errorf("%s is rooted", bad)
			}
		}
	})
}

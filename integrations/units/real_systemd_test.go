package units_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
	"watchstander/bot/sys"
	"watchstander/integrations/units"
)

// within runs programs in the world of a real systemd.
type within struct{ *real.Systemd }

func (w within) Run(ctx context.Context, c sys.Command) (sys.Output, error) {
	out, err := w.Do(ctx, c.Argv...)
	return sys.Output{Stdout: []byte(out + "\n")}, err
}

// tied are units that are tied to core.service in each way that systemd knows.
var tied = map[string]string{
	"core.service":  "PropagatesStopTo=told.service",
	"needs.service": "Requires=core.service\nAfter=core.service",
	"binds.service": "BindsTo=core.service\nAfter=core.service",
	"part.service":  "PartOf=core.service",
	"twin.service":  "Requires=needs.service\nAfter=needs.service",
	"told.service":  "",
	"asks.service":  "StopPropagatedFrom=core.service",
	"far.service":   "PartOf=told.service",
	"later.service": "StopPropagatedFrom=needs.service",
	"wants.service": "Wants=core.service\nAfter=core.service",
	"rival.service": "Conflicts=core.service",
}

// What we say will restart with a unit, a real systemd restarts; what we say may stop
// may be stopped; and nothing else is touched.
func TestRealTies(t *testing.T) {
	files := map[string]string{}
	for name, text := range tied {
		files[name] = "[Unit]\nDefaultDependencies=no\n" + text + "\n[Service]\nExecStart=sleep 1000\n"
	}
	d := real.StartSystemd(t, files)
	u := sys.NewSystemd(sys.SystemdOptions{Dial: sys.DialSystemd(d.Address)})
	k, err := units.New(sys.Host{Name: "vulcan", Run: within{d}, Units: u}, units.Options{Systemctl: real.Require(t, "systemctl")})
	if err != nil {
		t.Fatal(err)
	}
	start := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if err := u.Start(t.Context(), name+".service"); err != nil {
				t.Fatal(err)
			}
		}
	}
	start("core", "needs", "binds", "part", "twin", "told", "asks", "far", "later", "wants")
	follow := []string{"binds.service", "needs.service", "part.service", "twin.service"}
	ends := []string{"asks.service", "far.service", "later.service", "told.service"}
	restarted, stopped := restart(t, u, k, follow, ends)
	if !slices.Equal(restarted, follow) {
		t.Errorf("%q were restarted, and %q was told", restarted, follow)
	}
	for _, name := range stopped {
		if !slices.Contains(ends, name) {
			t.Errorf("%s was stopped, and that was not told", name)
		}
	}
	t.Logf("of %q, this systemd stopped %q", ends, stopped)

	// What excludes it, and runs, is stopped when it is started by the restart.
	if err := u.Stop(t.Context(), "core.service"); err != nil {
		t.Fatal(err)
	}
	start("rival", "told")
	ends = slices.Sorted(slices.Values(append(active(t, u, "asks.service", "far.service", "later.service"), "rival.service", "told.service")))
	if _, stopped = restart(t, u, k, nil, ends); !slices.Contains(stopped, "rival.service") {
		t.Errorf("%q were stopped", stopped)
	}
}

// A unit that failed too often is started by no restart, until systemd has forgotten it.
func TestRealStartLimit(t *testing.T) {
	const name = "often.service"
	d := real.StartSystemd(t, map[string]string{name: "[Unit]\nDefaultDependencies=no\nStartLimitBurst=2\nStartLimitIntervalSec=900\n" +
		"[Service]\nExecStart=/bin/sh -c 'test -e /run/well && exec sleep 1000'\nRestart=on-failure\nRestartSec=100ms\n"})
	u := sys.NewSystemd(sys.SystemdOptions{Dial: sys.DialSystemd(d.Address)})
	_ = u.Start(t.Context(), name)
	real.Eventually(t, 20*time.Second, "systemd gives it up", func() error {
		if x, err := u.Unit(t.Context(), name); err != nil || x.Active != "failed" {
			return fmt.Errorf("%+v: %v", x, err)
		}
		return nil
	})
	if out, err := d.Do(t.Context(), "touch", "/run/well"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := u.Restart(t.Context(), name); err == nil {
		t.Fatal("systemd restarts it: there is nothing to be forgotten")
	}
	if err := u.ResetFailed(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := u.Restart(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if x, err := u.Unit(t.Context(), name); err != nil || x.Active != "active" {
		t.Errorf("%+v: %v", x, err)
	}
}

// active are those of the units that run.
func active(t *testing.T, u sys.Units, names ...string) (out []string) {
	t.Helper()
	for _, name := range names {
		x, err := u.Unit(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if x.Active == "active" {
			out = append(out, name)
		}
	}
	return out
}

// restart restarts core.service, of which a look must tell so, and gives what was
// restarted with it and what was stopped.
func restart(t *testing.T, u sys.Units, k *units.Keeper, follow, ends []string) (restarted, stopped []string) {
	t.Helper()
	told, err := k.Service(t.Context(), "core.service")
	if err != nil || !slices.Equal(told.Follow, follow) || !slices.Equal(told.Ends, ends) || len(told.Unknown) != 0 {
		t.Fatalf("told: %q restart, %q stop; unknown %q; %v", told.Follow, told.Ends, told.Unknown, err)
	}
	before := map[string]sys.Unit{}
	for name := range tied {
		if before[name], err = u.Unit(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.Restart(t.Context(), "core.service"); err != nil {
		t.Fatal(err)
	}
	// The jobs of the others may be under way.
	var after map[string]sys.Unit
	real.Eventually(t, 20*time.Second, "systemd comes to rest", func() error {
		after = map[string]sys.Unit{}
		for name := range tied {
			x, err := u.Unit(t.Context(), name)
			if err != nil {
				return err
			}
			after[name] = x
		}
		for _, name := range follow {
			if x := after[name]; x.Active != "active" || x.Invocation == before[name].Invocation {
				return fmt.Errorf("%s is %+v", name, x)
			}
		}
		for name, x := range after {
			if x.Active == "activating" || x.Active == "deactivating" {
				return fmt.Errorf("%s is %s", name, x.Active)
			}
		}
		return nil
	})
	for _, name := range slices.Sorted(maps.Keys(tied)) {
		switch was, is := before[name], after[name]; {
		case name == "core.service" || was.Active == is.Active && was.Invocation == is.Invocation:
		case is.Active == "active":
			restarted = append(restarted, name)
		default:
			stopped = append(stopped, name)
		}
	}
	return restarted, stopped
}

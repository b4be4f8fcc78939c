package nixos_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
	"watchstander/integrations/nixos"
)

// simulation is a simulated vulcan: a real tree and real locks, and programs that do
// what nixpkgs' do.
func simulation(t *testing.T, change func(*simulated.Options)) *simulated.Host {
	t.Helper()
	o := simulated.Options{Dir: t.TempDir()}
	if change != nil {
		change(&o)
	}
	h, err := simulated.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func on(t *testing.T, h *simulated.Host) *nixos.NixOS {
	t.Helper()
	n, err := nixos.New(nixos.Options{
		Host: h.Sys(), BuildLock: sys.Lock{Path: "/run/lock/nixos-build.lock", Format: sys.LockFlock}, Stateful: []string{"postgresql"},
		Busy: []string{"restic-backups-home.service"}, Checks: []nixos.Check{{Name: "database", Unit: "postgresql.service"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSimulated(t *testing.T) {
	tests := []struct {
		name     string
		script   simulated.Activation
		set      func(*simulated.Host)
		want     bot.ProposalState
		ends     int // the generation that runs, is the profile's and would start
		evidence []string
	}{
		{name: "all is well", want: bot.Done, ends: 41},
		{name: "a unit fails at its start: exit code 4, and it stays so", script: simulated.Activation{Fail: []string{"nginx.service"}}, want: bot.Undone, ends: 42, evidence: []string{
			"ok | activation | ended with 4 (units failed while it switched) | failed right afterwards: nginx.service; the looks at the units decide\n",
			"not ok | unit nginx.service | fails in both looks | failed: exit-code\n",
		}},
		{name: "exit code 4, but all is fine", script: simulated.Activation{Blip: []string{"nginx.service"}}, want: bot.Done, ends: 41},
		{name: "exit code 0, but a unit fails afterwards", script: simulated.Activation{Break: []string{"postgresql.service"}, Later: 10 * time.Second}, want: bot.Undone, ends: 42, evidence: []string{
			"ok | activation | ended with 0 (it went through) | \n", "not ok | unit postgresql.service | fails in both looks | failed: exit-code\n", "not ok | health check database |",
		}},
		{name: "a unit flaps", script: simulated.Activation{Flap: []string{"step-ca.service"}}, want: bot.Undone, ends: 42, evidence: []string{"| unit step-ca.service |"}},
		{name: "a part of the activation fails", script: simulated.Activation{Snippets: []string{"users"}}, want: bot.Undone, ends: 42, evidence: []string{
			"not ok | activation | ended with 2 (a part of the activation script failed) | failed: users\n",
		}},
		{name: "its check refuses", script: simulated.Activation{Check: "noMigration"}, want: bot.Undone, ends: 42},
		{name: "it hangs", script: simulated.Activation{Hang: true}, want: bot.Undone, ends: 42},
		{name: "the boot menu cannot be written", script: simulated.Activation{Boot: 1}, want: bot.Undone, ends: 42},
		{name: "going back fails", script: simulated.Activation{Fail: []string{"nginx.service"}}, set: func(h *simulated.Host) {
			h.Script(42, simulated.Activation{Fail: []string{"postgresql.service"}})
		}, want: bot.UndoFailed, ends: 42, evidence: []string{"not ok | unit postgresql.service | fails in both looks | failed: exit-code\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := simulation(t, nil)
				n := on(t, h)
				r := n.Rollback()
				p, err := plan(t, r, "")
				if err != nil {
					t.Fatal(err)
				}
				h.Script(41, test.script)
				if test.set != nil {
					test.set(h)
				}
				state, evidence, w, err := run(t, r, p)
				if state != test.want || h.Running() != test.ends || h.Default() != test.ends || h.NextBoot() != test.ends {
					t.Errorf("it ended as %q (%v); %d runs, %d is the profile's, %d would start; want %q and %d\n%s\n%s",
						state, err, h.Running(), h.Default(), h.NextBoot(), test.want, test.ends, told(evidence), strings.Join(w.lines, "\n"))
				}
				for _, line := range test.evidence {
					if !strings.Contains(told(evidence), line) {
						t.Errorf("%q is not in the evidence:\n%s", line, told(evidence))
					}
				}
				// Whoever builds next gets the lock at once.
				release, err := h.Start("nixos-rebuild").Sys().Files.Hold(t.Context(), sys.Lock{Path: "/run/lock/nixos-build.lock", Format: sys.LockFlock})
				if err != nil {
					t.Errorf("the build lock: %v", err)
				} else {
					_ = release()
				}
			})
		})
	}
}

// A host that loses power before Commit starts what it started before; whoever
// looks then finds the plan stale.
func TestSimulatedPowerLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := simulation(t, nil)
		r := on(t, h).Rollback()
		p, err := plan(t, r, "41")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Apply(t.Context(), p, &fakeWork{notes: map[string]string{}}); err != nil || h.Running() != 41 {
			t.Fatalf("%v; %d runs", err, h.Running())
		}
		if err := h.PowerLoss(); err != nil {
			t.Fatal(err)
		}
		if h.Running() != 42 || h.Booted() != 42 || h.Default() != 42 {
			t.Errorf("after the power loss %d runs, %d was booted, and the profile is at %d", h.Running(), h.Booted(), h.Default())
		}
		n := on(t, h)
		again, err := plan(t, n.Rollback(), "41")
		if err != nil || slices.Equal(again.Draft.Bound, p.Draft.Bound) {
			t.Errorf("a plan made now binds the same (%v)", err)
		}
		if err := n.Rollback().Apply(t.Context(), p, &fakeWork{notes: map[string]string{}}); err == nil || !strings.Contains(bot.ForPeople(err), "it was started anew") {
			t.Errorf("the former plan: %v", err)
		}
	})
}

// The lock that a build holds is waited for, and names its holder.
func TestSimulatedBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := simulation(t, nil)
		r := on(t, h).Rollback()
		p, err := plan(t, r, "")
		if err != nil {
			t.Fatal(err)
		}
		build := h.Start("nixos-rebuild")
		if _, err := build.Sys().Files.Hold(t.Context(), sys.Lock{Path: "/run/lock/nixos-build.lock", Format: sys.LockFlock}); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Minute, build.Kill)
		w := &fakeWork{notes: map[string]string{}}
		if err := r.Apply(t.Context(), p, w); err != nil || h.Running() != 41 {
			t.Errorf("%v; %d runs", err, h.Running())
		}
		if !strings.Contains(w.lines[0], "Waiting for the build lock: ") || !strings.Contains(w.lines[0], "nixos-rebuild") {
			t.Errorf("said %q", w.lines[0])
		}
	})
}

// What the plan says of vulcan, and what it refuses there.
func TestSimulatedPlan(t *testing.T) {
	h := simulation(t, nil)
	p, err := plan(t, on(t, h).Rollback(), "40")
	if err != nil {
		t.Fatal(err)
	}
	text := written(p.Draft)
	for _, want := range []string{
		"differs: What the boot loader loads: kernel, initrd, kernel modules\n", "differs: Kernel: 6.18.17 → 6.18.16\n", "differs: postgresql: 16.11 → 16.10, -195.3 KiB\n",
		"differs: zoxide: 0.9.8 → ∅", "ok: the boot loader stays: grub\n", "ok: system.stateVersion stays: 25.05\n",
		"ok: the bot that it brings reads the state: 0.1.0 (reads up to schema 1); the state has schema 1\n", "not ok: no package with data of its own goes backwards: postgresql: 16.11 → 16.10.",
		"observed: stops = nginx.service", "ok: which units it touches is known:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	mustBePlain(t, p.Draft)
	for _, test := range []struct {
		change func(*simulated.Generation)
		want   string
	}{
		{func(g *simulated.Generation) { g.Loader = "systemd-boot" }, "it would install the boot loader systemd-boot, and this host has grub."},
		{func(g *simulated.Generation) { g.StateVersion = "24.11" }, "its system.stateVersion is 24.11, and this host's is 25.05."},
		{func(g *simulated.Generation) { g.Unmarked = true }, "it has no mark (etc/watchstander/host.json)"},
		{func(g *simulated.Generation) { g.Init = "systemd 1" }, "it can only be booted into, and the bot never reboots."},
		{func(g *simulated.Generation) { g.Missing = []string{"initrd"} }, "it is not whole: initrd is missing."},
	} {
		gs := simulated.Vulcan()
		test.change(&gs[3])
		other := simulation(t, func(o *simulated.Options) { o.Generations = gs })
		if _, err := plan(t, on(t, other).Rollback(), "41"); err == nil || !strings.Contains(bot.ForPeople(err), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	if err := h.ForgetGeneration(41, true); err != nil {
		t.Fatal(err)
	}
	if _, err := plan(t, on(t, h).Rollback(), "41"); bot.ForPeople(err) != "vulcan has no generation 41. It keeps 42, 40, 39, 38." {
		t.Errorf("a generation that was collected: %v", err)
	}
	if p, err := plan(t, on(t, h).Rollback(), ""); err != nil || p.Arguments.One(host.GenerationArgument) != "40" {
		t.Errorf("the one before is %v, %v", p.Arguments, err)
	}
}

func TestSimulatedDrift(t *testing.T) {
	h := simulation(t, func(o *simulated.Options) { o.Booted = 40 })
	n := on(t, h)
	d, err := n.Drift(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range d.Findings {
		got = append(got, string(f.State)+" "+f.What)
	}
	if want := "ok running system; not ok kernel; ok boot default; ok /etc; ok units; ok last switch; ok files in /etc"; strings.Join(got, "; ") != want {
		t.Errorf("got %s\n%+v", strings.Join(got, "; "), d.Findings)
	}
	gs, err := n.Generations(t.Context())
	if err != nil || len(gs) != 5 || gs[0].Number != 42 || !gs[0].Current || !gs[2].Booted || gs[1].Revision != "c47aa10f38e24d919f55b0e7d2168c30a97e0041" || gs[4].Kernel != "6.18.13" {
		t.Errorf("%+v, %v", gs, err)
	}
}

// A host with systemd-boot keeps it, and its default entry is read back.
func TestSimulatedSystemdBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := simulation(t, func(o *simulated.Options) { o.Loader = "systemd-boot" })
		r := on(t, h).Rollback()
		p, err := plan(t, r, "41")
		if err != nil {
			t.Fatal(err)
		}
		state, evidence, _, err := run(t, r, p)
		last := evidence[len(evidence)-1]
		if state != bot.Done || h.NextBoot() != 41 || last.What != "boot default" || last.State != bot.OK || last.Source != "/boot/loader/entries/nixos-generation-41.conf" {
			t.Errorf("%s (%v), %d would start\n%+v", state, err, h.NextBoot(), last)
		}
		if err := h.PutFile("/boot/loader/loader.conf", "default nixos-*\n"); err != nil {
			t.Fatal(err)
		}
		d, err := on(t, h).Drift(t.Context())
		if err != nil || d.BootDefaultUnknown != "systemd-boot's configuration names no single default" {
			t.Errorf("%+v, %v", d, err)
		}
	})
}

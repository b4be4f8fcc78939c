package simulated_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

// stc runs a generation's switch-to-configuration and gives what it said on stderr.
func stc(t *testing.T, h *simulated.Host, s sys.Host, generation int, verb string) (lines []string, exit int) {
	t.Helper()
	out, err := s.Run.Run(t.Context(), sys.Command{Argv: []string{
		fmt.Sprintf("/nix/var/nix/profiles/system-%d-link/bin/switch-to-configuration", generation), verb,
	}})
	must(t, err)
	text := strings.TrimSpace(string(out.Stderr))
	if text == "" {
		return nil, out.Exit
	}
	return strings.Split(text, "\n"), out.Exit
}

// where tells which generation runs, is the profile's, and is started next.
func where(h *simulated.Host) string {
	return fmt.Sprintf("%d runs, profile %d, next %d", h.Running(), h.Default(), h.NextBoot())
}

func at(t *testing.T, h *simulated.Host, want string) {
	t.Helper()
	if got := where(h); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSwitch(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		lines, exit := stc(t, h, s, 41, "dry-activate")
		same(t, "dry-activate", lines,
			"would stop the following units: nginx.service, postgresql.service, step-ca.service",
			"would activate the configuration...",
			"would start the following units: nginx.service, postgresql.service, step-ca.service")
		if exit != 0 {
			t.Error(exit)
		}
		at(t, h, "42 runs, profile 42, next 42")
		before := h.Unit("nginx.service")

		begin := time.Now()
		lines, exit = stc(t, h, s, 41, "test")
		same(t, "test", lines,
			"stopping the following units: nginx.service, postgresql.service, step-ca.service",
			"activating the configuration...",
			"starting the following units: nginx.service, postgresql.service, step-ca.service")
		if exit != 0 || time.Since(begin) != 8*time.Second {
			t.Errorf("exit %d after %s", exit, time.Since(begin))
		}
		at(t, h, "41 runs, profile 42, next 42")
		after := h.Unit("nginx.service")
		if after.Active != "active" || after.Invocation == before.Invocation || !after.Started.After(before.Started) {
			t.Errorf("nginx was %+v, is %+v", before, after)
		}
		if u := h.Unit("smokeping.service"); !u.Started.Before(begin.Add(time.Nanosecond)) {
			t.Error("what did not change was started anew")
		}
		if static, err := s.Files.Resolve("/etc/static"); err != nil || static != must1(s.Files.Resolve(h.Toplevel(41)+"/etc")) {
			t.Errorf("/etc is %s, %v", static, err)
		}

		if lines, exit = stc(t, h, s, 41, "boot"); exit != 0 || lines != nil {
			t.Errorf("boot: %d %q", exit, lines)
		}
		at(t, h, "41 runs, profile 42, next 41")
		if lines, exit = stc(t, h, s, 42, "switch"); exit != 0 || len(lines) != 3 {
			t.Errorf("switch: %d %q", exit, lines)
		}
		at(t, h, "42 runs, profile 42, next 42")
		for _, verb := range []string{"", "--help", "rollback"} {
			if _, exit := stc(t, h, s, 42, verb); exit != 1 {
				t.Errorf("%q ends with %d", verb, exit)
			}
		}
	})
}

// Each of nixpkgs' ways for a unit that differs.
func TestSwitchObeysUnits(t *testing.T) {
	unit := func(version int, more string) string {
		return fmt.Sprintf("[Unit]\nDescription=x\n%s\n[Service]\nExecStart=/x/%d\n", more, version)
	}
	const wanted = "WantedBy=multi-user.target"
	g := func(number int, units map[string]string) simulated.Generation {
		return simulated.Generation{Number: number, NixOS: fmt.Sprintf("26.05.%d", number), Kernel: "6.18.1", Units: units}
	}
	o := simulated.Options{Running: 1, Generations: []simulated.Generation{
		g(1, map[string]string{
			"same.service": unit(1, wanted), "changed.service": unit(1, wanted), "gone.service": unit(1, wanted),
			"kept.service": unit(1, wanted+"\nX-RestartIfChanged=false"), "reloads.service": unit(1, wanted+"\nX-ReloadIfChanged=true"),
			"restarts.service": unit(1, wanted+"\nX-StopIfChanged=false"), "idle.service": unit(1, ""),
			"down.service": unit(1, wanted),
		}),
		g(2, map[string]string{
			"same.service": unit(1, wanted), "changed.service": unit(2, wanted), "new.service": unit(2, wanted), "unwanted.service": unit(2, ""),
			"kept.service": unit(2, wanted+"\nX-RestartIfChanged=false"), "reloads.service": unit(2, wanted+"\nX-ReloadIfChanged=true"),
			"restarts.service": unit(2, wanted+"\nX-StopIfChanged=false"), "idle.service": unit(2, ""),
			"down.service": unit(1, wanted),
		}),
	}}
	bubble(t, o, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		h.Fail("down.service", "exit-code")
		lines, _ := stc(t, h, s, 2, "dry-activate")
		same(t, "dry-activate", lines,
			"would stop the following units: changed.service, gone.service",
			"would NOT stop the following changed units: kept.service",
			"would activate the configuration...",
			"would reload the following units: reloads.service",
			"would restart the following units: restarts.service",
			"would start the following units: changed.service, new.service")
		kept := h.Unit("kept.service").Invocation
		lines, exit := stc(t, h, s, 2, "test")
		same(t, "test", lines,
			"stopping the following units: changed.service, gone.service",
			"NOT restarting the following changed units: kept.service",
			"activating the configuration...",
			"reloading the following units: reloads.service",
			"restarting the following units: restarts.service",
			"starting the following units: changed.service, down.service, new.service",
			"the following new units were started: new.service")
		if exit != 0 {
			t.Error(exit)
		}
		for name, want := range map[string]string{
			"gone.service": "not-found", "new.service": "active", "unwanted.service": "inactive", "idle.service": "inactive", "down.service": "active",
		} {
			if u := h.Unit(name); u.Active != want && u.Load != want {
				t.Errorf("%s is %s %s", name, u.Load, u.Active)
			}
		}
		if h.Unit("kept.service").Invocation != kept {
			t.Error("kept.service was started anew")
		}
	})
}

func TestSwitchFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script simulated.Activation
		exit   int
		last   string // of its lines
		where  string
		state  string // of nginx, once and a minute later
	}{
		{"a unit at every start", simulated.Activation{Fail: []string{"nginx.service"}}, 4,
			"warning: the following units failed: nginx.service", "41 runs, profile 42, next 42", "failed failed"},
		{"a unit for a moment", simulated.Activation{Blip: []string{"nginx.service"}}, 4,
			"warning: the following units failed: nginx.service", "41 runs, profile 42, next 42", "active active"},
		{"a unit later", simulated.Activation{Break: []string{"nginx.service"}, Later: 30 * time.Second}, 0,
			"starting the following units: nginx.service, postgresql.service, step-ca.service", "41 runs, profile 42, next 42", "active failed"},
		{"a unit again and again", simulated.Activation{Flap: []string{"nginx.service"}}, 0,
			"starting the following units: nginx.service, postgresql.service, step-ca.service", "41 runs, profile 42, next 42", "active active"},
		{"a snippet", simulated.Activation{Snippets: []string{"setupSecrets"}}, 2,
			"starting the following units: nginx.service, postgresql.service, step-ca.service", "41 runs, profile 42, next 42", "active active"},
		{"a check", simulated.Activation{Check: "disk"}, 1, "Pre-switch checks failed", "42 runs, profile 42, next 42", "active active"},
		{"an init", simulated.Activation{Incompatible: true}, 100,
			"Warning: do not know how to make this configuration live", "42 runs, profile 42, next 42", "active active"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
				h.Script(41, tt.script)
				s := h.Sys()
				lines, exit := stc(t, h, s, 41, "test")
				if exit != tt.exit || lines[len(lines)-1] != tt.last {
					t.Errorf("exit %d, want %d: %q", exit, tt.exit, lines)
				}
				at(t, h, tt.where)
				now := h.Unit("nginx.service").Active
				time.Sleep(time.Minute + 5*time.Second)
				later := h.Unit("nginx.service")
				if got := now + " " + later.Active; got != tt.state {
					t.Errorf("nginx is %s, want %s", got, tt.state)
				}
				if tt.script.Flap != nil && later.Restarts != 3 {
					t.Errorf("it was restarted %d times", later.Restarts)
				}
				// Going back mends it.
				if h.Running() == 41 {
					if lines, exit := stc(t, h, s, 42, "test"); exit != 0 {
						t.Errorf("back: %d %q", exit, lines)
					}
					if u := h.Unit("nginx.service"); u.Active != "active" || u.Restarts != 0 {
						t.Errorf("nginx is %+v", u)
					}
				}
			})
		})
	}
}

// Two switches at once, one that hangs, and one that is killed in the middle.
func TestSwitchIsAlone(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		h.Script(41, simulated.Activation{Hang: true})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		argv := []string{h.Toplevel(41) + "/bin/switch-to-configuration", "test"}
		go func() {
			_, err := s.Run.Run(ctx, sys.Command{Argv: argv})
			done <- err
		}()
		time.Sleep(5 * time.Second)
		for _, verb := range []string{"test", "boot", "dry-activate", "check"} {
			if lines, exit := stc(t, h, s, 42, verb); exit != 1 || !slices.Equal(lines, []string{"Could not acquire lock"}) {
				t.Errorf("%s: %d %q", verb, exit, lines)
			}
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		// What was stopped is not started by anybody.
		at(t, h, "41 runs, profile 42, next 42")
		if u := h.Unit("nginx.service"); u.Active != "inactive" {
			t.Errorf("nginx is %s", u.Active)
		}
		if _, exit := stc(t, h, s, 42, "test"); exit != 0 {
			t.Errorf("after it: %d", exit)
		}
		if u := h.Unit("nginx.service"); u.Active != "active" {
			t.Errorf("nginx is %s", u.Active)
		}
	})
}

// A power loss between trying and keeping starts what the boot loader has.
func TestPowerLossBetweenTestAndBoot(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		boot := read(t, s.Files, "/proc/sys/kernel/random/boot_id")
		must(t, s.Files.Write("/sys/module/zfs/parameters/zfs_arc_max", []byte("8589934592")))
		if _, exit := stc(t, h, s, 41, "test"); exit != 0 {
			t.Fatal(exit)
		}
		must(t, h.PutFile("/run/left-over", ""))
		must(t, h.PowerLoss())
		at(t, h, "42 runs, profile 42, next 42")
		if _, err := s.Files.Read("/proc/sys/kernel/random/boot_id", 64); !errors.Is(err, simulated.ErrKilled) {
			t.Errorf("who was there before can still read: %v", err)
		}
		if err := s.Units.Restart(t.Context(), "nginx.service"); !errors.Is(err, simulated.ErrPower) {
			t.Errorf("and restart: %v", err)
		}
		again := h.Sys()
		if got := read(t, again.Files, "/proc/sys/kernel/random/boot_id"); got == boot || len(got) != 37 {
			t.Errorf("the boot id is %q, it was %q", got, boot)
		}
		if _, err := again.Files.Stat("/run/left-over"); err == nil {
			t.Error("/run is not empty")
		}
		if figure(t, again, "c_max") != 67_321_872_384-1<<30 {
			t.Error("the cache's limits outlived the boot")
		}
		if h.Booted() != 42 {
			t.Error(h.Booted())
		}
	})
}

// In the middle of a switch: nothing of it goes on.
func TestPowerLossInTheMiddle(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		lost := make(chan struct{})
		h.Script(41, simulated.Activation{During: func() { close(lost) }})
		go func() {
			<-lost
			if err := h.PowerLoss(); err != nil {
				t.Error(err)
			}
		}()
		_, err := s.Run.Run(t.Context(), sys.Command{Argv: []string{h.Toplevel(41) + "/bin/switch-to-configuration", "test"}})
		if !errors.Is(err, simulated.ErrPower) {
			t.Errorf("the switch ended with %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		at(t, h, "42 runs, profile 42, next 42")
		if u := h.Unit("nginx.service"); u.Active != "active" {
			t.Errorf("nginx is %s", u.Active)
		}
	})
}

func TestOtherLoader(t *testing.T) {
	all := simulated.Vulcan()
	all[3].Loader = "systemd-boot" // of generation 41
	all[2].Missing = []string{"initrd"}
	all[1].Unmarked = true
	all[0].Init = "systemd 3"
	bubble(t, simulated.Options{Generations: all}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		if text := read(t, s.Files, h.Toplevel(41)+"/bin/switch-to-configuration"); !strings.Contains(text, "-install-systemd-boot.sh'") {
			t.Errorf("its installer cannot be told: %s", text)
		}
		if _, err := s.Files.Stat(h.Toplevel(40) + "/initrd"); err == nil {
			t.Error("the initrd is there")
		}
		if _, err := s.Files.Stat(h.Toplevel(39) + "/etc/watchstander/host.json"); err == nil {
			t.Error("the mark is there")
		}
		if _, exit := stc(t, h, s, 38, "test"); exit != 100 || h.Running() != 42 {
			t.Errorf("another init: %d, and %d runs", exit, h.Running())
		}
		if _, exit := stc(t, h, s, 41, "boot"); exit != 0 {
			t.Error(exit)
		}
		if entry := read(t, s.Files, "/boot/loader/entries/nixos-generation-41.conf"); !strings.Contains(entry, "init="+h.Toplevel(41)+"/init") {
			t.Error(entry)
		}
	})
}

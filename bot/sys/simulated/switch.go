package simulated

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot/sys"
)

// Activation is how activating a generation goes, where it does not simply go well.
type Activation struct {
	// Takes is how long it takes; 8 s.
	Takes time.Duration
	// Fail are units that fail at every start while the generation runs. Those that
	// the switch starts it tells, and ends with 4.
	Fail []string
	// Break are units that fail after the switch is over, Later after it: the switch
	// itself sees nothing of that.
	Break []string
	Later time.Duration
	// Flap are units that systemd has to start again and again from then on.
	Flap []string
	// Blip are units that fail during the switch and are fine right after it: it ends
	// with 4 all the same.
	Blip []string
	// Snippets of the activation script that fail: it ends with 2.
	Snippets []string
	// Check is a pre-switch check that fails: nothing is done, and it ends with 1.
	Check string
	// Incompatible: its init does not fit the running one; it ends with 100.
	Incompatible bool
	// Say are further lines, as scripts of others write them.
	Say []string
	// During is called in the middle of it, when old units are stopped, the system's
	// links are set, and new ones are not yet started.
	During func()
	// Hang keeps it from going on after that, until it is stopped.
	Hang bool
	// Boot is how writing the boot menu ends, when it is asked for; 0 is well.
	Boot int
}

// Script says how activating a generation goes from now on.
func (h *Host) Script(generation int, a Activation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scripts[generation] = a
}

const switchLock = "/run/nixos/switch-to-configuration.lock"

// switchToConfiguration is the program of that name of the system that it lies in,
// with its verbs check, switch, boot, test and dry-activate.
func (h *Host) switchToConfiguration(ctx context.Context, c *Call) int {
	s := h.systemAt(strings.TrimSuffix(c.Path, "/bin/switch-to-configuration"))
	if len(c.Argv) != 2 || !slices.Contains([]string{"check", "switch", "boot", "test", "dry-activate"}, c.Argv[1]) {
		return c.fail("Usage: switch-to-configuration [check|switch|boot|test|dry-activate]")
	}
	if s == nil {
		return c.fail("the system is not in the store any more")
	}
	verb := c.Argv[1]
	h.mu.Lock()
	script := h.scripts[s.Number]
	h.mu.Unlock()
	// A dry run takes the lock as well: where a switch goes on, it says nothing.
	release, err := c.Host.Files.Hold(ctx, sys.Lock{Path: switchLock, Format: sys.LockFlock})
	if err != nil {
		return c.fail("Could not acquire lock")
	}
	defer func() { _ = release() }()
	if verb != "boot" && verb != "dry-activate" {
		if script.Check != "" && !slices.Contains(c.Env, "NIXOS_NO_CHECK=1") {
			return c.fail("Pre-switch check '" + script.Check + "' failed\nPre-switch checks failed")
		}
	}
	if verb == "check" {
		return 0
	}
	if verb == "switch" || verb == "boot" {
		fmt.Fprintln(c.Stdout, "updating GRUB 2 menu...")
		if script.Boot != 0 {
			fmt.Fprintln(c.Stderr, "Failed to install bootloader")
			return script.Boot
		}
		h.files.Lock()
		err := h.writeMenu(s)
		h.files.Unlock()
		if err != nil {
			return c.fail(err.Error())
		}
		if verb == "boot" {
			return 0
		}
	}
	running := h.systemAt(h.readlink("/run/current-system"))
	if script.Incompatible || running != nil && running.Init != s.Init {
		fmt.Fprintln(c.Stderr, "Warning: do not know how to make this configuration live")
		return 100
	}
	way := h.way(running, s, verb == "dry-activate")
	for _, l := range script.Say {
		fmt.Fprintln(c.Stderr, l)
	}
	if verb == "dry-activate" {
		way.tell(c)
		return 0
	}
	return h.activate(ctx, c, s, script, way)
}

// activate makes a system run: the verbs test and switch.
func (h *Host) activate(ctx context.Context, c *Call, s *system, script Activation, w way) int {
	takes := script.Takes
	if takes == 0 {
		takes = 8 * time.Second
	}
	line := func(format string, names []string) {
		if len(names) > 0 {
			fmt.Fprintf(c.Stderr, format+"\n", sentence(names))
		}
	}
	step := func() bool { return passes(ctx, takes/4) && c.may() }
	line("stopping the following units: %s", w.stop)
	h.each(w.stop, h.stopped)
	line("NOT restarting the following changed units: %s", w.skip)
	if !step() {
		return 130
	}
	fmt.Fprintln(c.Stderr, "activating the configuration...")
	fmt.Fprintln(c.Stdout, "setting up /etc...")
	if err := h.setRunning(s); err != nil {
		return c.fail(err.Error())
	}
	for _, snippet := range script.Snippets {
		fmt.Fprintf(c.Stderr, "Activation script snippet '%s' failed (1)\n", snippet)
	}
	if script.During != nil {
		script.During()
	}
	if script.Hang {
		<-ctx.Done()
	}
	if !step() {
		return 130
	}
	h.load(s, script)
	line("reloading the following units: %s", w.reload)
	line("restarting the following units: %s", w.restart)
	h.each(w.restart, h.started)
	if !step() {
		return 130
	}
	line("starting the following units: %s", w.start)
	h.each(w.start, h.started)
	line("the following new units were started: %s", w.added)
	if !step() {
		return 130
	}
	failed := h.failures(slices.Concat(w.restart, w.start))
	failed = append(failed, script.Blip...)
	slices.Sort(failed)
	line("warning: the following units failed: %s", slices.Compact(failed))
	h.afterwards(s, script)
	switch {
	case len(script.Snippets) > 0:
		return 2
	case len(failed) > 0:
		return 4
	}
	return 0
}

// may tells whether the program is still there to do anything.
func (c *Call) may() bool {
	_, err := c.Host.Files.Stat("/run")
	return err == nil
}

// setRunning sets the links of what runs.
func (h *Host) setRunning(s *system) error {
	h.files.Lock()
	defer h.files.Unlock()
	if err := h.link("/etc/static", h.readlink(s.top+"/etc")); err != nil {
		return err
	}
	return h.link("/run/current-system", s.top)
}

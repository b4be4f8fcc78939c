package simulated

import (
	"context"
	"fmt"
	"maps"
	"path"
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

// way is what a switch does to units.
type way struct {
	stop, skip, reload, restart, start []string
	added                              []string // of start: those that are new
}

// way compares the unit files of what runs with those of what is to run, as far as
// units are active.
func (h *Host) way(from, to *system, dry bool) way {
	var w way
	old := map[string]string{}
	if from != nil {
		old = from.units
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	active := func(name string) bool {
		it := h.units[name]
		if it == nil {
			return false
		}
		state := it.now(now).Active
		return state == "active" || state == "activating"
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		is, still := to.units[name]
		text := to.Units[name]
		switch {
		case !active(name) || still && is == old[name]:
		case !still:
			w.stop = append(w.stop, name)
		case option(text, "X-RestartIfChanged") == "false":
			w.skip = append(w.skip, name)
		case option(text, "X-ReloadIfChanged") == "true":
			w.reload = append(w.reload, name)
		case option(text, "X-StopIfChanged") == "false":
			w.restart = append(w.restart, name)
		default:
			w.stop, w.start = append(w.stop, name), append(w.start, name)
		}
	}
	// Starting the targets pulls up what they want and is not there.
	for _, name := range slices.Sorted(maps.Keys(to.units)) {
		_, before := old[name]
		if strings.Contains(to.Units[name], "WantedBy=") && !active(name) && !slices.Contains(w.start, name) {
			if !before {
				w.added = append(w.added, name)
			} else if dry {
				continue // it only starts the target
			}
			w.start = append(w.start, name)
		}
	}
	slices.Sort(w.start)
	return w
}

// option is a unit file's value, "" where it has none.
func option(text, name string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
			return v
		}
	}
	return ""
}

// tell is what a dry run says.
func (w way) tell(c *Call) {
	line := func(format string, names []string) {
		if len(names) > 0 {
			fmt.Fprintf(c.Stderr, format+"\n", sentence(names))
		}
	}
	line("would stop the following units: %s", w.stop)
	line("would NOT stop the following changed units: %s", w.skip)
	fmt.Fprintln(c.Stderr, "would activate the configuration...")
	line("would reload the following units: %s", w.reload)
	line("would restart the following units: %s", w.restart)
	line("would start the following units: %s", w.start)
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

// each does something with units that there are.
func (h *Host) each(names []string, do func(*unit)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range names {
		if it := h.units[name]; it != nil {
			do(it)
		}
	}
}

// failures are those of the units that have failed.
func (h *Host) failures(names []string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var failed []string
	for _, name := range names {
		if it := h.units[name]; it != nil && it.Active == "failed" {
			failed = append(failed, name)
		}
	}
	return failed
}

// load is systemd reading its unit files anew: units come and go, and what another
// generation had broken is whole again.
func (h *Host) load(s *system, script Activation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, it := range h.units {
		if it.brokenBy != 0 && it.brokenBy != s.Number {
			it.broken, it.brokenBy = "", 0
			it.Restarts, it.flapping = it.now(time.Now()).Restarts, 0
		}
	}
	for _, other := range h.stored {
		for name := range other.units {
			if it := h.units[name]; it != nil && s.units[name] == "" && it.Active == "inactive" {
				delete(h.units, name)
			}
		}
	}
	for name := range s.units {
		if it := h.units[name]; it != nil {
			it.Description = option(s.Units[name], "Description")
			continue
		}
		it := h.newUnit(sys.Unit{
			Name: name, Description: option(s.Units[name], "Description"), Load: "loaded", Active: "inactive", Sub: "dead",
			Result: "success", Type: typeOf(name, s.Units[name]), Memory: -1, Fragment: path.Join("/etc/systemd/system", name),
		})
		h.units[name] = it
	}
	for _, name := range script.Fail {
		if it := h.units[name]; it != nil {
			it.broken, it.brokenBy = "exit-code", s.Number
		}
	}
}

// afterwards is what becomes of units when the switch is over.
func (h *Host) afterwards(s *system, script Activation) {
	if len(script.Flap) > 0 {
		h.each(script.Flap, func(it *unit) {
			it.flap(20 * time.Second)
			it.brokenBy = s.Number
		})
	}
	if len(script.Break) == 0 {
		return
	}
	power := h.powered()
	h.work.Go(func() {
		if !passes(power, script.Later) || h.Running() != s.Number {
			return
		}
		h.each(script.Break, func(it *unit) {
			it.broken, it.brokenBy = "exit-code", s.Number
			h.failed(it, "exit-code")
		})
	})
}

func typeOf(name, text string) string {
	if !strings.HasSuffix(name, ".service") {
		return ""
	}
	if t := option(text, "Type"); t != "" {
		return t
	}
	return "simple"
}

// names of a system's units, sorted.
func (s *system) names() []string { return slices.Sorted(maps.Keys(s.units)) }

// adopt puts a system's unit into the table as it is after a boot, for who holds
// the lock. What the options say of a unit of that name counts.
func (h *Host) adopt(s *system, name string) {
	if h.units[name] != nil {
		return
	}
	text := s.Units[name]
	u := sys.Unit{
		Name: name, Description: option(text, "Description"), Load: "loaded", Active: "inactive", Sub: "dead",
		Result: "success", Type: typeOf(name, text), Memory: -1, Fragment: path.Join("/etc/systemd/system", name),
	}
	it := h.newUnit(u)
	h.units[name] = it
	if strings.Contains(text, "WantedBy=") {
		h.started(it)
	}
}

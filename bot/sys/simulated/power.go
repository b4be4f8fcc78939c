package simulated

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// ErrPower is what everybody gets who was there before a power loss.
var ErrPower = fmt.Errorf("the power was lost: %w", ErrKilled)

// end kills all processes, and with them all that runs in units.
func (h *Host) end(cause error) {
	h.mu.Lock()
	h.cut(cause)
	var all []*process
	for _, p := range h.processes {
		all = append(all, p)
	}
	h.mu.Unlock()
	for _, p := range all {
		p.kill(cause)
	}
}

// PowerLoss takes the power away and gives it back: everything that runs is gone,
// /run is empty, and the host starts the system that its boot loader has. Handles
// from before are dead; ask for new ones. It returns when the host is up again.
func (h *Host) PowerLoss() error {
	h.end(ErrPower)
	h.files.Lock()
	defer h.files.Unlock()
	h.mu.Lock()
	h.power, h.cut = context.WithCancelCause(context.Background())
	if h.closed {
		h.cut(ErrPower)
	}
	menu := h.menu
	h.units = map[string]*unit{}
	h.mu.Unlock()
	s := h.systemAt(menu)
	if s == nil || len(s.Missing) > 0 {
		return errors.New("the simulated host does not start: the boot loader's system is not whole")
	}
	entries, err := os.ReadDir(h.tree.Outside("/run"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(h.tree.Outside("/run/" + e.Name())); err != nil {
			return err
		}
	}
	return h.boot(s)
}

// boot starts a system: the links in /run, a new boot id, its units.
func (h *Host) boot(s *system) error {
	now := time.Now()
	h.mu.Lock()
	h.booted = now
	h.mu.Unlock()
	id := invocation()
	err := errors.Join(
		os.MkdirAll(h.tree.Outside("/run/nixos"), 0o755),
		os.MkdirAll(h.tree.Outside("/run/lock"), 0o755),
		h.link("/run/booted-system", s.top),
		h.link("/run/current-system", s.top),
		h.link("/etc/static", h.readlink(s.top+"/etc")),
		h.put("/proc/sys/kernel/random/boot_id", fmt.Sprintf("%s-%s-4%s-8%s-%s\n", id[:8], id[8:12], id[13:16], id[17:20], id[20:32]), 0o444),
		h.put("/proc/cmdline", s.line()+"\n", 0o444),
		h.put("/proc/sys/kernel/osrelease", s.Kernel+"\n", 0o444),
		h.put("/proc/stat", fmt.Sprintf("cpu  1 0 1 1 0 0 0 0 0 0\nbtime %d\n", now.Unix()), 0o444),
	)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.o.Pools == nil || len(h.pools) > 0 {
		h.zfs = newModule(h.o.RAM, 0, 0, now)
		if err := h.putParameters(); err != nil {
			return err
		}
		if err := h.put(arcstats, h.zfs.stats(), 0o444); err != nil {
			return err
		}
		if err := h.put(meminfo, h.zfs.memory(), 0o444); err != nil {
			return err
		}
	}
	for _, u := range h.o.Units {
		h.units[u.Name] = h.newUnit(u)
	}
	for _, name := range s.names() {
		h.adopt(s, name)
	}
	broken := h.scripts[s.Number]
	for _, name := range slices.Concat(broken.Fail, broken.Break) {
		if it := h.units[name]; it != nil {
			it.broken, it.brokenBy = "exit-code", s.Number
			h.failed(it, "exit-code")
		}
	}
	return nil
}

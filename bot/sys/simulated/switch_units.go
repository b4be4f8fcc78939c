package simulated

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"watchstander/bot/sys"
)

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
	_ = h.begin(func() { // on a host that is off nothing breaks
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

package simulated

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

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

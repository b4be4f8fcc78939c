package units

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// bonds are a unit's ties to others.
type bonds struct {
	triggeredBy, triggers []string
	// follow are the active units that restart with it, its own ties' ties included.
	follow []string
	// ends are those that stop with it, or may, and that the restart does not start
	// again.
	ends []string
	// stale: the unit file was changed since systemd read it.
	stale bool
	// cut: there are more than were followed.
	cut bool
}

// The ties along which a restart reaches other units, by the names that systemd gives
// them on the unit's own side; what others declare (Requires=, PartOf=,
// StopPropagatedFrom=) stands here as its inverse.
var (
	// following restart a unit that is active, and stop it where the stop alone is
	// passed on.
	following = []string{"RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf"}
	// passing stops alone: PropagatesStopTo=, since systemd 249. That the stop within
	// a restart is passed on, newer ones have it so, and 252 has it not: such a unit
	// may stop.
	passing = []string{"PropagatesStopTo"}
	// excluding stops what cannot be active together with a unit that is started.
	excluding = []string{"Conflicts", "ConflictedBy"}

	properties = "--property=Id,ActiveState,NeedDaemonReload,TriggeredBy,Triggers," +
		strings.Join(slices.Concat(following, passing, excluding), ",")
)

// mostFollowers bounds the units that are looked at.
const mostFollowers = 100

// bonds walks along the ties as systemd does when a unit is restarted: first to those
// that restart with it, then to those that stop for it or for one of them.
func (k *Keeper) bonds(ctx context.Context, name string) (b bonds, err error) {
	w := walk{k: k, seen: map[string]bool{}, stopped: map[string]bool{}}
	if err := w.along(ctx, []string{name}, following, slices.Concat(passing, excluding)); err != nil {
		return b, err
	}
	self := w.first
	b.triggeredBy, b.triggers = strings.Fields(self["TriggeredBy"]), strings.Fields(self["Triggers"])
	b.stale = self["NeedDaemonReload"] == "yes"
	b.follow = slices.DeleteFunc(w.active, func(u string) bool { return u == name })
	w.active = nil
	if !w.cut {
		// What is stopped starts nothing, so its own conflicts do not matter.
		ring := slices.Sorted(maps.Keys(w.stopped))
		if err := w.along(ctx, ring, slices.Concat(following, passing), nil); err != nil {
			return b, err
		}
	}
	b.ends, b.cut = w.active, w.cut
	slices.Sort(b.follow)
	slices.Sort(b.ends)
	return b, nil
}

// walk is one along units' ties.
type walk struct {
	k       *Keeper
	seen    map[string]bool
	first   map[string]string // the properties of the unit that it began with
	active  []string          // those that were met
	stopped map[string]bool   // those behind the other ties
	cut     bool              // there were too many
}

// along goes from units to all behind the ties, as long as they are active, and
// remembers what is behind the others. No unit is met twice.
func (w *walk) along(ctx context.Context, ring, ties, others []string) error {
	for {
		ring = slices.DeleteFunc(ring, func(u string) bool { return w.seen[u] })
		for _, u := range ring {
			w.seen[u] = true
		}
		if w.cut = len(w.seen) > mostFollowers; len(ring) == 0 || w.cut {
			return nil
		}
		shown, err := w.k.show(ctx, ring)
		if err != nil {
			return err
		}
		met := map[string]bool{}
		for _, s := range shown {
			if w.first == nil {
				w.first = s // whatever its state: the restart starts it
			} else if !affected(s["ActiveState"]) {
				continue
			}
			w.active = append(w.active, s["Id"])
			for _, tie := range ties {
				for u := range strings.FieldsSeq(s[tie]) {
					met[u] = true
				}
			}
			for _, tie := range others {
				for u := range strings.FieldsSeq(s[tie]) {
					w.stopped[u] = true
				}
			}
		}
		ring = slices.Sorted(maps.Keys(met))
	}
}

// affected: systemd passes a stop or a restart on to units in these states alone; in
// the others there is nothing to stop.
func affected(state string) bool {
	return state != "inactive" && state != "failed" && state != "deactivating"
}

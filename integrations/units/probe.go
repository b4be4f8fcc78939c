package units

import (
	"context"
	"maps"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/sys"
)

// Probe tells how the units are that may be restarted: the evidence by which a
// standing approval sees that one needs it, and that it has helped.
type Probe struct{ k *Keeper }

var _ bot.Probe = Probe{}

// Probe makes it.
func (k *Keeper) Probe() Probe { return Probe{k} }

// Name is "units" and the host's name.
func (p Probe) Name() string { return strings.TrimSpace("units " + p.k.h.Name) }

// Evidence is what a unit's reading is called: by the probe, and by a restart's
// verification at its end.
func Evidence(unit string) string { return "unit " + unit }

// Read gives one reading for each unit.
func (p Probe) Read(ctx context.Context) []bot.Reading {
	var out []bot.Reading
	for _, name := range slices.Sorted(maps.Keys(p.k.restartable)) {
		u, err := p.k.unit(ctx, name)
		if err != nil {
			r := reading(p.k.h.Name, Evidence(name), "", []string{bot.ForPeople(err)})
			r.State = bot.Unknown
			out = append(out, r)
			continue
		}
		out = append(out, reading(p.k.h.Name, Evidence(name), stateWords(u), ailing(u)))
	}
	return out
}

// ailing says why a unit is not as it should be. A service that is stopped does
// not run, whoever stopped it; a oneshot has done its work.
func ailing(u sys.Unit) []string {
	switch {
	case u.Type == "oneshot" && u.Fine():
		return nil
	case u.Active != "active", u.Sub == "auto-restart":
		return []string{"it does not run"}
	}
	return nil
}

package units

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// Probe reads the host's units for status and for standing approvals.
type Probe struct{ k *Keeper }

var _ bot.Probe = Probe{}

// Probe is the probe of this host.
func (k *Keeper) Probe() Probe { return Probe{k} }

// Name is "units" and the host's name.
func (p Probe) Name() string { return strings.TrimSpace("units " + p.k.h.Name) }

// Tells are what its readings are called (bot/probing, Teller).
func (p Probe) Tells() []string { return []string{failedUnits, flappingUnits} }

const failedUnits, flappingUnits = "failed units", "flapping units"

// looked are the kinds of units that can fail in a way that people must know of.
var looked = []string{"*.service", "*.mount", "*.swap", "*.socket", "*.timer", "*.path"}

// Evidence is what a unit's reading is called: by the probe, and by a restart's
// verification at its end.
func Evidence(unit string) string { return "unit " + unit }

// mostNamed is how many units in trouble are named, those that may be restarted
// before all others. The rest is counted.
const mostNamed = 10

// Read gives a reading for each unit that has failed or flaps, or one that there is
// none; and one for each unit that may be restarted, however it is: it is the
// evidence by which a standing approval sees that one needs it, and that it has
// helped.
func (p Probe) Read(ctx context.Context) []bot.Reading {
	const failed, flaps = failedUnits, flappingUnits
	at := now()
	told := func(what, value string, state bot.ReadingState, note string) bot.Reading {
		return bot.Reading{Host: p.k.h.Name, What: what, Value: value, Note: line(note), Source: "systemd over D-Bus", At: at, State: state}
	}
	list, err := p.k.h.Units.List(ctx, looked...)
	if err != nil {
		const why = "systemd does not answer"
		return []bot.Reading{told(failed, "", bot.Unknown, why), told(flaps, "", bot.Unknown, why)}
	}
	slices.SortStableFunc(list, func(a, b sys.Unit) int { // what is new is named, and what people may mend
		if mine := p.k.restartable[a.Name]; mine != p.k.restartable[b.Name] {
			return map[bool]int{true: -1, false: 1}[mine]
		}
		return b.Since.Compare(a.Since)
	})
	var down, up []bot.Reading
	ailing := map[string]bool{}
	for _, u := range list {
		value, bad := p.trouble(u)
		if !bad {
			continue
		}
		ailing[u.Name] = true
		r := told(Evidence(line(u.Name)), value, bot.NotOK, u.Description)
		if u.Active != "failed" {
			up = append(up, r)
		} else {
			down = append(down, r)
		}
	}
	some := func(what string, rs []bot.Reading) []bot.Reading {
		most := mostNamed
		for most < len(rs) && p.k.restartable[strings.TrimPrefix(rs[most].What, Evidence(""))] {
			most++
		}
		switch n := len(rs); {
		case n == 0:
			return []bot.Reading{told(what, "none", bot.OK, "").With(0, bot.FigureCount)}
		case n > most:
			return append(rs[:most:most], told(what, fmt.Sprintf("%d more", n-most), bot.NotOK, fmt.Sprintf("%d in all, the newest are named", n)).With(float64(n), bot.FigureCount))
		}
		return rs
	}
	out := slices.Concat(some(failed, down), some(flaps, up))
	for _, name := range slices.Sorted(maps.Keys(p.k.restartable)) {
		if ailing[name] {
			continue
		}
		u, err := p.k.unit(ctx, name)
		switch {
		case err != nil:
			out = append(out, told(Evidence(name), "", bot.Unknown, bot.ForPeople(err)))
		default:
			st, why := standingOf(u)
			if st != runs && st != ended && st != between {
				why = "it may be restarted, and does not run"
			}
			out = append(out, told(Evidence(name), stateWords(u), st.state(), why))
		}
	}
	return out
}

// trouble says in what trouble a unit is.
func (p Probe) trouble(u sys.Unit) (string, bool) {
	result := ""
	if u.Result != "" && u.Result != "success" {
		result = ": " + line(u.Result)
	}
	at := now()
	st, _ := standingOf(u)
	switch {
	case u.Active == "failed":
		return fmt.Sprintf("failed%s, %s ago", result, phrase.Duration(at.Sub(u.Since))), true
	case strings.HasPrefix(u.Sub, "auto-restart"):
		// What ended well and is started again has not failed.
		return fmt.Sprintf("fails and is started again (%d times so far)%s", u.Restarts, result), result != ""
	case st == runs && host.Flapping(u.Name, u.Restarts, u.Started, at):
		return fmt.Sprintf("flaps: started again by systemd %d times, last %s ago", u.Restarts, phrase.Duration(at.Sub(u.Started))), true
	}
	return "", false
}

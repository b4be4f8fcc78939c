package units

import (
	"context"
	"fmt"
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

// looked are the kinds of units that can fail in a way that people must know of.
var looked = []string{"*.service", "*.mount", "*.swap", "*.socket", "*.timer", "*.path"}

// mostNamed is how many units in trouble are named. The rest is counted.
const mostNamed = 10

// Read gives a reading for each unit that has failed or flaps, or one that there is
// none; and one for each unit that may be restarted, however it is: it is the
// evidence that a restart has helped.
func (p Probe) Read(ctx context.Context) []bot.Reading {
	const failed, flaps = "failed units", "flapping units"
	at := now()
	told := func(what, value string, state bot.ReadingState, note string) bot.Reading {
		return bot.Reading{Host: p.k.h.Name, What: what, Value: value, Note: line(note), Source: "systemd over D-Bus", At: at, State: state}
	}
	list, err := p.k.h.Units.List(ctx, looked...)
	if err != nil {
		const why = "systemd does not answer"
		return []bot.Reading{told(failed, "", bot.Unknown, why), told(flaps, "", bot.Unknown, why)}
	}
	slices.SortStableFunc(list, func(a, b sys.Unit) int { return b.Since.Compare(a.Since) }) // what is new is named
	var down, up, fine []bot.Reading
	for _, u := range list {
		value, bad := p.trouble(u)
		what := "unit " + line(u.Name)
		switch {
		case bad && u.Active != "failed":
			up = append(up, told(what, value, bot.NotOK, u.Description))
		case bad:
			down = append(down, told(what, value, bot.NotOK, u.Description))
		case p.k.restartable[u.Name] && u.Active != "active" && (u.Type != "oneshot" || !u.Fine()):
			fine = append(fine, told(what, stateWords(u), bot.NotOK, "it is on the list of what may be restarted, and does not run"))
		case p.k.restartable[u.Name]:
			fine = append(fine, told(what, stateWords(u), bot.OK, ""))
		}
	}
	for name := range p.k.restartable {
		if !slices.ContainsFunc(list, func(u sys.Unit) bool { return u.Name == name }) {
			fine = append(fine, told("unit "+name, "", bot.Unknown, "systemd has not loaded it"))
		}
	}
	slices.SortFunc(fine, func(a, b bot.Reading) int { return strings.Compare(a.What, b.What) })
	some := func(what string, rs []bot.Reading) []bot.Reading {
		switch n := len(rs); {
		case n == 0:
			return []bot.Reading{told(what, "none", bot.OK, "")}
		case n > mostNamed:
			return append(rs[:mostNamed:mostNamed], told(what, fmt.Sprintf("%d more", n-mostNamed), bot.NotOK, fmt.Sprintf("%d in all, the newest are named", n)))
		}
		return rs
	}
	return slices.Concat(some(failed, down), some(flaps, up), fine)
}

// trouble says in what trouble a unit is.
func (p Probe) trouble(u sys.Unit) (string, bool) {
	result := ""
	if u.Result != "" && u.Result != "success" {
		result = ": " + line(u.Result)
	}
	at := now()
	switch {
	case u.Active == "failed":
		return fmt.Sprintf("failed%s, %s ago", result, phrase.Duration(at.Sub(u.Since))), true
	case strings.HasPrefix(u.Sub, "auto-restart"):
		// What ended well and is started again has not failed.
		return fmt.Sprintf("fails and is started again (%d times so far)%s", u.Restarts, result), result != ""
	case u.Active == "active" && host.Flapping(u.Name, u.Restarts, u.Started, at):
		return fmt.Sprintf("flaps: started again by systemd %d times, last %s ago", u.Restarts, phrase.Duration(at.Sub(u.Started))), true
	}
	return "", false
}

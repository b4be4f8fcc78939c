package units

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

const (
	usualHours = 24
	// mostChanges is how many are told, the newest.
	mostChanges = 200
)

// Changes gathers what changed within a span, from wherever it leaves a trace:
// boots, switches of the system, starts of services, images of containers. Each change
// has an id that is the same whenever it is told. What one source cannot tell is
// said, and the others go on.
func (k *Keeper) Changes(ctx context.Context, span time.Duration) (host.Changes, error) {
	out := host.Changes{At: now()}
	out.From = out.At.Add(-span)
	g := &gathering{from: out.From, seen: map[string]bool{}}
	boots, reach, err := k.boots(ctx)
	if err != nil {
		g.doubt("earlier reboots", err)
	}
	if reach.After(g.from) {
		g.unknown = append(g.unknown, fmt.Sprintf("reboots, starts and images before: the journal on %s goes back %s only", k.h.Name, words(out.At.Sub(reach))))
	}
	g.boots = boots
	for i, b := range boots {
		text := "rebooted"
		if i > 0 && !boots[i-1].last.IsZero() && b.began.After(boots[i-1].last) {
			text += " (down for " + words(b.began.Sub(boots[i-1].last)) + ")"
		}
		g.add(bot.Change{ID: "boot " + b.id, Kind: bot.ChangeReboot, Text: text, At: b.began})
	}
	if err := k.switches(g); err != nil {
		g.doubt("switches of the system", err)
	}
	types, err := k.running(ctx, g)
	if err != nil {
		g.doubt("the last start of each service", err)
	}
	if err := k.starts(ctx, g, types); err != nil {
		g.doubt("earlier starts of services", err)
	}
	k.images(ctx, g)
	slices.SortStableFunc(g.found, func(a, b bot.Change) int { return b.At.Compare(a.At) })
	if n := len(g.found) - mostChanges; n > 0 {
		g.found, out.More = g.found[:mostChanges], n
	}
	for i := range g.found {
		g.found[i].Host, g.found[i].Text = k.h.Name, line(g.found[i].Text)
	}
	out.Changes, out.Unknown = g.found, g.unknown
	return out, nil
}

// gathering is what was found so far.
type gathering struct {
	from    time.Time
	boots   []boot
	found   []bot.Change
	seen    map[string]bool
	unknown []string
}

func (g *gathering) add(c bot.Change) {
	c.At = c.At.UTC().Truncate(time.Millisecond)
	if c.At.Before(g.from) || g.seen[c.ID] {
		return
	}
	g.seen[c.ID] = true
	g.found = append(g.found, c)
}

func (g *gathering) doubt(what string, err error) {
	g.unknown = append(g.unknown, what+": "+bot.ForPeople(err))
}

// booting tells whether a moment is so soon after a boot that what happened then
// is part of it.
func (g *gathering) booting(at time.Time) bool {
	for _, b := range g.boots {
		if !at.Before(b.began) && at.Before(b.began.Add(host.Settling)) {
			return true
		}
	}
	return false
}

// running finds the last start of each service that runs now, or is just being started,
// and tells what type each loaded service has.
func (k *Keeper) running(ctx context.Context, g *gathering) (types map[string]string, err error) {
	types = map[string]string{}
	list, err := k.h.Units.List(ctx, "*.service")
	if err != nil {
		return types, bot.Errorf(bot.CodeUnavailable, "systemd does not answer on %s.", k.h.Name).Because(err)
	}
	for _, u := range list {
		if u.Load != "loaded" {
			continue
		}
		types[u.Name] = u.Type
		if !begun(u) {
			continue
		}
		if u.Invocation == "" || u.Started.IsZero() || u.Type == "" {
			// A list may be no more than names and states.
			if u, err = k.h.Units.Unit(ctx, u.Name); err != nil {
				return types, bot.Errorf(bot.CodeUnavailable, "systemd does not answer on %s.", k.h.Name).Because(err)
			}
			types[u.Name] = u.Type
		}
		text, at := u.Name+" was started", u.Started
		switch st, why := standingOf(u); st {
		case between:
			at = u.Since // its main process may be the one before, as long as others prepare for it
			text += "; " + why
		case loops:
			text += "; " + why
		}
		if !begun(u) || u.Invocation == "" || at.IsZero() || u.Type == "oneshot" || g.booting(at) {
			continue
		}
		g.add(bot.Change{ID: started(u.Name, u.Invocation), Kind: bot.ChangeRestart, Text: text, At: at})
	}
	return types, nil
}

// begun: it has a process, or had one a moment ago; what waits for the start of another
// unit, was stopped or has failed, has no start to tell of but those in the journal.
func begun(u sys.Unit) bool {
	switch st, _ := standingOf(u); st {
	case runs:
		return u.Sub != "exited"
	case between, loops:
		return u.Active == "activating"
	}
	return false
}

// started is the id of a unit's start, from whichever source it is known.
func started(unit, invocation string) string {
	return "start " + unit + " " + strings.ReplaceAll(invocation, "-", "")
}

package systemd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// mostAsked bounds the questions about single units: on a host where a hundred
// fail, the newest of this many are looked for.
const mostAsked = 50

// unit is one that is in trouble.
type unit struct {
	name, description string
	// loops: it failed and waits to be started again; flaps: it runs just now, after
	// it was started again several times.
	loops, flaps bool
	// since is when it came into this state; zero when that is unknown.
	since time.Time
	// result is systemd's word for how it failed: "exit-code", "oom-kill".
	result string
	// restarts so far, of a unit that loops or flaps.
	restarts uint32
}

// failed names the newest failures, a reading for each, and counts the rest; or
// says in one that there are none, or that nobody knows. loops: some of them wait to
// be started again.
func (p *Probe) failed(ctx context.Context, conn Conn) (readings []bot.Reading, loops bool) {
	const what = "failed units"
	list, err := conn.ListUnitsFilteredContext(ctx, []string{"failed", "auto-restart", "auto-restart-queued"})
	if err != nil {
		return []bot.Reading{unknown(what, reason(err))}, false
	}
	var units []unit
	for _, s := range list {
		if u, ok := p.trouble(ctx, conn, s, len(units) < mostAsked); ok {
			units = append(units, u)
			loops = loops || u.loops
		}
	}
	if len(units) == 0 {
		return []bot.Reading{none(what)}, false
	}
	return p.told(units, what), loops
}

// told names the newest of those in trouble, and counts the others.
func (p *Probe) told(units []unit, what string) []bot.Reading {
	slices.SortStableFunc(units, func(a, b unit) int {
		if c := b.since.Compare(a.since); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	shown := units[:min(len(units), p.o.Most)]
	var readings []bot.Reading
	now := time.Now()
	for _, u := range shown {
		readings = append(readings, p.reading(u, now))
	}
	if more := len(units) - len(shown); more > 0 {
		readings = append(readings, bot.Reading{
			What: what, Value: fmt.Sprintf("%d more", more), State: bot.NotOK,
			Note: fmt.Sprintf("%d in all, the newest are named", len(units)),
		}.With(float64(len(units)), bot.FigureCount))
	}
	return readings
}

// mostServices bounds the questions to services that run.
const mostServices = 500

// flapping finds services that run at this moment, and were started again several
// times of late: a look at what is failed would find them only by chance.
func (p *Probe) flapping(ctx context.Context, conn Conn, loops bool) []bot.Reading {
	const what = "flapping units"
	list, err := conn.ListUnitsFilteredContext(ctx, []string{"active", "activating"})
	if err != nil {
		return []bot.Reading{unknown(what, reason(err))}
	}
	var units []unit
	var doubt []bot.Reading
	asked, unread := 0, 0
	now := time.Now()
	lost := func(err error) {
		doubt = append(doubt, unknown(what, fmt.Sprintf("after %s systemd did not answer any more: %s", phrase.Count(asked-1, "service", "services"), reason(err))))
	}
	for _, s := range list {
		if !strings.HasSuffix(s.Name, ".service") || s.SubState == "exited" || waitsToStart(s) {
			continue // what waits to be started again is told with the failed ones
		}
		if asked++; asked > mostServices {
			continue
		}
		n, err := conn.GetUnitTypePropertyContext(ctx, s.Name, "Service", "NRestarts")
		if err != nil && !ofTheUnit(err) {
			lost(err)
			break
		}
		if err != nil {
			unread++ // it may be gone by now
			continue
		}
		restarts := value[uint32](n, nil)
		if !host.Flapping(s.Name, int(restarts), now, now) {
			continue // even if it was started just now
		}
		start, err := conn.GetUnitTypePropertyContext(ctx, s.Name, "Service", "ExecMainStartTimestamp")
		if err != nil {
			doubt = append(doubt, unknown("unit "+line(s.Name), fmt.Sprintf("systemd started it again %d times, and does not tell when last: %s", restarts, reason(err))))
			if !ofTheUnit(err) {
				lost(err)
				break
			}
			continue
		}
		since := when(start, nil)
		if host.Flapping(s.Name, int(restarts), since, now) {
			units = append(units, unit{name: s.Name, description: s.Description, flaps: true, since: since, restarts: restarts})
		}
	}
	switch {
	case len(units) > 0:
		return append(p.told(units, what), doubt...)
	case len(doubt) > 0:
		return doubt
	case asked > mostServices:
		return []bot.Reading{unknown(what, fmt.Sprintf("only %d of %d services were looked at", mostServices, asked))}
	case unread > 0 && unread == asked:
		return []bot.Reading{unknown(what, "how often services were started again cannot be read")}
	}
	if loops {
		return nil
	}
	return []bot.Reading{none(what)}
}

func none(what string) bot.Reading {
	return bot.Reading{What: what, Value: "none", State: bot.OK}.With(0, bot.FigureCount)
}

// ofTheUnit tells whether an error is what systemd says about one unit, so that it
// says nothing of the others. Whatever else went wrong, the rest was not looked at.
func ofTheUnit(err error) bool {
	e, ok := errors.AsType[godbus.Error](err)
	if !ok {
		return false
	}
	switch e.Name {
	case "org.freedesktop.systemd1.NoSuchUnit", "org.freedesktop.systemd1.LoadFailed",
		"org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownInterface", "org.freedesktop.DBus.Error.UnknownProperty":
		return true
	}
	return false
}

// waitsToStart: it is to be started again, now or after a while.
func waitsToStart(s dbus.UnitStatus) bool {
	return s.SubState == "auto-restart" || s.SubState == "auto-restart-queued"
}

// trouble tells whether a listed unit is in trouble, and asks for the details. What
// cannot be asked is left out of them: that the unit failed is known already.
func (p *Probe) trouble(ctx context.Context, conn Conn, s dbus.UnitStatus, ask bool) (unit, bool) {
	u := unit{name: s.Name, description: s.Description}
	switch {
	case s.ActiveState == "failed":
	case waitsToStart(s):
		u.loops = true
	default:
		return u, false
	}
	if ask {
		// The same word begins the D-Bus interface of the unit's type:
		// "x.service" is a Service.
		kind := ""
		if dot := strings.LastIndexByte(s.Name, '.'); dot >= 0 && dot+1 < len(s.Name) {
			kind = strings.ToUpper(s.Name[dot+1:dot+2]) + s.Name[dot+2:]
		}
		u.since = when(conn.GetUnitPropertyContext(ctx, s.Name, "StateChangeTimestamp"))
		u.result = value[string](conn.GetUnitTypePropertyContext(ctx, s.Name, kind, "Result"))
		if u.loops {
			u.restarts = value[uint32](conn.GetUnitTypePropertyContext(ctx, s.Name, kind, "NRestarts"))
		}
	}
	// Restart=always starts again what ended well too, which is no failure.
	if u.loops && u.result == "success" {
		return u, false
	}
	return u, true
}

// value is the zero value for whatever is not as it should be.
func value[T any](property *dbus.Property, err error) T {
	var v T
	if err == nil && property != nil {
		v, _ = property.Value.Value().(T)
	}
	return v
}

// when reads a moment as systemd tells it, in microseconds since 1970.
func when(property *dbus.Property, err error) time.Time {
	micros := value[uint64](property, err)
	if micros == 0 || micros > 1<<53 {
		return time.Time{}
	}
	return time.UnixMicro(int64(micros)).UTC()
}

func (p *Probe) reading(u unit, now time.Time) bot.Reading {
	value := "failed"
	switch {
	case u.flaps:
		value = fmt.Sprintf("flaps: started again by systemd %d times, last %s ago", u.restarts, phrase.Duration(now.Sub(u.since)))
	case u.loops:
		value = "fails and is started again"
		if u.restarts > 0 {
			value += fmt.Sprintf(" (%d times so far)", u.restarts)
		}
	}
	if u.result != "" && u.result != "success" {
		value += ": " + line(u.result)
	}
	// The state of a looping unit changes with every try: its moment says nothing.
	if !u.since.IsZero() && !u.loops && !u.flaps {
		value += fmt.Sprintf(", %s ago (%s)", phrase.Duration(now.Sub(u.since)), phrase.Moment(u.since, p.o.Zone(), now))
	}
	r := bot.Reading{What: "unit " + line(u.name), Value: value, State: bot.NotOK}
	if u.description != u.name {
		r.Note = line(u.description)
	}
	return r
}

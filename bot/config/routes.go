package config

import (
	"slices"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"

	"watchstander/bot"
)

// As is the way in which an alert is told.
type As string

const (
	AsThread    As = "thread"    // a thread of its group's own
	AsDigest    As = "digest"    // a line of the daily digest
	AsHeartbeat As = "heartbeat" // nothing, unless it stays away
)

// Route tells what becomes of the alerts that it matches.
type Route struct {
	// Match are matchers that an alert all fulfils; none match everything.
	Match labels.Matchers
	As    As
	// AbsentAfter is how long a heartbeat may stay away; 0 for others.
	AbsentAfter time.Duration
	Rooms       []bot.RoomID
	// Continue asks the routes that follow, too.
	Continue bool
}

// Decision is what one route says of an alert.
type Decision struct {
	As          As
	Rooms       []bot.RoomID // at least one; not to be changed
	AbsentAfter time.Duration
	// RouteIndex is the route's place in the file, from 0.
	RouteIndex int
}

// Route decides on an alert with these labels: the first route that matches,
// and those after it while each says continue. A room is told of an alert in
// one way only, the first that names it, so no room stands in two decisions.
// There is always at least one: the last route of a checked file matches
// everything.
func (c *Config) Route(l bot.Labels) []Decision {
	var out []Decision
	for i := range c.Routes {
		r := &c.Routes[i]
		if !matches(r.Match, l) {
			continue
		}
		if rooms := fresh(r.Rooms, out); len(rooms) > 0 {
			out = append(out, Decision{r.As, rooms, r.AbsentAfter, i})
		}
		if !r.Continue {
			break
		}
	}
	return out
}

// fresh are the rooms that no decision names yet.
func fresh(rooms []bot.RoomID, before []Decision) []bot.RoomID {
	if len(before) == 0 {
		return rooms
	}
	told := func(r bot.RoomID) bool {
		return slices.ContainsFunc(before, func(d Decision) bool { return slices.Contains(d.Rooms, r) })
	}
	return slices.DeleteFunc(slices.Clone(rooms), told)
}

func (b *builder) routes() {
	items := b.keys.Routes.items
	if b.keys.Routes.empty() {
		b.fault(b.keys.Routes.place, "is empty: the least is one route that matches everything: - rooms: [ops]")
	}
	all := 0 // line of the route at which everything stops
	heartbeat := false
	for i := range items {
		k := &items[i]
		r, reach := b.route(k)
		b.cfg.Routes = append(b.cfg.Routes, r)
		heartbeat = heartbeat || r.As == AsHeartbeat
		if all > 0 {
			b.fault(k.place, "is never reached: the route of line %d matches everything; move this one above it", all)
			continue
		}
		catchAll, last := reach == everything, i == len(items)-1
		switch {
		case catchAll && r.As == AsHeartbeat:
			b.fault(k.As.place, "a heartbeat needs match: any alert at all would keep it beating")
		case catchAll && last && r.Continue:
			b.fault(k.Continue.place, "no route follows: leave it out")
		case catchAll && !r.Continue:
			all = max(1, k.line)
		case last && reach == some:
			b.fault(k.place, "the last route must match everything, or alerts that no route matches are told nobody: leave its match out, or add a last route such as - rooms: [ops]")
		}
	}
	if len(items) > 0 && !heartbeat {
		b.warn(b.keys.Routes.place, "no route is a heartbeat: when Alertmanager itself falls silent, nobody is told; send it an alert that always fires, and add a route with as: heartbeat")
	}
}

// reach is how much of all alerts a route matches, as far as its file can tell.
type reach int

const (
	unclear reach = iota // its match could not be read as a whole
	some
	everything
)

func (b *builder) reach(k *routeKeys) reach {
	switch {
	case k.line == 0 || b.open(k.field, "match"):
		return unclear
	case k.Match.set && len(k.Match.items) > 0:
		return some
	}
	return everything
}

func (b *builder) route(k *routeKeys) (Route, reach) {
	r := Route{As: As(k.As.or(string(AsThread))), AbsentAfter: k.AbsentAfter.v, Continue: k.Continue.v}
	reach := b.reach(k)
	r.Match, _ = b.matchers(k.Match)
	switch r.As {
	case AsThread, AsDigest, AsHeartbeat:
	default:
		b.fault(k.As.place, "there is no way %s%s", short(k.As.v), choose(k.As.v, string(AsThread), string(AsDigest), string(AsHeartbeat)))
	}
	switch {
	case r.As != AsHeartbeat:
		if k.AbsentAfter.set && (k.As.ok || !k.As.set) {
			b.fault(k.AbsentAfter.place, "only a heartbeat can be absent: write as: heartbeat, or leave this out")
		}
	case !k.AbsentAfter.set && b.open(k.field, "absent_after"):
	case !k.AbsentAfter.set:
		b.fault(k.As.place, "a heartbeat needs absent_after: write how long it may stay away, such as absent_after: 10m")
	default:
		b.atLeast(k.AbsentAfter, time.Minute)
	}
	if r.As == AsHeartbeat && r.Continue {
		b.fault(k.Continue.place, "a heartbeat goes no further, or it would become a thread that never ends: leave it out")
	}
	r.Rooms = b.roomList(k.Rooms)
	return r, reach
}

func (b *builder) roomList(l list[given[string]]) []bot.RoomID {
	var out []bot.RoomID
	for _, g := range l.items {
		if !b.roomNames.known(&b.judge, g) {
			continue
		}
		if slices.Contains(out, bot.RoomID(g.v)) {
			b.fault(g.place, "%s stands twice", short(g.v))
			continue
		}
		b.roomUsed[g.v] = true
		out = append(out, bot.RoomID(g.v))
	}
	if l.empty() {
		b.fault(l.place, "is empty: name the rooms that are told")
	}
	return out
}

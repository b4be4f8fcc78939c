package alertmanagertest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// group is one aggregation group: the alerts of one route that agree in the
// labels it is grouped by. It is looked at ("flushed") group_wait after it was
// made and then every group_interval as long as it has alerts.
type group struct {
	am     *Alertmanager
	route  *route
	labels model.LabelSet
	key    string // Alertmanager's groupKey
	alerts map[string]*alert

	next time.Time // of the flushes
	// asleep: nothing can come of a flush before wakeAt (zero: ever), unless
	// something changes. The real one flushes all the same and sends nothing;
	// leaving that out keeps stories that last for months short.
	asleep bool
	wakeAt time.Time
	busy   bool // a notification is on its way; the next flush waits for it
}

// groupOf finds or makes the group of an alert under a route.
func (am *Alertmanager) groupOf(r *route, a *alert) *group {
	l := model.LabelSet{}
	for name, value := range a.labels {
		if slices.Contains(r.GroupBy, string(name)) || slices.Contains(r.GroupBy, "...") {
			l[name] = value
		}
	}
	key := r.key() + ":" + l.String()
	id := string(rune(r.index)) + key
	if g := am.groups[id]; g != nil {
		return g
	}
	now := time.Now()
	g := &group{am: am, route: r, labels: l, key: key, alerts: map[string]*alert{}, next: now.Add(r.GroupWait)}
	if a.startsAt.Add(r.GroupWait).Before(now) {
		g.next = now // it has waited long enough elsewhere
	}
	am.groups[id] = g
	return g
}

func (g *group) insert(a *alert) { g.alerts[a.fingerprint] = a }

// due is when the group has to be looked at.
func (g *group) due() (time.Time, bool) {
	switch {
	case g.busy || g.asleep && g.wakeAt.IsZero():
		return time.Time{}, false
	case g.asleep:
		return g.firstFlush(g.wakeAt), true
	}
	return g.next, true
}

// firstFlush is the first of the group's flushes that is not before t.
func (g *group) firstFlush(t time.Time) time.Time {
	if !g.next.Before(t) {
		return g.next
	}
	intervals := (t.Sub(g.next) + g.route.GroupInterval - 1) / g.route.GroupInterval
	return g.next.Add(intervals * g.route.GroupInterval)
}

// awake ends the sleep because something changed.
func (g *group) awake(now time.Time) {
	if g.asleep {
		g.asleep, g.next = false, g.firstFlush(now)
	}
}

// flush takes the group's alerts through what the real one calls its pipeline,
// up to the wait for the peers before it. What is left makes a delivery.
func (g *group) flush(now time.Time) {
	if g.asleep {
		g.asleep, g.next = false, now
	}
	g.next = now.Add(g.route.GroupInterval)
	snapshot := slices.SortedFunc(maps.Values(g.alerts), compareAlerts)
	muted := len(g.am.knobs.muted[g.route.Receiver]) > 0
	var left []*alert
	for _, a := range snapshot {
		s := g.am.suppressed(a, now)
		if !muted && len(s.silencedBy)+len(s.inhibitedBy) == 0 {
			left = append(left, a)
		}
	}
	wait := time.Duration(g.am.position()) * g.am.o.PeerTimeout
	d := &delivery{
		group: g, life: g.am.life, snapshot: snapshot, alerts: left, flushedAt: now,
		at:       now.Add(wait),
		deadline: now.Add(max(g.route.GroupInterval, 10*time.Second) + wait),
	}
	if len(left) == 0 {
		d.finish(now, true)
		return
	}
	g.busy = true
	g.am.queue = append(g.am.queue, d)
}

// forget drops the alerts of a notification that is done with and that were
// resolved in it, unless they have changed since; an empty group is no more.
func (g *group) forget(snapshot []*alert, at time.Time) {
	for _, a := range snapshot {
		if a.resolvedAt(at) && g.alerts[a.fingerprint] == a {
			delete(g.alerts, a.fingerprint)
		}
	}
	if len(g.alerts) == 0 {
		maps.DeleteFunc(g.am.groups, func(_ string, other *group) bool { return other == g })
	}
}

// rest puts the group to sleep if all its alerts just fire and it has told of
// them: then only the reminder and the silences' beginnings and ends remain.
func (g *group) rest(now time.Time) {
	for _, a := range g.alerts {
		if !a.endsAt.IsZero() {
			return
		}
	}
	entry, told := g.am.log[g.logKey()]
	g.asleep, g.wakeAt = true, time.Time{}
	earlier := func(t time.Time) {
		if t.After(now) && (g.wakeAt.IsZero() || t.Before(g.wakeAt)) {
			g.wakeAt = t
		}
	}
	if told {
		earlier(entry.at.Add(g.route.RepeatInterval + 1))
		earlier(entry.expiresAt)
	}
	for _, s := range g.am.silences {
		earlier(s.startsAt)
		earlier(s.endsAt.Add(1))
	}
	if len(g.am.inhibit) > 0 {
		for _, a := range g.am.alerts {
			earlier(a.endsAt)
		}
	}
}

func (g *group) logKey() string { return g.route.Receiver + "\x00" + g.key }

// compareAlerts is the order in which notifications list alerts: by job, by
// instance, then by the other labels.
func compareAlerts(a, b *alert) int {
	for _, name := range []model.LabelName{"job", "instance"} {
		va, inA := a.labels[name]
		vb, inB := b.labels[name]
		switch {
		case inA && !inB:
			return -1
		case !inA && inB:
			return 1
		case va != vb:
			return cmp.Compare(va, vb)
		}
	}
	switch {
	case a.labels.Before(b.labels):
		return -1
	case b.labels.Before(a.labels):
		return 1
	}
	return 0
}

// logEntry is what a receiver was last told of a group.
type logEntry struct {
	at        time.Time
	expiresAt time.Time
	firing    map[string]bool // fingerprints
	resolved  map[string]bool
}

// logRetention is how long an entry is kept, if twice repeat_interval is longer.
const logRetention = 120 * time.Hour

// reason says why a notification is sent, in the payload's words; "" when there
// is no need for one.
func (e logEntry) reason(told bool, firing, resolved map[string]bool, sendResolved bool, repeat time.Duration, now time.Time) string {
	switch {
	case !told:
		if len(firing) > 0 {
			return "first notification"
		}
		return "" // nobody was told of the beginning, so nobody is of the end
	case !subset(firing, e.firing):
		if len(e.firing) == 0 {
			return "first notification"
		}
		return "new alerts added"
	case len(firing) == 0:
		if len(e.firing) > 0 {
			return "all alerts resolved"
		}
		return ""
	case sendResolved && !subset(resolved, e.resolved):
		return "some alerts resolved"
	case e.at.Before(now.Add(-repeat)):
		return "repeat interval elapsed"
	}
	return ""
}

func subset(small, large map[string]bool) bool {
	for k := range small {
		if !large[k] {
			return false
		}
	}
	return true
}

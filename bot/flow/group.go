package flow

import (
	"maps"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// group is one group's episodes while an event is applied to them. It is pure:
// it reads and writes no state, so that its rules can be tested as a table.
//
// The rules, for one alert (one fingerprint), of which at most the newest
// episode can fire:
//
//	told                         known                       so
//	firing, start S              nothing, or an end before   a new episode
//	firing, S                    S fires                     a reminder
//	firing, S                    S is over                   in doubt: it fires until Alertmanager says otherwise
//	firing, S                    a later start               a late copy: nothing
//	resolved, S                  S fires                     over
//	resolved, S                  S is over, or nothing       over (noted when it was not known)
//	resolved, S                  a later start fires         a late copy: nothing, but Alertmanager is asked
type group struct {
	thread bot.Thread
	exists bool
	now    time.Time
	ids    bot.IDs

	newest  map[string]*bot.Episode // by fingerprint
	numbers map[string]int
	last    int                    // the highest number given so far
	fresh   map[bot.EpisodeID]bool // made by this event
	dirty   []*bot.Episode         // to be written
	written map[bot.EpisodeID]bool // is in dirty
	changed bool                   // what the root shows changed

	// What happened, for the log.
	fired, resolved, doubted, confirmed, held, freed []*bot.Episode
	// The silences that hold alerts now, and those whose end set them free.
	holding, released []bot.Silence
	// ask: what was told contradicts what is known.
	ask bool
}

func newGroup(th bot.Thread, exists bool, now time.Time, ids bot.IDs) *group {
	g := &group{thread: th, exists: exists, now: now, ids: ids,
		newest: map[string]*bot.Episode{}, numbers: map[string]int{}, fresh: map[bot.EpisodeID]bool{}, written: map[bot.EpisodeID]bool{}}
	if th.State.Alert != nil {
		g.last = th.State.Alert.LastNumber
	}
	return g
}

// load takes the thread's stored episodes, in any order.
func (g *group) load(es []bot.Episode) {
	for _, e := range es {
		g.numbers[e.Fingerprint] = e.Number
		g.last = max(g.last, e.Number)
		if n := g.newest[e.Fingerprint]; n == nil || e.StartsAt.After(n.StartsAt) {
			g.newest[e.Fingerprint] = &e
		}
	}
}

// adopt takes an episode over from another thread.
func (g *group) adopt(e *bot.Episode) {
	e.Thread, e.Number = g.thread.ID, g.numberOf(e.Fingerprint)
	g.newest[e.Fingerprint] = e
	g.fresh[e.ID] = true
	g.write(e)
}

func (g *group) numberOf(fingerprint string) int {
	n, ok := g.numbers[fingerprint]
	if !ok {
		// A number that was given once is not given again: people may still name it,
		// though its episode has long been let go.
		g.last++
		n = g.last
		g.numbers[fingerprint] = n
		if st := g.thread.State.Alert; st != nil {
			st.LastNumber = n
		}
	}
	return n
}

// all are the newest episodes of all alerts, by number.
func (g *group) all() []*bot.Episode {
	return slices.SortedFunc(maps.Values(g.newest), func(a, b *bot.Episode) int { return a.Number - b.Number })
}

// live are those that are not over.
func (g *group) live() []*bot.Episode {
	return slices.DeleteFunc(g.all(), func(e *bot.Episode) bool { return e.Resolved })
}

func (g *group) isNew(e *bot.Episode) bool { return g.fresh[e.ID] }

func (g *group) onlyNew(es []*bot.Episode) bool {
	for _, e := range es {
		if !g.isNew(e) {
			return false
		}
	}
	return true
}

// doubtful tells whether Alertmanager should be asked soon.
func (g *group) doubtful() bool { return g.ask || len(g.doubted) > 0 }

// notice applies one alert of a webhook.
func (g *group) notice(a bot.Alert) {
	known := g.newest[a.Fingerprint]
	start := a.StartsAt.Truncate(time.Millisecond)
	end := a.EndsAt
	if a.Resolved && end.IsZero() {
		end = g.now
	}
	switch {
	case known == nil || start.After(known.StartsAt):
		if known != nil && !known.Resolved {
			// It can only fire anew when it had ended: that notice was missed.
			g.end(known, start, bot.EndedBySuccessor)
		}
		e := g.begin(a, start)
		if a.Resolved {
			g.end(e, end, bot.EndedByNotice)
		} else {
			g.fired = append(g.fired, e)
		}
	case start.Before(known.StartsAt):
		// A late copy of an earlier episode. It must not end the later one.
		if a.Resolved && !known.Resolved {
			g.ask = true
		}
	case a.Resolved && !known.Resolved:
		known.Doubt = false
		g.describe(known, a)
		g.end(known, end, bot.EndedByNotice)
		g.resolved = append(g.resolved, known)
	case a.Resolved:
		// Told again. The notice knows the end better than a poll did.
		if known.Ended == bot.EndedByAbsence {
			known.Ended, known.EndsAt = bot.EndedByNotice, end
			g.touch(known)
			g.changed = true
		}
	case known.Resolved:
		known.Resolved, known.EndsAt, known.Ended, known.Absent = false, time.Time{}, "", 0
		known.Doubt = true
		g.describe(known, a)
		g.touch(known)
		g.changed = true
		g.doubted = append(g.doubted, known)
	default:
		// A reminder. The row is touched only when it says something else.
		if g.describe(known, a) {
			g.touch(known)
			g.changed = true
		}
	}
}

func (g *group) begin(a bot.Alert, start time.Time) *bot.Episode {
	e := &bot.Episode{ID: g.ids.Episode(), Thread: g.thread.ID, Number: g.numberOf(a.Fingerprint), Fingerprint: a.Fingerprint,
		StartsAt: start, FirstAt: g.now}
	g.describe(e, a)
	g.newest[a.Fingerprint] = e
	g.fresh[e.ID] = true
	g.touch(e)
	g.changed = true
	return e
}

// describe copies what the alert says of itself, and tells whether it changed.
func (g *group) describe(e *bot.Episode, a bot.Alert) bool {
	same := maps.Equal(e.Labels, a.Labels) && maps.Equal(e.Annotations, a.Annotations) && e.GeneratorURL == a.GeneratorURL
	if same {
		return false
	}
	e.Labels, e.Annotations, e.GeneratorURL = a.Labels, a.Annotations, a.GeneratorURL
	e.Severity = bot.ParseSeverity(a.Labels["severity"])
	return true
}

func (g *group) end(e *bot.Episode, at time.Time, by bot.EndedBy) {
	if at.After(g.now) {
		at = g.now // the sender's clock is ahead
	}
	if at.Before(e.Since()) {
		at = e.Since()
	}
	e.Resolved, e.EndsAt, e.Ended, e.Doubt, e.Absent = true, at.Truncate(time.Millisecond), by, false, 0
	e.SilencedBy, e.InhibitedBy, e.MutedBy = nil, nil, nil
	e.SilencedFor, e.SilencedSince = e.SilencedUntil(e.EndsAt), time.Time{}
	g.touch(e)
	g.changed = true
}

func (g *group) touch(e *bot.Episode) {
	e.ChangedAt = g.now
	g.write(e)
}

func (g *group) write(e *bot.Episode) {
	if !g.written[e.ID] {
		g.written[e.ID] = true
		g.dirty = append(g.dirty, e)
	}
}

// listed applies what a poll says of an alert that we hold for firing.
func (g *group) listed(e *bot.Episode, p bot.PolledAlert) {
	if e.Absent != 0 {
		e.Absent = 0
		g.touch(e)
	}
	if e.Doubt {
		e.Doubt = false
		g.touch(e)
		g.changed = true
		g.confirmed = append(g.confirmed, e)
	}
	if slices.Equal(e.SilencedBy, p.SilencedBy) && slices.Equal(e.InhibitedBy, p.InhibitedBy) && slices.Equal(e.MutedBy, p.MutedBy) {
		return
	}
	was := e.Suppressed()
	e.SilencedBy, e.InhibitedBy, e.MutedBy = p.SilencedBy, p.InhibitedBy, p.MutedBy
	switch {
	case !e.Silenced():
		e.SilencedFor, e.SilencedSince = e.SilencedUntil(g.now), time.Time{}
	case e.SilencedSince.IsZero():
		e.SilencedSince = g.now
	}
	g.touch(e)
	g.changed = true
	switch {
	case !was && e.Suppressed():
		g.held = append(g.held, e)
	case was && !e.Suppressed():
		g.freed = append(g.freed, e)
	}
}

// absent applies a poll of a settled Alertmanager that does not list an alert
// that we hold for firing. The second one in a row ends it.
func (g *group) absent(e *bot.Episode) {
	e.Absent++
	if e.Absent < 2 {
		g.touch(e)
		g.ask = g.ask || e.Doubt
		return
	}
	g.end(e, g.now, bot.EndedByAbsence)
	g.resolved = append(g.resolved, e)
}

// loud are those that Alertmanager does not hold back.
func loud(es []*bot.Episode) []*bot.Episode {
	return slices.DeleteFunc(slices.Clone(es), func(e *bot.Episode) bool { return e.Suppressed() })
}

func worstSeverity(es []*bot.Episode) (bot.Severity, bool) {
	if len(es) == 0 {
		return bot.SeverityUnknown, false
	}
	w := es[0].Severity
	for _, e := range es[1:] {
		if e.Severity.Rank() > w.Rank() || e.Severity.Rank() == w.Rank() && e.Severity > w {
			w = e.Severity
		}
	}
	return w, true
}

// host is the one that all alerts that are not over speak of, or all of them
// when nothing fires any more; "" when they differ.
func (g *group) host(of func(bot.Labels) string) string {
	es := g.live()
	if len(es) == 0 {
		es = g.all()
	}
	host := ""
	for _, e := range es {
		h := of(e.Labels)
		if h == "" || host != "" && h != host {
			return ""
		}
		host = h
	}
	return host
}

// span is when the first alert of the thread fired, and when the last one ended.
func (g *group) span() (first, last time.Time) {
	first = g.thread.OpenedAt
	for _, e := range g.newest {
		if e.Since().Before(first) {
			first = e.Since()
		}
		if e.EndsAt.After(last) {
			last = e.EndsAt
		}
	}
	return first, last
}

// words are what `alerts find` looks through.
func (g *group) words() string {
	var b strings.Builder
	seen := map[string]bool{}
	add := func(s string) {
		if s != "" && !seen[s] && b.Len() < 16<<10 {
			seen[s] = true
			b.WriteString(s)
			b.WriteByte(' ')
		}
	}
	for _, v := range g.thread.State.Alert.GroupLabels {
		add(v)
	}
	for _, e := range g.all() {
		for _, n := range e.Labels.Names() {
			add(e.Labels[n])
		}
		add(e.Annotations["summary"])
	}
	return b.String()
}

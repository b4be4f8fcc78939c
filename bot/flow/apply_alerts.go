package flow

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// delivery applies one webhook: heartbeats are counted, the rest changes its
// group's thread.
func (c *change) delivery(d bot.Delivery) error {
	var rest []bot.Alert
	routes := map[string][]Route{}
	for _, a := range d.Group.Alerts {
		key := a.Labels.Canonical()
		rs, ok := routes[key]
		if !ok {
			rs = c.s.Route(a.Labels)
			routes[key] = rs
		}
		beat := false
		for _, r := range rs {
			if r.As == AsHeartbeat {
				beat = true
				if err := c.beat(r, a, d.At); err != nil {
					return err
				}
			}
		}
		if !beat {
			rest = append(rest, a)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	g, err := c.loadGroup(c.s.Endpoints[d.Endpoint], d.Group.Receiver, d.Group.Labels)
	if err != nil {
		return err
	}
	st := g.thread.State.Alert
	if st.ExternalURL == "" || !g.exists {
		// The sending peer's address; the first one known stays, so that a pair
		// taking turns does not change the root each time.
		st.ExternalURL = d.Group.ExternalURL
	}
	st.GroupKey = d.Group.GroupKey
	if st.Truncated != d.Group.Truncated {
		st.Truncated, g.changed = d.Group.Truncated, true
	}
	for _, a := range rest {
		g.notice(a)
	}
	return c.settle(g)
}

// subjectOf is a group's identity over edits of the routing and over peers: the
// Alertmanager, the receiver and the group's labels.
func subjectOf(alertmanager, receiver string, labels bot.Labels) string {
	h := sha256.Sum256([]byte(alertmanager + "\x00" + receiver + "\x00" + labels.Canonical()))
	return "alerts:" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h[:20]))
}

// loadGroup reads a group's newest thread, or makes the beginning of one.
func (c *change) loadGroup(alertmanager, receiver string, labels bot.Labels) (*group, error) {
	subject := subjectOf(alertmanager, receiver, labels)
	th, ok, err := c.LatestThread(subject)
	if err != nil {
		return nil, err
	}
	if !ok {
		th = c.newThread(bot.ThreadAlert, subject)
		th.State.Alert = &bot.AlertState{Alertmanager: alertmanager, Receiver: receiver, GroupLabels: labels}
	}
	g := newGroup(th, ok, c.now, c.f.o.IDs)
	if ok {
		es, err := c.Episodes(th.ID)
		if err != nil {
			return nil, err
		}
		g.load(es)
	}
	return g, nil
}

func (c *change) newThread(kind bot.ThreadKind, subject string) bot.Thread {
	return bot.Thread{ID: c.f.o.IDs.Thread(), Kind: kind, Subject: subject, Version: 1, OpenedAt: c.now}
}

// settle makes the thread say what its episodes have become: it opens, reopens
// or closes, the ack stands or falls, the log gets its lines.
func (c *change) settle(g *group) error {
	if !g.changed && len(g.dirty) == 0 {
		return nil
	}
	th := &g.thread
	live := g.live()
	wasOpen := g.exists && th.Open()

	// A group that is quiet for long and fires again gets a thread of its own,
	// which names the former one. What merely goes on (an episode that the old
	// thread already has) goes on there.
	if g.exists && !wasOpen && len(live) > 0 && c.now.Sub(th.ClosedAt) > c.s.ReopenWithin && g.onlyNew(live) {
		if err := c.splitOff(g); err != nil {
			return err
		}
		th, live, wasOpen = &g.thread, g.live(), false
	}
	if !g.exists {
		for _, e := range g.newest {
			if e.StartsAt.Before(th.OpenedAt) {
				th.OpenedAt = e.StartsAt
			}
		}
	}
	st := th.State.Alert
	if g.exists && g.changed {
		th.Version++
	}
	before := th.Severity
	if s, ok := worstSeverity(live); ok {
		th.Severity = s
	} else if !g.exists {
		th.Severity, _ = worstSeverity(g.all())
	}
	if host := c.hostOf(g); host != "" {
		st.Host = host
	}

	switch {
	case len(live) == 0 && (wasOpen || !g.exists):
		th.ClosedAt = c.now
	case len(live) > 0 && g.exists && !wasOpen:
		th.ClosedAt = time.Time{}
		st.Reopened++
	}
	if err := c.judgeAck(g, live); err != nil {
		return err
	}
	if wasOpen || g.exists && len(live) > 0 {
		if err := c.logNews(g, before, live); err != nil {
			return err
		}
	}
	if len(live) == 0 {
		st.RemindAt = time.Time{}
	}
	th.NextAt = c.nextLook(*th)
	for _, e := range g.dirty {
		e.Thread = th.ID
		if err := c.PutEpisode(*e); err != nil {
			return err
		}
	}
	if err := c.PutThread(*th, searchWords(g), c.now); err != nil {
		return err
	}
	if g.doubtful() {
		am := st.Alertmanager
		c.after = append(c.after, func() { c.f.pollSoon(am) })
	}
	return c.showAlert(g)
}

// splitOff moves what is new into a new thread, and leaves the old one as it
// was but for its own corrections.
func (c *change) splitOff(g *group) error {
	old := g.thread
	var stay, move []*bot.Episode
	for _, e := range g.dirty {
		if g.isNew(e) && !e.Resolved {
			move = append(move, e)
		} else {
			stay = append(stay, e)
		}
	}
	for _, e := range stay {
		e.Thread = old.ID
		if err := c.PutEpisode(*e); err != nil {
			return err
		}
	}
	if len(stay) > 0 {
		old.Version++
		if err := c.PutThread(old, "", c.now); err != nil {
			return err
		}
	}
	st := *old.State.Alert
	th := c.newThread(bot.ThreadAlert, old.Subject)
	th.Former = old.ID
	th.State.Alert = &bot.AlertState{Alertmanager: st.Alertmanager, Receiver: st.Receiver, GroupLabels: st.GroupLabels,
		ExternalURL: st.ExternalURL, GroupKey: st.GroupKey, Truncated: st.Truncated}
	fresh := newGroup(th, false, c.now, c.f.o.IDs)
	for _, e := range move {
		fresh.adopt(e)
	}
	fresh.changed = true
	*g = *fresh
	return nil
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

// hostOf is the host that all live alerts speak of, "" when they differ.
func (c *change) hostOf(g *group) string {
	host := ""
	for _, e := range g.newest {
		h := c.s.Host(e.Labels)
		if h == "" || host != "" && h != host {
			return ""
		}
		host = h
	}
	return host
}

// judgeAck drops an ack that no longer covers what fires.
func (c *change) judgeAck(g *group, live []*bot.Episode) error {
	st := g.thread.State.Alert
	a := st.Ack
	if a == nil {
		return nil
	}
	why := ""
	for _, e := range live {
		if e.Suppressed() {
			continue
		}
		if e.Severity.Rank() > a.Severity.Rank() {
			why = "the severity rose to " + e.Severity.String()
		} else if !slices.Contains(a.Covers, e.ID) {
			why = "another alert fires that " + string(a.By) + " had not seen"
		}
		if why != "" {
			break
		}
	}
	if why == "" {
		return nil
	}
	st.Ack, st.RemindAt = nil, time.Time{}
	return c.log(&g.thread, "", view.Unacked("", why))
}

// logNews writes what happened into the log of a thread that already stands.
func (c *change) logNews(g *group, before bot.Severity, live []*bot.Episode) error {
	th, group := &g.thread, g.thread.State.Alert.GroupLabels
	style := c.style()
	for _, n := range []struct {
		es  []*bot.Episode
		say func([]bot.Episode) bot.Message
	}{
		{g.fired, func(es []bot.Episode) bot.Message { return view.Fired(es, group, style) }},
		{g.doubted, func(es []bot.Episode) bot.Message { return view.InDoubt(es, group, style) }},
		{g.confirmed, func(es []bot.Episode) bot.Message { return view.Confirmed(es, group, style) }},
		{g.resolved, func(es []bot.Episode) bot.Message { return view.Resolved(es, group, style) }},
		{g.held, func(es []bot.Episode) bot.Message { return view.Held(es, group, g.holding, style) }},
		{g.freed, func(es []bot.Episode) bot.Message { return view.Freed(es, group, g.released, style) }},
	} {
		if len(n.es) == 0 {
			continue
		}
		if err := c.log(th, "", n.say(values(n.es))); err != nil {
			return err
		}
	}
	if len(live) > 0 && th.Severity.Rank() > before.Rank() && len(g.fired) == 0 {
		if err := c.log(th, "", view.Worse(before, th.Severity)); err != nil {
			return err
		}
	}
	if len(live) == 0 && len(g.resolved) > 0 && len(g.newest) > 1 {
		f := bot.ThreadFacts{Thread: *th, Episodes: values(g.all()), Counts: countOf(g.all())}
		return c.log(th, "", view.Over(f))
	}
	return nil
}

// log appends to a thread's log. The caller puts the thread afterwards.
func (c *change) log(th *bot.Thread, by bot.PersonID, m bot.Message) error {
	th.LastSeq++
	return c.AddEntry(bot.Entry{Thread: th.ID, Seq: th.LastSeq, At: c.now, By: by, Message: m})
}

func (c *change) style() view.Style { return c.f.style(c.s) }

func (f *Flow) style(s *Settings) view.Style {
	return view.Style{Zone: s.Zone, Graphs: f.o.Grapher != nil}
}

// values are the episodes in the order of their numbers, whatever order they
// were told in.
func values(es []*bot.Episode) []bot.Episode {
	out := make([]bot.Episode, len(es))
	for i, e := range es {
		out[i] = *e
	}
	slices.SortStableFunc(out, func(a, b bot.Episode) int { return a.Number - b.Number })
	return out
}

func countOf(es []*bot.Episode) (n bot.EpisodeCounts) {
	for _, e := range es {
		switch {
		case e.Resolved:
			n.Resolved++
			if e.EndsAt.After(n.LastEnd) {
				n.LastEnd = e.EndsAt
			}
			continue
		case len(e.SilencedBy)+len(e.MutedBy) > 0:
			n.Silenced++
		case len(e.InhibitedBy) > 0:
			n.Inhibited++
		default:
			n.Firing++
		}
		if n.Since.IsZero() || e.StartsAt.Before(n.Since) {
			n.Since = e.StartsAt
		}
	}
	return n
}

// searchWords is what `alerts find` looks through.
func searchWords(g *group) string {
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

// showAlert gives an alert's thread the views that its routes ask for.
func (c *change) showAlert(g *group) error {
	th := &g.thread
	st := th.State.Alert
	rooms, digests := map[bot.RoomID]bool{}, map[bot.RoomID]bool{}
	for _, e := range g.newest {
		for _, r := range c.s.Route(e.Labels) {
			for _, room := range r.Rooms {
				if r.As == AsThread {
					rooms[room] = true
				} else if r.As == AsDigest {
					digests[room] = true
				}
			}
		}
	}
	changed := false
	for room := range digests {
		if !slices.Contains(st.Digests, room) {
			st.Digests, changed = append(st.Digests, room), true
		}
	}
	for room := range rooms {
		if !slices.Contains(st.Rooms, room) {
			st.Rooms, changed = append(st.Rooms, room), true
		}
	}
	slices.Sort(st.Rooms)
	slices.Sort(st.Digests)
	if err := c.gather(th, &changed); err != nil {
		return err
	}
	if changed {
		if err := c.PutThread(*th, "", c.now); err != nil {
			return err
		}
	}
	if len(st.Rooms) == 0 || st.Gathered != "" {
		return nil
	}
	if err := c.show(*th, st.Rooms); err != nil || g.exists || !th.Open() || c.f.o.Grapher == nil {
		return err
	}
	return c.PutEffect(store.Effect{Key: c.f.o.IDs.Effect(), Thread: th.ID, What: bot.DrawGraph{Thread: th.ID},
		State: store.EffectDue, NextTry: c.now.Add(pictureDelay), At: c.now})
}

// pictureDelay lets a thread's root go first, and spares the picture of what is
// over in a moment.
const pictureDelay = 3 * time.Second

// show makes a thread's views, or brings their priority up to date.
func (c *change) show(th bot.Thread, rooms []bot.RoomID) error {
	want := slices.Clone(rooms)
	for name, r := range c.s.Rooms {
		if r.Everything && !slices.Contains(want, name) {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	have, err := c.Views(th.ID)
	if err != nil {
		return err
	}
	for _, v := range have {
		i := slices.Index(want, v.Room)
		if i >= 0 {
			want = slices.Delete(want, i, i+1)
		}
		if overUnshown(th, v) {
			if _, pending, err := c.UnfinishedSend(v.Thread, v.Room); err != nil {
				return err
			} else if !pending {
				if err := c.DropView(v.Thread, v.Room); err != nil {
					return err
				}
				continue
			}
		}
		v.Priority = priorityOf(th)
		if th.Open() && !v.NotBefore.IsZero() {
			v.NotBefore = c.s.Quiet(c.now, th.Severity)
		}
		if err := c.PutView(v, th, c.now); err != nil {
			return err
		}
	}
	if !th.Open() {
		return nil
	}
	for _, room := range want {
		if _, ok := c.s.Rooms[room]; !ok {
			continue // a room that is no longer configured
		}
		v := store.View{Thread: th.ID, Room: room, OwnRoot: true, Priority: priorityOf(th)}
		if th.Kind == bot.ThreadAlert {
			v.NotBefore = c.s.Quiet(c.now, th.Severity)
		}
		if err := c.PutView(v, th, c.now); err != nil {
			return err
		}
	}
	return nil
}

// overUnshown tells whether an alert was over before the room could show it. A
// critical one is shown all the same; of the others the digest tells.
func overUnshown(th bot.Thread, v store.View) bool {
	return th.Kind == bot.ThreadAlert && !th.Open() && v.Root == "" && v.Remade == 0 && th.Severity != bot.SeverityCritical
}

func priorityOf(th bot.Thread) store.Priority {
	switch {
	case th.Kind == bot.ThreadStorm:
		return store.PriorityStorm
	case th.Kind == bot.ThreadDigest:
		return store.PriorityDigest
	case !th.Open():
		return store.PriorityOver
	case th.Severity == bot.SeverityCritical:
		return store.PriorityCritical
	case th.Severity == bot.SeverityInfo:
		return store.PriorityInfo
	}
	return store.PriorityWarning
}

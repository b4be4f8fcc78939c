package flow

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"watchstander/bot"
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
		c.after = append(c.after, func() { c.f.untold.told(c.s.Endpoints[d.Endpoint], a.Fingerprint) })
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
	// Of what is held back nobody is told, so a critical alert that is silenced
	// does not make the warnings beside it critical.
	if s, ok := worstSeverity(loud(live)); ok {
		th.Severity = s
	} else if s, ok := worstSeverity(live); ok {
		th.Severity = s
	} else if !g.exists {
		th.Severity, _ = worstSeverity(g.all())
	}
	st.Host = g.host(c.s.Host)

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
	switch {
	case len(live) == 0:
		st.RemindAt = time.Time{}
	case st.Ack != nil && st.RemindAt.IsZero() && c.s.AckReminder > 0:
		st.RemindAt, st.Reminded = c.now.Add(c.s.AckReminder), 0
	}
	th.NextAt = c.nextLook(*th)
	for _, e := range g.dirty {
		e.Thread = th.ID
		if err := c.PutEpisode(*e); err != nil {
			return err
		}
	}
	if err := c.PutThread(*th, g.words(), c.now); err != nil {
		return err
	}
	if g.doubtful() {
		am := st.Alertmanager
		c.after = append(c.after, func() { c.f.pollSoon(am) })
	}
	if err := c.showAlert(g); err != nil {
		return err
	}
	if wasOpen != (len(live) > 0) {
		if err := c.alertTurned(*th); err != nil {
			return err
		}
	}
	return c.repairs(th, live)
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

// log appends to a thread's log. The caller puts the thread afterwards.
func (c *change) log(th *bot.Thread, by bot.PersonID, m bot.Message) error {
	th.LastSeq++
	return c.AddEntry(bot.Entry{Thread: th.ID, Seq: th.LastSeq, At: c.now, By: by, Message: m})
}

func (c *change) style() view.Style { return c.f.style(c.s) }

func (f *Flow) style(s *Settings) view.Style {
	return view.Style{Zone: s.Zone, Graphs: f.o.Grapher != nil}
}

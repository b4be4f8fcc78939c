package flow

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// polled applies Alertmanager's own account. Webhooks say what began and ended;
// only a poll tells resolved, silenced and inhibited apart, and finds what no
// webhook told. It is older than whatever changed since it was asked for: rows
// with a later mark are left alone.
func (c *change) polled(p bot.Polled) error {
	trouble := "alertmanager " + p.Alertmanager
	if p.Failure != "" {
		return c.pollFailed(p, trouble)
	}
	if failures, err := c.Meta("poll failures " + p.Alertmanager); err != nil {
		return err
	} else if failures != "" {
		if err := c.PutMeta("poll failures "+p.Alertmanager, ""); err != nil {
			return err
		}
	}
	if err := c.noticeOver(trouble); err != nil {
		return err
	}
	silences, err := c.silences(p)
	if err != nil {
		return err
	}
	listed := map[string]bot.PolledGroup{}
	for _, g := range p.Groups {
		subject := subjectOf(p.Alertmanager, g.Receiver, g.Labels)
		if have, twice := listed[subject]; twice {
			g.Alerts = append(slices.Clone(have.Alerts), g.Alerts...)
		}
		listed[subject] = g
	}
	threads, err := c.OpenThreads(bot.ThreadAlert)
	if err != nil {
		return err
	}
	open := map[string]bool{}
	for _, th := range threads {
		st := th.State.Alert
		if st.Alertmanager != p.Alertmanager || len(p.Receivers) > 0 && !slices.Contains(p.Receivers, st.Receiver) {
			continue
		}
		open[th.Subject] = true
		if err := c.pollGroup(p, listed[th.Subject], st.Receiver, st.GroupLabels, silences); err != nil {
			return err
		}
	}
	for subject, g := range listed {
		if !open[subject] {
			if err := c.pollGroup(p, g, g.Receiver, g.Labels, silences); err != nil {
				return err
			}
		}
	}
	return c.silencesElsewhere(p, silences)
}

// pollGroup applies what was listed of one group, which may be nothing.
func (c *change) pollGroup(p bot.Polled, listed bot.PolledGroup, receiver string, labels bot.Labels, silences *silenceNews) error {
	g, err := c.loadGroup(p.Alertmanager, receiver, labels)
	if err != nil {
		return err
	}
	alerts := map[string]bot.PolledAlert{}
	for _, a := range listed.Alerts {
		if slices.ContainsFunc(c.s.Route(a.Labels), func(r Route) bool { return r.As == AsHeartbeat }) {
			continue
		}
		alerts[a.Fingerprint] = a
	}
	standing := g.exists && g.thread.Open()
	for fingerprint, e := range g.newest {
		a, there := alerts[fingerprint]
		delete(alerts, fingerprint)
		switch {
		case e.Mark > p.Mark:
			// Changed since the question was asked: a webhook knew better.
		case there && e.Resolved, there && a.StartsAt.After(e.StartsAt.Add(time.Second)):
			if c.missed(p, a, e.ChangedAt, standing && a.StartsAt.After(e.StartsAt)) {
				g.notice(a.Alert)
				g.listed(g.newest[fingerprint], a)
			}
		case there:
			g.listed(e, a)
		case !e.Resolved && p.Settled:
			g.absent(e)
		}
	}
	for _, a := range alerts {
		// Nobody told us of it yet: the bot was down, the notice was refused, or
		// Alertmanager waits for the group's interval.
		if c.missed(p, a, time.Time{}, standing) {
			g.notice(a.Alert)
			g.listed(g.newest[a.Fingerprint], a)
		}
	}
	if !g.exists && len(g.newest) == 0 {
		return nil
	}
	for _, e := range g.held {
		for _, id := range e.SilencedBy {
			// What was made here has been told when it was made.
			if _, ours, err := c.EffectByResult(id); err != nil {
				return err
			} else if !ours {
				g.holding = silences.add(g.holding, id)
			}
		}
	}
	if len(g.freed) > 0 {
		g.released = silences.endedOver(g.thread.ID)
	}
	if silences.touches(g) {
		g.changed = true
	}
	if err := c.settle(g); err != nil {
		return err
	}
	return c.warnOfSilences(g, silences)
}

// missed tells whether a listed alert should be taken without a webhook. One
// that is held back should not: Alertmanager would not have told of it. A thread
// that stands takes what joins its group at once, so that it is true; otherwise
// the alert must have been firing, and our row unchanged, for longer than a
// notice takes, since Alertmanager gathers alerts before it tells of them.
func (c *change) missed(p bot.Polled, a bot.PolledAlert, changed time.Time, standing bool) bool {
	if len(a.SilencedBy)+len(a.InhibitedBy)+len(a.MutedBy) > 0 {
		return false
	}
	before := p.At.Add(-c.s.AdoptAfter)
	return standing || a.StartsAt.Before(before) && changed.Before(before)
}

// pollFailures is how many polls in a row fail before people are told.
const pollFailures = 3

func (c *change) pollFailed(p bot.Polled, trouble string) error {
	key := "poll failures " + p.Alertmanager
	n, err := c.Meta(key)
	if err != nil {
		return err
	}
	n += "|"
	if len(n) > pollFailures {
		return c.notice(trouble, bot.ToneWarning, "Alertmanager "+p.Alertmanager+" does not answer",
			"Webhooks may still arrive, but whether alerts are silenced or over without a word is unknown until it answers. "+p.Failure)
	}
	return c.PutMeta(key, n)
}

// silenceNews is what a poll changed about silences.
type silenceNews struct {
	byID    map[string]bot.Silence // all that are listed
	changed map[string]bool        // end, comment or matchers differ from before
	ended   []bot.Silence          // active before, not any more
	ending  map[string]bool        // end soon, and nobody was told yet
	made    []store.KnownSilence   // new ones that we did not make
	covered map[string]bool        // silences that hold alerts of open threads
	over    map[bot.ThreadID][]string
}

func (n *silenceNews) add(to []bot.Silence, id string) []bot.Silence {
	s, ok := n.byID[id]
	if !ok || slices.ContainsFunc(to, func(x bot.Silence) bool { return x.ID == id }) {
		return to
	}
	return append(to, s)
}

// endedOver are the ended silences that held alerts of the thread before.
func (n *silenceNews) endedOver(th bot.ThreadID) []bot.Silence {
	var out []bot.Silence
	for _, s := range n.ended {
		if slices.Contains(n.over[th], s.ID) {
			out = append(out, s)
		}
	}
	return out
}

// touches notes which silences hold the group, and tells whether one of them
// shows differently now.
func (n *silenceNews) touches(g *group) bool {
	changed := false
	for _, e := range g.newest {
		for _, id := range e.SilencedBy {
			n.covered[id] = true
			changed = changed || n.changed[id]
		}
	}
	return changed
}

// silences compares the listed silences with those known.
func (c *change) silences(p bot.Polled) (*silenceNews, error) {
	news := &silenceNews{byID: map[string]bot.Silence{}, changed: map[string]bool{}, ending: map[string]bool{},
		covered: map[string]bool{}, over: map[bot.ThreadID][]string{}}
	first, err := c.Meta("silences known " + p.Alertmanager)
	if err != nil {
		return nil, err
	}
	known, err := c.KnownSilences(p.Alertmanager)
	if err != nil {
		return nil, err
	}
	live, err := c.LiveEpisodes()
	if err != nil {
		return nil, err
	}
	for _, e := range live {
		news.over[e.Thread] = append(news.over[e.Thread], e.SilencedBy...)
	}
	was := map[string]store.KnownSilence{}
	for _, k := range known {
		was[k.ID] = k
	}
	for _, s := range p.Silences {
		news.byID[s.ID] = s
		k, ok := was[s.ID]
		delete(was, s.ID)
		next := store.KnownSilence{Alertmanager: p.Alertmanager, Silence: s, Told: k.Told}
		switch {
		case !ok && s.State == "expired":
			continue // over before we heard of it
		case !ok:
			ours, err := c.oursOrOld(s, first)
			if err != nil {
				return nil, err
			}
			if !ours {
				news.made = append(news.made, next)
			}
		case k.State != "expired" && s.State == "expired":
			news.ended = append(news.ended, s)
		case k.State == "expired":
			continue
		case !k.EndsAt.Equal(s.EndsAt) || k.Comment != s.Comment || !slices.Equal(k.Matchers, s.Matchers) || k.State != s.State:
			news.changed[s.ID] = true
			next.Told = ""
		}
		if s.State == "active" && next.Told == "" && s.EndsAt.Sub(p.At) <= c.s.SilenceWarning && s.EndsAt.Sub(s.StartsAt) > 2*c.s.SilenceWarning {
			news.ending[s.ID] = true
			next.Told = "ending"
		}
		if ok && reflect.DeepEqual(k, next) {
			continue
		}
		if err := c.PutSilence(next); err != nil {
			return nil, err
		}
	}
	for _, k := range was {
		// Alertmanager forgets expired silences after its retention.
		if k.State == "expired" {
			continue
		}
		k.State = "expired"
		news.ended = append(news.ended, k.Silence)
		if err := c.PutSilence(k); err != nil {
			return nil, err
		}
	}
	if first == "" {
		return news, c.PutMeta("silences known "+p.Alertmanager, "yes")
	}
	return news, nil
}

// oursOrOld tells whether a silence needs no word: the bot made it and said so,
// or it stood before the bot first looked.
func (c *change) oursOrOld(s bot.Silence, first string) (bool, error) {
	if first == "" {
		return true, nil
	}
	_, ok, err := c.EffectByResult(s.ID)
	return ok, err
}

// warnOfSilences tells a thread that a silence over it was changed, or ends
// soon while alerts still fire beneath it.
func (c *change) warnOfSilences(g *group, n *silenceNews) error {
	firing := map[string]int{}
	for _, e := range g.live() {
		for _, id := range e.SilencedBy {
			if n.ending[id] || n.changed[id] {
				firing[id]++
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(firing)) {
		s := n.byID[id]
		var told bot.Message
		switch {
		case n.ending[id]:
			told = view.SilenceEnds(s, firing[id], c.style())
		case len(g.held) > 0:
			continue // the held entry has just told it
		default:
			told = view.SilenceChanged(s, c.style())
		}
		if err := c.log(&g.thread, "", told); err != nil {
			return err
		}
		if err := c.PutThread(g.thread, "", c.now); err != nil {
			return err
		}
	}
	return nil
}

// silencesElsewhere gives silences that were made elsewhere and that hold no
// open thread a thread of their own, and keeps those threads true.
func (c *change) silencesElsewhere(p bot.Polled, n *silenceNews) error {
	for _, k := range n.made {
		if n.covered[k.ID] {
			continue // its threads have told it
		}
		th := c.newThread(bot.ThreadSilence, "silence:"+p.Alertmanager+":"+k.ID)
		s := k.Silence
		th.State.Silence, th.Severity = &s, bot.SeverityInfo
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		if err := c.show(th, []bot.RoomID{c.s.NoticesRoom}); err != nil {
			return err
		}
	}
	threads, err := c.OpenThreads(bot.ThreadSilence)
	if err != nil {
		return err
	}
	for _, th := range threads {
		now, listed := n.byID[th.State.Silence.ID]
		ended := slices.ContainsFunc(n.ended, func(s bot.Silence) bool { return s.ID == th.State.Silence.ID })
		if !ended && (!listed || !n.changed[now.ID]) {
			continue
		}
		if listed {
			th.State.Silence = &now
		} else {
			th.State.Silence.State = "expired"
		}
		if ended {
			th.ClosedAt = c.now
		}
		th.Version++
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		if err := c.show(th, nil); err != nil {
			return err
		}
	}
	return nil
}

package flow

import (
	"slices"
	"time"

	"watchstander/bot"
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
	if err := c.heardOf(p.Alertmanager); err != nil {
		return err
	}
	if err := c.noticeOver(trouble); err != nil {
		return err
	}
	silences, err := c.silences(p)
	if err != nil {
		return err
	}
	listed, elsewhere := map[string]bot.PolledGroup{}, map[string]bool{}
	for _, g := range p.Groups {
		subject := subjectOf(p.Alertmanager, g.Receiver, g.Labels)
		if have, twice := listed[subject]; twice {
			g.Alerts = append(slices.Clone(have.Alerts), g.Alerts...)
		}
		listed[subject] = g
		for _, a := range g.Alerts {
			elsewhere[a.Fingerprint] = true
		}
	}
	unseen, err := c.loadUnseen(p.Alertmanager)
	if err != nil {
		return err
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
		if open[th.Subject] {
			continue // one group has one open thread; should it have two, it is asked once
		}
		open[th.Subject] = true
		err := c.each("group of "+string(th.ID), func() error {
			return c.pollGroup(p, listed[th.Subject], st.Receiver, st.GroupLabels, silences, unseen, elsewhere)
		})
		if err != nil {
			return err
		}
	}
	for subject, g := range listed {
		if !open[subject] {
			err := c.each("group "+subject, func() error {
				return c.pollGroup(p, g, g.Receiver, g.Labels, silences, unseen, elsewhere)
			})
			if err != nil {
				return err
			}
		}
	}
	if err := c.storeUnseen(p.Alertmanager, unseen); err != nil {
		return err
	}
	c.after = append(c.after, func() { c.f.untold.listed(p.Alertmanager, unseen.loud) })
	if err := c.silencesKept(silences, open); err != nil {
		return err
	}
	if err := c.maintenancesPolled(p, silences); err != nil {
		return err
	}
	return c.silencesElsewhere(p, silences)
}

// pollGroup applies what was listed of one group, which may be nothing.
func (c *change) pollGroup(p bot.Polled, listed bot.PolledGroup, receiver string, labels bot.Labels, silences *silenceNews, unseen *unseen, elsewhere map[string]bool) error {
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
			if c.missed(p, a, e.ChangedAt, standing && a.StartsAt.After(e.StartsAt), unseen) {
				g.notice(a.Alert)
				g.listed(g.newest[fingerprint], a)
			} else {
				unseen.add(a)
			}
		case there:
			g.listed(e, a)
		case !e.Resolved && elsewhere[fingerprint]:
			// The routes were edited: it fires in another group, and so in another
			// thread.
			g.end(e, c.now, bot.EndedByMove)
			g.resolved = append(g.resolved, e)
		case !e.Resolved && p.Settled:
			g.absent(e)
		}
	}
	for _, a := range alerts {
		// Nobody told us of it yet: the bot was down, the notice was refused, or
		// Alertmanager waits for the group's interval.
		if c.missed(p, a, time.Time{}, standing, unseen) {
			g.notice(a.Alert)
			g.listed(g.newest[a.Fingerprint], a)
		} else {
			unseen.add(a)
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
	if g.exists || len(g.newest) > 0 {
		for _, e := range g.newest {
			if err := c.holds(silences, g.thread.ID, e.SilencedBy); err != nil {
				return err
			}
		}
	}
	if silences.touches(g) {
		g.changed = true
	}
	if err := c.settle(g); err != nil {
		return err
	}
	return c.warnOfSilences(g, silences)
}

// missed tells whether a listed alert should be taken without a webhook. A
// thread that stands takes what joins its group at once, held back or not, so
// that it is true. Otherwise what is held back waits: Alertmanager would not have
// told of it. What was held back until now, and what has been firing, our row
// unchanged, for longer than a notice takes, is taken: Alertmanager gathers alerts
// before it tells of them, and may have told of these before they were held.
func (c *change) missed(p bot.Polled, a bot.PolledAlert, changed time.Time, standing bool, unseen *unseen) bool {
	switch before := p.At.Add(-c.s.AdoptAfter); {
	case standing:
		return true
	case held(a):
		return false
	case unseen.was[a.Fingerprint]:
		return true
	default:
		return a.StartsAt.Before(before) && changed.Before(before)
	}
}

func held(a bot.PolledAlert) bool { return len(a.SilencedBy)+len(a.InhibitedBy)+len(a.MutedBy) > 0 }

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
		return c.trouble(trouble, bot.ToneWarning, "Alertmanager "+p.Alertmanager+" does not answer",
			"Webhooks may still arrive, but whether alerts are silenced or over without a word is unknown until it answers. "+p.Failure)
	}
	return c.PutMeta(key, n)
}

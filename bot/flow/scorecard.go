package flow

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/probing"
	"watchstander/bot/scorecard"
	"watchstander/bot/store"
)

const (
	// metaKnown is since when this state is kept: what was before nobody told it.
	metaKnown = "known since"
	// mostAlerts bounds how many alerts of a month are looked at.
	mostAlerts = 10_000
	// reachBack is how far after a month its readings, and plans that ran in it, are
	// looked for.
	reachBack = 7 * 24 * time.Hour
)

// keepForScorecard keeps what a look at evidence measured of the plan's measures of
// success, whatever its checklist asked for.
func (c *change) keepForScorecard(e bot.Measured) error {
	for _, r := range e.Readings {
		if !scorecard.Wants(r) {
			continue
		}
		if r.At.IsZero() {
			r.At = e.At
		}
		if err := c.KeepReading(e.Key, r); err != nil {
			return err
		}
	}
	return nil
}

// Scorecard is what the month of an instant comes to; what goes on is measured now.
func (w *world) Scorecard(ctx context.Context, month time.Time) (out []bot.Score, err error) {
	s, now := w.f.settings.Load(), w.f.clock.now()
	var measured []bot.Reading
	if from, until := monthOf(month, s.Zone); !now.Before(from) && now.Before(until) {
		measured = probing.Measure(ctx, w.f.o.Probes, now)
		now = w.f.clock.now() // what was measured is not of the future
	}
	err = w.f.o.Store.View(ctx, func(tx *store.Tx) error {
		in, err := w.f.gatherScores(tx, s, month, now, measured)
		out = scorecard.Judge(in)
		return err
	})
	return out, err
}

// monthOf is the month of an instant, by the calendar of a zone.
func monthOf(at time.Time, zone *time.Location) (from, until time.Time) {
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, zone), time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, zone)
}

// gatherScores gathers what is known of a month.
func (f *Flow) gatherScores(tx *store.Tx, s *Settings, month, now time.Time, measured []bot.Reading) (scorecard.Inputs, error) {
	in := scorecard.Inputs{Now: now, Zone: s.Zone}
	in.From, in.Until = monthOf(month, s.Zone)
	if now.Before(in.Until) {
		in.Until = now
	}
	hosts := slices.Clone(s.Hosts)
	for h := range maps.Keys(f.o.Agents) {
		if !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	slices.Sort(hosts)
	in.Hosts = hosts
	for _, h := range hosts {
		boot, err := tx.Meta("boot " + h)
		if err != nil {
			return in, err
		}
		if boot != "" {
			in.Reports = append(in.Reports, h)
		}
	}
	var err error
	if in.Known, err = stateKnown(tx, s, now); err != nil {
		return in, err
	}
	if in.Readings, err = tx.Readings(in.From, in.Until.Add(reachBack)); err != nil {
		return in, err
	}
	for _, r := range measured {
		if r.At.IsZero() || r.At.After(now) { // by a host's clock, which may be ahead
			r.At = now
		}
		in.Readings = append(in.Readings, r)
	}
	for _, gather := range []func(*store.Tx, *Settings, *scorecard.Inputs) error{gatherAlerts, f.gatherDeaf, gatherPlans, gatherReboots} {
		if err := gather(tx, s, &in); err != nil {
			return in, err
		}
	}
	return in, nil
}

// gatherAlerts finds what fired, and says where that may not be all.
func gatherAlerts(tx *store.Tx, s *Settings, in *scorecard.Inputs) error {
	episodes, err := tx.EpisodesIn(in.From, in.Until, mostAlerts)
	if err != nil {
		return err
	}
	if len(episodes) == mostAlerts {
		in.Lost = fmt.Sprintf("more alerts fired than the oldest %d, which are looked at", mostAlerts)
	}
	for _, e := range episodes {
		a := scorecard.Alert{Span: scorecard.Span{Host: s.Host(e.Labels), From: e.StartsAt}, Heard: e.FirstAt, Critical: e.Severity == bot.SeverityCritical}
		if e.Resolved {
			a.To = e.EndsAt
		}
		for _, words := range []bot.Labels{e.Labels, e.Annotations} {
			a.Words = append(a.Words, slices.Collect(maps.Values(words))...)
		}
		in.Alerts = append(in.Alerts, a)
	}
	trimmed, err := trimmedIn(tx, in.From, in.Until, in.Now)
	if trimmed {
		in.Lost = lostOfOpen
	}
	return err
}

// lostOfOpen says what trimmedIn finds.
const lostOfOpen = "of a group of alerts that fired for over a week, what had ended a week before is not kept"

// trimmedIn tells whether a thread of alerts was open for so long within [from, until) that
// alerts which had ended are not kept of it.
func trimmedIn(tx *store.Tx, from, until, now time.Time) (bool, error) {
	if !from.Before(now.Add(-store.KeptOver)) {
		return false, nil
	}
	open, err := tx.OpenThreads(bot.ThreadAlert)
	if err != nil {
		return false, err
	}
	over, err := tx.ClosedThreads(bot.ThreadAlert, from, now)
	// A thread that was closed in time has kept all of its alerts.
	return slices.ContainsFunc(slices.Concat(open, over), func(th bot.Thread) bool {
		end := now
		if !th.Open() {
			end = th.ClosedAt
		}
		return th.OpenedAt.Before(until) && end.Sub(th.OpenedAt) > store.KeptOver
	}), err
}

// gatherDeaf finds when not all alerts could be heard, and since when that is known.
func (f *Flow) gatherDeaf(tx *store.Tx, _ *Settings, in *scorecard.Inputs) error {
	deaf, err := f.deaf(tx, in.From, in.Until)
	if err != nil {
		return err
	}
	for _, x := range deaf {
		in.Deaf = append(in.Deaf, scorecard.Span{From: x.From, To: x.To})
	}
	since, err := deafUnknown(tx, in.From, in.Known)
	if err == nil && !since.IsZero() && in.Lost == "" {
		in.Lost = "whether the bot was away is known since " + since.In(in.Zone).Format("2 Jan 15:04") + " only"
	}
	return err
}

// gatherPlans finds when plans ran, and what the tests of backups came to.
func gatherPlans(tx *store.Tx, _ *Settings, in *scorecard.Inputs) error {
	open, err := tx.OpenThreads(bot.ThreadPlan)
	if err != nil {
		return err
	}
	over, err := tx.ClosedThreads(bot.ThreadPlan, in.From, in.Until.Add(reachBack))
	if err != nil {
		return err
	}
	for _, th := range slices.Concat(open, over) {
		p := th.State.Plan.Proposal
		if p.StartedAt.IsZero() || p.StartedAt.After(in.Until) {
			continue
		}
		if stopsServices(p.Plan.Operation) {
			in.Restarts = append(in.Restarts, scorecard.Span{Host: th.State.Plan.Host, From: p.StartedAt, To: p.EndedAt})
		}
		if p.Plan.Operation == host.BackupVerifyOperation && p.EndedAt.After(in.From) && !p.EndedAt.After(in.Until) {
			in.Tests = append(in.Tests, restoreTest(p))
		}
	}
	during, err := tx.ThreadsDuring(bot.ThreadMaintenance, in.From, in.Until)
	for _, th := range during {
		if m := th.State.Maintenance; m.Host != "" {
			in.Planned = append(in.Planned, scorecard.Span{Host: m.Host, From: m.Since, To: m.EndedAt})
		}
	}
	return err
}

// stopsServices tells whether an operation has services stand still while it runs: alerts
// of these are then of its making. What a backup, or the size of a cache, has to do with
// one nobody knows.
func stopsServices(name bot.OperationName) bool {
	return name == host.RestartOperation || name == host.RollbackOperation || name == host.DeployOperation
}

// restoreTest judges a verification by its evidence: that it is done does not say that
// something was restored.
func restoreTest(p bot.Proposal) scorecard.Test {
	t := scorecard.Test{Plan: p.Plan.ID, State: bot.OK}
	switch {
	case p.State != bot.Done:
		t.State, t.Note = bot.NotOK, "is "+string(p.State)
		return t
	case len(p.Evidence) == 0:
		t.State, t.Note = bot.Unknown, "has no evidence"
		return t
	}
	for _, r := range p.Evidence {
		if r.State == bot.OK || t.State == bot.NotOK {
			continue
		}
		t.State, t.Note = r.State, r.What+" is "+string(r.State)
		if r.Note != "" {
			t.Note += ", " + r.Note
		}
	}
	return t
}

// gatherReboots finds the hosts' boots.
func gatherReboots(tx *store.Tx, _ *Settings, in *scorecard.Inputs) error {
	changes, err := tx.AllChanges(in.From, in.Until)
	if err != nil {
		return err
	}
	for _, x := range changes {
		if x.Kind == bot.ChangeReboot {
			in.Reboots = append(in.Reboots, x)
		}
	}
	return nil
}

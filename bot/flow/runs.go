package flow

import (
	"errors"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/view"
)

// The life of a checklist's run: from the firing to its summary.

// beginRun opens a run, ends the one before it, and carries over what that one left. It
// puts the row.
func (c *change) beginRun(s Schedule, row *bot.Schedule, firing time.Time, cause, host string) error {
	former, known, err := c.LatestThread(runSubject(s.Name, host))
	if err != nil {
		return err
	}
	if known && former.Open() {
		if err := c.endRun(&former, "The next one begins."); err != nil {
			return err
		}
	}
	th := c.newThread(bot.ThreadChecklist, runSubject(s.Name, host))
	th.Severity = bot.SeverityInfo
	run := &bot.ChecklistState{Name: s.Name, Title: s.Title, Firing: firing, Cause: cause, Host: host, Until: s.Next(c.now)}
	if run.Until.IsZero() && s.Lasts > 0 {
		run.Until = c.now.Add(s.Lasts)
	}
	if remind := run.Until.Add(-s.Remind); s.Remind > 0 && !run.Until.IsZero() && remind.After(c.now) {
		run.RemindAt = remind
	}
	if row.Unmade > 0 {
		run.Unmade = view.Unmade(*row, mostUnmade, c.style())
	}
	for i, x := range s.Items {
		run.Items = append(run.Items, bot.ItemState{Item: x, Number: i + 1, Status: bot.ItemOpen})
	}
	if err := c.takeFollowUps(s, run); err != nil {
		return err
	}
	var dropped []bot.ItemState
	if known {
		th.Former = former.ID
		dropped = carry(former.State.Checklist, run, c.now)
	}
	row.Ran, row.Unmade, row.UnmadeFrom, row.UnmadeTo, row.UnmadeWhy = c.now, 0, time.Time{}, time.Time{}, ""
	if row.Last.Before(firing) {
		row.Last = firing
	}
	if err := c.PutSchedule(*row); err != nil {
		return err
	}
	th.State.Checklist = run
	if host != "" {
		// What fails after a change needs a moment to be seen: a unit that flaps, an alert
		// that waits.
		run.LookAt = c.now.Add(settling)
		if end := run.Until.Add(-settling / 2); !run.Until.IsZero() && end.Before(run.LookAt) {
			run.LookAt = end
		}
	} else if err := c.lookAtEvidence(&th); err != nil {
		return err
	}
	if m, any := view.Carried(*run, dropped, c.style()); any {
		if err := c.log(&th, "", m); err != nil {
			return err
		}
	}
	if s.Report {
		if err := c.reportOn(th); err != nil {
			return err
		}
	}
	if s.Since {
		if err := c.lookBack(th, former.State.Checklist); err != nil {
			return err
		}
	}
	if err := c.putRun(&th); err != nil {
		return err
	}
	return c.show(th, s.Rooms)
}

// carry takes over what a run left: what is open, and what is deferred. It gives the
// items that the new run has not.
func carry(from, to *bot.ChecklistState, now time.Time) (dropped []bot.ItemState) {
	for _, old := range from.Items {
		if old.Status != bot.ItemOpen && old.Status != bot.ItemDeferred {
			continue
		}
		i := slices.IndexFunc(to.Items, func(x bot.ItemState) bool { return x.Item.ID == old.Item.ID })
		if i < 0 {
			dropped = append(dropped, old)
			continue
		}
		x := &to.Items[i]
		x.Carried, x.Since = old.Carried+1, old.Since
		switch {
		case x.Since.IsZero() && x.FollowUp != nil:
			x.Since = x.FollowUp.At
		case x.Since.IsZero():
			x.Since = from.Firing
		}
		x.Comments, x.Plan = old.Comments, old.Plan
		if x.FollowUp == nil { // whose that is, its row knows
			x.Assigned = old.Assigned
		}
		if old.Status == bot.ItemDeferred && old.Until.After(now) {
			x.Status, x.By, x.At, x.Reason, x.Until = bot.ItemDeferred, old.By, old.At, old.Reason, old.Until
		}
	}
	return dropped
}

// settling is how long after a change of a host its evidence is looked at.
const settling = 10 * time.Minute

// nextLook is when a run's evidence is looked at again by itself: each day, before people
// are reminded and before the end, so that what is said then is so.
func nextLook(run bot.ChecklistState, now time.Time) time.Time {
	const each, before, least = 24 * time.Hour, 2 * time.Minute, 5 * time.Minute
	next := now.Add(each)
	for _, t := range []time.Time{run.RemindAt, run.Until} {
		if t = t.Add(-before); t.After(now.Add(least)) && t.Before(next) {
			next = t
		}
	}
	if !run.Until.IsZero() && !next.Before(run.Until) {
		return time.Time{}
	}
	return next
}

// dueRun does what time makes due of a run.
func (c *change) dueRun(th bot.Thread) error {
	run := th.State.Checklist
	if !th.Open() {
		th.NextAt = time.Time{}
		return c.PutThread(th, "", c.now)
	}
	if run.Incident == nil && !run.Until.IsZero() && !run.Until.After(c.now) {
		return c.endRun(&th, "")
	}
	for i := range run.Items {
		x := &run.Items[i]
		if x.Status == bot.ItemDeferred && !x.Until.After(c.now) {
			if err := c.log(&th, "", view.Undeferred(*x, c.style())); err != nil {
				return err
			}
			x.Status, x.By, x.At, x.Reason, x.Until = bot.ItemOpen, "", time.Time{}, "", time.Time{}
			th.Version++
		}
	}
	if !run.LookAt.IsZero() && !run.LookAt.After(c.now) {
		if err := c.lookAtEvidence(&th); err != nil {
			return err
		}
	}
	switch {
	case run.Incident != nil:
		if err := c.dueIncident(&th); err != nil {
			return err
		}
	case !run.RemindAt.IsZero() && !run.RemindAt.After(c.now):
		run.RemindAt = time.Time{}
		if run.Left() > 0 {
			if err := c.log(&th, "", view.LeftOver(*run, c.now, c.style())); err != nil {
				return err
			}
		}
	}
	if err := c.putRun(&th); err != nil || th.Open() {
		return err
	}
	return c.show(th, nil)
}

// endRun ends a run with its summary; why is told where it is not its time alone.
func (c *change) endRun(th *bot.Thread, why string) error {
	run := th.State.Checklist
	th.ClosedAt, th.NextAt = c.now, time.Time{}
	th.Version++
	if err := c.log(th, "", view.RunSummary(*run, why, c.style())); err != nil {
		return err
	}
	if err := c.PutThread(*th, "", c.now); err != nil {
		return err
	}
	return c.show(*th, nil)
}

// putRun writes a run with when it is due again.
func (c *change) putRun(th *bot.Thread) error {
	run := th.State.Checklist
	th.NextAt = time.Time{}
	sooner := func(t time.Time) {
		if !t.IsZero() && (th.NextAt.IsZero() || t.Before(th.NextAt)) {
			th.NextAt = t
		}
	}
	if th.Open() {
		sooner(run.Until)
		sooner(run.RemindAt)
		sooner(run.LookAt)
		for _, x := range run.Items {
			if x.Status == bot.ItemDeferred {
				sooner(x.Until)
			}
		}
	}
	return c.PutThread(*th, runWords(*run), c.now)
}

func runWords(run bot.ChecklistState) string {
	if in := run.Incident; in != nil {
		return "incident " + in.Name + " " + run.Title + " " + in.What
	}
	return "checklist " + run.Name + " " + run.Title
}

// runSubject is what the runs of a checklist are about; those that come after a change of
// a host are that host's.
func runSubject(name, host string) string { return "checklist:" + name + on(host) }

// errNoRun is what people are told of a run that is gone.
var errNoRun = bot.Errorf(bot.CodeNotFound, "That checklist's run is over or unknown; `schedule` lists what there is.")

// isPeoples tells whether an error is one to tell people, rather than a fault of ours.
func isPeoples(err error) bool {
	_, ok := errors.AsType[*bot.Error](err)
	return ok
}

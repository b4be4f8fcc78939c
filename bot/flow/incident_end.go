package flow

import (
	"fmt"
	"time"

	"watchstander/bot"
	"watchstander/bot/view"
)

// What an incident hears of its alert, and how it ends: by somebody's word or by its time,
// with what fires then as far as that is known.

// alertTurned tells the open incidents of an alert that it is over, or fires again.
func (c *change) alertTurned(alert bot.Thread) error {
	open, err := openIncidents(c.Tx)
	if err != nil {
		return err
	}
	for _, th := range open {
		about, ok, err := c.Thread(th.State.Checklist.Incident.About)
		if err != nil {
			return err
		}
		if !ok || about.Subject != alert.Subject {
			continue
		}
		if err := c.log(&th, "", view.AlertTurned(alert)); err != nil {
			return err
		}
		if err := c.putRun(&th); err != nil {
			return err
		}
	}
	return nil
}

// closeIncident ends one with its summary, and with what fires as far as that is known.
func (c *change) closeIncident(th *bot.Thread, at time.Time, by bot.PersonID, why string) error {
	run := th.State.Checklist
	in := run.Incident
	still, err := c.stillFiring(in.About)
	if err != nil {
		return err
	}
	if c.now.Sub(at) > maintenanceLate {
		still = bot.Still{At: at, Unknown: "I was not running then"}
	}
	in.EndedBy, in.Why, in.Still = by, why, &still
	th.ClosedAt, th.NextAt = at, time.Time{}
	todo, err := c.FollowUps(th.ID)
	if err != nil {
		return err
	}
	if err := c.journalIncident(*th, by, "closed", why); err != nil {
		return err
	}
	if err := c.log(th, by, view.IncidentSummary(*th, todo, c.style())); err != nil {
		return err
	}
	alert, ok, err := c.Thread(in.About)
	if err != nil || !ok || in.About == "" {
		return err
	}
	if err := c.log(&alert, by, view.IncidentOver(*th)); err != nil {
		return err
	}
	return c.PutThread(alert, "", c.now)
}

// mostStill is how many alerts' threads are named of those that fire.
const mostStill = 10

// stillFiring counts the alerts that are not over: those of one thread, and of what came
// after it of the same group, apart from all others.
func (c *change) stillFiring(about bot.ThreadID) (out bot.Still, err error) {
	out.At = c.now
	alert, ok, err := c.Thread(about)
	if err != nil {
		return out, err
	}
	all := !ok || alert.State.Alert == nil
	managers := c.f.world.Alertmanagers()
	if !all {
		managers = []string{alert.State.Alert.Alertmanager}
	}
	threads, err := c.OpenThreads(bot.ThreadAlert)
	if err != nil {
		return out, err
	}
	doubt := 0
	for _, th := range threads {
		counts, err := c.CountEpisodes(th.ID)
		switch {
		case err != nil:
			return out, err
		case !all && th.Subject != alert.Subject:
			out.Others += counts.Live()
			continue
		}
		doubt += counts.Doubt
		if counts.Live() == 0 {
			continue
		}
		out.Alerts += counts.Live()
		if len(out.Names) < mostStill {
			name := view.TitleOf(th)
			if counts.Firing < counts.Live() || counts.Live() > 1 {
				name += " (" + counts.Words() + ")"
			}
			out.Names = append(out.Names, name)
		}
	}
	switch untold := c.f.world.Untold(); {
	case untold == 0:
	case all:
		out.Alerts += untold
		out.Names = append(out.Names, fmt.Sprintf("%d without a thread yet", untold))
	default:
		out.Others += untold
	}
	switch {
	case len(managers) == 0:
		out.Unknown = "no Alertmanager is configured"
	case doubt > 0:
		out.Unknown = "of some the order of the notices is in doubt"
	}
	for _, name := range managers {
		if h := c.f.pollHealth(name, c.now); h.State != bot.OK {
			out.Unknown = "Alertmanager " + name + " has not told lately"
		}
	}
	return out, nil
}

// dueIncident does what time makes due of one; dueRun does the rest, and puts it.
func (c *change) dueIncident(th *bot.Thread) error {
	run := th.State.Checklist
	if !run.Until.IsZero() && !run.Until.After(c.now) {
		if err := c.closeIncident(th, run.Until, "", ""); err != nil {
			return err
		}
		th.Version++
		return nil
	}
	if run.RemindAt.IsZero() || run.RemindAt.After(c.now) {
		return nil
	}
	run.RemindAt = time.Time{}
	if s, ok := c.s.schedule(run.Name); ok && run.Until.IsZero() {
		run.RemindAt = remindAt(*run, s.Remind, c.now)
	}
	return c.log(th, "", view.StillOpen(*run, c.now))
}

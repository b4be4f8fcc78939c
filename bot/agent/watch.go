package agent

import (
	"context"

	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
)

// lookAtRun is how often a run's files are looked at.
const lookAtRun = time.Second

// unitGrace is how long after its start a unit may not be there yet; a test of many
// deaths has less.
var unitGrace = 10 * time.Second

// watch follows a run by the files that its worker writes, until it has ended or
// the agent does.
func (c *Core) watch(ctx context.Context, id bot.PlanID) {
	unit, gone, over := "", 0, false // gone: how often its unit was not there, one look after the other
	c.locked(func() { unit = c.records[id].Proposal.Unit })
	for {
		// The unit first: an outcome that is not there after the unit is gone never
		// will be.
		alive, err := c.alive(ctx, unit)
		c.locked(func() {
			c.follow(c.records[id])
			p := c.records[id].Proposal
			switch {
			case p.State.Over():
			case err != nil: // unknown, which is no end
				c.o.Log.Warn("whether a run's unit is there cannot be found out", "plan", id, "unit", unit, "err", err)
			case alive:
				gone = 0
			case c.now().Sub(p.StartedAt) >= unitGrace:
				if gone++; gone >= 2 {
					c.lost(c.records[id])
				}
			}
			over = c.records[id].Proposal.State.Over()
		})
		if over {
			c.o.Spawner.Ended(context.WithoutCancel(ctx), unit)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookAtRun):
		}
	}
}

func (c *Core) alive(ctx context.Context, unit string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return c.o.Spawner.Running(ctx, unit)
}

// follow takes up what the worker wrote since the last look.
func (c *Core) follow(r *record) {
	id := r.id()
	if r.Proposal.State.Over() {
		return
	}
	if lines, err := appended[bot.Progress](c.disk, runName(id, fileProgress)); err != nil {
		c.o.Log.Warn("a run's progress cannot be read", "plan", id, "err", err)
	} else if len(lines) > len(r.Proposal.Progress) {
		r = r.copied()
		for _, l := range lines[len(r.Proposal.Progress):] {
			r.Proposal.Progress = append(r.Proposal.Progress, bot.Progress{At: l.At, Text: c.say("%s", l.Text)})
		}
		if c.save(r) != nil {
			return
		}
	}
	if r.Proposal.State == bot.Running {
		if w, waits, err := c.disk.confirming(id); err != nil {
			c.o.Log.Warn("a run's wait cannot be read", "plan", id, "err", err)
		} else if waits {
			r = r.copied()
			r.Proposal.State, r.Proposal.ConfirmBy, r.Proposal.Evidence = bot.Confirming, w.By, tellable(w.Evidence, c.o.Redact)
			r.Proposal.Why = "Verified; somebody must confirm that all is well, or it is undone."
			if c.commit(r, c.entry(journal.KindNote, id, "It waits until %s for somebody to confirm it.", w.By.Format("15:04:05 UTC"))) != nil {
				return
			}
		}
	}
	o, ended, err := c.disk.outcome(id)
	switch {
	case err != nil:
		c.o.Log.Error("a run's outcome cannot be read", "plan", id, "err", err)
	case ended:
		c.finish(r, o)
	}
}

// lost ends a run whose unit is gone and which left no outcome.
func (c *Core) lost(r *record) {
	if never, err := c.disk.claim(r.id(), c.bootID); err != nil {
		c.o.Log.Error("whether a run began cannot be found out", "plan", r.id(), "err", err)
		return // it is looked at again
	} else if never {
		c.finish(r, outcome{Plan: r.id(), State: bot.Failed, EndedAt: c.now(), Why: "Nothing was done: it was about to start when something stopped it. Ask again."})
		return
	}
	last := "It said nothing before that."
	if lines := r.Proposal.Progress; len(lines) > 0 {
		last = fmt.Sprintf("The last that it said was: %s", lines[len(lines)-1].Text)
	}
	why := c.say("It was started at %s and is no longer running, and what came of it nobody knows. %s Look at %s before anything else; it is not run again.",
		phrase.Moment(r.Proposal.StartedAt, time.UTC, c.now()), last, c.o.Host.Name)
	c.end(r, bot.Interrupted, why, c.entry(journal.KindInterrupted, r.id(), "%s", why))
}

// finish takes up how a run ended.
func (c *Core) finish(r *record, o outcome) {
	why := c.say("%s", o.Why)
	r = r.copied()
	r.Proposal.Evidence, r.ActedAt = tellable(o.Evidence, c.o.Redact), o.ActedAt
	e := c.entry(journal.KindEnd, r.id(), "%s. %s", strings.ToUpper(string(o.State[:1]))+string(o.State[1:]), why)
	e.Fields["outcome"] = string(o.State)
	for i, x := range r.Proposal.Evidence {
		if i < 40 {
			e.Fields[fmt.Sprintf("evidence_%d", i+1)] = strings.TrimSpace(fmt.Sprintf("%s: %s (%s) %s", x.What, x.Value, x.State, x.Note))
		}
	}
	c.end(r, o.State, why, e)
}

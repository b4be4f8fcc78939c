package agent

import (
	"context"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
)

// standingLife is how long a use of a standing approval may wait for a lock.
const standingLife = 10 * time.Minute

// standing lists this host's standing approvals, as far as a bot need know them.
func (c *Core) standing() []bot.Standing {
	var out []bot.Standing
	for _, s := range c.settings.Load().Standing {
		if s.Host == c.o.Host.Name {
			out = append(out, bot.Standing{Name: s.Name, Operation: s.Operation, Arguments: s.Arguments, When: s.When})
		}
	}
	return out
}

// Trigger uses a standing approval, if there is one for this, what it is to mend
// needs it, and it is not used up. That the alert fires is the bot's word: the
// approval's own bounds are what holds against a captured one, and what the agent
// measures itself.
func (c *Core) Trigger(ctx context.Context, caller Caller, q api.Trigger) (bot.Proposal, error) {
	if err := only(caller, callerBot); err != nil {
		return bot.Proposal{}, err
	}
	asked := api.Propose{Key: q.Key, Arguments: bot.Arguments{"standing": {q.Standing}}}
	all := c.settings.Load().Standing // once: a reload may come between
	i := slices.IndexFunc(all, func(s gate.Standing) bool { return s.Name == q.Standing && s.Name != "" })
	if i < 0 {
		return bot.Proposal{}, bot.Errorf(bot.CodeNotFound, "The agent of %s has no standing approval %q.", c.o.Host.Name, short(q.Standing))
	}
	s := all[i]
	asked.Operation = s.Operation
	asked.Requester = bot.PersonID("standing:" + s.Name)
	return c.once(ctx, asked, func() (*record, error) {
		r, err := c.triggered(ctx, asked, s, q)
		if err != nil {
			return nil, c.refused(asked.Requester, "", api.Said{}, "A repair", err)
		}
		return r, nil
	})
}

func (c *Core) triggered(ctx context.Context, asked api.Propose, s gate.Standing, q api.Trigger) (*record, error) {
	op, err := c.operation(s.Operation)
	if err != nil {
		return nil, err
	}
	args, err := c.parsed(ctx, c.plans, op, s.Arguments)
	if err != nil {
		return nil, err
	}
	if !s.Fits(s.Operation, c.o.Host.Name, s.Arguments, q.Alert) {
		return nil, bot.Errorf(bot.CodeForbidden, "The standing approval %q is not for this alert.", s.Name)
	}
	if c.locked(func() { err = c.underWay(s) }); err != nil {
		return nil, err
	}
	release, err := slot(ctx, c.looking)
	if err != nil {
		return nil, err
	}
	begun := time.Now().UTC().Truncate(time.Millisecond)
	readings := c.measure(ctx)
	release()
	var left int
	c.locked(func() {
		c.prove(s, readings) // whether the last one helped may show only now
		if x, fine := s.Fine(readings, begun); fine {
			err = bot.Errorf(bot.CodeConflict, "%s is fine already (%s), so that nothing was done.", s.Evidence, c.say("%s", x.Value))
			return
		}
		left, err = c.mayUse(s)
	})
	if err != nil {
		return nil, err
	}
	r, err := c.mint(ctx, wish{asked: asked, op: op, args: args, requester: asked.Requester, standing: s.Name,
		rule: bot.Rule{Name: "standing approval " + s.Name, Risk: bot.RiskMedium, Count: 1, ValidFor: bot.SecondsOf(standingLife), ApproveWithin: bot.SecondsOf(standingLife)}})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Another one may have been made meanwhile.
	if _, err := c.mayUse(s); err != nil {
		why := c.say("%s", bot.ForPeople(err))
		c.end(c.records[r.id()], bot.Cancelled, why, c.entry(journal.KindRefusal, r.id(), "%s", why))
		return c.records[r.id()], nil
	}
	r = c.records[r.id()].copied()
	r.Proposal.State = bot.Waiting
	r.Proposal.Why = c.say("By the standing approval %q, while %s fires since %s; it has %d left after this.", s.Name, q.Alert["alertname"], phrase.Moment(q.Since, time.UTC, c.now()), max(0, left-1))
	e := c.entry(journal.KindStanding, r.id(), "%s", r.Proposal.Why)
	e.Fields["standing"] = short(s.Name)
	if _, err := c.change(r, e); err != nil {
		return nil, err
	}
	return c.records[r.id()], nil
}

// mayUse tells how many uses an approval has left, or why it may not be used now.
func (c *Core) mayUse(s gate.Standing) (left int, err error) {
	if err := c.underWay(s); err != nil {
		return 0, err
	}
	j := gate.JudgeStanding(s, c.history(s), c.now())
	if !j.Allowed {
		return 0, bot.Errorf(bot.CodeForbidden, "%s", j.Why)
	}
	return j.Left, nil
}

// underWay names a use that is not over.
func (c *Core) underWay(s gate.Standing) error {
	for _, r := range c.records {
		if p := r.Proposal; r.Standing == s.Name && !p.State.Over() && p.State != bot.Proposed {
			return bot.Errorf(bot.CodeConflict, "It is under way already, as %s.", r.id())
		}
	}
	return nil
}

// history are the runs of a standing approval. One that may yet start counts as
// if it did now.
func (c *Core) history(s gate.Standing) []gate.StandingRun {
	var out []gate.StandingRun
	for _, r := range c.records {
		p := r.Proposal
		if r.Standing != s.Name || p.StartedAt.IsZero() && (p.State.Over() || p.State == bot.Proposed) {
			continue
		}
		run := r.standingRun()
		if run.StartedAt.IsZero() {
			run.StartedAt = c.now()
		}
		out = append(out, run)
	}
	return out
}

// standingRun is the record as the gate judges it. A run of which nobody knows when
// its action ended did nothing any more after its own end.
func (r *record) standingRun() gate.StandingRun {
	p := r.Proposal
	run := gate.StandingRun{Plan: r.id(), StartedAt: p.StartedAt, ActedAt: r.ActedAt, Evidence: p.Evidence}
	if r.Later != nil {
		run.Evidence = append(slices.Clone(p.Evidence), *r.Later)
	}
	if run.ActedAt.IsZero() && p.State.Over() {
		run.ActedAt = p.EndedAt
	}
	return run
}

// prove gives the approval's last run what the probes say now, unless it is proven
// to have helped: once it has, what breaks later is another matter.
func (c *Core) prove(s gate.Standing, readings []bot.Reading) {
	var last *record
	for _, r := range c.records {
		if r.Standing == s.Name && r.Proposal.State.Over() && !r.Proposal.StartedAt.IsZero() && (last == nil || r.Proposal.StartedAt.After(last.Proposal.StartedAt)) {
			last = r
		}
	}
	if last == nil || s.Proven(last.standingRun()) {
		return
	}
	own := slices.DeleteFunc(slices.Clone(readings), func(x bot.Reading) bool { return x.What != s.Evidence })
	for _, x := range tellable(own, c.o.Redact) {
		run := last.standingRun()
		if run.Evidence = append(slices.Clone(run.Evidence), x); !s.Proven(run) {
			continue
		}
		r := last.copied()
		r.Later = &x
		_ = c.save(r) // told in the log; judged by what is there
		return
	}
}

// proveAll is prove for every approval, whenever somebody has the host measured.
func (c *Core) proveAll(readings []bot.Reading) {
	c.locked(func() {
		for _, s := range c.settings.Load().Standing {
			c.prove(s, readings)
		}
	})
}

// counts tells whether a record still counts against a standing approval.
func (c *Core) counts(r *record, now time.Time) bool {
	if r.Standing == "" || r.Proposal.StartedAt.IsZero() {
		return false
	}
	last := true // whether it helped is asked of the last one, however old it is
	for _, o := range c.records {
		if o.Standing == r.Standing && o.Proposal.StartedAt.After(r.Proposal.StartedAt) {
			last = false
		}
	}
	for _, s := range c.settings.Load().Standing {
		if s.Name == r.Standing && now.Sub(r.Proposal.StartedAt) < s.Budget.Per {
			return true
		}
	}
	return last
}

package agent

import (
	"context"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
)

// What runs although nobody was asked to agree: what root breaks the glass for,
// and what a standing approval lets run. Both are journaled as what they are, and
// the bot tells every room of them.

// standingLife is how long a use of a standing approval may wait for a lock.
const standingLife = 10 * time.Minute

// BreakGlass plans an operation without looking at the policy. Root sees the plan
// and starts it with BreakGlassRun, or lets it be.
func (c *Core) BreakGlass(ctx context.Context, caller Caller, q api.BreakGlass) (bot.Proposal, error) {
	if err := only(caller, callerRoot); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if slow := c.pace(caller); slow != nil {
			return bot.Proposal{}, slow
		}
		return bot.Proposal{}, c.refused(named(bot.PersonID(caller.String())), "", api.Said{}, "Breaking the glass", err)
	}
	switch n := len([]rune(q.Reason)); {
	case n == 0:
		return bot.Proposal{}, bot.Errorf(bot.CodeInvalid, "Say why: everybody will read it.")
	case n > api.MaxReason:
		return bot.Proposal{}, bot.Errorf(bot.CodeInvalid, "The reason is longer than %d characters.", api.MaxReason)
	}
	op, err := c.operation(q.Operation)
	if err != nil {
		return bot.Proposal{}, err
	}
	args, err := c.parsed(ctx, c.glass, op, q.Arguments)
	if err != nil {
		return bot.Proposal{}, err
	}
	r, err := c.mint(ctx, wish{asked: api.Propose{Operation: op.Name()}, op: op, args: args, requester: byRoot, glass: q.Reason,
		rule: bot.Rule{Name: "break-glass", Risk: bot.RiskHigh, Count: 1, ValidFor: bot.SecondsOf(glassLife), ApproveWithin: bot.SecondsOf(glassLife)}})
	if err != nil {
		return bot.Proposal{}, err
	}
	return r.Proposal, nil
}

// BreakGlassRun starts what root has planned.
func (c *Core) BreakGlassRun(_ context.Context, caller Caller, q api.BreakGlassRun) (bot.Proposal, error) {
	if err := only(caller, callerRoot); err != nil {
		return bot.Proposal{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.find(q.Plan)
	switch {
	case err != nil:
		return bot.Proposal{}, err
	case r.Glass == "":
		return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "%s was asked for in the usual way, and goes it.", r.id())
	case r.Proposal.State == bot.Waiting || r.Proposal.State == bot.Running:
		return r.Proposal, nil
	case !r.Proposal.State.Open():
		return bot.Proposal{}, late(r.Proposal)
	case q.Digest != r.Proposal.Digest:
		return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "This is the digest of another plan. Read the plan again.")
	}
	r = r.copied()
	r.Proposal.State = bot.Waiting
	e := c.entry(journal.KindBreakGlass, r.id(), "Root has it run without anybody's approval: %s", r.Glass)
	e.By = byRoot
	e.Fields[journal.FieldDigest] = r.Proposal.Digest
	return c.change(r, e)
}

// Trigger uses a standing approval, if there is one for this and it is not used
// up. That the alert fires is the bot's word: the approval's own bounds are what
// holds against a captured one.
func (c *Core) Trigger(ctx context.Context, caller Caller, q api.Trigger) (bot.Proposal, error) {
	if err := only(caller, callerBot); err != nil {
		return bot.Proposal{}, err
	}
	asked := api.Propose{Key: q.Key, Arguments: bot.Arguments{"standing": {q.Standing}}}
	i := slices.IndexFunc(c.settings.Load().Standing, func(s gate.Standing) bool { return s.Name == q.Standing && s.Name != "" })
	if i < 0 {
		return bot.Proposal{}, bot.Errorf(bot.CodeNotFound, "The agent of %s has no standing approval %q.", c.o.Host.Name, short(q.Standing))
	}
	s := c.settings.Load().Standing[i]
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
	// Whether the last one helped may show only now.
	proof := c.measure(ctx)
	var j gate.StandingJudgement
	c.locked(func() {
		c.prove(s, proof)
		j = gate.JudgeStanding(s, c.history(s), c.now())
	})
	if !j.Allowed {
		return nil, bot.Errorf(bot.CodeForbidden, "%s", j.Why)
	}
	r, err := c.mint(ctx, wish{asked: asked, op: op, args: args, requester: asked.Requester, standing: s.Name,
		rule: bot.Rule{Name: "standing approval " + s.Name, Risk: bot.RiskMedium, Count: 1, ValidFor: bot.SecondsOf(standingLife), ApproveWithin: bot.SecondsOf(standingLife)}})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Another one may have been made meanwhile.
	if j := gate.JudgeStanding(s, c.history(s), c.now()); !j.Allowed {
		c.end(c.records[r.id()], bot.Cancelled, c.say("%s", j.Why), c.entry(journal.KindRefusal, r.id(), "%s", j.Why))
		return c.records[r.id()], nil
	}
	r = c.records[r.id()].copied()
	r.Proposal.State = bot.Waiting
	r.Proposal.Why = c.say("By the standing approval %q, while %s fires since %s; it has %d left after this.", s.Name, q.Alert["alertname"], q.Since.UTC().Format("2006-01-02 15:04 UTC"), max(0, j.Left-1))
	e := c.entry(journal.KindStanding, r.id(), "%s", r.Proposal.Why)
	e.Fields["standing"] = short(s.Name)
	if _, err := c.change(r, e); err != nil {
		return nil, err
	}
	return c.records[r.id()], nil
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
		at := p.StartedAt
		if at.IsZero() {
			at = c.now()
		}
		out = append(out, gate.StandingRun{Plan: r.id(), StartedAt: at, ActedAt: r.ActedAt, Evidence: p.Evidence})
	}
	return out
}

// prove adds what the probes say now to the approval's last run.
func (c *Core) prove(s gate.Standing, readings []bot.Reading) {
	var last *record
	for _, r := range c.records {
		if r.Standing == s.Name && !r.ActedAt.IsZero() && (last == nil || r.Proposal.StartedAt.After(last.Proposal.StartedAt)) {
			last = r
		}
	}
	if last == nil {
		return
	}
	r := last.copied()
	r.Proposal.Evidence = slices.Clone(r.Proposal.Evidence)
	news := false
	for _, x := range tellable(readings, c.o.Redact) {
		if x.What == s.Evidence && x.At.After(r.ActedAt) && !slices.Contains(r.Proposal.Evidence, x) {
			r.Proposal.Evidence = append(r.Proposal.Evidence, x)
			news = true
		}
	}
	if news && len(r.Proposal.Evidence) < 200 {
		_ = c.save(r) // told in the log; judged by what is there
	}
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

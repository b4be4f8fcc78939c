package agent

import (
	"context"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// What runs although nobody was asked to agree: what root breaks the glass for,
// and what a standing approval lets run. Both are journaled as what they are, and
// the bot tells every room of them.

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

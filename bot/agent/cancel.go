package agent

import (
	"context"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// Cancel takes a request back: the requester may, an admin, and root at the host.
// A run that waits to be confirmed is undone at once; one that acts cannot be
// cancelled. No proof is needed: it brings back what was, as silence would.
func (c *Core) Cancel(_ context.Context, caller Caller, q api.Cancel) (bot.Proposal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.pace(caller); err != nil {
		return bot.Proposal{}, err
	}
	by, role := byRoot, true
	if caller.kind != callerRoot {
		person, err := c.who(caller, q.Person)
		if err != nil {
			return bot.Proposal{}, c.refused(q.Person, bot.PlanID(short(string(q.Plan))), q.Said, "Cancelling it", err)
		}
		by, role = person.ID, person.Has(bot.RoleAdmin)
	}
	if len([]rune(q.Reason)) > api.MaxReason {
		return bot.Proposal{}, bot.Errorf(bot.CodeInvalid, "The reason is longer than %d characters.", api.MaxReason)
	}
	if err := bounded(q.Said); err != nil {
		return bot.Proposal{}, err
	}
	r, err := c.find(q.Plan)
	if err != nil {
		return bot.Proposal{}, err
	}
	p := r.Proposal
	switch {
	case by != p.Plan.Requester && !role:
		return bot.Proposal{}, c.refused(by, r.id(), q.Said, "Cancelling it", bot.Errorf(bot.CodeForbidden, "Only %s, who asked for it, or an admin can cancel it; whoever may approve can deny it.", p.Plan.Requester))
	case r.Glass != "" && caller.kind == callerBot:
		// What root does when nobody answers must not be in a captured bot's power.
		return bot.Proposal{}, c.refused(by, r.id(), q.Said, "Cancelling it", bot.Errorf(bot.CodeForbidden, "Root is breaking the glass on %s itself: it can be cancelled only there.", c.o.Host.Name))
	case p.State == bot.Cancelled:
		return p, nil
	case p.State == bot.Confirming:
		return c.answer(r, word{Well: false, Person: by, Reason: c.say("%s", q.Reason), At: c.now()}, byWord(caller, q.Said), q.Said)
	case !p.State.Open():
		return bot.Proposal{}, late(p)
	}
	why := c.say("%s cancelled it.", by)
	if q.Reason != "" {
		why = c.say("%s cancelled it: %s", by, q.Reason)
	}
	e := c.entry(journal.KindCancel, r.id(), "%s", why)
	e.By = by
	e.Fields = fields(e.Fields, q.Said)
	r = r.copied()
	r.Proposal.CancelledBy = by
	return c.over(r, bot.Cancelled, why, e)
}

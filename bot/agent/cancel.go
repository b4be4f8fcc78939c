package agent

import (
	"context"
	"errors"
	"io/fs"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// Cancel takes a request back: the requester may, an admin, and root at the host.
// A run that waits to be confirmed is undone at once; one that acts cannot be
// cancelled.
func (c *Core) Cancel(_ context.Context, caller Caller, q api.Cancel) (bot.Proposal, error) {
	by, role := byRoot, true
	if caller.kind != callerRoot {
		person, err := c.who(caller, q.Person)
		if err != nil {
			return bot.Proposal{}, err
		}
		by, role = person.ID, person.Has(bot.RoleAdmin)
	}
	if len([]rune(q.Reason)) > api.MaxReason {
		return bot.Proposal{}, bot.Errorf(bot.CodeInvalid, "The reason is longer than %d characters.", api.MaxReason)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.pace(caller); err != nil {
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
	case p.State == bot.Cancelled:
		return p, nil
	case p.State == bot.Confirming:
		return c.answer(r, word{Well: false, Person: by, Reason: c.say("%s", q.Reason), At: c.now()}, q.Said)
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
	return c.over(r, bot.Cancelled, why, e)
}

// Confirm says that all is well, by whoever asked for it or may agree to it.
func (c *Core) Confirm(_ context.Context, caller Caller, q api.Confirm) (bot.Proposal, error) {
	person, err := c.who(caller, q.Person)
	if err != nil {
		return bot.Proposal{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.pace(caller); err != nil {
		return bot.Proposal{}, err
	}
	r, err := c.find(q.Plan)
	if err != nil {
		return bot.Proposal{}, err
	}
	p := r.Proposal
	switch {
	case person.ID != p.Plan.Requester && !holdsAny(person.Person, p.Plan.Rule.Approvers):
		return bot.Proposal{}, c.refused(person.ID, r.id(), q.Said, "Confirming it", bot.Errorf(bot.CodeForbidden, "Only %s, who asked for it, or somebody who may agree to it can confirm it.", p.Plan.Requester))
	case p.State.Open():
		return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "%s does not run yet; there is nothing to confirm.", r.id())
	case p.State == bot.Running:
		return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "%s still runs; there is nothing to confirm yet.", r.id())
	case p.State != bot.Confirming:
		return bot.Proposal{}, late(p)
	}
	return c.answer(r, word{Well: true, Person: person.ID, At: c.now()}, q.Said)
}

// answer gives a run the word that it waits for. Whoever is first is the one: the
// run itself gives up by the same file.
func (c *Core) answer(r *record, w word, said api.Said) (bot.Proposal, error) {
	text := "%s said that all is well."
	if !w.Well {
		text = "%s said that all is not well."
	}
	e := c.entry(journal.KindConfirm, r.id(), text, w.Person)
	e.By = w.Person
	e.Fields = fields(e.Fields, said)
	if err := c.log(e); err != nil {
		return bot.Proposal{}, err
	}
	err := c.disk.createJSON(runName(r.id(), fileWord), w)
	if errors.Is(err, fs.ErrExist) {
		var former word
		if c.disk.readJSON(runName(r.id(), fileWord), 64<<10, &former) == nil && former.Well == w.Well {
			return r.Proposal, nil // told twice
		}
		return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "It is too late to say so: a word was given before, or the time for it is over.")
	}
	if err != nil {
		return bot.Proposal{}, bot.Errorf(bot.CodeUnavailable, "The word cannot be given to the run; look after the agent's disk.").Because(err)
	}
	return r.Proposal, nil
}

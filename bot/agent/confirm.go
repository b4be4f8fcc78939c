package agent

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
)

// Confirm says that all is well, by whoever asked for it or may agree to it, with
// as much proof as an approval needs: a captured bot must not make a switch last
// that took the host off the network. At the host it always counts.
//
// A code is spent when it comes, whatever becomes of the word.
func (c *Core) Confirm(_ context.Context, caller Caller, q api.Confirm) (bot.Proposal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.pace(caller); err != nil {
		c.useUp(caller, q.Person, q.Code, q.Said)
		return bot.Proposal{}, err
	}
	p, err := c.confirm(caller, q)
	if err != nil {
		c.useUp(caller, q.Person, q.Code, q.Said)
		return bot.Proposal{}, c.refused(c.speaker(caller, q.Person), bot.PlanID(short(string(q.Plan))), q.Said, "Confirming it", err)
	}
	return p, nil
}

func (c *Core) confirm(caller Caller, q api.Confirm) (bot.Proposal, error) {
	person, err := c.who(caller, q.Person)
	if err != nil {
		return bot.Proposal{}, err
	}
	if err := bounded(q.Said); err != nil {
		return bot.Proposal{}, err
	}
	proof, unproven := c.proven(caller, person, given{plan: q.Plan, verdict: bot.AllIsWell, code: q.Code, signature: q.Signature, said: q.Said})
	r, err := c.find(q.Plan)
	if err != nil {
		return bot.Proposal{}, err
	}
	p := r.Proposal
	switch {
	case person.ID != p.Plan.Requester && !gate.Holds(person.Person, p.Plan.Rule.Approvers):
		return bot.Proposal{}, bot.Errorf(bot.CodeForbidden, "Only %s, who asked for it, or somebody who may agree to it can confirm it.", p.Plan.Requester)
	case p.State != bot.Confirming:
		return bot.Proposal{}, notConfirming(p)
	}
	if w, given := c.word(r.id()); given && w.Well && w.Person == person.ID {
		return p, nil // told twice: its proof was spent then
	}
	switch {
	case unproven != nil:
		return bot.Proposal{}, unproven
	case !confirms(p.Plan.Rule, proof.step):
		return bot.Proposal{}, bot.Errorf(bot.CodeForbidden, "Your word that all is well lacks the proof that the rule wants (%s): give it, or confirm on %s with `watchstander approve --confirm`.", stepWords(p.Plan.Rule.StepUp), c.o.Host.Name)
	}
	if proof.statement != nil {
		r = r.copied()
		if err := r.use(proof.statement.Nonce, c.now()); err != nil {
			return bot.Proposal{}, err
		}
		if err := c.save(r); err != nil {
			return bot.Proposal{}, err
		}
	}
	return c.answer(r, word{Well: true, Person: person.ID, At: c.now()}, proof, q.Said)
}

// confirms tells whether a proof is enough to confirm: one that the rule wants of
// an approval, or one that holds against a captured bot.
func confirms(rule bot.Rule, step bot.StepUp) bool {
	return len(rule.StepUp) == 0 || step == bot.StepHost || step == bot.StepSSH || step != "" && slices.Contains(rule.StepUp, step)
}

func stepWords(steps []bot.StepUp) string {
	words := ""
	for i, s := range steps {
		if i > 0 {
			words += " or "
		}
		words += string(s)
	}
	return words
}

// notConfirming says why there is nothing to confirm.
func notConfirming(p bot.Proposal) error {
	switch {
	case p.State.Open():
		return bot.Errorf(bot.CodeConflict, "%s does not run yet; there is nothing to confirm.", p.Plan.ID)
	case p.State == bot.Running:
		return bot.Errorf(bot.CodeConflict, "%s still runs; there is nothing to confirm yet.", p.Plan.ID)
	case p.State == bot.Confirming:
		return bot.Errorf(bot.CodeConflict, "%s runs already, and waits for somebody to confirm it.", p.Plan.ID)
	}
	return late(p)
}

// byWord is what a word proves that needs no proof.
func byWord(caller Caller, said api.Said) proof {
	if caller.kind == callerBot {
		return proof{door: short(said.Door)}
	}
	return proof{step: bot.StepHost, door: doorHost}
}

// word is what somebody has said of a run, if anybody has.
func (c *Core) word(id bot.PlanID) (word, bool) {
	var w word
	err := c.disk.readJSON(runName(id, fileWord), 64<<10, &w)
	return w, err == nil
}

// speaker is who speaks, as far as that can be told of somebody who is refused.
func (c *Core) speaker(caller Caller, named bot.PersonID) bot.PersonID {
	if person, err := c.who(caller, named); err == nil {
		return person.ID // at the host nobody names themselves
	}
	return named
}

var tooLate = bot.Errorf(bot.CodeConflict, "It is too late to say so: a word was given before, or the time for it is over.")

// answer gives a run the word that it waits for. Whoever is first is the one: the
// run itself gives up by the same file.
func (c *Core) answer(r *record, w word, proof proof, said api.Said) (bot.Proposal, error) {
	if former, given := c.word(r.id()); given {
		if former.Well == w.Well && former.Person != "" {
			return r.Proposal, nil // told twice
		}
		return bot.Proposal{}, tooLate
	}
	text := "%s said that all is well."
	if !w.Well {
		text = "%s said that all is not well."
	}
	e := c.entry(journal.KindConfirm, r.id(), text, w.Person)
	e.By = w.Person
	e.Fields = fields(e.Fields, said)
	e.Fields["door"], e.Fields["step_up"] = cmp.Or(proof.door, "none"), cmp.Or(string(proof.step), "none")
	if err := c.log(e); err != nil {
		return bot.Proposal{}, err
	}
	err := c.disk.createJSON(runName(r.id(), fileWord), w)
	if errors.Is(err, fs.ErrExist) {
		return bot.Proposal{}, tooLate
	}
	if err != nil {
		return bot.Proposal{}, bot.Errorf(bot.CodeUnavailable, "The word cannot be given to the run; look after the agent's disk.").Because(err)
	}
	return r.Proposal, nil
}

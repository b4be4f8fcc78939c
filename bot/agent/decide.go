package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
)

// maxDecisions of one plan are kept; nobody needs as many.
const maxDecisions = 100

// Shown notes when the plan stood in a chat whole. Chats may have shown it to
// others since then; the first time counts.
func (c *Core) Shown(_ context.Context, caller Caller, q api.Shown) (bot.Proposal, error) {
	if err := only(caller, callerBot); err != nil {
		return bot.Proposal{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.find(q.Plan)
	if err != nil {
		return bot.Proposal{}, err
	}
	if !r.Proposal.ShownAt.IsZero() {
		return r.Proposal, nil
	}
	at := q.At.UTC().Truncate(time.Millisecond)
	switch p := r.Proposal; {
	case r.Standing != "" || r.Glass != "":
		return p, nil // nobody is asked to agree
	case !p.State.Open():
		return bot.Proposal{}, late(p)
	case at.After(c.now()) || at.Before(p.Plan.MintedAt):
		at = c.now() // the bot's clock is another one; that it was shown is its word anyway
	}
	r = r.copied()
	r.Proposal.ShownAt = at
	return c.change(r, c.entry(journal.KindShown, r.id(), "The plan was shown whole."))
}

// Decide is the one door by which people's words on plans come in. What an
// approval is worth is the agent's to say: the bot's word is none, people at the
// host are known by their uid, codes and signatures are checked here.
//
// A code is spent when it comes, whatever becomes of the decision. A decision is
// kept only when it counts; otherwise the error says why it does not.
func (c *Core) Decide(_ context.Context, caller Caller, q api.Decide) (bot.Proposal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.decide(caller, q)
	if err != nil {
		c.useUp(caller, q.Person, q.Code, q.Said)
		what := "A decision"
		switch q.Verdict {
		case bot.Approve:
			what = "An approval"
		case bot.Deny:
			what = "A denial"
		}
		return bot.Proposal{}, c.refused(c.speaker(caller, q.Person), bot.PlanID(short(string(q.Plan))), q.Said, what, err)
	}
	return p, nil
}

func (c *Core) decide(caller Caller, q api.Decide) (bot.Proposal, error) {
	if err := c.pace(caller); err != nil {
		return bot.Proposal{}, err
	}
	person, err := c.who(caller, q.Person)
	if err != nil {
		return bot.Proposal{}, err
	}
	if err := wellFormed(q); err != nil {
		return bot.Proposal{}, err
	}
	r, found := c.records[q.Plan]
	if found {
		if i := slices.IndexFunc(r.Proposal.Decisions, func(d bot.Decision) bool { return d.ID == q.ID }); i >= 0 {
			if d := r.Proposal.Decisions[i]; d.Person != person.ID || d.Verdict != q.Verdict {
				return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "This decision was another one when it first came.")
			}
			return r.Proposal, nil
		}
	}
	// The proof comes first: a code that was shown to anybody is spent, and a wrong one
	// is counted.
	proof, err := c.proven(caller, person, given{plan: q.Plan, verdict: q.Verdict, code: q.Code, signature: q.Signature, said: q.Said})
	if err != nil && q.Verdict != bot.Deny { // which needs none
		return bot.Proposal{}, err
	}
	if r, err = c.find(q.Plan); err != nil {
		return bot.Proposal{}, err
	}
	c.settle(r) // time may have ended it since it was looked at last
	r = c.records[q.Plan]
	switch p := r.Proposal; {
	case r.Standing != "" || r.Glass != "":
		return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "Nobody is asked to agree to this one.")
	case !p.State.Open():
		return bot.Proposal{}, late(p)
	case q.Verdict == bot.Approve && q.Digest != p.Digest:
		return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "This approval is of another plan: its digest is not that of %s. Read the plan again.", p.Plan.ID)
	case len(p.Decisions) >= maxDecisions:
		return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "There are %d decisions on %s already.", maxDecisions, p.Plan.ID)
	}
	return c.decided(r, person, q, proof)
}

func wellFormed(q api.Decide) error {
	switch {
	case q.Verdict != bot.Approve && q.Verdict != bot.Deny:
		return bot.Errorf(bot.CodeInvalid, "%q is neither yes nor no.", short(string(q.Verdict)))
	case q.ID == "" || len(q.ID) > 256:
		return bot.Errorf(bot.CodeInvalid, "A decision needs an id.")
	case len([]rune(q.Reason)) > api.MaxReason:
		return bot.Errorf(bot.CodeInvalid, "The reason is longer than %d characters.", api.MaxReason)
	}
	return bounded(q.Said)
}

// bounded refuses what no platform calls a message or an account.
func bounded(s api.Said) error {
	if len(s.Door) > 64 || len(s.Account) > 512 || len(s.Message) > 512 {
		return bot.Errorf(bot.CodeInvalid, "The names of chat, account or message are too long.")
	}
	return nil
}

// decided keeps the decision if it counts. Of a signed one only what was signed is
// kept as that person's: the bot could have put any reason beside it.
func (c *Core) decided(r *record, person Person, q api.Decide, proof proof) (bot.Proposal, error) {
	verdict, reason := q.Verdict, q.Reason
	if s := proof.statement; s != nil {
		verdict, reason = s.Verdict, s.Reason // the approver is person: signed has seen to it
	}
	d := bot.Decision{ID: q.ID, Person: person.ID, Verdict: verdict, Reason: c.say("%s", reason), At: c.now(),
		StepUp: proof.step, Door: proof.door, Account: q.Said.Account, Message: q.Said.Message}
	r = r.copied()
	for i, former := range r.Proposal.Decisions {
		if former.Person == d.Person && former.Withdrawn.IsZero() {
			r.Proposal.Decisions[i].Withdrawn = d.At // the later word is the one
		}
	}
	r.Proposal.Decisions = append(r.Proposal.Decisions, d)
	j := c.judgement(r)
	for _, i := range j.Ignored {
		if i.Decision == d {
			return bot.Proposal{}, bot.Errorf(bot.CodeForbidden, "Your word on %s does not count: %s.", r.id(), i.Why)
		}
	}
	if proof.statement != nil {
		if err := r.use(proof.statement.Nonce, d.At); err != nil {
			return bot.Proposal{}, err
		}
	}
	verb := map[bot.Verdict]string{bot.Approve: "agreed to", bot.Deny: "denied"}[d.Verdict]
	text := fmt.Sprintf("%s %s it.", d.Person, verb)
	if d.Reason != "" {
		text = fmt.Sprintf("%s %s it: %s", d.Person, verb, d.Reason)
	}
	e := c.entry(journal.KindDecision, r.id(), "%s", text)
	e.By = d.Person
	e.Fields = fields(e.Fields, q.Said)
	e.Fields["door"], e.Fields["step_up"], e.Fields["verdict"] = d.Door, cmp.Or(string(d.StepUp), "none"), string(d.Verdict)
	e.Fields[journal.FieldDigest] = r.Proposal.Digest
	e.Fields["decision"] = short(d.ID)
	if !q.At.IsZero() {
		e.Fields["said_at"] = q.At.UTC().Format(time.RFC3339)
	}
	if person.ID == r.Proposal.Plan.Requester && d.Verdict == bot.Approve {
		e.Fields["own_request"] = "yes"
	}
	return c.change(r, e)
}

// judgement asks the gate where the record stands now.
func (c *Core) judgement(r *record) gate.Judgement {
	return gate.Judge(gate.Case{Proposal: r.Proposal, Person: c.gatePerson, Now: c.now()})
}

// change commits a copy that was changed, and judges it anew.
func (c *Core) change(r *record, entries ...journal.Entry) (bot.Proposal, error) {
	if err := c.commit(r, entries...); err != nil {
		return bot.Proposal{}, err
	}
	c.settle(r)
	return c.records[r.id()].Proposal, nil
}

// Withdraw takes a word back that somebody gave, until the run starts.
func (c *Core) Withdraw(_ context.Context, caller Caller, q api.Withdraw) (bot.Proposal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.pace(caller); err != nil {
		return bot.Proposal{}, err
	}
	refused := func(err error) (bot.Proposal, error) {
		return bot.Proposal{}, c.refused(c.speaker(caller, q.Person), bot.PlanID(short(string(q.Plan))), q.Said, "Taking a word back", err)
	}
	person, err := c.who(caller, q.Person)
	if err != nil {
		return refused(err)
	}
	if err := bounded(q.Said); err != nil {
		return bot.Proposal{}, err
	}
	r, err := c.find(q.Plan)
	if err != nil {
		return bot.Proposal{}, err
	}
	i := slices.IndexFunc(r.Proposal.Decisions, func(d bot.Decision) bool { return d.ID == q.ID })
	switch {
	case i < 0:
		return bot.Proposal{}, bot.Errorf(bot.CodeNotFound, "There is no such decision on %s.", r.id())
	case r.Proposal.Decisions[i].Person != person.ID:
		return refused(bot.Errorf(bot.CodeForbidden, "Only %s can take this word back.", r.Proposal.Decisions[i].Person))
	case !r.Proposal.Decisions[i].Withdrawn.IsZero():
		return r.Proposal, nil
	case !r.Proposal.State.Open():
		return bot.Proposal{}, late(r.Proposal)
	}
	r = r.copied()
	r.Proposal.Decisions[i].Withdrawn = c.now()
	e := c.entry(journal.KindWithdrawal, r.id(), "%s took back their word (%s).", person.ID, r.Proposal.Decisions[i].Verdict)
	e.By = person.ID
	e.Fields = fields(e.Fields, q.Said)
	e.Fields["decision"] = short(q.ID)
	return c.change(r, e)
}

// late says what a word that came too late is answered with.
func late(p bot.Proposal) error {
	switch {
	case p.State == bot.Running || p.State == bot.Confirming:
		return bot.Errorf(bot.CodeConflict, "%s runs already, since %s.", p.Plan.ID, p.StartedAt.Format("15:04:05 UTC"))
	case p.Why != "":
		return bot.Errorf(bot.CodeConflict, "%s is over (%s): %s", p.Plan.ID, p.State, p.Why)
	}
	return bot.Errorf(bot.CodeConflict, "%s is over (%s).", p.Plan.ID, p.State)
}

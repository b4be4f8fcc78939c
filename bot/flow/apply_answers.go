package flow

import (
	"errors"
	"strings"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// What agents answered to what they were told.

// answeredByAgent takes an agent's answer to one of our effects.
func (c *change) answeredByAgent(x store.Effect, e bot.Affected) error {
	if err := c.ForgetSecrets(x); err != nil {
		return err
	}
	if e.Proposal != nil {
		host, err := c.toldHost(x.What)
		if err != nil {
			return err
		}
		c.asked = &x
		err = c.proposal(host, *e.Proposal)
		c.asked = nil
		if err != nil {
			return err
		}
		if e.Err == nil {
			if err := c.journalWord(x, *e.Proposal); err != nil {
				return err
			}
			if o, ok := x.What.(bot.Ask); ok {
				if err := c.planOffered(o, *e.Proposal); err != nil {
					return err
				}
			}
		}
	}
	if o, ok := x.What.(bot.Trigger); ok {
		return c.notRepaired(x, o, e.Err)
	}
	conv, ok, err := c.Thread(x.Thread)
	if err != nil || !ok || conv.State.Conversation == nil {
		if e.Err != nil {
			c.f.log.Warn("an agent did not take what it was told", "effect", x.Key, "err", e.Err)
		}
		return err
	}
	if e.Err != nil {
		return c.refusedByAgent(conv, x, e.Err)
	}
	if e.Proposal == nil {
		return nil
	}
	th, ok, err := c.planThread(e.Proposal.Plan.ID)
	if err != nil || !ok {
		return err
	}
	planned, err := c.plannedWord(*e.Proposal)
	if err != nil {
		return err
	}
	cancelled := "Cancelled."
	if e.Proposal.State != bot.Cancelled {
		cancelled = "It is being undone; its thread tells what comes of it." // it ran already, and waited to be confirmed
	}
	word := map[string]string{kindAsk: planned, kindDecide: "Your word was taken.", kindCancel: cancelled, kindConfirm: "Noted that all is well."}[kindOf(x.What)]
	return c.confirm(conv, th.ID, word)
}

// journalWord writes what somebody said through us of a run that waits for it.
func (c *change) journalWord(x store.Effect, p bot.Proposal) error {
	text := " said that all is well"
	switch x.What.(type) {
	case bot.Confirm:
	case bot.Cancel:
		if p.State == bot.Cancelled { // that is told with the state
			return nil
		}
		text = " said that all is not well: it is undone"
	default:
		return nil
	}
	th, ok, err := c.planThread(p.Plan.ID)
	if err != nil || !ok {
		return err
	}
	fields := map[string]string{journal.FieldKey: string(x.Key)}
	if conv, ok, err := c.Thread(x.Thread); err != nil {
		return err
	} else if s := conv.State.Conversation; ok && s != nil {
		fields["door"] = string(c.s.Rooms[s.Room].Chat)
		if s.Account != "" {
			fields["account"] = string(s.Account)
		}
	}
	return c.journalPlan(journal.KindConfirm, th, x.Person, string(x.Person)+text, fields)
}

// cancelledBy is who cancelled a plan, "" where it was none of ours: the agent's word
// names them, and a cancellation of theirs went through us. The agent's news may be
// here before its answer.
func (c *change) cancelledBy(p bot.Proposal) (bot.PersonID, error) {
	xs, err := c.UntoldCancels()
	if err != nil {
		return "", err
	}
	if c.asked != nil {
		xs = append(xs, *c.asked)
	}
	for _, x := range xs {
		if o, ok := x.What.(bot.Cancel); ok && o.Plan == p.Plan.ID && x.Person != "" && names(p, x.Person) {
			return x.Person, nil
		}
	}
	return "", nil
}

// names tells whether an agent says that somebody cancelled a plan. Agents of before
// there was a field for it say so in words.
func names(p bot.Proposal, who bot.PersonID) bool {
	if p.CancelledBy != "" {
		return p.CancelledBy == who
	}
	return strings.HasPrefix(p.Why, string(who)+" cancelled it")
}

// toldHost is the host whose agent was told of an effect: it is its word that is
// heard, whatever plan it speaks of.
func (c *change) toldHost(o bot.Outcome) (string, error) {
	switch o := o.(type) {
	case bot.Ask:
		return o.Host, nil
	case bot.Trigger:
		return o.Host, nil
	}
	th, ok, err := c.planThread(planOf(o))
	if err != nil || !ok {
		return "", err
	}
	return th.State.Plan.Host, nil
}

// agentSilent tells who waits for an agent, once, that it does not answer yet.
func (c *change) agentSilent(x store.Effect, why error) error {
	conv, ok, err := c.Thread(x.Thread)
	if err != nil || !ok || conv.State.Conversation == nil {
		return err
	}
	host, err := c.toldHost(x.What)
	if err != nil {
		return err
	}
	return c.answer(conv, view.AgentSilent(host, bot.ForPeople(why)))
}

func (c *change) refusedByAgent(conv bot.Thread, x store.Effect, err error) error {
	why := bot.ForPeople(err)
	host, unknown := c.toldHost(x.What)
	if unknown != nil {
		return unknown
	}
	entry := journal.Entry{Kind: journal.KindRefusal, Host: host, By: x.Person, Subject: string(x.Request), Text: "the agent refused: " + why,
		Fields: map[string]string{"what": kindOf(x.What)}}
	away := errors.Is(err, api.ErrAway)
	if away { // nobody refused anything, and it may have come through
		entry.Kind, entry.Text = journal.KindNote, "given up after some minutes: "+why
	}
	if id := planOf(x.What); id != "" {
		entry.Subject = string(id)
	}
	if err := c.journal(entry); err != nil {
		return err
	}
	switch o, ask := x.What.(bot.Ask); {
	case away:
		return c.answer(conv, view.GivenUp(why))
	case ask:
		return c.answer(conv, view.NotAsked(o.Operation, why))
	}
	return c.answer(conv, bot.Message{Title: bot.Quoted(why)})
}

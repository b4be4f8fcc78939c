package flow

import (
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
)

// Words on plans that are taken back.

// decisionWithdrawn takes a word on a plan back whose reaction or message is gone.
func (c *change) decisionWithdrawn(e bot.Withdrawn) error {
	threads, err := c.OpenThreads(bot.ThreadPlan)
	if err != nil {
		return err
	}
	id := decisionID(e.Room, e.Target)
	if asked, err := c.Seen(askedToDelete, id); asked || err != nil {
		return err // people do what they were asked to; it is no second thought
	}
	// Where the platform does not tell whose it was, only its writer or somebody who may
	// delete others' words took it away; a word that nobody can read is none either way.
	unnamed := e.User == ""
	who, known := c.s.Person(e.Chat, e.User)
	if !known && !unnamed {
		return nil
	}
	if err := c.untoldWithdrawn(e, who.ID, unnamed, id); err != nil {
		return err
	}
	for _, th := range threads {
		p := th.State.Plan.Proposal
		for _, d := range p.Decisions {
			if d.ID != id || !d.Withdrawn.IsZero() || !p.State.Open() || !unnamed && who.ID != d.Person {
				continue
			}
			if err := c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), Thread: th.ID, Person: d.Person, What: bot.TakeBack{Plan: p.Plan.ID, Decision: id}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// untoldWithdrawn takes a word back that no agent is known to have. It may be on its
// way, and arrive after the first that takes it back; so that is told once more when
// it must have.
func (c *change) untoldWithdrawn(e bot.Withdrawn, by bot.PersonID, unnamed bool, id string) error {
	untold, err := c.UntoldDecisions()
	if err != nil {
		return err
	}
	for _, x := range untold {
		conv, ok, err := c.Thread(x.Thread)
		if err != nil {
			return err
		}
		if s := conv.State.Conversation; !ok || s == nil || s.Room != e.Room || s.Message != e.Target || x.Person != by && !unnamed {
			continue
		}
		who := x.Person
		x.State, x.Result = store.EffectDone, "taken back"
		if err := c.PutEffect(x); err != nil {
			return err
		}
		if d, ok := x.What.(bot.Decide); ok && d.Code != "" {
			if err := c.spendCodes(conv, store.Request{ID: x.Request, Person: who}, []string{d.Code}, "", ""); err != nil {
				return err
			}
		}
		if err := c.ForgetSecrets(x); err != nil {
			return err
		}
		th, ok, err := c.planThread(planOf(x.What))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		for _, at := range []time.Time{c.now, c.now.Add(2 * workTime)} {
			if err := c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), Thread: th.ID, Person: who, What: bot.TakeBack{Plan: planOf(x.What), Decision: id}, NextTry: at}); err != nil {
				return err
			}
		}
		if err := c.journalPlan(journal.KindWithdrawal, th, who, string(who)+" took a word back that the agent may not have had", map[string]string{"decision": id}); err != nil {
			return err
		}
		if err := c.answer(conv, bot.Message{Title: bot.Line(bot.T("You took it back before the agent had it: it does not count."))}); err != nil {
			return err
		}
	}
	return nil
}

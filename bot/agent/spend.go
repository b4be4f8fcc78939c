package agent

import (
	"context"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// Spend uses up codes that somebody showed in a chat and that came with no word: the
// bot made nothing of them, but who reads the room could, for as long as they are
// good. What comes with a word is spent by that.
//
// The answer is always the same, so that nobody learns here which code is a right
// one. None counts as a wrong try, and a lock does not matter: who slips is not to be
// locked out, a right one that was found so is used up by it, and how many are tried is
// bounded by a pace.
func (c *Core) Spend(_ context.Context, caller Caller, q api.Spend) (api.Nothing, error) {
	var none api.Nothing
	if err := only(caller, callerBot); err != nil {
		return none, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.paces.shown.AllowN(c.now(), 1) { // a pace of its own, or it would drown words
		return none, errTooMuch
	}
	if err := bounded(q.Said); err != nil {
		return none, err
	}
	if n := len(q.Codes); n == 0 || n > api.MaxCodes {
		return none, bot.Errorf(bot.CodeInvalid, "From 1 to %d codes are used up at once.", api.MaxCodes)
	}
	person, known := c.person(q.Person)
	if !known {
		return none, nil // of them no code counts anyway
	}
	return none, c.usedUp(person, q.Codes, q.Said)
}

// useUp is Spend of the code of a word that was refused, maybe before anybody looked at
// it: too many words come at once, or its reason is too long. It has no pace: it costs
// little more than the refusal, and is journaled only where it used up a right one.
func (c *Core) useUp(caller Caller, named bot.PersonID, code string, said api.Said) {
	if code == "" {
		return
	}
	person, err := c.who(caller, named)
	if err == nil {
		err = c.usedUp(person, []string{code}, said)
	}
	if err != nil {
		c.o.Log.Warn("the code of a word that was refused may be good still", "err", err)
	}
}

// usedUp takes note of the right ones among codes, so that they count no more.
func (c *Core) usedUp(person Person, codes []string, said api.Said) error {
	if person.Seed == nil {
		return nil
	}
	seed, err := c.seed(person)
	if err != nil {
		return err
	}
	last, before := c.codes.Last[person.ID]
	newest, spent := last, false
	for _, code := range codes {
		step, good, err := matching(seed, code, c.now())
		if err != nil {
			return noSeed(person, err)
		}
		if good && (!before || step > last) {
			newest, spent = max(newest, step), true
		}
	}
	if !spent {
		return nil
	}
	e := c.entry(journal.KindNote, "", "A code of %s's was shown in a chat and came with no word that counts: it is used up.", person.ID)
	e.By = person.ID
	e.Fields = fields(e.Fields, said)
	if err := c.log(e); err != nil {
		return err
	}
	c.codes.Last[person.ID] = newest
	return c.saveCodes()
}

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
	if !known || person.Seed == nil {
		return none, nil // of them no code counts anyway
	}
	seed, err := c.seed(person)
	if err != nil {
		return none, err
	}
	last, before := c.codes.Last[person.ID]
	newest, spent := last, false
	for _, code := range q.Codes {
		step, good, err := matching(seed, code, c.now())
		if err != nil {
			return none, noSeed(person, err)
		}
		if good && (!before || step > last) {
			newest, spent = max(newest, step), true
		}
	}
	if !spent {
		return none, nil
	}
	e := c.entry(journal.KindNote, "", "A code of %s's was shown in a chat and came with no word that counts: it is used up.", person.ID)
	e.By = person.ID
	e.Fields = fields(e.Fields, q.Said)
	if err := c.log(e); err != nil {
		return none, err
	}
	c.codes.Last[person.ID] = newest
	return none, c.saveCodes()
}

package flow

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/store"
)

// spendFor is how long an agent is asked to use up a code: none is good for longer.
const spendFor = 2 * time.Minute

// spendCodes hands codes that somebody showed to all agents, but for the one that the
// agent of a host gets with a word: who reads the room must not use them elsewhere. The
// agents may have one seed of one person.
func (c *change) spendCodes(conv bot.Thread, r store.Request, codes []string, to, word string) error {
	for _, host := range slices.Sorted(maps.Keys(c.f.o.Agents)) {
		theirs := codes
		if host == to {
			theirs = slices.DeleteFunc(slices.Clone(codes), func(code string) bool { return code == word })
		}
		if len(theirs) == 0 {
			continue
		}
		// It waits in nobody's full queue: a code is good for moments.
		x := store.Effect{Key: c.f.o.IDs.Effect(), Thread: conv.ID, Request: r.ID, Person: r.Person, What: bot.SpendCodes{Host: host, Codes: theirs}}
		if err := c.makeDue(x); err != nil {
			return err
		}
	}
	return nil
}

// spendLine is spendCodes of what a line held that goes to no agent as a word.
func (c *change) spendLine(conv bot.Thread, r store.Request) error {
	return c.spendCodes(conv, r, c.f.o.Interpreter.Codes(r.Line), "", "")
}

// spendWord is spendCodes of the line of a word that goes to the agent of a host. That
// one gets what else could be a code too: of a number with some digits too many, what
// goes with the word is no code, and six of them may be the right one.
func (c *change) spendWord(conv bot.Thread, r store.Request, what bot.Outcome, host string) error {
	code := store.CodeOf(what)
	if code == "" {
		return nil
	}
	return c.spendCodes(conv, r, c.f.o.Interpreter.Codes(r.Line), host, code)
}

// spend gives an agent codes that it must not take any more.
func (f *Flow) spend(ctx context.Context, e store.Effect, o bot.SpendCodes) error {
	out := bot.Affected{Key: e.Key, At: f.clock.now()}
	said, host, _, err := f.saidOf(ctx, e)
	a := f.o.Agents[host]
	switch {
	case err != nil:
	case out.At.Sub(e.At) > spendFor:
		out.Final, err = true, bot.Errorf(bot.CodeUnavailable, "The agent did not answer while the code was good.")
	case a == nil:
		out.Final, err = true, bot.Errorf(bot.CodeNotFound, "The agent of %s is no longer configured.", host)
	default:
		_, err = a.Spend(ctx, api.Spend{Person: e.Person, Codes: o.Codes, Said: said.Said})
		out.Final = final(err)
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	out.Err = err
	return f.handIn(ctx, out)
}

// spent forgets the codes. Nobody is told: it makes no difference to whoever typed
// them.
func (c *change) spent(x store.Effect, o bot.SpendCodes, err error) error {
	if err != nil {
		c.f.log.Warn("an agent was not given a code that somebody showed", "host", o.Host, "effect", x.Key, "err", err)
	}
	return c.ForgetSecrets(x)
}

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

// spendCodes hands codes that somebody showed to all agents but that of a host which
// gets them with a word: who reads the room must not use them elsewhere. The agents
// may have one seed of one person.
func (c *change) spendCodes(conv bot.Thread, r store.Request, codes []string, but string) error {
	if len(codes) == 0 {
		return nil
	}
	for _, host := range slices.Sorted(maps.Keys(c.f.o.Agents)) {
		if host == but {
			continue
		}
		// It waits in nobody's full queue: a code is good for moments.
		x := store.Effect{Key: c.f.o.IDs.Effect(), Thread: conv.ID, Request: r.ID, Person: r.Person, What: bot.SpendCodes{Host: host, Codes: codes}}
		if err := c.makeDue(x); err != nil {
			return err
		}
	}
	return nil
}

// spendLine is spendCodes of what a line held.
func (c *change) spendLine(conv bot.Thread, r store.Request, but string) error {
	return c.spendCodes(conv, r, c.f.o.Interpreter.Codes(r.Line), but)
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

package agent

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// paces bound what a captured bot, or a stranger on the host, could fill the disk
// and the journal with. They let through at once what people do in an incident,
// and over a day no more than some ten megabytes of it.
type paces struct {
	asking   *rate.Limiter // proposals and triggers
	words    *rate.Limiter // what people say by the bot
	shown    *rate.Limiter // codes that came to it with no word
	spoken   *rate.Limiter // what they say on the host, which no bot may drown
	strange  *rate.Limiter // what users say who are nobody's
	looks    *rate.Limiter // the bot's questions about the host
	refusals *rate.Limiter // those that are journaled one by one
	back     *rate.Limiter // times that the bot's journal went back
	// unwritten are refusals that only their number tells of.
	unwritten *atomic.Int64
}

func newPaces() paces {
	return paces{
		asking: rate.NewLimiter(rate.Every(10*time.Second), 20),
		words:  rate.NewLimiter(rate.Every(2*time.Second), 40), shown: rate.NewLimiter(rate.Every(2*time.Second), 40), spoken: rate.NewLimiter(2, 40), strange: rate.NewLimiter(rate.Every(10*time.Second), 5),
		looks: rate.NewLimiter(5, 100), refusals: rate.NewLimiter(rate.Every(20*time.Second), 100), back: rate.NewLimiter(rate.Every(10*time.Minute), 5),
		unwritten: new(atomic.Int64),
	}
}

var errTooMuch = bot.Errorf(bot.CodeUnavailable, "Too much is said at once; try again in a minute.")

// pace bounds how much is said at once: each word may cost an entry of the journal.
func (c *Core) pace(caller Caller) error {
	words := c.words
	if caller.kind != callerBot {
		words = c.spoken
	}
	if _, known := c.personOf(caller.uid); caller.kind == callerHuman && !known {
		words = c.strange
	}
	if !words.AllowN(c.now(), 1) {
		return errTooMuch
	}
	return nil
}

// paceLook bounds how often the bot may look: a look may start programs.
func (c *Core) paceLook(caller Caller) error {
	if caller.kind == callerBot && !c.paces.looks.AllowN(c.now(), 1) {
		return errTooMuch
	}
	return nil
}

// refused journals a refusal and gives it back. That it could not be journaled
// changes nothing about it; of many at once, most are only counted.
func (c *Core) refused(by bot.PersonID, id bot.PlanID, said api.Said, what string, err error) error {
	if e, ok := errors.AsType[*bot.Error](err); ok && (e.Code == bot.CodeUnavailable || e.Code == bot.CodeInternal) {
		return err // nobody refused anything
	}
	if !c.refusals.AllowN(c.now(), 1) {
		c.unwritten.Add(1)
		return err
	}
	e := c.entry(journal.KindRefusal, id, "%s was refused: %s", what, bot.ForPeople(err))
	e.By = named(by)
	e.Fields = fields(e.Fields, said)
	if n := c.unwritten.Swap(0); n > 0 {
		e.Fields["not_written_before"] = strconv.FormatInt(n, 10)
	}
	_ = c.log(e) // told in the log
	return err
}

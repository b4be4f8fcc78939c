package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/bot/store"
)

// readState is what the rehearsed restore of the bot's own state is called.
const readState = "bot state"

// A rehearsal copies the whole state: it has a time of its own within workTime, beside the
// probes', and what it came to is told again for a while.
const (
	rehearseTime = 25 * time.Second
	// rehearsedFor is for how long one that went well is told again; rehearseAgain is the
	// same of one that did not, which somebody may mend and have looked at again.
	rehearsedFor  = time.Hour
	rehearseAgain = 5 * time.Minute
)

// rehearsal is what the last one came to.
type rehearsal struct {
	// one at a time; whoever waits for another's gets what that came to.
	turn chan struct{}
	last bot.Reading // zero before the first
}

// asksFor tells whether a look has an item of which a reading is evidence: what costs
// something is measured for those alone.
func (f *Flow) asksFor(ctx context.Context, e store.Effect, what string) (asks bool) {
	o, ok := e.What.(bot.Measure)
	if !ok {
		return false
	}
	err := f.o.Store.View(ctx, func(tx *store.Tx) error {
		th, ok, err := tx.Thread(o.Thread)
		if ok && th.State.Checklist != nil {
			asks = slices.ContainsFunc(th.State.Checklist.Items, func(x bot.ItemState) bool {
				return (o.Number == 0 || x.Number == o.Number) && x.Item.Fits(bot.Reading{What: what})
			})
		}
		return err
	})
	return asks && err == nil
}

// rehearsed is whether the bot's own state can be restored from a copy: of now, or of when
// that was last tried, which the reading's time tells.
func (f *Flow) rehearsed(ctx context.Context) bot.Reading {
	called := func() bot.Reading {
		return bot.Reading{What: readState, At: f.clock.now(), State: bot.Unknown, Note: "nobody waited for its end"}
	}
	select {
	case f.rehearsal.turn <- struct{}{}:
		defer func() { <-f.rehearsal.turn }()
	case <-ctx.Done():
		return called()
	}
	last := f.rehearsal.last
	keep := rehearseAgain
	if last.State == bot.OK {
		keep = rehearsedFor
	}
	if age := f.clock.now().Sub(last.At); !last.At.IsZero() && age >= 0 && age < keep {
		return last
	}
	r := f.rehearse(ctx, rehearseTime)
	if errors.Is(ctx.Err(), context.Canceled) {
		return called()
	}
	f.rehearsal.last = r
	return r
}

// rehearse makes a copy now. That there was not enough time or room for one says nothing
// of the state.
func (f *Flow) rehearse(ctx context.Context, within time.Duration) bot.Reading {
	r := bot.Reading{What: readState, Source: "a copy that was made, looked through and read back", At: f.clock.now(), State: bot.OK}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	found, err := f.o.Store.Rehearse(ctx)
	switch {
	case err == nil:
		r.Value = fmt.Sprintf("copied and read back: %s, %s", phrase.Count(int(found.Threads), "thread", "threads"), phrase.Count(int(found.Journal), "entry of the journal", "entries of the journal"))
		return r.With(float64(found.Bytes), bot.FigureBytes)
	case ctx.Err() != nil:
		r.State, r.Note = bot.Unknown, "a copy of it was not made and read back within "+phrase.Duration(within)
	case errors.Is(err, store.ErrNoRoom):
		r.State, r.Note = bot.Unknown, "there is not enough room on its disk for a copy of it; see the log of the bot"
	default:
		r.State, r.Note = bot.NotOK, "a copy of it could not be read back; see the log of the bot"
	}
	f.log.Error("a restore of the state was rehearsed, and did not come to its end", "err", err)
	return r
}

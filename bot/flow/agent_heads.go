package flow

import (
	"context"
	"errors"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/store"
)

const (
	// headsEvery is how often bot and agent log each other's journal heads.
	headsEvery = time.Hour
	// headsAgain is how soon that is tried again where it failed.
	headsAgain = time.Minute
)

// heads has a bot and an agent log where each other's journal ends. It belongs to the
// worker that follows the agent. What fails here holds up no news of plans: that an
// agent's journal is broken is a trouble of its own.
type heads struct {
	f      *Flow
	host   string
	a      api.Agent
	source string

	next time.Time
	// told: people know of a trouble; quiet: they know that there is none.
	told, quiet bool
}

// exchange gives the agent our head, and takes its own, when that is due.
func (h *heads) exchange(ctx context.Context) {
	now := h.f.clock.now()
	if now.Before(h.next) {
		return
	}
	err := h.swap(ctx, now)
	switch {
	case ctx.Err() != nil:
		return
	case err == nil:
		h.next = now.Add(headsEvery)
		if h.told || !h.quiet { // in a former life people may have been told
			if h.tell(ctx, nil) == nil {
				h.told, h.quiet = false, true
			}
		}
		return
	}
	h.next = now.Add(headsAgain)
	if errors.Is(err, api.ErrAway) || errors.Is(err, errOwnState) {
		h.f.log.Warn("the heads of the journals were not exchanged", "host", h.host, "err", err)
		return // told as what it is: an agent that is away, a state that is full
	}
	h.f.log.Error("an agent does not tell where its journal ends", "host", h.host, "err", err)
	if !h.told {
		h.told = h.tell(ctx, err) == nil
	}
}

func (h *heads) swap(ctx context.Context, now time.Time) error {
	var own journal.Head
	if err := h.f.o.Store.View(ctx, func(tx *store.Tx) (err error) { own, err = tx.JournalHead(); return err }); err != nil {
		return ownState(err)
	}
	asking, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	head, err := h.a.Heads(asking, api.Heads{Head: own})
	if err != nil {
		return err
	}
	e := bot.Told{Host: h.host, Head: head.Hash, HeadSeq: head.Seq, At: now}
	return ownState(h.f.Take(ctx, bot.Batch{Source: h.source, Events: []bot.Event{e}}))
}

// tell says that an agent's journal is in trouble, or no longer.
func (h *heads) tell(ctx context.Context, why error) error {
	e := bot.Troubled{Subject: "agent journal " + h.host, Title: "The agent of " + h.host + " does not tell where its journal ends", Over: why == nil, At: h.f.clock.now()}
	if why != nil {
		e.Text = "Were entries taken from it now, nobody would find out by me. The agent says: " + bot.ForPeople(why) +
			" On the host, `watchstander journal verify --file` with the path of its journal (`/var/lib/watchstander-agent/journal`) tells what is broken."
	}
	err := h.f.Take(ctx, bot.Batch{Source: "agent", Events: []bot.Event{e}})
	if err != nil && ctx.Err() == nil {
		h.f.log.Error("people could not be told of an agent's journal", "host", h.host, "err", err)
	}
	return err
}

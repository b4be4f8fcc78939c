package flow

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"watchstander/bot"
	"watchstander/bot/store"
)

// room is the worker of one room: the only one that posts there. One room's
// trouble (a slow platform, a lost permission) stops no other.
type room struct {
	f      *Flow
	name   bot.RoomID
	chatID bot.ChatID
	chat   bot.Chat
	caps   bot.Caps
	pace   *rate.Limiter
	whole  *rate.Limiter // the chat's, shared by its rooms
	wake   chan struct{}

	// safe holds the keys that the platform surely does not have: frozen by this
	// process and not yet given to it. After a restart nothing is safe.
	safe map[bot.SendKey]bool
	// unsure holds the keys that were given to it without a clear outcome, and when
	// that was known of the last try. They may still arrive for a while, so they are
	// not safe.
	unsure map[bot.SendKey]time.Time
	// alone counts, for each thread, failures while the room took other posts:
	// then the trouble is the post's, and not the platform's.
	alone map[bot.ThreadID]int
	// fails counts failures in a row, a thread's that follow each other once; culprit
	// is the thread of the last. Nothing is posted before notBefore.
	fails     int
	culprit   bot.ThreadID
	notBefore time.Time
	// slots counts posts, so that every fourth goes to what waited longest.
	slots int
}

func newRoom(f *Flow, name bot.RoomID, id bot.ChatID, chat bot.Chat) *room {
	caps := chat.Caps()
	r := &room{f: f, name: name, chatID: id, chat: chat, caps: caps, wake: f.newWake(), safe: map[bot.SendKey]bool{}, unsure: map[bot.SendKey]time.Time{}, alone: map[bot.ThreadID]int{},
		pace: limiter(caps.RoomPerSecond, caps.RoomBurst), whole: limiter(caps.ChatPerSecond, caps.ChatBurst)}
	for _, other := range f.rooms {
		if other.chatID == id {
			r.whole = other.whole
		}
	}
	return r
}

func limiter(perSecond float64, burst int) *rate.Limiter {
	if perSecond <= 0 {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(burst, 1))
}

// run posts what is due until ctx ends.
func (r *room) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait, err := r.idle(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.f.log.Error("the state cannot be read", "room", r.name, "err", err)
			r.f.sleep(ctx, nil, 5*time.Second)
		case wait != 0:
			r.f.sleep(ctx, r.wake, wait)
		default:
			if !r.take(ctx) {
				return
			}
			if err := r.f.guard("room "+string(r.name), func() error { return r.step(ctx) }); err != nil && ctx.Err() == nil {
				r.f.log.Error("a room's work failed", "room", r.name, "err", err)
				r.retreat("")
			}
		}
	}
}

// idle tells how long there is nothing to do: 0 when a view is due now,
// negative for as long as nothing changes.
func (r *room) idle(ctx context.Context) (wait time.Duration, err error) {
	now := r.f.clock.now()
	if d := r.notBefore.Sub(now); d > 0 {
		// Whatever wakes the worker meanwhile finds it still waiting.
		return d, nil
	}
	err = r.f.o.Store.View(ctx, func(tx *store.Tx) error {
		due, err := tx.DueViews(r.name, now, 1)
		if err != nil || len(due) > 0 {
			return err
		}
		next, err := tx.NextView(r.name, now)
		if err != nil {
			return err
		}
		wait = -1
		if !next.IsZero() {
			wait = min(max(next.Sub(now), time.Millisecond), wallCheck)
		}
		storm, err := r.stormDue(tx, now)
		if err != nil {
			return err
		}
		late, err := r.lateDue(tx, now)
		if err != nil {
			return err
		}
		for _, d := range []time.Duration{storm, late} {
			if d >= 0 && (wait < 0 || d < wait) {
				wait = d
			}
		}
		offer, err := tx.OfferViews(r.name, len(r.offers()), now, 1)
		rest := r.rested()
		if err == nil && len(offer) == 0 {
			// One that failed has a time of its own, and nothing else wakes for it.
			var next time.Time
			if next, err = tx.NextOffer(r.name, len(r.offers()), now); err != nil || next.IsZero() {
				return err
			}
			rest = min(max(rest, next.Sub(now), time.Millisecond), wallCheck)
		}
		if err == nil && (wait < 0 || rest < wait) {
			wait = rest
		}
		return err
	})
	return wait, err
}

// rested is how long until the room's pace has all of its burst again. What is
// only offered waits for it, so that an alert never waits for what is offered.
func (r *room) rested() time.Duration {
	var wait time.Duration
	for _, l := range []*rate.Limiter{r.whole, r.pace} {
		lack := float64(l.Burst()) - l.TokensAt(time.Now())
		if l.Limit() != rate.Inf && lack > 0 {
			wait = max(wait, time.Duration(lack/float64(l.Limit())*float64(time.Second))+time.Millisecond)
		}
	}
	return wait
}

// take waits for the pace. What is posted is chosen only afterwards, so that it
// is the most urgent then.
func (r *room) take(ctx context.Context) bool {
	for _, l := range []*rate.Limiter{r.whole, r.pace} {
		began := r.f.clock.now()
		if err := l.Wait(ctx); err != nil {
			return false
		}
		r.f.o.Metrics.Pace.WithLabelValues(string(r.name)).Set(r.f.clock.now().Sub(began).Seconds())
	}
	return true
}

// step does one thing in the room: post one part, or find out what became of
// one.
func (r *room) step(ctx context.Context) error {
	if err := errors.Join(r.storm(ctx), r.editOnceMore(ctx)); err != nil {
		return err
	}
	v, ok, err := r.choose(ctx)
	if err != nil || !ok {
		return err
	}
	err = r.f.guard("view of "+string(v.Thread), func() error {
		s, err := r.freeze(ctx, v)
		if err != nil || s == nil {
			return err
		}
		return r.deliver(ctx, v, *s)
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	r.f.log.Error("a view's work failed; others go on", "room", r.name, "thread", v.Thread, "err", err)
	return r.setBack(ctx, v)
}

// setBack lets the views behind one go on whose own work fails (a fault of ours:
// what the platform refuses is handled in deliver.go). After a few tries it is said
// in a plainer form.
func (r *room) setBack(ctx context.Context, v store.View) error {
	return r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		return r.note(tx, v, func(v *store.View) {
			v.NextTry = r.f.clock.now().Add(backoff(v.Tries, 5*time.Second, 10*time.Minute))
			v.Tries++
			v.Error = "internal"
			if v.Tries > 2 {
				v.Bare = min(v.Bare+1, bareMarker)
			}
		})
	})
}

// choose picks the view that goes now: answers, the storm message, then the
// worst; every fourth time what waited longest; when nothing lacks, an offer.
func (r *room) choose(ctx context.Context) (v store.View, ok bool, err error) {
	r.slots++
	err = r.f.o.Store.View(ctx, func(tx *store.Tx) error {
		now := r.f.clock.now()
		due, err := tx.DueViews(r.name, now, 1)
		if err == nil && len(due) == 0 {
			due, err = tx.OfferViews(r.name, len(r.offers()), now, 1)
		}
		if err != nil || len(due) == 0 {
			return err
		}
		v, ok = due[0], true
		if r.slots%4 == 0 && v.Due { // nobody keeps alerts back by asking again and again
			v, ok, err = tx.OldestDueView(r.name, now)
		}
		return err
	})
	return v, ok, err
}

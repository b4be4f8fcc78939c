package flow

import (
	"context"
	"errors"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// grace is how long a post that is under way may take after the end was asked
// for, so that its outcome is known.
const (
	sendTime = 30 * time.Second
	grace    = 4 * time.Second
)

// sendContext ends some time after ctx does.
func sendContext(ctx context.Context) (context.Context, context.CancelFunc) {
	inner, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTime)
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-inner.Done():
		}
	})
	return inner, func() { stop(); cancel() }
}

// deliver gives one frozen part to the platform, or finds it there.
func (r *room) deliver(ctx context.Context, v store.View, s store.Send) error {
	ctx, cancel := sendContext(ctx)
	defer cancel()
	out := bot.Sending{Key: s.Key, Room: s.Room, Kind: s.Kind, Root: s.Root, Body: s.Body, Attachment: s.Attachment, Since: s.At}
	if !r.safe[s.Key] {
		receipt, found, err := r.chat.Find(ctx, out)
		if err != nil && (v.Tries < findTries || unreachable(err)) {
			return r.failed(ctx, v, s, err, false)
		}
		if err != nil {
			// It cannot be looked far enough back, and will not be. The same bytes
			// under the same key are the best that can be done.
			r.f.o.Metrics.Found.WithLabelValues("unknown").Inc()
			r.f.log.Error("whether a post arrived cannot be told; it is sent again under its key", "room", r.name, "thread", s.Thread, "key", s.Key, "err", err)
		}
		if found {
			r.f.o.Metrics.Found.WithLabelValues("found").Inc()
			return r.settle(ctx, s, receipt)
		}
		if err := r.mayBeLate(ctx, v, s); err != nil {
			return err
		}
		if err == nil {
			r.f.o.Metrics.Found.WithLabelValues("absent").Inc()
			now := r.f.clock.now()
			if seen := r.f.started.Add(inFlight); s.At.Before(r.f.started) && now.Before(seen) {
				// Whoever gave it away last died a moment ago, however old it is, and the
				// platform may still be taking it. It is looked for again when it would be seen.
				return r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
					return r.note(tx, v, func(v *store.View) { v.NextTry = seen })
				})
			}
			if now.Sub(s.At) > tryIsOver && now.Sub(r.unsure[s.Key]) > tryIsOver {
				// Whoever gave it away, in this life or the one before, has ended since.
				// What is out of date by now need not be sent first.
				delete(r.unsure, s.Key)
				r.safe[s.Key] = true
				if stale, err := r.stale(ctx, s); err != nil || stale {
					return err // the next step renders it anew
				}
			}
		}
	}
	delete(r.safe, s.Key)
	receipt, err := r.chat.Send(ctx, out)
	if err != nil {
		return r.failed(ctx, v, s, err, true)
	}
	r.f.o.Metrics.Sent.WithLabelValues(string(r.chatID), string(s.Kind)).Inc()
	return r.settle(ctx, s, receipt)
}

// settle records a receipt: the version that was sent, never a newer one that
// arrived meanwhile, which leaves the view due.
func (r *room) settle(ctx context.Context, s store.Send, receipt bot.Receipt) error {
	recovered, shown := r.fails > 0, false
	r.fails, r.notBefore = 0, time.Time{}
	r.forget(s)
	err := r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		was, there, err := tx.Send(s.Key)
		if err != nil {
			return err
		}
		if err := tx.SettleSend(s.Key, store.Sent, receipt.ID); err != nil {
			return err
		}
		if !there || was.State != store.Sending {
			return nil // it was given up meanwhile, since its root or another part of it is gone
		}
		v, ok, err := tx.View(s.Thread, s.Room)
		if err != nil || !ok {
			return err
		}
		th, ok, err := tx.Thread(s.Thread)
		if err != nil || !ok {
			return err
		}
		if s.Kind == bot.SendRoot && s.Part == 0 {
			v.Root = receipt.ID
		}
		switch {
		case s.Kind == bot.SendOffer:
			v.Offered++
		case s.Part == s.Parts-1:
			if s.Kind != bot.SendReply {
				v.ShownVersion = max(v.ShownVersion, s.Version)
			}
			v.SaidSeq = max(v.SaidSeq, s.ToSeq)
			if s.Whole != "" {
				// Its last part is there, and the others before it: all can be read.
				c := &change{Tx: tx, f: r.f, s: r.f.settings.Load(), now: r.f.clock.now(), ctx: ctx}
				if err := c.planPosted(&th, s); err != nil {
					return err
				}
				shown = true
			}
			v.Bare = 0
		}
		v.Tries, v.NextTry, v.Error = 0, time.Time{}, ""
		if err := tx.PutView(v, th, r.f.clock.now()); err != nil || !recovered {
			return err
		}
		// The platform is back: what it refused meanwhile need not wait longer.
		return tx.RetryViews(s.Room, []string{string(bot.Unreachable), string(bot.Unsure), string(bot.Forbidden)})
	})
	r.f.receipts.announce()
	if err == nil {
		// The after-reboot and storm threads may be waiting for this room.
		nudge(r.wake)
	}
	if err == nil && shown {
		r.f.wake() // its agent is to be told
	}
	return err
}

// tryIsOver is after how long a post that cannot be found never was given away, or
// never arrived: longer than any try takes.
const tryIsOver = sendTime + 30*time.Second

// inFlight is how long after our start a request of the life before may take to show
// in the room. A homeserver knows a transaction id again only when it has done with
// the first request of it.
const inFlight = 2 * time.Second

// stale tells whether what was frozen is out of date.
func (r *room) stale(ctx context.Context, s store.Send) (stale bool, err error) {
	err = r.f.o.Store.View(ctx, func(tx *store.Tx) error {
		th, ok, err := tx.Thread(s.Thread)
		stale = ok && r.outdated(s, th)
		return err
	})
	return stale, err
}

// findTries is how often in a row it may fail to look for a post; aloneTries how
// often one post may fail while the room takes others, or its attachment while
// the platform answers, before it is said in a plainer form.
const (
	findTries  = 4
	aloneTries = 3
)

// failed decides what to do about a part that has no receipt. sent: it was given
// to the platform; otherwise only looked for.
func (r *room) failed(ctx context.Context, v store.View, s store.Send, err error, sent bool) error {
	refusal, ok := errors.AsType[*bot.Refusal](err)
	if !ok {
		refusal = &bot.Refusal{Kind: bot.Unsure, Cause: err}
	}
	r.f.o.Metrics.ChatErrors.WithLabelValues(string(r.chatID), string(refusal.Kind)).Inc()
	r.f.log.Warn("a post was not confirmed", "room", r.name, "thread", s.Thread, "key", s.Key, "kind", s.Kind, "sent", sent, "why", refusal.Kind, "err", err)
	now := r.f.clock.now()
	if sent && refusal.Kind == bot.Unsure {
		r.unsure[s.Key] = now
	}
	surelyNot := sent && r.unsure[s.Key].IsZero()
	switch refusal.Kind {
	case bot.Busy:
		r.safe[s.Key] = surelyNot
		r.notBefore = now.Add(max(refusal.After, 500*time.Millisecond))
		return nil
	case bot.Rejected:
		return r.plainer(ctx, v, s)
	case bot.RootGone:
		return r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
			c := &change{Tx: tx, f: r.f, s: r.f.settings.Load(), now: now, ctx: ctx}
			return c.rootGone(v)
		})
	case bot.Unreachable, bot.Forbidden:
		// Forbidden: perhaps it is just being let in; the waits grow if it is not.
		r.safe[s.Key] = surelyNot
	}
	if r.fails == 0 || refusal.Attachment {
		r.alone[s.Thread]++
	}
	// A marker is the last form: it is tried for as long as it takes, since only
	// what was refused for good is ever passed.
	if r.alone[s.Thread] >= aloneTries && v.Bare < bareMarker {
		r.f.log.Error("a post fails while others go; it is said more plainly", "room", r.name, "thread", s.Thread, "key", s.Key)
		return r.plainer(ctx, v, s)
	}
	if !refusal.Attachment {
		r.retreat(s.Thread)
	}
	return r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		return r.note(tx, v, func(v *store.View) {
			// Others go before it is tried again: what fails may be this post alone.
			v.NextTry = now.Add(backoff(v.Tries, time.Second, time.Minute))
			if after := r.notBefore.Add(time.Second); v.NextTry.Before(after) {
				v.NextTry = after
			}
			v.Tries++
			v.Error = string(refusal.Kind)
		})
	})
}

// unreachable tells whether an error is the platform's absence.
func unreachable(err error) bool {
	refusal, ok := errors.AsType[*bot.Refusal](err)
	return ok && (refusal.Kind == bot.Unreachable || refusal.Kind == bot.Busy || refusal.Kind == bot.Forbidden)
}

// forget lets go of what is known of a send whose outcome is known.
func (r *room) forget(s store.Send) {
	delete(r.safe, s.Key)
	delete(r.unsure, s.Key)
	delete(r.alone, s.Thread)
}

// note changes a view as it stands in the transaction.
func (r *room) note(tx *store.Tx, v store.View, change func(*store.View)) error {
	now, ok, err := tx.View(v.Thread, v.Room)
	if err != nil || !ok {
		return err
	}
	th, ok, err := tx.Thread(v.Thread)
	if err != nil || !ok {
		return err
	}
	change(&now)
	return tx.PutView(now, th, r.f.clock.now())
}

// retreat makes the whole room wait: when one post fails for the platform's sake,
// the next would too. It waits longer each time another thread's post fails; when the
// same one fails again (its own wait grows), nothing new is known of the room, and
// what else is due, such as the answer to a person, is soon tried.
func (r *room) retreat(thread bot.ThreadID) {
	if r.fails == 0 || thread == "" || thread != r.culprit {
		r.fails++
	}
	r.culprit = thread
	r.notBefore = r.f.clock.now().Add(backoff(r.fails-1, time.Second, time.Minute))
}

// bareMarker is the last form of what a platform rejects.
const bareMarker = 2

// plainer gives a rejected form up for a plainer one; what is rejected even as
// a marker is passed, so that it never blocks what comes behind it.
func (r *room) plainer(ctx context.Context, v store.View, s store.Send) error {
	r.forget(s)
	defer r.f.receipts.announce() // there will be none
	return r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DropSends(s.Thread, s.Room); err != nil {
			return err
		}
		return r.note(tx, v, func(v *store.View) {
			v.Tries, v.NextTry = 0, time.Time{}
			if s.Kind == bot.SendOffer {
				v.Offered++ // it stands there already, or is not wanted
				return
			}
			if v.Bare < bareMarker {
				v.Bare++
				return
			}
			r.f.o.Metrics.GivenUp.Inc()
			r.f.log.Error("a room rejects even a bare marker; the message is passed", "room", r.name, "thread", s.Thread)
			v.Bare, v.Error = 0, "rejected"
			if s.Kind != bot.SendReply {
				v.ShownVersion = s.Version
			}
			v.SaidSeq = max(v.SaidSeq, s.ToSeq)
		})
	})
}

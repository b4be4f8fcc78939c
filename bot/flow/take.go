package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// taking is a batch on its way into the state.
type taking struct {
	batch bot.Batch
	done  chan error
}

// shareCommit bounds how many batches share one transaction.
const shareCommit = 64

// commitTime bounds one transaction; a disk that takes longer is a fault that
// the sender should hear of.
const commitTime = 30 * time.Second

// Take is the one way in. When it returns nil, the batch is on the disk. When
// it returns an error, the batch may or may not be; the sender sends again, and
// what is taken twice is recognised.
func (f *Flow) Take(ctx context.Context, b bot.Batch) error {
	if err := f.pointed(ctx, b); err != nil {
		return err
	}
	t := taking{b, make(chan error, 1)}
	select {
	case f.takes <- t:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-t.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take is the worker behind Take: batches that arrive while one is being
// committed share the next commit.
func (f *Flow) take(ctx context.Context) {
	for {
		var ts []taking
		select {
		case <-ctx.Done():
			return
		case t := <-f.takes:
			ts = append(ts, t)
		}
	more:
		for len(ts) < shareCommit {
			select {
			case t := <-f.takes:
				ts = append(ts, t)
			default:
				break more
			}
		}
		f.commit(ctx, ts)
	}
}

// commit applies batches in one transaction. A batch whose events cannot be
// applied fails by itself.
func (f *Flow) commit(ctx context.Context, ts []taking) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	errs := make([]error, len(ts))
	var after []func()
	mark := f.o.Store.Mark()
	err := f.o.Store.Update(ctx, func(tx *store.Tx) error {
		after = nil
		for i, t := range ts {
			c := &change{Tx: tx, f: f, s: f.settings.Load(), now: f.clock.now(), ctx: ctx}
			errs[i] = c.Nested(func() error {
				return f.guard("take from "+t.batch.Source, func() error { return c.batch(t.batch) })
			})
			if errs[i] == nil {
				after = append(after, c.after...)
			}
		}
		return (&change{Tx: tx, f: f, now: f.clock.now()}).alive()
	})
	if err == nil {
		for _, do := range after {
			do()
		}
		if f.o.Store.Mark() != mark {
			f.wake()
		}
	}
	for i, t := range ts {
		e := errors.Join(err, errs[i])
		if e != nil {
			f.log.Error("an event was not taken", "source", t.batch.Source, "err", e)
		}
		f.o.Metrics.Taken.WithLabelValues(outcome(e)).Add(float64(len(t.batch.Events)))
		t.done <- e
	}
}

func outcome(err error) string {
	if err != nil {
		return "error"
	}
	return "ok"
}

// change is one batch being applied inside a transaction.
type change struct {
	*store.Tx
	f   *Flow
	s   *Settings
	now time.Time
	ctx context.Context
	// standing are the hosts' standing approvals, as far as they were read.
	standing map[string][]bot.Standing
	// asked is the effect whose answer is being taken, if one is.
	asked *store.Effect
	// after is done when the transaction is committed: wakes, metrics.
	after []func()
}

func (c *change) batch(b bot.Batch) error {
	for _, e := range b.Events {
		if err := c.event(b.Source, e); err != nil {
			return err
		}
	}
	if b.Cursor != "" {
		return c.PutCursor(b.Source, b.Cursor, c.now)
	}
	return nil
}

// event applies one event. From a chat, what cannot be applied is kept and
// passed: it must not stop what comes behind it for ever. From elsewhere the
// failure is the answer.
func (c *change) event(source string, e bot.Event) error {
	switch e := e.(type) {
	case bot.Delivery:
		return c.delivery(e)
	case bot.Refused:
		return c.refused(e)
	case bot.Polled:
		return c.polled(e)
	case bot.Said:
		return c.passing(source, string(e.ID), func() error { return c.said(e) })
	case bot.Pressed:
		return c.passing(source, string(e.ID), func() error { return c.pressed(e) })
	case bot.Withdrawn:
		return c.passing(source, string(e.ID), func() error { return c.withdrawn(e) })
	case bot.Undecodable:
		c.f.o.Metrics.Undecodable.Inc()
		c.f.log.Warn("an event could not be read and was passed", "source", source, "id", e.ID, "reason", e.Reason)
		return c.KeepRejected(source, string(e.ID), e.Reason, e.Body, c.now)
	case bot.Troubled:
		if e.Over {
			return c.noticeOver(e.Subject)
		}
		return c.trouble(e.Subject, bot.ToneWarning, e.Title, e.Text)
	case bot.Answered:
		return c.answered(e)
	case bot.Affected:
		return c.affected(e)
	case bot.Drawn:
		return c.drawn(e)
	case bot.Looked:
		return c.looked(e)
	case bot.Reported:
		return c.reported(e)
	case bot.Measured:
		return c.measured(e)
	case bot.Noted:
		return c.noted(e)
	case bot.Told:
		return c.told(e)
	case bot.Tick:
		return c.due()
	case bot.Started:
		return c.startedUp(e)
	case bot.Booted:
		return c.booted(e)
	case bot.Changed:
		return c.changed(e.Change)
	}
	return fmt.Errorf("flow: an event of unknown type %T", e)
}

// each does one row's part of a larger change, so that its failure is not the
// failure of all: it is undone, logged, and tried again with the next change.
func (c *change) each(what string, do func() error) error {
	err := c.Nested(func() error { return c.f.guard(what, do) })
	if err == nil || c.ctx.Err() != nil {
		return err
	}
	c.f.log.Error("a row could not be brought up to date; the others go on", "row", what, "err", err)
	return nil
}

// passing applies a chat's event once.
func (c *change) passing(source, id string, apply func() error) error {
	fresh, err := c.FirstSeen(source, id, c.now)
	if err != nil || !fresh {
		return err
	}
	err = c.Nested(func() error { return c.f.guard("apply "+source, apply) })
	if err == nil || c.ctx.Err() != nil {
		return err
	}
	c.f.o.Metrics.Undecodable.Inc()
	c.f.log.Error("a chat's event could not be applied and was passed", "source", source, "id", id, "err", err)
	return c.Reject(source, id, err.Error())
}

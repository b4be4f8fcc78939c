package flow

import (
	"context"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// An edit that was not answered is made again, and its first try may still land: after
// the second one, and after its successor, so that the root says what is no longer true.
// Nobody would be told. So the root is edited once more, with what is true then.

// lateAfter is how long after a repeated edit that is: no try is under way any longer.
const lateAfter = tryIsOver

// mayBeLate notes, before it is made again, that an edit of a thread's root may still land.
func (r *room) mayBeLate(ctx context.Context, v store.View, s store.Send) error {
	if s.Kind != bot.SendEdit || !r.caps.LateEdits {
		return nil
	}
	return r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		return r.note(tx, v, func(v *store.View) { v.Again = r.f.clock.now().Add(lateAfter) })
	})
}

// lateDue is how long until a root is to be edited once more; negative for none.
func (r *room) lateDue(tx *store.Tx, now time.Time) (time.Duration, error) {
	at, err := tx.NextAgain(r.name)
	if err != nil || at.IsZero() {
		return -1, err
	}
	return max(at.Sub(now), 0), nil
}

// editOnceMore makes the roots due whose time has come.
func (r *room) editOnceMore(ctx context.Context) error {
	now := r.f.clock.now()
	var due []store.View
	if err := r.f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.AgainViews(r.name, now)
		return err
	}); err != nil || len(due) == 0 {
		return err
	}
	return r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		for _, v := range due {
			if err := r.note(tx, v, func(v *store.View) {
				if v.Again = (time.Time{}); v.Root != "" {
					v.ShownVersion-- // as if the newest were not shown
				}
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

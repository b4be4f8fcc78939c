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

// mayBeLate notes that an edit of a thread's root may still land.
func (r *room) mayBeLate(s store.Send) {
	if s.Kind == bot.SendEdit && r.caps.LateEdits {
		r.late[s.Thread] = r.f.clock.now().Add(lateAfter)
	}
}

// lateDue is how long until a root is to be edited once more; negative for none.
func (r *room) lateDue(now time.Time) time.Duration {
	wait := time.Duration(-1)
	for _, at := range r.late {
		if d := max(at.Sub(now), 0); wait < 0 || d < wait {
			wait = d
		}
	}
	return wait
}

// editOnceMore makes the roots due whose time has come.
func (r *room) editOnceMore(ctx context.Context) error {
	now := r.f.clock.now()
	var due []bot.ThreadID
	for thread, at := range r.late {
		if !at.After(now) {
			due = append(due, thread)
		}
	}
	if len(due) == 0 {
		return nil
	}
	err := r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		for _, thread := range due {
			v, ok, err := tx.View(thread, r.name)
			if err != nil {
				return err
			}
			if !ok || v.Root == "" {
				continue
			}
			err = r.note(tx, v, func(v *store.View) { v.ShownVersion-- }) // as if the newest were not shown
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		for _, thread := range due {
			delete(r.late, thread)
		}
	}
	return err
}

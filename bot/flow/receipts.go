package flow

import (
	"context"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// receiptWait is how long people's words wait for the receipt of the message that
// they may point at: longer than a platform takes that answers at all.
const receiptWait = 10 * time.Second

// receipts wakes those who wait for one: when it is given, or when there will be none.
type receipts struct {
	mu    sync.Mutex
	given chan struct{}
}

// next is closed when that is known of the next post.
func (r *receipts) next() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.given == nil {
		r.given = make(chan struct{})
	}
	return r.given
}

func (r *receipts) announce() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.given != nil {
		close(r.given)
		r.given = nil
	}
}

// pointed waits, where somebody points at a message that is not known, until the posts
// that were on their way to that room have their receipts. Who is quick answers or
// presses a root before we have the platform's word for it, or while it is looked for
// after a crash; taken at once, their word would be about nothing.
func (f *Flow) pointed(ctx context.Context, b bot.Batch) error {
	s := f.settings.Load()
	for _, e := range b.Events {
		var err error
		switch e := e.(type) {
		case bot.Said:
			if _, known := s.Person(e.Chat, e.User); known && e.Root != "" {
				err = f.receiptOf(ctx, e.Room, e.Root, bot.SendRoot)
			}
		case bot.Pressed:
			if _, known := s.Person(e.Chat, e.User); known {
				err = f.receiptOf(ctx, e.Room, e.Target, bot.SendRoot, bot.SendReply)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// receiptOf waits until a message is known to be one of ours, or cannot be one of the
// given kinds that are on their way now.
func (f *Flow) receiptOf(ctx context.Context, room bot.RoomID, m bot.MessageID, kinds ...bot.SendKind) error {
	if _, ours := f.rooms[room]; !ours {
		return nil
	}
	now := f.clock.now()
	// What a former life sent is looked for at the start.
	since, until := now.Add(-receiptWait), now
	if f.started.After(since) {
		since = time.Time{}
	}
	end := time.NewTimer(receiptWait)
	defer end.Stop()
	for {
		given := f.receipts.next()
		open := false
		err := f.o.Store.View(ctx, func(tx *store.Tx) error {
			_, known, err := tx.ViewByMessage(room, m)
			if err != nil || known {
				return err
			}
			open, err = tx.SendsOpen(room, since, until, kinds...)
			return err
		})
		if err != nil || !open {
			return err
		}
		select {
		case <-given:
		case <-end.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

package flow

import (
	"context"
	"maps"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/bot/store"
)

// stuckAfter is how long something may wait to be said before the bot no longer
// claims to work.
const stuckAfter = 5 * time.Minute

// deadMan tells an external watcher that the bot works, as long as it does. Its
// silence is the alarm, so in doubt it keeps silent.
func (f *Flow) deadMan(ctx context.Context) {
	for ctx.Err() == nil {
		if why := f.Unready(ctx); why == "" {
			if err := f.o.DeadMan(ctx); err != nil && ctx.Err() == nil {
				f.log.Warn("the external watcher could not be told that all works", "err", err)
			}
		} else {
			f.log.Warn("the external watcher is not told that all works", "why", why)
		}
		f.sleep(ctx, nil, f.o.DeadManEvery)
	}
}

// Unready says why the bot does not do its work, "" when it does: every chat is
// heard, the state takes a write, and nothing has waited to be said for long.
func (f *Flow) Unready(ctx context.Context) string {
	for id := range f.o.Chats {
		if !f.heard(id) {
			return "chat " + string(id) + " is not heard"
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var oldest time.Time
	err := f.o.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if err = tx.PutMeta("last write", f.clock.now().Format(time.RFC3339)); err != nil {
			return err
		}
		_, oldest, err = tx.DueByPriority(f.roomNames(), f.clock.now())
		return err
	})
	if err != nil {
		return "the state takes no write"
	}
	if !oldest.IsZero() && f.clock.now().Sub(oldest) > stuckAfter {
		return "something has waited to be said for more than " + phrase.Duration(stuckAfter)
	}
	return ""
}

// deafAfter is how long a chat that tells of its pulse may have none.
const deafAfter = 2 * time.Minute

// heard tells whether events of a chat reach us.
func (f *Flow) heard(id bot.ChatID) bool {
	if up, _ := f.chatUp.Load(id); up != true {
		return false
	}
	p, ok := f.o.Chats[id].(bot.Pulse)
	if !ok {
		return true
	}
	last := p.LastHeard()
	if f.started.After(last) {
		last = f.started // it has only just begun to listen
	}
	return f.clock.now().Sub(last) < deafAfter
}

// roomNames are the rooms that somebody works on. Rooms that are no longer
// configured may have views that are due for ever.
func (f *Flow) roomNames() []bot.RoomID { return slices.Sorted(maps.Keys(f.rooms)) }

// Due tells how many rows wait, by kind, and how long the oldest view has.
func (f *Flow) Due(ctx context.Context) (views map[string]int, oldest time.Duration, requests, effects int64, err error) {
	views = map[string]int{}
	err = f.o.Store.View(ctx, func(tx *store.Tx) error {
		counts, since, err := tx.DueByPriority(f.roomNames(), f.clock.now())
		if err != nil {
			return err
		}
		for p, n := range counts {
			views[priorityName(p)] += n
		}
		if !since.IsZero() {
			oldest = f.clock.now().Sub(since)
		}
		requests, effects, err = tx.CountDue()
		return err
	})
	return views, oldest, requests, effects, err
}

func priorityName(p store.Priority) string {
	switch p {
	case store.PriorityAnswer:
		return "answer"
	case store.PriorityStorm:
		return "storm"
	case store.PriorityCritical:
		return "critical"
	case store.PriorityWarning:
		return "warning"
	case store.PriorityInfo:
		return "info"
	case store.PriorityDigest:
		return "digest"
	}
	return "over"
}

var _ bot.World = (*world)(nil)

package flow

import (
	"context"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// A storm is a room that is further behind than its pace can show in stormAfter.
// It gets one message that lists all that wait, edited in place at most every
// stormEdit, so that the room tells the whole truth while the threads appear one
// by one.
const (
	stormAfter = 10 * time.Second
	stormEdit  = 5 * time.Second
	// stormLeast: fewer threads than this are no storm, however slow the room.
	stormLeast = 3
)

// storm opens, keeps up or closes the room's storm message.
func (r *room) storm(ctx context.Context) error {
	if r.caps.RoomPerSecond <= 0 {
		return nil
	}
	now := r.f.clock.now()
	var th bot.Thread
	var open bool
	var waiting int
	var oldest time.Time
	subject := "storm:" + string(r.name)
	err := r.f.o.Store.View(ctx, func(tx *store.Tx) error {
		var ok bool
		var err error
		if th, ok, err = tx.LatestThread(subject); err != nil {
			return err
		}
		open = ok && th.Open()
		waiting, oldest, err = tx.Backlog(r.name, now)
		return err
	})
	if err != nil {
		return err
	}
	behind := float64(waiting) > r.caps.RoomPerSecond*stormAfter.Seconds() || now.Sub(oldest) > stormAfter && r.fails == 0
	begins := !open && waiting >= stormLeast && behind
	// It ends when nothing waits but what this very step is about to post.
	ends := open && waiting <= 1
	edits := open && now.Sub(th.State.Storm.EditAt) >= stormEdit
	if !begins && !ends && !edits {
		return nil
	}
	return r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		c := &change{Tx: tx, f: r.f, s: r.f.settings.Load(), now: now, ctx: ctx}
		if begins {
			r.f.o.Metrics.Storms.Inc()
			th = c.newThread(bot.ThreadStorm, subject)
			th.State.Storm = &bot.StormState{Room: r.name}
			th.Severity = bot.SeverityCritical
		} else {
			th.Version++
		}
		st := th.State.Storm
		st.Peak, st.EditAt = max(st.Peak, waiting), now
		if ends {
			th.ClosedAt = now
		}
		if err := tx.PutThread(th, "", now); err != nil {
			return err
		}
		if !begins {
			return nil
		}
		return tx.PutView(store.View{Thread: th.ID, Room: r.name, OwnRoot: true, Priority: store.PriorityStorm}, th, now)
	})
}

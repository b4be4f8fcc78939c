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

// stormEdit is how often the storm message is edited: in a slow room every fourth
// post at most, since what it tells of waits for the others.
func (r *room) stormEdit() time.Duration {
	if r.caps.RoomPerSecond <= 0 {
		return stormEdit
	}
	return max(stormEdit, time.Duration(4/r.caps.RoomPerSecond*float64(time.Second)))
}

// stormDue is how long until an open storm message is to be looked at again, so
// that it ends even when all that waited is gone; negative without one.
func (r *room) stormDue(tx *store.Tx, now time.Time) (time.Duration, error) {
	th, ok, err := tx.LatestThread("storm:" + string(r.name))
	if err != nil || !ok || !th.Open() {
		return -1, err
	}
	return max(th.State.Storm.EditAt.Add(r.stormEdit()).Sub(now), 0), nil
}

// storm opens, keeps up or closes the room's storm message.
func (r *room) storm(ctx context.Context) error {
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
	begins := !open && waiting >= stormLeast && behind && r.caps.RoomPerSecond > 0
	// It ends when nothing waits but what this very step is about to post, or when
	// the room has no pace any more.
	ends := open && (waiting <= 1 || r.caps.RoomPerSecond <= 0)
	edits := open && now.Sub(th.State.Storm.EditAt) >= r.stormEdit()
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

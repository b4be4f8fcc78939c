package flow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// wallCheck is how often the wall clock is looked at while something waits for
// a time: a suspended machine's timers stand still while its clock goes on.
const wallCheck = 30 * time.Second

// tick is the worker for what time alone makes due: reminders, absent
// heartbeats, digests, ends of grace, pruning. Where nothing
// happens it still notes every few minutes that the bot is there.
func (f *Flow) tick(ctx context.Context, wake <-chan struct{}) {
	var dealt time.Time // what the last Tick was for
	for ctx.Err() == nil {
		next, err := f.nextTime(ctx)
		if err != nil {
			f.log.Error("the state cannot be read", "err", err)
			f.sleep(ctx, nil, 5*time.Second)
			continue
		}
		wait := time.Duration(-1)
		if !next.IsZero() {
			wait = next.Sub(f.clock.now())
			if wait <= 0 {
				if next.Equal(dealt) {
					// It is due still: a row that could not be dealt with, and must not make
					// us turn.
					f.sleep(ctx, wake, stillDue)
				}
				dealt = next
				if err := f.Take(ctx, bot.Batch{Source: "clock", Events: []bot.Event{bot.Tick{At: f.clock.now()}}}); err != nil && ctx.Err() == nil {
					f.sleep(ctx, nil, 5*time.Second)
				}
				continue
			}
			wait = min(wait, wallCheck)
		}
		f.sleep(ctx, wake, wait)
	}
}

// overdue is when what the configuration no longer fits was due: always the same time,
// so that a row that stays so is known again.
var overdue = time.UnixMilli(1).UTC()

// stillDue is how long is waited for a row that stays due.
const stillDue = 5 * time.Second

// nextTime is when something is due by time, zero for never.
func (f *Flow) nextTime(ctx context.Context) (next time.Time, err error) {
	s := f.settings.Load()
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	err = f.o.Store.View(ctx, func(tx *store.Tx) error {
		t, err := tx.NextThread()
		if err != nil {
			return err
		}
		sooner(t)
		beats, err := tx.Heartbeats()
		if err != nil {
			return err
		}
		for _, h := range beats {
			if r, ok := routeOf(s, h.Name); ok && !h.Stopped {
				missed, err := openThread(tx, "heartbeat:"+h.Name)
				if err != nil {
					return err
				}
				if !missed {
					sooner(f.absentAt(h, r))
				}
			} else if !ok {
				sooner(overdue)
			}
		}
		schedules, err := tx.Schedules()
		if err != nil {
			return err
		}
		if scheduleStale(schedules, s) {
			sooner(overdue)
		}
		for _, row := range schedules {
			sooner(row.Next)
			sooner(row.PausedUntil)
		}
		if s.NextBrief != nil {
			t, err := metaTime(tx, metaBrief)
			if err != nil {
				return err
			}
			if t.IsZero() {
				t = overdue
			}
			sooner(t)
		}
		if t, err = metaTime(tx, metaAlive); err != nil {
			return err
		} else if !t.IsZero() {
			sooner(t.Add(aliveEvery)) // where nothing else is taken
		}
		for _, name := range []string{metaDigest, metaPrune} {
			t, err := metaTime(tx, name)
			if err != nil {
				return err
			}
			sooner(t)
		}
		return nil
	})
	return next, err
}

func openThread(tx *store.Tx, subject string) (bool, error) {
	th, ok, err := tx.LatestThread(subject)
	return ok && th.Open(), err
}

// Names of single values: when the next digest and the next pruning are due.
const (
	metaDigest     = "next digest"
	metaDigestFrom = "digest from"
	metaPrune      = "next pruning"
	metaHeadsTold  = "heads told"
)

func metaTime(tx *store.Tx, name string) (time.Time, error) {
	v, err := tx.Meta(name)
	if err != nil || v == "" {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, v)
}

func (c *change) putMetaTime(name string, t time.Time) error {
	return c.PutMeta(name, t.UTC().Format(time.RFC3339Nano))
}

// absentAt is when a heartbeat counts as missed. What was not heard while the
// bot was away is not held against it.
func (f *Flow) absentAt(h store.Heartbeat, r Route) time.Time {
	from := h.LastAt
	if f.started.After(from) {
		from = f.started
	}
	return from.Add(r.AbsentAfter)
}

// routeOf finds the route that waits for a heartbeat, by its name.
func routeOf(s *Settings, heartbeat string) (Route, bool) {
	for _, r := range s.Heartbeats {
		if heartbeat == r.Name || strings.HasPrefix(heartbeat, r.Name+" ") {
			return r, true
		}
	}
	return Route{}, false
}

// due applies what has become due by time.
func (c *change) due() error {
	threads, err := c.DueThreads(c.now)
	if err != nil {
		return err
	}
	for _, th := range threads {
		if err := c.each("due thread "+string(th.ID), func() error { return c.dueThread(th) }); err != nil {
			return err
		}
	}
	if err := c.dueHeartbeats(); err != nil {
		return err
	}
	if err := c.dueSchedules(); err != nil {
		return err
	}
	if err := c.dueDigest(); err != nil {
		return err
	}
	if err := c.dueBrief(); err != nil {
		return err
	}
	at, err := metaTime(c.Tx, metaPrune)
	if err != nil || at.IsZero() || at.After(c.now) {
		return err
	}
	return c.prune()
}

func (c *change) dueThread(th bot.Thread) error {
	th.NextAt = time.Time{}
	switch {
	case th.Kind == bot.ThreadAlert:
		return c.remind(th)
	case th.Kind == bot.ThreadReboot:
		return c.endReboot(th)
	case th.Kind == bot.ThreadChecklist:
		return c.dueRun(th)
	case th.Kind == bot.ThreadMaintenance:
		return c.dueMaintenance(th)
	case th.Kind == bot.ThreadNotice && th.Open():
		th.ClosedAt = c.now
		th.Version++
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		return c.show(th, nil)
	}
	return c.PutThread(th, "", c.now)
}

func (c *change) dueHeartbeats() error {
	beats, err := c.Heartbeats()
	if err != nil {
		return err
	}
	for _, h := range beats {
		r, ok := routeOf(c.s, h.Name)
		switch {
		case !ok:
			if err := c.forgetHeartbeat(h); err != nil {
				return err
			}
		case !h.Stopped && !c.f.absentAt(h, r).After(c.now):
			if err := c.missHeartbeat(h, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetHeartbeat ends what the configuration no longer waits for.
func (c *change) forgetHeartbeat(h store.Heartbeat) error {
	if err := c.DropHeartbeat(h.Name); err != nil {
		return err
	}
	return c.close("heartbeat:" + h.Name)
}

// dueDigest tells each room what got no thread there: what the routes keep for
// the digest, and what was over before it was shown.
func (c *change) dueDigest() error {
	at, err := metaTime(c.Tx, metaDigest)
	if err != nil || at.IsZero() || at.After(c.now) {
		return err
	}
	from, err := metaTime(c.Tx, metaDigestFrom)
	if err != nil {
		return err
	}
	open, err := c.OpenThreads(bot.ThreadAlert)
	if err != nil {
		return err
	}
	closed, err := c.ClosedThreads(bot.ThreadAlert, from, c.now)
	if err != nil {
		return err
	}
	rooms := map[bot.RoomID][]bot.ThreadID{}
	for _, th := range slices.Concat(open, closed) {
		st := th.State.Alert
		for _, room := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(st.Rooms, st.Digests)))) {
			v, shown, err := c.View(th.ID, room)
			if err != nil {
				return err
			}
			// What was over before it was shown may still have a view, frozen on its
			// way to a chat that is away.
			if !shown || overUnshown(th, v) {
				rooms[room] = append(rooms[room], th.ID)
			}
		}
	}
	heads, err := c.journalHeads()
	if err != nil {
		return err
	}
	// Where the journals end is told once. While nothing is written there, a day without
	// anything else to tell has no digest.
	news := fmt.Sprint(heads)
	before, err := c.Meta(metaHeadsTold)
	if err != nil {
		return err
	}
	if len(heads) > 0 && rooms[c.s.NoticesRoom] == nil && news != before {
		rooms[c.s.NoticesRoom] = []bot.ThreadID{}
	}
	if rooms[c.s.NoticesRoom] != nil {
		if err := c.PutMeta(metaHeadsTold, news); err != nil {
			return err
		}
	}
	for room, ids := range rooms {
		th := c.newThread(bot.ThreadDigest, "digest:"+string(room))
		th.State.Digest = &bot.DigestState{Room: room, Since: from, Until: c.now, Threads: ids}
		if room == c.s.NoticesRoom {
			th.State.Digest.Heads = heads
		}
		th.Severity = bot.SeverityInfo
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		if err := c.show(th, []bot.RoomID{room}); err != nil {
			return err
		}
		// It says what was; nothing in it changes any more.
		th.ClosedAt = c.now
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
	}
	if err := c.putMetaTime(metaDigestFrom, c.now); err != nil {
		return err
	}
	return c.putMetaTime(metaDigest, c.s.NextDigest(c.now))
}

// prune lets go of what is old, a bounded part at a time, once a day.
func (c *change) prune() error {
	var keep time.Time
	if c.s.KeepClosed > 0 {
		keep = c.now.Add(-c.s.KeepClosed)
	}
	n, err := c.Prune(c.now, keep)
	if err != nil {
		return err
	}
	next := c.now.Add(24 * time.Hour)
	if n > 0 {
		next = c.now.Add(time.Minute)
	}
	return c.putMetaTime(metaPrune, next)
}

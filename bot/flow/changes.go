package flow

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/host"
	"watchstander/bot/store"
)

// changesBefore is how long before it opened a thread tells of changes.
const changesBefore = time.Hour

const (
	// changesLeast is the shortest time between two questions for changes: an agent
	// reads the journal for each.
	changesLeast = 20 * time.Second
	// changesTime bounds one of them.
	changesTime = time.Minute
	// changesMost is how far back an agent is asked, at most.
	changesMost = 7 * 24 * time.Hour
)

// follower is what is still to be asked of one host's agent: what changed since a
// moment.
type follower struct {
	soon chan struct{}
	mu   sync.Mutex
	from time.Time // zero for nothing
}

// want asks for changes since a moment.
func (w *follower) want(from time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.from.IsZero() || from.Before(w.from) {
		w.from = from
	}
	nudge(w.soon)
}

func (w *follower) take() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := w.from
	w.from = time.Time{}
	return from
}

// follow asks a host's agent what changed there, whenever a thread about the host
// opens: what it had in common with the hour before is what people look for first.
func (f *Flow) follow(ctx context.Context, name string, a api.Agent) {
	w := f.followers[name]
	f.wantOpen(ctx, name, w)
	for try := 0; ctx.Err() == nil; {
		from := w.take()
		if from.IsZero() {
			f.sleep(ctx, w.soon, -1)
			continue
		}
		err := f.guard("changes of "+name, func() error { return f.learnChanges(ctx, name, a, from) })
		switch x, _ := errors.AsType[*bot.Error](err); {
		case ctx.Err() != nil:
			return
		case err == nil:
			try = 0
			f.sleep(ctx, nil, changesLeast)
		case x != nil && x.Code != bot.CodeUnavailable && x.Code != bot.CodeInternal:
			f.log.Warn("an agent does not tell what changed on its host", "host", name, "err", err)
			try = 0
		default:
			f.log.Info("what changed on a host cannot be found out yet", "host", name, "err", err)
			w.want(from)
			f.sleep(ctx, nil, backoff(try, 5*time.Second, 5*time.Minute))
			try++
		}
	}
}

// wantOpen asks for what threads may lack that opened shortly before a start.
func (f *Flow) wantOpen(ctx context.Context, name string, w *follower) {
	var open []bot.Thread
	err := f.o.Store.View(ctx, func(tx *store.Tx) (err error) { open, err = tx.OpenThreads(bot.ThreadAlert); return err })
	if err != nil && ctx.Err() == nil {
		f.log.Error("the open threads cannot be read", "err", err)
	}
	now := f.clock.now()
	for _, th := range open {
		if th.State.Alert.Host == name && now.Sub(th.OpenedAt) < changesBefore {
			w.want(th.OpenedAt.Add(-changesBefore))
		}
	}
}

// learnChanges asks once, and hands in what is told.
func (f *Flow) learnChanges(ctx context.Context, name string, a api.Agent, from time.Time) error {
	now := f.clock.now()
	from = maxTime(from, now.Add(-changesMost))
	hours := max(1, int((now.Sub(from)+time.Hour-1)/time.Hour))
	asked, cancel := context.WithTimeout(ctx, changesTime)
	defer cancel()
	told, err := host.ChangesOf(asked, askedOf{a}, name, hours)
	if err != nil {
		return err
	}
	b := bot.Batch{Source: "changes/" + name}
	for _, x := range told.Changes {
		if x.At.Before(from) || x.ID == "" || x.Text == "" {
			continue
		}
		x.Host = name
		if x.Kind != bot.ChangeReboot {
			x.ID = name + " " + x.ID // boots have ids of their own, and are told by others too
		}
		b.Events = append(b.Events, bot.Changed{Change: x})
	}
	if len(b.Events) == 0 {
		return nil
	}
	return f.Take(ctx, b)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// askedOf is the bot.Looker of one agent.
type askedOf struct{ a api.Agent }

func (l askedOf) Look(ctx context.Context, _, look string, args bot.Arguments) (json.RawMessage, error) {
	return l.a.Look(ctx, api.Look{Name: look, Arguments: args})
}

// changesOf asks for what changed before a thread opened.
func (c *change) changesOf(th bot.Thread) {
	w := c.f.followers[th.State.Alert.Host]
	if w == nil {
		return
	}
	from := th.OpenedAt.Add(-changesBefore)
	c.after = append(c.after, func() { w.want(from) })
}

// recall has open threads show the changes that were learnt after they had opened.
func (c *change) recall() error {
	if len(c.learnt) == 0 {
		return nil
	}
	open, err := c.OpenThreads(bot.ThreadAlert)
	if err != nil {
		return err
	}
	for _, th := range open {
		before := func(at time.Time) bool { return !at.After(th.OpenedAt) && th.OpenedAt.Sub(at) <= changesBefore }
		if !slices.ContainsFunc(c.learnt[th.State.Alert.Host], before) {
			continue
		}
		views, err := c.Views(th.ID)
		if err != nil {
			return err
		}
		if len(views) == 0 {
			continue // it has not been shown
		}
		th.Version++
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		var rooms []bot.RoomID
		for _, v := range views {
			rooms = append(rooms, v.Room)
		}
		if err := c.show(th, rooms); err != nil {
			return err
		}
	}
	return nil
}

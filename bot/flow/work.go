package flow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// atOnce is how many commands run at the same time, so that a slow one holds nobody
// else up.
const atOnce = 4

// workTime bounds one command or effect; workPause is how long a row waits whose
// outcome could not be stored.
const (
	workTime  = 45 * time.Second
	workPause = 5 * time.Second
)

// work is the worker for commands and effects. Both can be run again: commands
// touch nothing, effects are idempotent by their key; so a crash needs no more
// than the row that is still due.
func (f *Flow) work(ctx context.Context, wake chan struct{}) {
	var wg sync.WaitGroup
	defer wg.Wait()
	var mu sync.Mutex
	busy, taken := map[string]bool{}, map[string]int{}
	// before is what was under way when the state was read. It may have ended since,
	// and what was read of it may be from before its end.
	var before map[string]bool
	// start does it unless its lane has no place.
	start := func(id, lane string, places int, limit time.Duration, do func(context.Context) error) {
		mu.Lock()
		defer mu.Unlock()
		if busy[id] || before[id] || taken[lane] >= places {
			return
		}
		busy[id] = true
		taken[lane]++
		wg.Go(func() {
			err := f.guard("work on "+id, func() error {
				ctx, cancel := context.WithTimeout(ctx, limit)
				defer cancel()
				return do(ctx)
			})
			if err != nil {
				// The row is still due. A disk that is full, or a fault of ours, must
				// not make the outside be asked again and again.
				f.sleep(ctx, nil, workPause)
			}
			mu.Lock()
			delete(busy, id)
			if taken[lane]--; taken[lane] == 0 {
				delete(taken, lane)
			}
			mu.Unlock()
			nudge(wake)
		})
	}
	for ctx.Err() == nil {
		var requests []store.Request
		var effects []store.Effect
		var next time.Time
		now := f.clock.now()
		mu.Lock()
		before = maps.Clone(busy)
		mu.Unlock()
		err := f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
			effects = nil
			// Twice the places: as many as have one are due still, and come first.
			if requests, err = tx.DueRequests(now, 2*atOnce); err != nil {
				return err
			}
			lanes, err := tx.DueLanes(now)
			if err != nil {
				return err
			}
			for _, lane := range lanes {
				due, err := tx.DueEffects(lane, now, 2*laneAtOnce)
				if err != nil {
					return err
				}
				effects = append(effects, due...)
			}
			next, err = tx.NextWork(now)
			return err
		})
		if err != nil {
			if ctx.Err() == nil {
				f.log.Error("the state cannot be read", "err", err)
			}
			f.sleep(ctx, nil, 5*time.Second)
			continue
		}
		for _, r := range requests {
			start(string(r.ID), "commands", atOnce, workTime, func(ctx context.Context) error { return f.runRequest(ctx, r) })
		}
		for _, e := range effects {
			limit := workTime
			switch e.What.(type) {
			case bot.Ask, bot.Trigger:
				limit = askTime // planning looks at a host for a while
			}
			start(string(e.Key), "effects "+e.Lane, laneAtOnce, limit, func(ctx context.Context) error { return f.runEffect(ctx, e) })
		}
		wait := time.Duration(-1)
		if !next.IsZero() {
			wait = min(next.Sub(now), wallCheck)
		}
		f.sleep(ctx, wake, wait)
	}
}

// runRequest runs one command and hands in what it came to.
func (f *Flow) runRequest(ctx context.Context, r store.Request) error {
	var conv bot.Thread
	err := f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		conv, _, err = tx.Thread(r.Thread)
		return err
	})
	var out bot.Outcome
	if err == nil {
		// Rights are those of now, not of when the line was typed.
		person, ok := f.settings.Load().People(r.Person)
		if !ok {
			err = bot.Errorf(bot.CodeForbidden, "You are no longer in my configuration.")
		} else {
			call := bot.Call{Request: r.ID, By: person, Room: r.Room, At: r.SaidAt, Now: f.clock.now(), World: f.world}
			if c := conv.State.Conversation; c != nil {
				call.Thread = c.About
			}
			gerr := f.guard("command", func() error { out, err = f.o.Interpreter.Interpret(ctx, r.Line, call); return nil })
			err = errors.Join(err, gerr)
		}
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil // the bot stops; the row is still due
	}
	if ctx.Err() != nil {
		err = bot.Errorf(bot.CodeUnavailable, "That took longer than %d s and was given up.", int(workTime.Seconds())).Because(err)
	}
	if err != nil {
		f.log.Info("a command failed", "person", r.Person, "request", r.ID, "err", err)
	}
	return f.handIn(ctx, bot.Answered{Request: r.ID, Outcome: out, Err: err, At: f.clock.now()})
}

// runEffect does one effect and hands in what it came to.
func (f *Flow) runEffect(ctx context.Context, e store.Effect) error {
	if o, ok := e.What.(bot.DrawGraph); ok {
		return f.drawGraph(ctx, e, o)
	}
	if o, ok := e.What.(bot.LookForChanges); ok {
		return f.lookForChanges(ctx, e, o)
	}
	if _, ok := e.What.(bot.Measure); ok {
		return f.measure(ctx, e)
	}
	if o, ok := e.What.(bot.MakeReport); ok {
		return f.report(ctx, e, o)
	}
	if o, ok := e.What.(bot.EraseMessage); ok {
		return f.eraseMessage(ctx, e, o)
	}
	if o, ok := e.What.(bot.SpendCodes); ok {
		return f.spend(ctx, e, o)
	}
	if kindOf(e.What) != "" {
		return f.tellsAgent(ctx, e)
	}
	am := f.o.Alertmanagers[alertmanagerOf(e.What)]
	if am == nil {
		return f.handIn(ctx, bot.Affected{Key: e.Key, Final: true, At: f.clock.now(),
			Err: bot.Errorf(bot.CodeNotFound, "Alertmanager %q is no longer configured.", alertmanagerOf(e.What))})
	}
	var result string
	var err error
	switch o := e.What.(type) {
	case bot.MakeSilence:
		s := o.Silence
		s.CreatedBy = string(e.Person)
		result, err = am.MakeSilence(ctx, e.Key, s)
	case bot.EndSilence:
		for _, id := range o.IDs {
			if err = am.EndSilence(ctx, id); err != nil {
				break
			}
		}
	default:
		err = fmt.Errorf("flow: %T is no effect", o)
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return f.handIn(ctx, bot.Affected{Key: e.Key, Result: result, Err: err, Final: final(err) || e.Tries >= effectTries, At: f.clock.now()})
}

// effectTries is how often an effect is tried before its asker is told that it
// failed: about five minutes with the backoff.
const effectTries = 8

// final tells whether trying again cannot help.
func final(err error) bool {
	e, ok := errors.AsType[*bot.Error](err)
	if !ok {
		return false
	}
	switch e.Code {
	case bot.CodeInvalid, bot.CodeForbidden, bot.CodeNotFound:
		return true
	}
	return false
}

// drawGraph draws a thread's picture. In a storm pictures wait: each would take
// a thread's place.
func (f *Flow) drawGraph(ctx context.Context, e store.Effect, o bot.DrawGraph) error {
	if f.o.Grapher == nil {
		return f.handIn(ctx, bot.Drawn{Key: e.Key, Reason: "no Prometheus is configured.", At: f.clock.now()})
	}
	var episode *bot.Episode
	var storm bool
	err := f.o.Store.View(ctx, func(tx *store.Tx) error {
		views, err := tx.Views(o.Thread)
		if err != nil {
			return err
		}
		for _, v := range views {
			th, ok, err := tx.LatestThread("storm:" + string(v.Room))
			if err != nil {
				return err
			}
			storm = storm || ok && th.Open()
		}
		es, err := tx.WorstEpisodes(o.Thread, rootEpisodes)
		for _, x := range es {
			if o.Episode == "" && (e.Request != "" || !x.Resolved) || x.ID == o.Episode {
				episode = &x
				break
			}
		}
		return err
	})
	switch {
	case err != nil:
		return f.handIn(ctx, bot.Affected{Key: e.Key, Err: err, At: f.clock.now()})
	case episode == nil:
		return f.handIn(ctx, bot.Drawn{Key: e.Key, Reason: "nothing fires here any more.", At: f.clock.now()})
	case storm && e.Request == "":
		return f.handIn(ctx, bot.Affected{Key: e.Key, Err: errors.New("the room is behind"), At: f.clock.now()})
	default:
		p, err := f.o.Grapher.Alert(ctx, *episode)
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil
		}
		d := bot.Drawn{Key: e.Key, Picture: &p, At: f.clock.now()}
		if err != nil {
			f.log.Info("a graph could not be drawn", "thread", o.Thread, "err", err)
			d.Picture, d.Reason = nil, bot.ForPeople(err)
		}
		return f.handIn(ctx, d)
	}
}

// handIn gives an outcome to the state. When that fails, the row is still due.
func (f *Flow) handIn(ctx context.Context, e bot.Event) error {
	ctx, cancel := sendContext(ctx)
	defer cancel()
	err := f.Take(ctx, bot.Batch{Source: "work", Events: []bot.Event{e}})
	if err != nil {
		f.log.Error("an outcome was not stored and will be worked out again", "err", err)
	}
	return err
}

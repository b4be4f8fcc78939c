package agent

import (
	"context"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// A unit that somebody stops is a failure like any other: what was begun is undone.
func TestAStoppedRunIsUndone(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*world)
		at      time.Duration
		state   bot.ProposalState
		why     string
	}{
		"while it acts": {func(w *world) { w.lamp.takes = 50 * time.Second }, 20 * time.Second, bot.Undone, "was broken off: the run was told to stop. What was before is back: lamp off."},
		"while it acts, and it says how it is": {func(w *world) {
			w.lamp.apply = func(ctx context.Context, _ bot.Work) error {
				<-ctx.Done()
				return bot.Errorf(bot.CodeUnavailable, "Whether the lamp is on is unknown.")
			}
		}, 20 * time.Second, bot.Undone, "the run was told to stop. Whether the lamp is on is unknown. What was before is back: lamp off."},
		"while it is verified": {func(w *world) {
			w.lamp.verify = func() ([]bot.Reading, error) { time.Sleep(time.Minute); return w.lamp.look("on") }
		}, 20 * time.Second, bot.Undone, "told to stop"},
		"while it waits for a word": {func(w *world) { w.rule(func(r *bot.Rule) { r.ConfirmWithin = 600 }) }, 20 * time.Second, bot.Undone, "before anybody confirmed it"},
		"while it waits for units": {func(w *world) {
			busy := "dump.service"
			w.lamp.waits = []string{busy}
			w.units.active.Store(&busy)
		}, 20 * time.Second, bot.Failed, "Nothing was done: It was stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(w *world) *world { c.prepare(w); return w }, func(w *world) {
				p := w.agreed()
				time.Sleep(c.at)
				w.spawner.Stop(w.now(p.Plan.ID).Unit)
				p = w.ends(p.Plan.ID, c.state)
				if !strings.Contains(p.Why, c.why) || w.get("/run/lamp") != "off" {
					t.Errorf("the lamp is %s: %s", w.get("/run/lamp"), p.Why)
				}
			})
		})
	}
}

// Undoing after a stop has the time that systemd gives the unit, counted from when it
// was stopped, and leaves some of it for telling how it ended.
func TestAStoppedRunHasTimeToUndo(t *testing.T) {
	const given = 15 * time.Minute // of a plan with an hour for each part
	for name, c := range map[string]struct {
		undoing time.Duration // what undoing takes
		begin   time.Duration // how long after its start the run is stopped
		state   bot.ProposalState
		why     string
	}{
		"it takes minutes":                     {14 * time.Minute, 20 * time.Second, bot.Undone, "What was before is back: lamp off."},
		"it takes too long":                    {time.Hour, 20 * time.Second, bot.UndoFailed, "Undoing was broken off: the run was told to stop."},
		"it is stopped while it undoes":        {time.Hour, 3 * time.Minute, bot.UndoFailed, "Undoing was broken off: the run was told to stop."},
		"the same, and it comes to its end":    {14 * time.Minute, 3 * time.Minute, bot.Undone, "What was before is back: lamp off."},
		"nobody stops it, and it has its time": {14 * time.Minute, 0, bot.Undone, "What was before is back: lamp off."},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(w *world) *world {
				w.lamp.limit = 3600
				w.lamp.apply = func(ctx context.Context, _ bot.Work) error { // fails after a minute
					select {
					case <-time.After(50 * time.Second):
						return bot.Errorf(bot.CodeUnavailable, "It broke.")
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				w.lamp.undo = func(ctx context.Context) ([]bot.Reading, error) {
					select {
					case <-time.After(c.undoing):
						return w.lamp.look("off")
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
				return w
			}, func(w *world) {
				spawn := make(chan Spawn, 1)
				do := w.spawner.Do
				w.spawner.Do = func(ctx context.Context, s Spawn) error { spawn <- s; return do(ctx, s) }
				p := w.agreed()
				if s := <-spawn; s.StopLimit != given {
					t.Errorf("systemd gives it %s", s.StopLimit)
				}
				stopped := time.Now()
				if c.begin > 0 {
					time.Sleep(c.begin)
					stopped = time.Now()
					w.spawner.Stop(w.now(p.Plan.ID).Unit)
				}
				p = w.ends(p.Plan.ID, c.state)
				if !strings.Contains(p.Why, c.why) {
					t.Errorf("%s", p.Why)
				}
				if took := p.EndedAt.Sub(stopped); c.begin > 0 && took > given-10*time.Second {
					t.Errorf("it ended after %s, when systemd had all but killed it", took)
				}
			})
		})
	}
}

// What cannot be undone is not waited for when it is stopped; and no shutdown waits
// for ever for what can.
func TestHowLongAStopWaits(t *testing.T) {
	for limit, want := range map[bot.Seconds]time.Duration{0: 15 * time.Minute, 60: 10 * time.Minute, 12 * 60: 12 * time.Minute, 3600: 15 * time.Minute} {
		if got := stopLimit(bot.Draft{Limit: limit}); got != want {
			t.Errorf("with a limit of %d s: %s", limit, got)
		}
	}
	c := &Core{operations: map[bot.OperationName]bot.Operation{"lamp.set": &lamp{}, "lamp.look": struct{ bot.Operation }{}}}
	if !c.undoes("lamp.set") || c.undoes("lamp.look") || c.undoes("nothing") {
		t.Error("what can be undone is not told from what cannot")
	}
}

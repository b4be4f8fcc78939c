package agent

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/sys"
)

func (w *world) agreed() bot.Proposal {
	w.t.Helper()
	p := w.proposed()
	p, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
	w.ok(err)
	return p
}

// How a run ends is told by evidence, and never by the lack of an error (27).
func TestHowRunsEnd(t *testing.T) {
	reading := func(s bot.ReadingState) []bot.Reading {
		return []bot.Reading{{What: "lamp", Value: "dim", Note: "too dim", At: time.Now(), State: s}}
	}
	for name, c := range map[string]struct {
		change func(*lamp)
		state  bot.ProposalState
		why    string
		lamp   string
		undone int
	}{
		"well": {func(*lamp) {}, bot.Done, "Verified by one reading", "on", 0},
		"apply fails": {func(l *lamp) {
			l.apply = func(context.Context, bot.Work) error { return bot.Errorf(bot.CodeConflict, "The bulb burst.") }
		}, bot.Undone, "The bulb burst. What was before is back: lamp off.", "off", 1},
		"apply fails secretly": {func(l *lamp) { l.apply = func(context.Context, bot.Work) error { return errors.New("token=abc") } }, bot.Undone, "the log of the run's unit", "off", 1},
		"apply panics":         {func(l *lamp) { l.apply = func(context.Context, bot.Work) error { panic("oops") } }, bot.Undone, "Applying failed", "off", 1},
		"apply takes too long": {func(l *lamp) { l.takes = 10 * time.Minute }, bot.Undone, "did not end within 1 min", "off", 1},
		"apply takes too long, and says how it is": {func(l *lamp) {
			l.apply = func(ctx context.Context, _ bot.Work) error {
				<-ctx.Done()
				return bot.Errorf(bot.CodeUnavailable, "Whether the lamp is on is unknown.").Because(ctx.Err())
			}
		}, bot.Undone, "Applying did not end within 1 min. Whether the lamp is on is unknown. What was before is back", "off", 1},
		"verify finds it otherwise": {func(l *lamp) { l.verify = func() ([]bot.Reading, error) { return reading(bot.NotOK), nil } }, bot.Undone, "Verifying did not succeed: lamp: dim (too dim). What was before is back: lamp off.", "off", 1},
		"verify does not know":      {func(l *lamp) { l.verify = func() ([]bot.Reading, error) { return reading(bot.Unknown), nil } }, bot.Undone, "lamp: dim, unknown (too dim).", "off", 1},
		"verify finds nothing":      {func(l *lamp) { l.verify = func() ([]bot.Reading, error) { return nil, nil } }, bot.Undone, "no evidence at all", "off", 1},
		"verify fails":              {func(l *lamp) { l.verify = func() ([]bot.Reading, error) { return reading(bot.OK), errors.New("EIO") } }, bot.Undone, "Verifying failed", "off", 1},
		"verify panics":             {func(l *lamp) { l.verify = func() ([]bot.Reading, error) { panic("oops") } }, bot.Undone, "Verifying failed", "off", 1},
		"undo fails": {func(l *lamp) {
			l.verify = func() ([]bot.Reading, error) { return reading(bot.NotOK), nil }
			l.undo = func(context.Context) ([]bot.Reading, error) { return nil, errors.New("EIO") }
		}, bot.UndoFailed, "Undoing failed", "on", 1},
		"undo panics": {func(l *lamp) {
			l.verify = func() ([]bot.Reading, error) { return reading(bot.NotOK), nil }
			l.undo = func(context.Context) ([]bot.Reading, error) { panic("oops") }
		}, bot.UndoFailed, "must be looked at", "on", 1},
		"undo proves nothing": {func(l *lamp) {
			l.verify = func() ([]bot.Reading, error) { return reading(bot.NotOK), nil }
			l.undo = func(context.Context) ([]bot.Reading, error) { return nil, nil }
		}, bot.UndoFailed, "no evidence at all", "on", 1},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(w *world) *world { c.change(w.lamp); return w }, func(w *world) {
				p := w.ends(w.agreed().Plan.ID, c.state)
				if !strings.Contains(p.Why, c.why) || strings.Contains(p.Why, "token") {
					t.Errorf("it says %q, and should …%s…", p.Why, c.why)
				}
				if n, undone := w.lamp.counts(); n != 1 || undone != c.undone || w.get("/run/lamp") != c.lamp {
					t.Errorf("applied %d times, undone %d times, the lamp is %s", n, undone, w.get("/run/lamp"))
				}
				end := w.entries(journal.KindEnd)
				if len(end) != 1 || end[0].Fields["outcome"] != string(c.state) {
					t.Errorf("%+v", end)
				}
			})
		})
	}
}

// steady cannot be undone, and firm commits.
type steady struct{ *lamp }

func (steady) Undo() {} // not an Undoer's

type firm struct {
	*lamp
	commit func() ([]bot.Reading, error)
}

func (f firm) Commit(context.Context, bot.Plan, bot.Work) ([]bot.Reading, error) { return f.commit() }

func TestOperationsThatCannotUndoOrCommit(t *testing.T) {
	good := []bot.Reading{{What: "fuse", State: bot.OK, At: time.Now()}}
	for name, c := range map[string]struct {
		of    func(*lamp) bot.Operation
		state bot.ProposalState
		why   string
	}{
		"cannot be undone": {func(l *lamp) bot.Operation {
			l.apply = func(context.Context, bot.Work) error { return bot.Errorf(bot.CodeConflict, "No.") }
			return steady{l}
		}, bot.Failed, "No. It cannot be undone."},
		"commits": {func(l *lamp) bot.Operation {
			return firm{l, func() ([]bot.Reading, error) { return good, nil }}
		}, bot.Done, "Verified by 2 readings"},
		"commit cannot read everything back": {func(l *lamp) bot.Operation {
			return firm{l, func() ([]bot.Reading, error) {
				return append(slices.Clone(good), bot.Reading{What: "switch", Note: "it is behind the door", State: bot.Unknown, At: time.Now()}), nil
			}}
		}, bot.Done, "Verified by 2 readings. Not known: switch unknown (it is behind the door)."},
		"commit reads back what should not be": {func(l *lamp) bot.Operation {
			return firm{l, func() ([]bot.Reading, error) {
				return append(slices.Clone(good), bot.Reading{What: "switch", Value: "down", State: bot.NotOK, At: time.Now()}), nil
			}}
		}, bot.Undone, "Making it last did not succeed: switch: down."},
		"commit fails": {func(l *lamp) bot.Operation {
			return firm{l, func() ([]bot.Reading, error) { return nil, errors.New("EIO") }}
		}, bot.Undone, "Making it last failed"},
		"commit reads nothing back": {func(l *lamp) bot.Operation {
			return firm{l, func() ([]bot.Reading, error) { return nil, nil }}
		}, bot.Undone, "no evidence"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(w *world) *world {
				op := c.of(w.lamp)
				w.spawner.Do = func(ctx context.Context, s Spawn) error {
					return Perform(ctx, PerformOptions{State: w.state, Plan: s.Plan, Host: w.host, Operations: []bot.Operation{op}, Redact: w.redact, Log: quiet()})
				}
				return w
			}, func(w *world) {
				if p := w.ends(w.agreed().Plan.ID, c.state); !strings.Contains(p.Why, c.why) {
					t.Errorf("%s", p.Why)
				}
			})
		})
	}
}

// The host is looked at again before the start: bound facts refuse, observed ones
// are told (1).
func TestAHostThatHasChanged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		why    string
	}{
		"another value":  {func(w *world) { w.put("/run/lamp", "broken") }, "lamp was off, and is broken"},
		"rebooted":       {func(w *world) { w.put("/proc/sys/kernel/random/boot_id", "other\n") }, "rebooted since"},
		"moved":          {func(w *world) { w.put("/etc/machine-id", "other\n") }, "another machine"},
		"no longer done": {func(w *world) { w.lamp.plan = func() error { return bot.Errorf(bot.CodeConflict, "There is no oil.") } }, "There is no oil. Nothing was done"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, plain, func(w *world) {
				p := w.proposed()
				c.change(w)
				_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
				w.ok(err)
				p = w.ends(p.Plan.ID, bot.Stale)
				if n, _ := w.lamp.counts(); n > 0 || !strings.Contains(p.Why, c.why) || len(w.entries(journal.KindStale)) != 1 {
					t.Errorf("applied %d times: %s", n, p.Why)
				}
			})
		})
	}
	played(t, plain, func(w *world) {
		p := w.proposed()
		w.put("/run/oil", "half")
		_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
		w.ok(err)
		p = w.ends(p.Plan.ID, bot.Done)
		if !slices.Equal(p.Drift, []string{"oil was full, and is half"}) {
			t.Errorf("%q", p.Drift)
		}
	})
	played(t, plain, func(w *world) { // what cannot be seen for a while is tried again
		p := w.proposed()
		until := time.Now().Add(10 * time.Minute)
		w.lamp.plan = func() error {
			if time.Now().Before(until) {
				return errors.New("the bus is away")
			}
			return nil
		}
		_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
		w.ok(err)
		p = w.reaches(p.Plan.ID, func(p bot.Proposal) bool { return strings.Contains(p.Why, "cannot yet") })
		if p = w.ends(p.Plan.ID, bot.Done); p.StartedAt.Before(until) || p.StartedAt.After(until.Add(2*time.Minute)) {
			t.Errorf("started at %v", p.StartedAt)
		}
	})
}

// One run at a time has a lock; who waits is told for whom, and goes on when it is
// free, if the plan still fits (26).
func TestLocks(t *testing.T) {
	played(t, plain, func(w *world) {
		w.lamp.takes = 50 * time.Second
		first := w.agreed()
		other := w.proposed()
		time.Sleep(10 * time.Second)
		_, err := w.core.Decide(ctx, Bot(), yes(other, "carol"))
		w.ok(err)
		got := w.reaches(other.Plan.ID, func(p bot.Proposal) bool { return strings.Contains(p.Why, "waits for") })
		if got.State != bot.Waiting || !strings.Contains(got.Why, string(first.Plan.ID)+" (lamp.set by bob), which has the lock lamp") {
			t.Errorf("%s: %s", got.State, got.Why)
		}
		if got := w.now(first.Plan.ID); got.State != bot.Running {
			t.Fatalf("%s: %s", got.State, got.Why)
		}
		w.ends(first.Plan.ID, bot.Done)
		// The lamp is on already: the second plan is of another time.
		if got = w.ends(other.Plan.ID, bot.Stale); !strings.Contains(got.Why, "lamp was off, and is on") {
			t.Errorf("%s", got.Why)
		}
		if n, _ := w.lamp.counts(); n != 1 {
			t.Errorf("applied %d times", n)
		}
	})
	played(t, func(w *world) *world { w.limits.Runs = 2; w.lamp.locks = []string{}; return w }, func(w *world) {
		w.lamp.takes = 50 * time.Second
		a, b := w.agreed(), w.agreed()
		third := w.agreed()
		got := w.reaches(third.Plan.ID, func(p bot.Proposal) bool { return strings.Contains(p.Why, "one of the runs that go on") })
		time.Sleep(time.Second)
		for _, p := range []bot.Proposal{a, b} {
			if s := w.now(p.Plan.ID).State; s != bot.Running {
				t.Errorf("%s", s)
			}
		}
		w.ends(got.Plan.ID, bot.Stale)
	})
}

func TestARunWaitsForUnits(t *testing.T) {
	busy := "restic-backups-b2.service"
	prepare := func(w *world) *world {
		w.lamp.waits = []string{busy}
		w.units.active.Store(&busy)
		return w
	}
	for _, state := range []string{"active", "refreshing"} {
		played(t, prepare, func(w *world) {
			w.units.state.Store(&state)
			p := w.agreed()
			w.reaches(p.Plan.ID, func(p bot.Proposal) bool {
				return slices.ContainsFunc(said(p), func(l string) bool { return strings.Contains(l, "waits for "+busy) })
			})
			time.Sleep(time.Hour)
			if n, _ := w.lamp.counts(); n > 0 {
				t.Error("it did not wait")
			}
			w.units.active.Store(nil)
			w.ends(p.Plan.ID, bot.Done)
		})
	}
	played(t, prepare, func(w *world) {
		p := w.ends(w.agreed().Plan.ID, bot.Failed)
		if n, undone := w.lamp.counts(); n+undone > 0 || !strings.Contains(p.Why, "Nothing was done: "+busy+" was still busy") || !p.EndedAt.After(p.Plan.NotAfter.Add(-time.Second)) {
			t.Errorf("applied %d times: %s", n, p.Why)
		}
	})
}

// slowUnits answer after a long time.
type slowUnits struct {
	sys.Units
	takes time.Duration
}

func (s slowUnits) Unit(ctx context.Context, name string) (sys.Unit, error) {
	time.Sleep(s.takes)
	return s.Units.Unit(ctx, name)
}

// A run begins in its time or not at all, also where asking systemd took the rest
// of it.
func TestARunDoesNotBeginLate(t *testing.T) {
	played(t, func(w *world) *world {
		w.lamp.waits = []string{"dump.service"}
		w.host.Units = slowUnits{w.units, 5 * time.Hour} // agreed to for 4
		return w
	}, func(w *world) {
		p := w.ends(w.agreed().Plan.ID, bot.Failed)
		if n, undone := w.lamp.counts(); n+undone > 0 || p.Why != "Nothing was done: the time for it was over." {
			t.Errorf("applied %d times: %s", n, p.Why)
		}
	})
}

func TestConfirmation(t *testing.T) {
	confirming := func(w *world) *world { return w.rule(func(r *bot.Rule) { r.ConfirmWithin = 600 }) }
	waits := func(w *world) bot.Proposal {
		w.t.Helper()
		p := w.agreed()
		_, err := w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "bob"})
		refuses(w.t, err, bot.CodeConflict, "nothing to confirm")
		p = w.reaches(p.Plan.ID, func(p bot.Proposal) bool { return p.State == bot.Confirming })
		if len(p.Evidence) != 1 || p.ConfirmBy.Sub(p.StartedAt).Round(time.Minute) != 10*time.Minute {
			w.t.Errorf("%+v", p)
		}
		return p
	}
	played(t, confirming, func(w *world) {
		p := waits(w)
		_, err := w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "dave"})
		refuses(t, err, bot.CodeForbidden, "Only bob")
		for range 2 {
			_, err = w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "alice"})
			w.ok(err)
		}
		p = w.ends(p.Plan.ID, bot.Done)
		if !slices.Contains(said(p), "alice confirmed it.") {
			t.Errorf("%q", said(p))
		}
	})
	played(t, confirming, func(w *world) { // nobody says anything
		p := w.ends(waits(w).Plan.ID, bot.Undone)
		if !strings.Contains(p.Why, "Nobody confirmed it within 10 min") || w.get("/run/lamp") != "off" {
			t.Errorf("%s", p.Why)
		}
		_, err := w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "bob"})
		refuses(t, err, bot.CodeConflict, "is over (undone)")
	})
	played(t, confirming, func(w *world) { // somebody says no
		p := waits(w)
		_, err := w.core.Cancel(ctx, Bot(), api.Cancel{Plan: p.Plan.ID, Person: "bob", Reason: "it flickers"})
		w.ok(err)
		_, err = w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "alice"})
		refuses(t, err, bot.CodeConflict, "too late")
		if p = w.ends(p.Plan.ID, bot.Undone); !strings.Contains(p.Why, "bob said that all is not well. it flickers") {
			t.Errorf("%s", p.Why)
		}
	})
	played(t, confirming, func(w *world) { // the agent is away meanwhile
		p := waits(w)
		w.stop()
		time.Sleep(5 * time.Minute)
		w.run()
		_, err := w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "bob"})
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
	})
}

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

// A run whose process dies leaves no outcome: it is told, and never run again (25).
func TestARunThatDies(t *testing.T) {
	played(t, plain, func(w *world) {
		w.lamp.apply = func(context.Context, bot.Work) error { runtime.Goexit(); return nil } // as SIGKILL would
		p := w.agreed()
		p = w.ends(p.Plan.ID, bot.Interrupted)
		if !strings.Contains(p.Why, "what came of it nobody knows") || !strings.Contains(p.Why, "turning the lamp") || len(w.entries(journal.KindInterrupted)) != 1 {
			t.Errorf("%s", p.Why)
		}
		w.stop()
		w.run()
		time.Sleep(time.Hour)
		if got := w.now(p.Plan.ID); got.State != bot.Interrupted || len(w.entries(journal.KindStart)) != 1 {
			t.Errorf("%s: %s", got.State, got.Why)
		}
		if n, undone := w.lamp.counts(); n != 1 || undone != 0 {
			t.Errorf("applied %d times, undone %d times", n, undone)
		}
	})
}

// No plan is performed twice, whoever asks for it.
func TestNothingRunsTwice(t *testing.T) {
	played(t, plain, func(w *world) {
		p := w.ends(w.agreed().Plan.ID, bot.Done)
		for range 3 {
			if err := w.perform(ctx, Spawn{Plan: p.Plan.ID}); !errors.Is(err, ErrBegun) {
				t.Errorf("%v", err)
			}
		}
		if n, _ := w.lamp.counts(); n != 1 {
			t.Errorf("applied %d times", n)
		}
		if err := w.perform(ctx, Spawn{Plan: "pln_NOTHING"}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
}

// A plan that was changed on the disk after it was agreed to is not performed.
func TestAChangedPlanFileIsNotPerformed(t *testing.T) {
	played(t, plain, func(w *world) {
		do := w.spawner.Do
		var failed error
		w.spawner.Do = func(ctx context.Context, s Spawn) error {
			name := w.core.disk.path(runName(s.Plan, filePlan))
			b, err := os.ReadFile(name)
			w.ok(err)
			w.ok(os.WriteFile(name, []byte(strings.Replace(string(b), `"to":["on"]`, `"to":["off"]`, 1)), 0o600))
			failed = do(ctx, s)
			return failed
		}
		p := w.ends(w.agreed().Plan.ID, bot.Failed)
		if n, _ := w.lamp.counts(); n > 0 || failed == nil || !strings.Contains(failed.Error(), "digest is another") || !strings.Contains(p.Why, "Nothing was done") {
			t.Errorf("applied %d times, %v: %s", n, failed, p.Why)
		}
	})
}

// What takes longer than the agent's own life is found again.
func TestARestartFindsItsRuns(t *testing.T) {
	played(t, plain, func(w *world) {
		w.lamp.takes = 50 * time.Second
		p := w.agreed()
		waiting := w.proposed()
		time.Sleep(10 * time.Second)
		w.stop()
		time.Sleep(10 * time.Second)
		w.run()
		if got := w.now(waiting.Plan.ID); got.State != bot.Waiting || got.Digest != waiting.Digest {
			t.Errorf("%+v", got)
		}
		w.ends(p.Plan.ID, bot.Done)
		// And one that ended while nobody watched.
		w.put("/run/lamp", "off")
		q := w.agreed()
		time.Sleep(10 * time.Second)
		w.stop()
		time.Sleep(10 * time.Minute)
		w.run()
		w.ends(q.Plan.ID, bot.Done)
		synctest.Wait()
		if n, _ := w.lamp.counts(); n != 2 || len(w.entries(journal.KindStart)) != 2 {
			t.Errorf("applied %d times", n)
		}
	})
}

// A run goes by the file that was taken up last, also where its plan is older.
func TestFileOfARun(t *testing.T) {
	ordered := func(w *world, p bot.Proposal) string {
		o, err := OrderOf(w.state, p.Plan.ID)
		w.ok(err)
		if o.Operation != "lamp.set" {
			t.Errorf("it is %s", o.Operation)
		}
		return o.File
	}
	played(t, plain, func(w *world) {
		old, next := strings.Repeat("0", 64), strings.Repeat("1", 64)
		s := w.settings()
		s.Digest = old
		w.ok(w.core.Reload(s))
		first := w.ends(w.agreed().Plan.ID, bot.Done)
		second := w.proposed()
		s.Digest = next
		w.ok(w.core.Reload(s))
		_, err := w.core.Decide(ctx, Bot(), yes(second, "carol"))
		w.ok(err)
		w.ends(second.Plan.ID, bot.Done)
		if ordered(w, first) != old || ordered(w, second) != next {
			t.Errorf("%s, then %s", ordered(w, first), ordered(w, second))
		}
	})
}

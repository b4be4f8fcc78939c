package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
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

package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
)

// fakeProbe says what it is told to.
type fakeProbe struct{ read func() []bot.Reading }

func (fakeProbe) Name() string                         { return "lamp probe" }
func (p fakeProbe) Read(context.Context) []bot.Reading { return p.read() }

func standing(w *world) *world {
	if w.lamp.verify == nil { // evidence is newer than the action, if only by a second
		w.lamp.verify = func() ([]bot.Reading, error) { time.Sleep(time.Second); return w.lamp.look("on") }
	}
	w.stand = []gate.Standing{{Name: "relight", Operation: "lamp.set", Host: "vulcan", Arguments: bot.Arguments{"to": {"on"}},
		When: []bot.Matcher{{Name: "alertname", Op: "=", Value: "LampOut"}}, Budget: gate.Budget{Count: 2, Per: 24 * time.Hour},
		Evidence: "lamp", Expires: time.Now().AddDate(0, 1, 0)}}
	return w
}

func out() api.Trigger {
	return api.Trigger{Key: newKey(), Standing: "relight", Alert: bot.Labels{"alertname": "LampOut"}, Since: time.Now()}
}

// Automatic repair is bounded: by its alert, its budget over all episodes and
// restarts, and by proof that the last one helped (28).
func TestStandingApprovals(t *testing.T) {
	played(t, standing, func(w *world) {
		q := out()
		q.Standing = "other"
		_, err := w.core.Trigger(ctx, Bot(), q)
		refuses(t, err, bot.CodeNotFound, "no standing approval")
		_, err = w.core.Trigger(ctx, Human(1001), out())
		refuses(t, err, bot.CodeForbidden, "not for")
		q = out()
		q.Alert = bot.Labels{"alertname": "Watchdog"}
		_, err = w.core.Trigger(ctx, Bot(), q)
		refuses(t, err, bot.CodeForbidden, "not for this alert")

		q = out()
		var p bot.Proposal
		for range 3 { // the same alert, told again
			p, err = w.core.Trigger(ctx, Bot(), q)
			w.ok(err)
		}
		p = w.ends(p.Plan.ID, bot.Done)
		if !strings.Contains(p.Why, "Verified") || p.Plan.Requester != "standing:relight" || len(w.entries(journal.KindStanding)) != 1 {
			t.Errorf("%+v", p)
		}
		time.Sleep(time.Hour)
		w.put("/run/lamp", "off")
		w.stop()
		w.run()
		p, err = w.core.Trigger(ctx, Bot(), out())
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
		w.put("/run/lamp", "off")
		time.Sleep(time.Hour)
		_, err = w.core.Trigger(ctx, Bot(), out())
		refuses(t, err, bot.CodeForbidden, "budget of 2 in 24h is used up")
		time.Sleep(22*time.Hour + time.Minute)
		p, err = w.core.Trigger(ctx, Bot(), out())
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
		time.Sleep(40 * 24 * time.Hour)
		_, err = w.core.Trigger(ctx, Bot(), out())
		refuses(t, err, bot.CodeForbidden, "ended at")
	})
	// Two at once are one.
	played(t, standing, func(w *world) {
		w.lamp.plan = func() error { time.Sleep(time.Second); return nil }
		errs := make(chan error, 2)
		for range 2 {
			go func() {
				p, err := w.core.Trigger(ctx, Bot(), out())
				if err == nil && p.State == bot.Cancelled {
					err = errors.New(p.Why)
				}
				errs <- err
			}()
		}
		if a, b := <-errs, <-errs; (a == nil) == (b == nil) {
			t.Errorf("%v, %v", a, b)
		}
		time.Sleep(time.Minute)
		if n, _ := w.lamp.counts(); n != 1 {
			t.Errorf("applied %d times", n)
		}
	})
}

// A run that is not proven to have helped is the last, until a probe says so.
func TestAStandingApprovalNeedsProof(t *testing.T) {
	at := time.Time{}
	played(t, func(w *world) *world {
		w.lamp.verify = func() ([]bot.Reading, error) {
			return []bot.Reading{{What: "switch", State: bot.OK, At: time.Now()}}, nil
		}
		w.probes = []bot.Probe{fakeProbe{func() []bot.Reading { return []bot.Reading{{What: "lamp", State: bot.OK, At: at}} }}}
		return standing(w)
	}, func(w *world) {
		before := time.Now().UTC()
		p, err := w.core.Trigger(ctx, Bot(), out())
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
		w.put("/run/lamp", "off")
		time.Sleep(time.Hour)
		at = before // a reading from before the action proves nothing
		_, err = w.core.Trigger(ctx, Bot(), out())
		refuses(t, err, bot.CodeForbidden, "not proven to have helped")
		at = time.Now().UTC()
		_, err = w.core.Readings(ctx, Bot(), api.Nothing{})
		w.ok(err)
		time.Sleep(time.Hour)
		p, err = w.core.Trigger(ctx, Bot(), out())
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
	})
}

// seen is a probe that reads the lamp itself.
func seen(w *world) bot.Probe {
	return fakeProbe{func() []bot.Reading {
		rs, err := w.lamp.look("on")
		if err != nil {
			return []bot.Reading{{What: "lamp", State: bot.Unknown, At: time.Now().UTC()}}
		}
		return rs
	}}
}

// What is fine already is left alone, whatever the bot says: a captured one can
// have repaired only what needs it.
func TestAStandingApprovalMendsOnlyWhatNeedsIt(t *testing.T) {
	played(t, func(w *world) *world { w.probes = []bot.Probe{seen(w)}; return standing(w) }, func(w *world) {
		w.put("/run/lamp", "on")
		_, err := w.core.Trigger(ctx, Bot(), out())
		refuses(t, err, bot.CodeConflict, "lamp is fine already (on), so that nothing was done")
		if n, _ := w.lamp.counts(); n != 0 || len(w.entries(journal.KindRefusal)) != 1 {
			t.Errorf("applied %d times", n)
		}
		// It went out again and again, and was lit by hand in between: what breaks later
		// does not make what helped unproven.
		for range 2 {
			w.put("/run/lamp", "off")
			p, err := w.core.Trigger(ctx, Bot(), out())
			w.ok(err)
			w.ends(p.Plan.ID, bot.Done)
			time.Sleep(time.Hour)
		}
		w.put("/run/lamp", "off")
		_, err = w.core.Trigger(ctx, Bot(), out())
		refuses(t, err, bot.CodeForbidden, "It ran 2 times in the last 24h: its budget of 2 in 24h is used up until")
	})
}

// A failing repair never loops: after one that did not help there is none until a
// reading is good, whoever has it taken; and none at all while one is under way.
func TestAStandingApprovalThatDidNotHelp(t *testing.T) {
	var dead atomic.Bool
	dead.Store(true)
	played(t, func(w *world) *world {
		w.probes = []bot.Probe{seen(w)}
		w.lamp.apply = func(context.Context, bot.Work) error {
			time.Sleep(30 * time.Second)
			if dead.Load() {
				return errors.New("no oil")
			}
			w.put("/run/lamp", "on")
			return nil
		}
		w.lamp.undo = func(context.Context) ([]bot.Reading, error) { return nil, errors.New("no oil") }
		return standing(w)
	}, func(w *world) {
		p, err := w.core.Trigger(ctx, Bot(), out())
		w.ok(err)
		time.Sleep(10 * time.Second)
		_, err = w.core.Trigger(ctx, Bot(), out())
		refuses(t, err, bot.CodeConflict, "It is under way already, as "+string(p.Plan.ID))
		w.ends(p.Plan.ID, bot.UndoFailed)
		time.Sleep(time.Hour)
		_, err = w.core.Trigger(ctx, Bot(), out())
		refuses(t, err, bot.CodeForbidden, "not proven to have helped")
		_, err = w.core.Readings(ctx, Bot(), api.Nothing{})
		w.ok(err)
		_, err = w.core.Trigger(ctx, Bot(), out())
		refuses(t, err, bot.CodeForbidden, "not proven to have helped")

		w.put("/run/lamp", "on") // by hand
		time.Sleep(time.Second)
		_, err = w.core.Readings(ctx, Bot(), api.Nothing{})
		w.ok(err)
		w.put("/run/lamp", "off")
		dead.Store(false)
		w.stop()
		w.run()
		p, err = w.core.Trigger(ctx, Bot(), out())
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
	})
}

// The bot is told of which alerts the agent wants to hear, and hears of a new file.
func TestStandingApprovalsAreListed(t *testing.T) {
	played(t, standing, func(w *world) {
		list := func(wait time.Duration) []bot.Standing {
			page, err := w.core.Proposals(ctx, Bot(), api.Since{Wait: wait})
			w.ok(err)
			return page.Standing
		}
		got := list(0)
		if len(got) != 1 || got[0].Name != "relight" || got[0].Operation != "lamp.set" || got[0].Arguments.One("to") != "on" || len(got[0].When) != 1 {
			t.Errorf("%+v", got)
		}
		w.stand = slices.Clone(w.stand) // the agent has the former list
		w.stand[0].Host = "titan"
		time.AfterFunc(time.Second, func() { w.ok(w.core.Reload(w.settings())) })
		if got := list(5 * time.Second); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
)

// Breaking the glass is for root alone, at the host, with a reason, and after root
// has seen the plan; everybody is told.
func TestBreakGlass(t *testing.T) {
	played(t, func(w *world) *world { w.policy.Rules = nil; return w }, func(w *world) {
		q := api.BreakGlass{Operation: "lamp.set", Arguments: bot.Arguments{"to": {"on"}}, Reason: "nobody answers, and it is dark"}
		for _, c := range []Caller{Bot(), Human(1004), {}} {
			_, err := w.core.BreakGlass(ctx, c, q)
			refuses(t, err, bot.CodeForbidden, "not for")
		}
		silent := q
		silent.Reason = ""
		_, err := w.core.BreakGlass(ctx, Root(), silent)
		refuses(t, err, bot.CodeInvalid, "Say why")
		p, err := w.core.BreakGlass(ctx, Root(), q)
		w.ok(err)
		if p.State != bot.Proposed || !strings.Contains(p.Why, "Break-glass by root: nobody answers") {
			t.Errorf("%s: %s", p.State, p.Why)
		}
		_, err = w.core.Decide(ctx, Bot(), yes(p, "carol"))
		refuses(t, err, bot.CodeConflict, "Nobody is asked")
		run := api.BreakGlassRun{Plan: p.Plan.ID, Digest: p.Digest}
		_, err = w.core.BreakGlassRun(ctx, Bot(), run)
		refuses(t, err, bot.CodeForbidden, "not for the bot")
		_, err = w.core.BreakGlassRun(ctx, Root(), api.BreakGlassRun{Plan: p.Plan.ID, Digest: "other"})
		refuses(t, err, bot.CodeConflict, "another plan")
		time.Sleep(time.Minute)
		if n, _ := w.lamp.counts(); n > 0 {
			t.Error("it ran before root said so")
		}
		_, err = w.core.BreakGlassRun(ctx, Root(), run)
		w.ok(err)
		p = w.ends(p.Plan.ID, bot.Done)
		if e := w.entries(journal.KindBreakGlass); len(e) != 1 || e[0].By != "root" || !strings.Contains(e[0].Text, "it is dark") {
			t.Errorf("%+v", e)
		}
		_, err = w.core.BreakGlassRun(ctx, Root(), run)
		refuses(t, err, bot.CodeConflict, "is over (done)")

		p, err = w.core.BreakGlass(ctx, Root(), q)
		w.ok(err)
		p = w.ends(p.Plan.ID, bot.Expired)
		if n, _ := w.lamp.counts(); n != 1 {
			t.Errorf("applied %d times", n)
		}
	})
	played(t, plain, func(w *world) {
		p := w.proposed()
		_, err := w.core.BreakGlassRun(ctx, Root(), api.BreakGlassRun{Plan: p.Plan.ID, Digest: p.Digest})
		refuses(t, err, bot.CodeConflict, "in the usual way")
	})
}

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
		p, err = w.core.Trigger(ctx, Bot(), out())
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
	})
}

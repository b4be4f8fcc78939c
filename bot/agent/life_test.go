package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

func TestALifeThatEndsWell(t *testing.T) {
	played(t, plain, func(w *world) {
		p := w.proposed()
		if p.State != bot.Waiting || !strings.Contains(p.Why, "must agree") {
			t.Errorf("%s: %s", p.State, p.Why)
		}
		_, err := w.core.Decide(ctx, Bot(), yes(p, "alice"))
		w.ok(err)
		p = w.ends(p.Plan.ID, bot.Done)
		if w.get("/run/lamp") != "on" || len(p.Evidence) != 1 || p.Evidence[0].Value != "on" {
			t.Errorf("the lamp is %q, the evidence %+v", w.get("/run/lamp"), p.Evidence)
		}
		if !strings.Contains(strings.Join(said(p), "|"), "Applying.|turning the lamp|Applied; verifying.") {
			t.Errorf("it said %q", said(p))
		}
		if p.Unit == "" || p.StartedAt.IsZero() || p.EndedAt.Before(p.StartedAt) {
			t.Errorf("%+v", p)
		}
		var kinds []string
		for e, err := range w.journal.Entries(0) {
			w.ok(err)
			kinds = append(kinds, string(e.Kind))
		}
		if got := strings.Join(kinds, " "); got != "plan shown decision start end" {
			t.Errorf("the journal has %s", got)
		}
		// A word that comes later is answered with what the end was.
		_, err = w.core.Decide(ctx, Bot(), yes(p, "carol"))
		refuses(t, err, bot.CodeConflict, "is over (done)")
	})
}

func TestTheSameQuestionGivesTheSamePlan(t *testing.T) {
	played(t, plain, func(w *world) {
		q := w.ask("on")
		a, err := w.core.Propose(ctx, Bot(), q)
		w.ok(err)
		b, err := w.core.Propose(ctx, Bot(), q)
		w.ok(err)
		if a.Plan.ID != b.Plan.ID || len(w.entries(journal.KindPlan)) != 1 {
			t.Errorf("%s and %s", a.Plan.ID, b.Plan.ID)
		}
		q.Arguments = bot.Arguments{"to": {"off"}}
		_, err = w.core.Propose(ctx, Bot(), q)
		refuses(t, err, bot.CodeConflict, "something else")
		// At the same moment, too, and over a restart.
		q = w.ask("on")
		w.lamp.plan = func() error { time.Sleep(time.Second); return nil }
		ids := make(chan bot.PlanID, 4)
		for range 4 {
			go func() {
				p, err := w.core.Propose(ctx, Bot(), q)
				if err != nil {
					t.Error(err)
				}
				ids <- p.Plan.ID
			}()
		}
		first := <-ids
		for range 3 {
			if id := <-ids; id != first {
				t.Errorf("%s and %s", id, first)
			}
		}
		w.stop()
		w.run()
		again, err := w.core.Propose(ctx, Bot(), q)
		w.ok(err)
		if again.Plan.ID != first {
			t.Errorf("after a restart: %s and %s", again.Plan.ID, first)
		}
	})
}

func TestWhatMayNotBeAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		caller Caller
		change func(*world, *api.Propose)
		code   bot.Code
		words  string
	}{
		"by a person at the host": {Human(1002), nil, bot.CodeForbidden, "not for user 1002"},
		"by root":                 {Root(), nil, bot.CodeForbidden, "not for root"},
		"by nobody":               {Caller{}, nil, bot.CodeForbidden, "not for nobody"},
		"a stranger":              {Bot(), func(_ *world, q *api.Propose) { q.Requester = "mallory" }, bot.CodeForbidden, "does not know"},
		"nobody in particular":    {Bot(), func(_ *world, q *api.Propose) { q.Requester = "" }, bot.CodeForbidden, "does not know"},
		"without the role":        {Bot(), func(_ *world, q *api.Propose) { q.Requester = "carol" }, bot.CodeForbidden, "Only somebody with the role operator"},
		"another host":            {Bot(), func(_ *world, q *api.Propose) { q.Host = "lugh" }, bot.CodeInvalid, "agent of vulcan"},
		"another operation":       {Bot(), func(_ *world, q *api.Propose) { q.Operation = "host.reboot" }, bot.CodeNotFound, "cannot do"},
		"no rule":                 {Bot(), func(w *world, _ *api.Propose) { w.core.settings.Store(&Settings{People: w.people}) }, bot.CodeForbidden, "Nothing in the policy"},
		"an unknown argument":     {Bot(), func(_ *world, q *api.Propose) { q.Arguments["--force"] = []string{"yes"} }, bot.CodeInvalid, "takes no"},
		"a hidden character":      {Bot(), func(_ *world, q *api.Propose) { q.Arguments["to"] = []string{"on\u202e"} }, bot.CodeInvalid, "do not show"},
		"a thousand values":       {Bot(), func(_ *world, q *api.Propose) { q.Arguments["to"] = make([]string, 1000) }, bot.CodeInvalid, "too many"},
		"no key":                  {Bot(), func(_ *world, q *api.Propose) { q.Key = "" }, bot.CodeInvalid, "needs a key"},
		"what cannot be planned": {Bot(), func(w *world, _ *api.Propose) {
			w.lamp.plan = func() error { return bot.Errorf(bot.CodeConflict, "There is no oil.") }
		}, bot.CodeConflict, "no oil"},
		"what fails to be seen": {Bot(), func(w *world, _ *api.Propose) { w.lamp.plan = func() error { return errors.New("EIO /secret/path") } }, bot.CodeUnavailable, "the agent's log has the cause"},
		"what panics":           {Bot(), func(w *world, _ *api.Propose) { w.lamp.plan = func() error { panic("oops") } }, bot.CodeUnavailable, "cannot be found out"},
		"what never ends": {Bot(), func(w *world, _ *api.Propose) {
			w.lamp.plan = func() error { time.Sleep(6 * time.Minute); return context.DeadlineExceeded }
		}, bot.CodeUnavailable, "cannot be found out"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, plain, func(w *world) {
				q := w.ask("on")
				if c.change != nil {
					c.change(w, &q)
				}
				p, err := w.core.Propose(ctx, c.caller, q)
				refuses(t, err, c.code, c.words)
				records := 0
				w.core.locked(func() { records = len(w.core.records) })
				if p.Plan.ID != "" || records > 0 {
					t.Errorf("there is a plan: %+v", p)
				}
				if refused := len(w.entries(journal.KindRefusal)) > 0; refused != (c.caller == Bot() && q.Key != "" && c.code != bot.CodeUnavailable) {
					t.Errorf("journaled as refused: %v", refused)
				}
			})
		})
	}
}

// A plan that the redactor would alter cannot be shown whole, so that nobody can
// agree to it.
func TestAPlanWithASecretIsRefused(t *testing.T) {
	played(t, func(w *world) *world {
		w.redact = func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") }
		w.lamp.summary = "set the lamp with the password hunter2"
		return w
	}, func(w *world) {
		_, err := w.core.Propose(ctx, Bot(), w.ask("on"))
		refuses(t, err, bot.CodeInvalid, "looks like a secret")
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error holds it: %v", err)
		}
	})
}

func TestRequestsAreBounded(t *testing.T) {
	played(t, func(w *world) *world {
		w.limits = Limits{OpenPerPerson: 3, Open: 5}
		return w
	}, func(w *world) {
		var last bot.Proposal
		ask := func(who bot.PersonID) error {
			q := w.ask("on")
			q.Requester = who
			p, err := w.core.Propose(ctx, Bot(), q)
			if err == nil {
				last = p
			}
			return err
		}
		for range 3 {
			w.ok(ask("bob"))
		}
		refuses(t, ask("bob"), bot.CodeConflict, "3 requests of bob are open")
		w.ok(ask("alice"))
		w.ok(ask("alice"))
		refuses(t, ask("dave"), bot.CodeConflict, "5 requests are open")
		_, err := w.core.Cancel(ctx, Bot(), api.Cancel{Plan: last.Plan.ID, Person: "alice"})
		w.ok(err)
		w.ok(ask("dave"))
		// And a flood is turned away, open or not.
		var flood error
		for range 30 {
			if flood = ask("bob"); flood != nil && strings.Contains(flood.Error(), "Too much") {
				break
			}
		}
		refuses(t, flood, bot.CodeUnavailable, "Too much is asked for")
		time.Sleep(time.Minute)
		refuses(t, ask("bob"), bot.CodeConflict, "requests of bob")
	})
}

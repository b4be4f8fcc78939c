package agent

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/plan"
)

// guarded is a world whose runs wait for a word, with these proofs.
func guardedBy(steps ...bot.StepUp) func(*world) *world {
	return func(w *world) *world {
		return w.rule(func(r *bot.Rule) { r.ConfirmWithin, r.StepUp = 600, steps })
	}
}

// waiting is a run that waits for somebody's word, agreed to at the host or by a code.
func (w *world) waiting() bot.Proposal {
	w.t.Helper()
	p := w.proposed()
	d := yes(p, "carol")
	caller := Human(1003)
	if steps := p.Plan.Rule.StepUp; len(steps) == 1 && steps[0] == bot.StepTOTP {
		caller, d.Code = Bot(), w.code(0)
	} else if len(steps) == 1 && steps[0] == bot.StepSSH {
		caller, d = Bot(), w.signed(p, bot.Approve)
	}
	_, err := w.core.Decide(ctx, caller, d)
	w.ok(err)
	return w.reaches(p.Plan.ID, func(p bot.Proposal) bool { return p.State == bot.Confirming })
}

// signed is alice's signed word.
func (w *world) signed(p bot.Proposal, v bot.Verdict) api.Decide {
	w.t.Helper()
	s, err := w.core.Statement(ctx, Bot(), api.Statement{Plan: p.Plan.ID, Person: "alice", Verdict: v})
	w.ok(err)
	armored, err := plan.Sign(s, w.key)
	w.ok(err)
	d := yes(p, "alice")
	d.Verdict, d.Signature = v, armored
	return d
}

// A captured bot says in everybody's name that all is well, in every way that it
// has. The run is not made to last by it.
func TestACapturedBotConfirmsNothing(t *testing.T) {
	for name, steps := range map[string][]bot.StepUp{"host": {bot.StepHost}, "signature": {bot.StepSSH}, "code": {bot.StepTOTP}, "either": {bot.StepHost, bot.StepSSH}} {
		t.Run(name, func(t *testing.T) {
			played(t, guardedBy(steps...), func(w *world) {
				p := w.waiting()
				for _, who := range []bot.PersonID{"alice", "bob", "carol"} {
					for _, q := range []api.Confirm{{}, {Code: "000000"}, {Signature: "made up"}, {Said: api.Said{Door: doorHost}}, {Said: api.Said{Door: "ssh"}}} {
						q.Plan, q.Person = p.Plan.ID, who
						_, err := w.core.Confirm(ctx, Bot(), q)
						if err == nil {
							t.Errorf("%+v counts", q)
						}
					}
				}
				if n := len(w.entries(journal.KindConfirm)); n > 0 {
					t.Errorf("%d confirmations are in the journal", n)
				}
				if n := len(w.entries(journal.KindRefusal)); n != 15 {
					t.Errorf("%d refusals are in the journal", n)
				}
				p = w.ends(p.Plan.ID, bot.Undone)
				if !strings.Contains(p.Why, "Nobody confirmed it") || w.get("/run/lamp") != "off" {
					t.Errorf("%s; the lamp is %s", p.Why, w.get("/run/lamp"))
				}
			})
		})
	}
}

// Each proof that the rule wants of an approval is enough to confirm, and being at
// the host always is.
func TestConfirmationsWithProof(t *testing.T) {
	confirmed := func(w *world, p bot.Proposal, caller Caller, q api.Confirm, step bot.StepUp) {
		w.t.Helper()
		q.Plan = p.Plan.ID
		for range 2 { // an answer that was lost is asked for again
			_, err := w.core.Confirm(ctx, caller, q)
			w.ok(err)
		}
		es := w.entries(journal.KindConfirm)
		if len(es) != 1 || es[0].Fields["step_up"] != string(step) {
			w.t.Errorf("%+v", es)
		}
		w.ends(p.Plan.ID, bot.Done)
	}
	for _, steps := range [][]bot.StepUp{{bot.StepHost}, {bot.StepSSH}, {bot.StepTOTP}} {
		played(t, guardedBy(steps...), func(w *world) { confirmed(w, w.waiting(), Human(1002), api.Confirm{}, bot.StepHost) })
	}
	for _, steps := range [][]bot.StepUp{{bot.StepSSH}, {bot.StepHost}} {
		played(t, guardedBy(steps...), func(w *world) {
			p := w.waiting()
			confirmed(w, p, Bot(), api.Confirm{Person: "alice", Signature: w.signed(p, bot.AllIsWell).Signature}, bot.StepSSH)
		})
	}
	played(t, guardedBy(bot.StepTOTP), func(w *world) {
		p := w.waiting()
		_, err := w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "carol", Code: w.code(0)})
		refuses(t, err, bot.CodeForbidden, "used already") // she agreed with it
		_, err = w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "carol"})
		refuses(t, err, bot.CodeForbidden, "lacks the proof that the rule wants (totp)")
		time.Sleep(time.Minute)
		confirmed(w, p, Bot(), api.Confirm{Person: "carol", Code: w.code(0)}, bot.StepTOTP)
	})
	// A code is spent also on a word that does not count.
	played(t, guardedBy(bot.StepHost), func(w *world) {
		p := w.waiting()
		q := api.Confirm{Plan: p.Plan.ID, Person: "carol", Code: w.code(0)}
		_, err := w.core.Confirm(ctx, Bot(), q)
		refuses(t, err, bot.CodeForbidden, "lacks the proof that the rule wants (host)")
		_, err = w.core.Confirm(ctx, Bot(), q)
		refuses(t, err, bot.CodeForbidden, "used already")
	})
}

// A signature says one thing: an approval's confirms nothing, and a confirmation's
// agrees to nothing. A statement to confirm with is had only when there is
// something to confirm, also when the plan's own time is over by then.
func TestSignedWordsAreNotMixedUp(t *testing.T) {
	slow := func(w *world) *world {
		w.lamp.takes = 50 * time.Second
		return guardedBy(bot.StepSSH)(w).rule(func(r *bot.Rule) { r.ApproveWithin, r.ValidFor = 70, 70 })
	}
	played(t, slow, func(w *world) {
		p := w.proposed()
		_, err := w.core.Statement(ctx, Bot(), api.Statement{Plan: p.Plan.ID, Person: "alice", Verdict: bot.AllIsWell})
		refuses(t, err, bot.CodeConflict, "does not run yet")
		time.Sleep(40 * time.Second)
		agrees := w.signed(p, bot.Approve)
		_, err = w.core.Decide(ctx, Bot(), agrees)
		w.ok(err)
		p = w.reaches(p.Plan.ID, func(p bot.Proposal) bool { return p.State == bot.Confirming })
		if !time.Now().After(p.Plan.NotAfter) {
			t.Fatal("the plan's time is not over")
		}
		_, err = w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "alice", Signature: agrees.Signature})
		refuses(t, err, bot.CodeForbidden, "signature does not count")
		well := w.signed(p, bot.AllIsWell)
		_, err = w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "carol", Signature: well.Signature})
		refuses(t, err, bot.CodeForbidden, "no SSH key of carol")
		_, err = w.core.Decide(ctx, Bot(), well)
		refuses(t, err, bot.CodeInvalid, "neither yes nor no")
		_, err = w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "alice", Signature: well.Signature})
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
	})
}

// Who says the same again and again fills no journal.
func TestAWordIsJournaledOnce(t *testing.T) {
	played(t, guardedBy(), func(w *world) {
		p := w.waiting()
		for range 15 {
			_, err := w.core.Cancel(ctx, Bot(), api.Cancel{Plan: p.Plan.ID, Person: "bob"})
			w.ok(err)
			_, err = w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "bob"})
			refuses(t, err, bot.CodeConflict, "too late")
			time.Sleep(10 * time.Millisecond)
			if w.now(p.Plan.ID).State != bot.Confirming {
				break
			}
		}
		if es := w.entries(journal.KindConfirm); len(es) != 1 {
			t.Errorf("%d entries", len(es))
		}
		w.ends(p.Plan.ID, bot.Undone)
	})
}

package agent

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp/totp"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
	"watchstander/bot/plan"
)

func (w *world) code(shift time.Duration) string {
	c, err := totp.GenerateCode(seed, time.Now().Add(shift))
	w.ok(err)
	return c
}

func withCodes(w *world) *world {
	return w.rule(func(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepTOTP}; r.Count = 2 })
}

func TestCodes(t *testing.T) {
	played(t, withCodes, func(w *world) {
		p := w.proposed()
		coded := func(who bot.PersonID, code string) error {
			d := yes(p, who)
			d.Code = code
			_, err := w.core.Decide(ctx, Bot(), d)
			return err
		}
		w.ok(coded("carol", w.code(-30*time.Second))) // a phone may be slow
		refuses(t, coded("carol", w.code(-30*time.Second)), bot.CodeForbidden, "used already")
		refuses(t, coded("bob", w.code(0)), bot.CodeForbidden, "no seed of bob")
		refuses(t, coded("alice", w.code(5*time.Minute)), bot.CodeForbidden, "code is wrong")
		refuses(t, coded("alice", "12345"), bot.CodeForbidden, "code is wrong")
		d := yes(p, "alice")
		_, err := w.core.Decide(ctx, Bot(), d)
		refuses(t, err, bot.CodeForbidden, "lacks the proof")
		d.Code, d.Signature = w.code(0), "x"
		_, err = w.core.Decide(ctx, Bot(), d)
		refuses(t, err, bot.CodeInvalid, "not both")
		refuses(t, coded("alice", w.code(0)), bot.CodeForbidden, "used already")
		w.ok(coded("alice", w.code(30*time.Second)))
		p = w.ends(p.Plan.ID, bot.Done)
		if x := p.Decisions[0]; x.StepUp != bot.StepTOTP || x.Door != "matrix" {
			t.Errorf("%+v", x)
		}
	})
}

// A code is spent when it comes: for a plan that is not there, for another digest,
// and also after a restart (31).
func TestACodeIsSpentWhenItComes(t *testing.T) {
	played(t, withCodes, func(w *world) {
		p := w.proposed()
		for _, change := range []func(*api.Decide){
			func(d *api.Decide) { d.Plan = "pln_OTHER" },
			func(d *api.Decide) { d.Digest = "" },
		} {
			time.Sleep(time.Minute)
			d := yes(p, "carol")
			d.Code = w.code(0)
			wrong := d
			change(&wrong)
			if _, err := w.core.Decide(ctx, Bot(), wrong); err == nil {
				t.Error("it counted")
			}
			w.stop()
			w.run()
			_, err := w.core.Decide(ctx, Bot(), d)
			refuses(t, err, bot.CodeForbidden, "used already")
		}
	})
}

// Five wrong codes lock the person: the sixth is not even looked at, though it be
// the right one, not after a restart either, and for a quarter of an hour. It takes
// two people's to lock a plan. Each is in the journal with where it came from, people
// at the host are shown who is locked, and nobody is locked out there.
func TestWrongCodesLock(t *testing.T) {
	either := func(w *world) *world {
		return withCodes(w).rule(func(r *bot.Rule) { r.StepUp = append(r.StepUp, bot.StepHost) })
	}
	played(t, either, func(w *world) {
		p, other := w.proposed(), w.proposed()
		coded := func(p bot.Proposal, who bot.PersonID, code string) error {
			d := yes(p, who)
			d.Code = code
			_, err := w.core.Decide(ctx, Bot(), d)
			return err
		}
		for range 5 {
			time.Sleep(time.Minute)
			refuses(t, coded(p, "carol", w.code(time.Hour)), bot.CodeForbidden, "code is wrong")
		}
		w.stop()
		w.run()
		refuses(t, coded(other, "carol", w.code(0)), bot.CodeForbidden, "person carol is looked at until")
		page, err := w.core.Proposals(ctx, Human(1002), api.Since{})
		w.ok(err)
		if len(page.Locks) != 1 || page.Locks[0].Of != "person carol" || !page.Locks[0].Until.Equal(time.Now().Add(15*time.Minute).UTC().Truncate(time.Millisecond)) {
			t.Errorf("locked: %+v", page.Locks)
		}
		// What is locked is not counted, so that the lock ends.
		time.Sleep(5 * time.Minute)
		refuses(t, coded(other, "carol", w.code(time.Hour)), bot.CodeForbidden, "person carol is looked at until")
		notes := w.entries(journal.KindNote)
		if len(notes) != 5 || notes[4].Fields["door"] != "matrix" || notes[4].By != "carol" {
			t.Errorf("%d entries about wrong codes: %+v", len(notes), notes)
		}
		_, err = w.core.Decide(ctx, Human(1003), yes(other, "carol"))
		w.ok(err)

		// One account locks no plan for others; two do.
		for range 4 {
			refuses(t, coded(p, "alice", w.code(time.Hour)), bot.CodeForbidden, "The code is wrong.")
		}
		refuses(t, coded(p, "alice", w.code(time.Hour)), bot.CodeForbidden, "of plan "+string(p.Plan.ID)+" are not looked at until")
		time.Sleep(10 * time.Minute) // carol's lock is over
		refuses(t, coded(p, "carol", w.code(0)), bot.CodeForbidden, "plan "+string(p.Plan.ID)+" is looked at until")
		time.Sleep(5 * time.Minute)
		page, err = w.core.Proposals(ctx, Human(1002), api.Since{})
		w.ok(err)
		if len(page.Locks) != 0 {
			t.Errorf("locked: %+v", page.Locks)
		}
		w.ok(coded(p, "carol", w.code(0)))
		// Wrong ones that are far apart never lock.
		for range 8 {
			time.Sleep(5 * time.Minute)
			refuses(t, coded(p, "alice", w.code(time.Hour)), bot.CodeForbidden, "The code is wrong.")
		}
	})
}

func withSignatures(w *world) *world {
	return w.rule(func(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepSSH} })
}

// slip has the agent make a statement for alice, and signs it.
func (w *world) slip(p bot.Proposal, v bot.Verdict) (bot.Statement, string) {
	w.t.Helper()
	s, err := w.core.Statement(ctx, Bot(), api.Statement{Plan: p.Plan.ID, Person: "alice", Verdict: v})
	w.ok(err)
	signature, err := plan.Sign(s, w.key)
	w.ok(err)
	return s, signature
}

func TestSignatures(t *testing.T) {
	played(t, withSignatures, func(w *world) {
		p := w.proposed()
		s, signature := w.slip(p, bot.Approve)
		if s.Digest != p.Digest || s.Approver != "alice" || s.Until.Sub(s.From) != 10*time.Minute {
			t.Errorf("%+v", s)
		}
		signed := func(change func(*api.Decide)) error {
			d := yes(p, "alice")
			d.Signature = signature
			change(&d)
			_, err := w.core.Decide(ctx, Bot(), d)
			return err
		}
		refuses(t, signed(func(d *api.Decide) { d.Person = "carol" }), bot.CodeForbidden, "no SSH key of carol")
		refuses(t, signed(func(d *api.Decide) { d.Digest = "" }), bot.CodeConflict, "of another plan")
		refuses(t, signed(func(d *api.Decide) { d.Signature = strings.Replace(signature, "A", "B", 1) }), bot.CodeForbidden, "does not count")
		forged := s
		forged.Until = s.NotAfter
		long, err := plan.Sign(forged, w.key) // her key, but not what the agent made
		w.ok(err)
		refuses(t, signed(func(d *api.Decide) { d.Signature = long }), bot.CodeForbidden, "of no statement that waits")
		other := w.proposed()
		refuses(t, signed(func(d *api.Decide) { d.Plan, d.Digest = other.Plan.ID, other.Digest }), bot.CodeForbidden, "no statement of alice")
		w.ok(signed(func(*api.Decide) {}))
		p = w.ends(p.Plan.ID, bot.Done)
		if x := p.Decisions[0]; x.StepUp != bot.StepSSH || x.Door != "ssh" {
			t.Errorf("%+v", x)
		}
	})
}

// A signature lives ten minutes, and counts once (7, 30).
func TestASignatureIsUsedOnce(t *testing.T) {
	played(t, func(w *world) *world { return withSignatures(w).rule(func(r *bot.Rule) { r.Count = 2 }) }, func(w *world) {
		p := w.proposed()
		_, signature := w.slip(p, bot.Approve)
		d := yes(p, "alice")
		d.Signature = signature
		_, err := w.core.Decide(ctx, Bot(), d)
		w.ok(err)
		_, err = w.core.Withdraw(ctx, Bot(), api.Withdraw{Plan: p.Plan.ID, ID: d.ID, Person: "alice"})
		w.ok(err)
		d.ID = "played again"
		_, err = w.core.Decide(ctx, Bot(), d)
		refuses(t, err, bot.CodeForbidden, "does not count")

		_, late := w.slip(p, bot.Approve)
		time.Sleep(10 * time.Minute)
		d.ID, d.Signature = "late", late
		_, err = w.core.Decide(ctx, Bot(), d)
		refuses(t, err, bot.CodeForbidden, "its time is over")

		// A signed denial does not become an approval.
		_, denial := w.slip(p, bot.Deny)
		d.ID, d.Signature = "turned", denial
		_, err = w.core.Decide(ctx, Bot(), d)
		refuses(t, err, bot.CodeForbidden, "does not count")
	})
}

// What stands as the reason of a signed word is what was signed, and not what the bot
// puts beside it.
func TestASignedReason(t *testing.T) {
	for _, reason := range []string{"", "it flickers"} {
		for _, verdict := range []bot.Verdict{bot.Approve, bot.Deny} {
			played(t, withSignatures, func(w *world) {
				p := w.proposed()
				s, err := w.core.Statement(ctx, Bot(), api.Statement{Plan: p.Plan.ID, Person: "alice", Verdict: verdict, Reason: reason})
				w.ok(err)
				d := yes(p, "alice")
				d.Verdict, d.Reason = verdict, "bob told me to"
				d.Signature, err = plan.Sign(s, w.key)
				w.ok(err)
				p, err = w.core.Decide(ctx, Bot(), d)
				w.ok(err)
				if x := p.Decisions[0]; x.Reason != reason || x.Verdict != verdict || x.Person != "alice" || x.StepUp != bot.StepSSH {
					t.Errorf("%+v", x)
				}
				if e := w.entries(journal.KindDecision); len(e) != 1 || strings.Contains(e[0].Text, "bob") || !strings.Contains(e[0].Text, reason) {
					t.Errorf("%+v", e)
				}
			})
		}
	}
}

func TestStatementsAreBounded(t *testing.T) {
	played(t, withSignatures, func(w *world) {
		p := w.proposed()
		for range 5 {
			w.slip(p, bot.Approve)
		}
		ask := api.Statement{Plan: p.Plan.ID, Person: "alice", Verdict: bot.Approve}
		_, err := w.core.Statement(ctx, Bot(), ask)
		refuses(t, err, bot.CodeConflict, "wait for a signature already")
		time.Sleep(10 * time.Minute)
		_, err = w.core.Statement(ctx, Human(1001), ask)
		w.ok(err)
		ask.Person = "carol"
		_, err = w.core.Statement(ctx, Bot(), ask)
		refuses(t, err, bot.CodeForbidden, "no SSH key of carol")
		_, err = w.core.Statement(ctx, Human(1001), ask)
		refuses(t, err, bot.CodeForbidden, "cannot speak for")
		_, err = w.core.Cancel(ctx, Root(), api.Cancel{Plan: p.Plan.ID})
		w.ok(err)
		ask.Person = "alice"
		_, err = w.core.Statement(ctx, Bot(), ask)
		refuses(t, err, bot.CodeConflict, "is over")
	})
}

// Where a plan waits for its window, the statement names that one window.
func TestAStatementForAWindow(t *testing.T) {
	played(t, func(w *world) *world {
		return withSignatures(w).rule(func(r *bot.Rule) {
			r.Windows, r.Queue, r.ValidFor = []bot.Window{{From: "02:00", To: "04:00", Zone: "UTC"}}, true, 2*86400
			r.ApproveWithin = 86400
		})
	}, func(w *world) {
		p := w.proposed() // at midnight
		s, signature := w.slip(p, bot.Approve)
		if got := s.Until.Format("15:04"); got != "04:00" || s.Until.Sub(s.From) != 4*time.Hour {
			t.Errorf("until %v", s.Until)
		}
		d := yes(p, "alice")
		d.Signature = signature
		p, err := w.core.Decide(ctx, Bot(), d)
		w.ok(err)
		if p.State != bot.Queued || p.QueuedFor.Format("15:04") != "02:00" || len(w.entries(journal.KindQueued)) != 1 {
			t.Errorf("%s for %v: %s", p.State, p.QueuedFor, p.Why)
		}
		time.Sleep(2*time.Hour - time.Second)
		synctest.Wait()
		if p = w.now(p.Plan.ID); p.State != bot.Queued {
			t.Errorf("%s: %s", p.State, p.Why)
		}
		p = w.ends(p.Plan.ID, bot.Done)
		if from, _, open := gate.Open(p.Plan.Rule.Windows, p.StartedAt); !open || p.StartedAt.Sub(from) > time.Second {
			t.Errorf("it started at %v", p.StartedAt)
		}
	})
}

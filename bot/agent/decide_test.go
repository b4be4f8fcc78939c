package agent

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// Whose word counts, and whose does not: who tries, and what must be said. The
// numbers are those of the attacks in the facts.
func TestWhoseWordCounts(t *testing.T) {
	demoted := func(w *world, _ *api.Decide) {
		w.person(2, func(p *Person) { p.Roles = nil })
		w.ok(w.core.Reload(w.settings()))
	}
	for name, c := range map[string]struct {
		rule   func(*bot.Rule)
		caller Caller
		change func(*world, *api.Decide)
		code   bot.Code // "" counts
		words  string
	}{
		"an approver":                    {nil, Bot(), nil, "", ""},
		"an approver at the host":        {nil, Human(1003), func(_ *world, d *api.Decide) { d.Person = "" }, "", ""},
		"the requester (11)":             {nil, Bot(), func(_ *world, d *api.Decide) { d.Person = "bob" }, bot.CodeForbidden, "does not have the role"},
		"an admin without the role":      {nil, Bot(), func(_ *world, d *api.Decide) { d.Person = "dave" }, bot.CodeForbidden, "does not have the role"},
		"a stranger (12)":                {nil, Bot(), func(_ *world, d *api.Decide) { d.Person = "Carol" }, bot.CodeForbidden, "does not know"},
		"one who names another (14)":     {nil, Human(1002), nil, bot.CodeForbidden, "cannot speak for"},
		"an unknown uid":                 {nil, Human(4711), nil, bot.CodeForbidden, "nobody whom the agent"},
		"root":                           {nil, Root(), nil, bot.CodeForbidden, "nobody in particular"},
		"nobody":                         {nil, Caller{}, nil, bot.CodeForbidden, "not for you"},
		"the bot as if at the host":      {nil, Bot(), func(_ *world, d *api.Decide) { d.Said.Door = "host" }, bot.CodeForbidden, "does not come by host"},
		"the bot as if by signature":     {nil, Bot(), func(_ *world, d *api.Decide) { d.Said.Door = "ssh" }, bot.CodeForbidden, "does not come by ssh"},
		"another digest (1, 2)":          {nil, Bot(), func(_ *world, d *api.Decide) { d.Digest = strings.Repeat("0", 64) }, bot.CodeConflict, "of another plan"},
		"no digest":                      {nil, Bot(), func(_ *world, d *api.Decide) { d.Digest = "" }, bot.CodeConflict, "of another plan"},
		"no id":                          {nil, Bot(), func(_ *world, d *api.Decide) { d.ID = "" }, bot.CodeInvalid, "needs an id"},
		"neither yes nor no":             {nil, Bot(), func(_ *world, d *api.Decide) { d.Verdict = "always" }, bot.CodeInvalid, "neither yes nor no"},
		"a plan that is not there":       {nil, Bot(), func(_ *world, d *api.Decide) { d.Plan = "pln_NOTHING" }, bot.CodeNotFound, "has no plan"},
		"without the proof":              {func(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepHost} }, Bot(), nil, bot.CodeForbidden, "lacks the proof"},
		"with the proof":                 {func(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepHost} }, Human(1003), nil, "", ""},
		"a code that nobody checked":     {func(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepTOTP} }, Bot(), func(_ *world, d *api.Decide) { d.Code = "000000" }, bot.CodeForbidden, "code is wrong"},
		"a signature that nobody made":   {func(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepSSH} }, Bot(), func(_ *world, d *api.Decide) { d.Person, d.Signature = "alice", "x" }, bot.CodeForbidden, "does not count"},
		"a signature without a key":      {nil, Bot(), func(_ *world, d *api.Decide) { d.Signature = "x" }, bot.CodeForbidden, "no SSH key of carol"},
		"the requester, where she may":   {func(r *bot.Rule) { r.RequesterCounts = true; r.Approvers = []bot.Role{bot.RoleOperator} }, Bot(), func(_ *world, d *api.Decide) { d.Person = "bob" }, "", ""},
		"the requester by another door":  {func(r *bot.Rule) { r.Approvers = []bot.Role{bot.RoleOperator} }, Human(1002), func(_ *world, d *api.Decide) { d.Person = "" }, bot.CodeForbidden, "somebody else must agree"},
		"one whose role is gone by then": {nil, Bot(), demoted, bot.CodeForbidden, "does not have the role"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(w *world) *world {
				if c.rule != nil {
					w.rule(c.rule)
				}
				return w
			}, func(w *world) {
				p := w.proposed()
				d := yes(p, "carol")
				if c.change != nil {
					c.change(w, &d)
				}
				_, err := w.core.Decide(ctx, c.caller, d)
				if c.code == "" {
					w.ok(err)
					w.ends(p.Plan.ID, bot.Done)
					return
				}
				refuses(t, err, c.code, c.words)
				time.Sleep(time.Hour + time.Minute)
				p = w.ends(p.Plan.ID, bot.Expired) // and not denied (10)
				if len(p.Decisions) > 0 || w.get("/run/lamp") != "off" {
					t.Errorf("%+v, lamp %s", p.Decisions, w.get("/run/lamp"))
				}
				if got := w.entries(journal.KindRefusal); len(got) == 0 || !strings.Contains(got[0].Text, c.words) {
					t.Errorf("the journal has no refusal: %+v", got)
				}
			})
		})
	}
}

// What is approved before it was shown whole does not count (8). A bot whose clock is
// another one than the agent's has shown it now.
func TestShownFirst(t *testing.T) {
	played(t, plain, func(w *world) {
		p, err := w.core.Propose(ctx, Bot(), w.ask("on"))
		w.ok(err)
		_, err = w.core.Decide(ctx, Bot(), yes(p, "carol"))
		refuses(t, err, bot.CodeForbidden, "before the plan was shown whole")
		for _, at := range []time.Time{time.Now().Add(time.Second), p.Plan.MintedAt.Add(-time.Second), {}} {
			other, err := w.core.Propose(ctx, Bot(), w.ask("on"))
			w.ok(err)
			other, err = w.core.Shown(ctx, Bot(), api.Shown{Plan: other.Plan.ID, At: at})
			if w.ok(err); !other.ShownAt.Equal(time.Now()) {
				t.Errorf("by a clock that says %v it was shown at %v", at, other.ShownAt)
			}
		}
		_, err = w.core.Shown(ctx, Human(1001), api.Shown{Plan: p.Plan.ID, At: time.Now()})
		refuses(t, err, bot.CodeForbidden, "not for")
		first, err := w.core.Shown(ctx, Bot(), api.Shown{Plan: p.Plan.ID, At: time.Now()})
		w.ok(err)
		time.Sleep(time.Minute)
		again, err := w.core.Shown(ctx, Bot(), api.Shown{Plan: p.Plan.ID, At: time.Now()})
		w.ok(err)
		if !again.ShownAt.Equal(first.ShownAt) || len(w.entries(journal.KindShown)) != 4 {
			t.Errorf("shown at %v and %v", first.ShownAt, again.ShownAt)
		}
		_, err = w.core.Decide(ctx, Bot(), yes(p, "carol"))
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
	})
}

// At the host the agent itself shows the plan, so that no chat has to.
func TestAtTheHostNoChatIsNeeded(t *testing.T) {
	played(t, plain, func(w *world) {
		p, err := w.core.Propose(ctx, Bot(), w.ask("on"))
		w.ok(err)
		d := yes(p, "")
		d.Said = api.Said{}
		_, err = w.core.Decide(ctx, Human(1003), d)
		w.ok(err)
		p = w.ends(p.Plan.ID, bot.Done)
		if x := p.Decisions[0]; x.Person != "carol" || x.StepUp != bot.StepHost || x.Door != "host" {
			t.Errorf("%+v", x)
		}
	})
}

// Two must agree, and they are two people: one who says it twice, by two doors,
// counts once (5).
func TestTwoPeopleAreTwo(t *testing.T) {
	played(t, func(w *world) *world { return w.rule(func(r *bot.Rule) { r.Count = 2 }) }, func(w *world) {
		p := w.proposed()
		_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
		w.ok(err)
		p, err = w.core.Decide(ctx, Human(1003), yes(p, "carol"))
		w.ok(err)
		if p.State != bot.Waiting || !strings.Contains(p.Why, "One more person") {
			t.Errorf("%s: %s", p.State, p.Why)
		}
		if p.Decisions[0].Withdrawn.IsZero() || p.Decisions[1].StepUp != bot.StepHost {
			t.Errorf("the later word did not take the place of the earlier: %+v", p.Decisions)
		}
		_, err = w.core.Decide(ctx, Bot(), yes(p, "alice"))
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
		if n, _ := w.lamp.counts(); n != 1 {
			t.Errorf("it was applied %d times", n)
		}
	})
}

func TestOneDecisionCountsOnce(t *testing.T) {
	played(t, func(w *world) *world { return w.rule(func(r *bot.Rule) { r.Count = 2 }) }, func(w *world) {
		p := w.proposed()
		d := yes(p, "carol")
		for range 3 {
			got, err := w.core.Decide(ctx, Bot(), d) // delivered again (7, 20)
			w.ok(err)
			if len(got.Decisions) != 1 {
				t.Errorf("%+v", got.Decisions)
			}
		}
		d.Person = "alice" // the same press in another's name
		_, err := w.core.Decide(ctx, Bot(), d)
		refuses(t, err, bot.CodeConflict, "another one when it first came")
		if n := len(w.entries(journal.KindDecision)); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

// One denial ends it, of whoever could agree or asked for it, without any proof.
func TestADenialNeedsNoProof(t *testing.T) {
	for _, who := range []bot.PersonID{"carol", "bob"} {
		played(t, func(w *world) *world {
			return w.rule(func(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepSSH}; r.Count = 2 })
		}, func(w *world) {
			p := w.proposed()
			d := no(p, who)
			d.Reason, d.Code = "not tonight", "000000" // a wrong code does not stop a denial
			p, err := w.core.Decide(ctx, Bot(), d)
			w.ok(err)
			if p.State != bot.Denied || !strings.Contains(p.Why, "not tonight") || p.EndedAt.IsZero() {
				t.Errorf("%s: %s", p.State, p.Why)
			}
		})
	}
	played(t, plain, func(w *world) {
		p := w.proposed()
		_, err := w.core.Decide(ctx, Bot(), no(p, "dave"))
		refuses(t, err, bot.CodeForbidden, "does not have the role")
	})
}

func TestAWordIsTakenBack(t *testing.T) {
	played(t, func(w *world) *world { return w.rule(func(r *bot.Rule) { r.Count = 2 }) }, func(w *world) {
		p := w.proposed()
		d := yes(p, "carol")
		_, err := w.core.Decide(ctx, Bot(), d)
		w.ok(err)
		_, err = w.core.Withdraw(ctx, Bot(), api.Withdraw{Plan: p.Plan.ID, ID: d.ID, Person: "alice"})
		refuses(t, err, bot.CodeForbidden, "Only carol")
		_, err = w.core.Withdraw(ctx, Bot(), api.Withdraw{Plan: p.Plan.ID, ID: "other", Person: "carol"})
		refuses(t, err, bot.CodeNotFound, "no such decision")
		for range 2 {
			_, err = w.core.Withdraw(ctx, Human(1003), api.Withdraw{Plan: p.Plan.ID, ID: d.ID})
			w.ok(err)
		}
		if n := len(w.entries(journal.KindWithdrawal)); n != 1 {
			t.Errorf("%d withdrawals", n)
		}
		p, err = w.core.Decide(ctx, Bot(), yes(p, "alice"))
		w.ok(err)
		synctest.Wait()
		if p = w.now(p.Plan.ID); p.State != bot.Waiting {
			t.Errorf("%s: %s", p.State, p.Why)
		}
	})
}

// A word that is taken back while the host is looked at again stops the start.
func TestTakenBackJustBeforeTheStart(t *testing.T) {
	played(t, plain, func(w *world) {
		p := w.proposed()
		w.lamp.plan = func() error { time.Sleep(time.Minute); return nil }
		d := yes(p, "carol")
		_, err := w.core.Decide(ctx, Bot(), d)
		w.ok(err)
		time.Sleep(30 * time.Second)
		_, err = w.core.Withdraw(ctx, Bot(), api.Withdraw{Plan: p.Plan.ID, ID: d.ID, Person: "carol"})
		w.ok(err)
		time.Sleep(5 * time.Minute)
		p = w.now(p.Plan.ID)
		if n, _ := w.lamp.counts(); n != 0 || p.State != bot.Waiting || len(w.entries(journal.KindStart)) > 0 {
			t.Errorf("%s: %s, applied %d times", p.State, p.Why, n)
		}
	})
}

func TestCancel(t *testing.T) {
	played(t, plain, func(w *world) {
		p := w.proposed()
		_, err := w.core.Cancel(ctx, Bot(), api.Cancel{Plan: p.Plan.ID, Person: "alice"})
		refuses(t, err, bot.CodeForbidden, "Only bob")
		p, err = w.core.Cancel(ctx, Bot(), api.Cancel{Plan: p.Plan.ID, Person: "bob", Reason: "wrong lamp"})
		w.ok(err)
		if p.State != bot.Cancelled || p.Why != "bob cancelled it: wrong lamp" || p.CancelledBy != "bob" {
			t.Errorf("%s by %q: %s", p.State, p.CancelledBy, p.Why)
		}
		_, err = w.core.Decide(ctx, Bot(), yes(p, "carol"))
		refuses(t, err, bot.CodeConflict, "cancelled): bob cancelled it")
		for by, caller := range map[bot.PersonID]Caller{"dave": Human(1004), "root": Root()} {
			p = w.proposed()
			p, err = w.core.Cancel(ctx, caller, api.Cancel{Plan: p.Plan.ID})
			w.ok(err)
			w.stop()
			w.run()
			if p = w.now(p.Plan.ID); p.State != bot.Cancelled || p.CancelledBy != by {
				t.Errorf("%s by %q, not %q", p.State, p.CancelledBy, by)
			}
		}
		p = w.proposed()
		w.lamp.takes = time.Minute
		_, err = w.core.Decide(ctx, Bot(), yes(p, "carol"))
		w.ok(err)
		p = w.reaches(p.Plan.ID, func(p bot.Proposal) bool { return p.State == bot.Running })
		_, err = w.core.Cancel(ctx, Bot(), api.Cancel{Plan: p.Plan.ID, Person: "bob"})
		refuses(t, err, bot.CodeConflict, "runs already")
		w.ends(p.Plan.ID, bot.Done)
	})
}

// Rights are looked at when it would start: an approval of somebody who no longer
// may, or for somebody who no longer may ask, starts nothing.
func TestRightsThatAreGone(t *testing.T) {
	played(t, func(w *world) *world { return w.rule(func(r *bot.Rule) { r.Count = 2 }) }, func(w *world) {
		p := w.proposed()
		_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
		w.ok(err)
		w.person(2, func(p *Person) { p.Roles = nil })
		w.ok(w.core.Reload(w.settings()))
		_, err = w.core.Decide(ctx, Bot(), yes(p, "alice"))
		w.ok(err)
		synctest.Wait()
		if p = w.now(p.Plan.ID); p.State != bot.Waiting {
			t.Errorf("%s: %s", p.State, p.Why)
		}
		w.people = slices.DeleteFunc(slices.Clone(w.people), func(p Person) bool { return p.ID == "bob" })
		w.ok(w.core.Reload(w.settings()))
		p = w.ends(p.Plan.ID, bot.Denied)
		if !strings.Contains(p.Why, "not known any more") {
			t.Errorf("%s", p.Why)
		}
	})
}

package flow

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/store"
)

func TestApprovals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		f.started = f.clock.now()
		take(bot.Started{At: f.started})
		read := func() string {
			r := f.approvalsOver(t.Context(), "approvals 30 d", 30*24*time.Hour)
			return fmt.Sprintf("%s | %s | %s | %v", r.State, r.Value, r.Note, r.Figure)
		}
		want := func(what, text string) {
			t.Helper()
			if got := read(); got != text {
				t.Errorf("%s\ngot  %s\nwant %s", what, got, text)
			}
		}
		time.Sleep(3 * 24 * time.Hour)
		want("new", "unknown | no plan was asked for | known for 3 d alone | 0")
		time.Sleep(40 * 24 * time.Hour)
		want("nothing", "ok | no plan was asked for |  | 0")

		now, n := f.clock.now(), 0
		put := func(ago time.Duration, by bot.PersonID, state bot.ProposalState, change func(*bot.Proposal)) {
			t.Helper()
			n++
			id := bot.PlanID(fmt.Sprintf("pln_%d", n))
			asked := now.Add(-ago)
			p := bot.Proposal{State: state, Plan: bot.Plan{ID: id, Host: "vulcan", Operation: "service.restart", Rule: bot.Rule{Name: "restart", Approvers: []bot.Role{bot.RoleApprover}}, Requester: by, MintedAt: asked, Draft: bot.Draft{Summary: fmt.Sprintf("restart %d", n)}}}
			if change != nil {
				change(&p)
			}
			th := bot.Thread{ID: bot.ThreadID("thr_" + id), Kind: bot.ThreadPlan, Subject: "plan:" + string(id), Version: 1, OpenedAt: asked,
				State: bot.ThreadState{Plan: &bot.PlanState{Host: "vulcan", Proposal: p}}}
			if state.Over() {
				th.ClosedAt = now
			}
			if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutThread(th, "", now) }); err != nil {
				t.Fatal(err)
			}
		}
		says := func(v bot.Verdict, by bot.PersonID, after time.Duration) func(*bot.Proposal) {
			return func(p *bot.Proposal) {
				p.Decisions = append(p.Decisions, bot.Decision{Person: by, Verdict: v, At: p.Plan.MintedAt.Add(after)})
			}
		}
		runs := func(p *bot.Proposal) {
			p.StartedAt, p.EndedAt = p.Plan.MintedAt.Add(time.Hour), p.Plan.MintedAt.Add(2*time.Hour)
			p.Evidence = []bot.Reading{{What: "unit nginx.service", State: bot.OK}}
		}
		all := func(of ...func(*bot.Proposal)) func(*bot.Proposal) {
			return func(p *bot.Proposal) {
				for _, do := range of {
					do(p)
				}
			}
		}
		day := 24 * time.Hour
		put(31*day, "alice", bot.Done, all(says(bot.Approve, "carol", time.Minute), runs)) // the month before
		put(9*day, "alice", bot.Done, all(says(bot.Approve, "bob", 2*time.Minute), runs))
		want("one", "ok | 1 asked for; 1 approved; 1 ran: 1 done; decided after 2 min (median), 2 min at most; approvals by bob 1 |  | 1")
		put(8*day, "alice", bot.Undone, all(says(bot.Approve, "alice", 4*time.Minute), says(bot.Approve, "bob", 10*time.Minute), runs))
		put(7*day, "alice", bot.Failed, all(says(bot.Approve, "alice", 20*time.Minute), runs))
		put(6*day, "bob", bot.Denied, says(bot.Deny, "carol", 3*time.Hour))
		put(5*day, "bob", bot.Expired, all(says(bot.Approve, "alice", time.Minute), func(p *bot.Proposal) { p.Decisions[0].Withdrawn = now }))
		put(4*day, "bob", bot.Cancelled, nil)
		put(time.Hour, "bob", bot.Waiting, nil)
		put(time.Hour, "bob", bot.Running, all(says(bot.Approve, "alice", 20*time.Minute), func(p *bot.Proposal) { p.StartedAt = now }))
		put(3*day, "standing:restart-nginx", bot.Done, runs)
		put(2*day, "root", bot.Done, all(runs, func(p *bot.Proposal) { p.Plan.Rule = bot.Rule{Name: "break-glass"} }))
		const figures = "10 asked for; 4 approved, 1 denied, 1 expired, 1 taken back or stale, 1 waiting; 6 ran: 3 done, 1 failed, 1 undone, 1 not over; " +
			"decided after 20 min (median), 3 h at most; approvals by alice 3, bob 2; 1 agreed to by who asked alone; standing approvals used: restart-nginx 1; 1 by break-glass"
		want("many", "ok | "+figures+" |  | 10")

		f.o.Agents = map[string]api.Agent{"vulcan": nil}
		want("an agent that never answered", "unknown | "+figures+" | the agent of vulcan does not answer; what it did meanwhile is not counted | 10")
		f.agentSeen.Store("vulcan", now)
		want("an agent that answers", "ok | "+figures+" |  | 10")

		put(day, "alice", bot.Done, all(says(bot.Approve, "bob", 2*time.Minute), runs, func(p *bot.Proposal) { p.Evidence = nil }))
		put(day, "alice", bot.Interrupted, all(says(bot.Approve, "bob", 2*time.Minute), runs))
		r := f.approvalsOver(t.Context(), "approvals 30 d", 30*day)
		if r.State != bot.NotOK || r.Note != "done without evidence: restart 12 on vulcan; not known how it ended, or not undone: restart 13 on vulcan" {
			t.Errorf("%+v", r)
		}
		s := *f.settings.Load()
		s.KeepClosed = 5 * day
		f.settings.Store(&s)
		if r := f.approvalsOver(t.Context(), "approvals 30 d", 30*day); r.State != bot.NotOK || r.Figure != 8 || r.Note != "done without evidence: restart 12 on vulcan; not known how it ended, or not undone: restart 13 on vulcan; known for 5 d alone" {
			t.Errorf("%+v", r)
		}
	})
}

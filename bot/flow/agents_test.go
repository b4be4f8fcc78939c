package flow

import (
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// An agent is heard about its own host alone: whoever owns mars' agent neither
// opens plans of vulcan nor ends them.
func TestAnAgentIsHeardOfItsOwnHostAlone(t *testing.T) {
	f, take := newFlow(t)
	state := func(id bot.PlanID) (s bot.ProposalState) {
		t.Helper()
		if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
			th, ok, err := tx.LatestThread("plan:" + string(id))
			if ok {
				s = th.State.Plan.Proposal.State
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	proposal := func(host string, id bot.PlanID, s bot.ProposalState, stamp int64) bot.Proposal {
		return bot.Proposal{Plan: bot.Plan{ID: id, Host: host, Draft: bot.Draft{Summary: "restart nginx"}}, Digest: "d", State: s, Stamp: stamp, EndedAt: time.Now()}
	}
	take(bot.Told{Host: "vulcan", Proposals: []bot.Proposal{proposal("vulcan", "pln_V", bot.Waiting, 1)}, At: time.Now()})
	take(bot.Told{Host: "mars", Proposals: []bot.Proposal{proposal("mars", "pln_M", bot.Waiting, 1)}, At: time.Now()})
	if v, m := state("pln_V"), state("pln_M"); v != bot.Waiting || m != bot.Waiting {
		t.Fatalf("each agent's own plan: %q and %q", v, m)
	}

	take(bot.Told{Host: "mars", Proposals: []bot.Proposal{proposal("vulcan", "pln_V", bot.Done, 9), proposal("vulcan", "pln_X", bot.Waiting, 9)}, At: time.Now()})
	// Nor as an answer to what it was told about its own.
	key := f.o.IDs.Effect()
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutEffect(store.Effect{Key: key, What: bot.ShowPlan{Plan: "pln_M"}, State: store.EffectDue, At: time.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	answer := proposal("vulcan", "pln_V", bot.Done, 9)
	take(bot.Affected{Key: key, Proposal: &answer, Final: true, At: time.Now()})
	if v, x := state("pln_V"), state("pln_X"); v != bot.Waiting || x != "" {
		t.Errorf("after mars spoke of vulcan: its plan is %q, and a new one %q", v, x)
	}
}

package flow

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
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

// talking is an agent that answers, with news each time; what is then written first
// does not reach the disk.
type talking struct {
	api.Agent
	asked atomic.Int64
	fail  atomic.Bool
}

func (a *talking) Proposals(context.Context, api.Since) (api.Page, error) {
	a.fail.Store(true)
	return api.Page{Top: a.asked.Add(1)}, nil
}

func (a *talking) Heads(context.Context, api.Heads) (journal.Head, error) {
	return journal.Head{}, nil
}

// A state that does not take an agent's news is the bot's own trouble: nobody is told that the agent
// does not answer, and sent to its host.
func TestOurOwnTroubleIsNotTheAgents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &talking{}
		f, _ := newFlowWith(t, store.Options{Before: func() error {
			if a.fail.Swap(false) {
				return errors.New("the disk is full")
			}
			return nil
		}})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); f.watch(ctx, "vulcan", a) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		stop()
		<-done
		if a.asked.Load() < 10 {
			t.Fatal("it was not asked again")
		}
		if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
			if th, ok, err := tx.LatestThread("notice:agent vulcan"); err != nil {
				return err
			} else if ok {
				t.Errorf("people were told: %+v", th.State.Notice)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if h := f.agentHealth("vulcan", f.clock.now()); h.State != bot.OK {
			t.Errorf("while it answers, status says of it: %+v", h)
		}
	})
}

// mute is an agent whose journal is broken: it has news, and does not tell where its
// journal ends until that is mended.
type mute struct {
	api.Agent
	mended atomic.Bool
}

func (a *mute) Proposals(_ context.Context, q api.Since) (api.Page, error) {
	time.Sleep(time.Second)
	if q.Stamp >= 1 {
		return api.Page{Top: 1}, nil
	}
	return api.Page{Top: 1, Proposals: []bot.Proposal{{Plan: bot.Plan{ID: "pln_V", Host: "vulcan", Draft: bot.Draft{Summary: "restart nginx"}}, Digest: "d", State: bot.Waiting, Stamp: 1}}}, nil
}

func (a *mute) Heads(context.Context, api.Heads) (journal.Head, error) {
	if a.mended.Load() {
		return journal.Head{Seq: 7, Hash: "h"}, nil
	}
	return journal.Head{}, bot.Errorf(bot.CodeInternal, "Entry 6 of the journal is broken.")
}

// A broken journal of an agent is a trouble of its own, told once and until it is over:
// the news of plans goes on, and nobody hears that the agent does not answer.
func TestABrokenJournalHoldsUpNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &mute{}
		f, _ := newFlow(t)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); f.watch(ctx, "vulcan", a) }()
		defer func() { stop(); <-done }()
		notice := func(subject string) (n *bot.NoticeState, open bool) {
			t.Helper()
			if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
				th, ok, err := tx.LatestThread(subject)
				if ok {
					n, open = th.State.Notice, th.Open()
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return n, open
		}
		time.Sleep(10 * time.Minute)
		if _, open := notice("plan:pln_V"); !open {
			t.Error("the plan is not told")
		}
		if n, _ := notice("notice:agent vulcan"); n != nil {
			t.Errorf("people were told that it is away: %+v", n)
		}
		n, open := notice("notice:agent journal vulcan")
		if n == nil || !open || n.Count != 1 || !strings.Contains(n.Text, "Entry 6 of the journal is broken.") {
			t.Errorf("of the journal people were told %+v, %v", n, open)
		}
		a.mended.Store(true)
		time.Sleep(2 * time.Minute)
		if _, open := notice("notice:agent journal vulcan"); open {
			t.Error("its end was not told")
		}
	})
}

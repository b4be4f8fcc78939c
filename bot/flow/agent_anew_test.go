package flow

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/store"
)

// keeping is an agent of vulcan that keeps proposals and gives them two a page, as the
// real one does. Its state has a name but where it is too old for one.
type keeping struct {
	api.Agent
	mu    sync.Mutex
	state string
	all   []bot.Proposal // by their stamps
	asked []int64        // the stamps of all questions
}

func (a *keeping) has(state string, all ...bot.Proposal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state, a.all = state, all
}

// questions are the stamps that were asked for since the last call of forget.
func (a *keeping) questions() []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.asked)
}

func (a *keeping) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = nil
}

func (a *keeping) Proposals(_ context.Context, q api.Since) (api.Page, error) {
	time.Sleep(time.Second)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, q.Stamp)
	page := api.Page{Top: q.Stamp, State: a.state}
	for _, p := range a.all {
		switch {
		case p.Stamp <= q.Stamp:
		case len(page.Proposals) == 2:
			page.More = true
			return page, nil
		default:
			page.Proposals, page.Top = append(page.Proposals, p), p.Stamp
		}
	}
	return page, nil
}

func (a *keeping) Heads(context.Context, api.Heads) (journal.Head, error) {
	return journal.Head{Seq: 1, Hash: "h"}, nil
}

func kept(id bot.PlanID, s bot.ProposalState, stamp int64) bot.Proposal {
	return bot.Proposal{Plan: bot.Plan{ID: id, Host: "vulcan", Draft: bot.Draft{Summary: "restart nginx"}}, Digest: "d", State: s, Stamp: stamp}
}

// followed plays a bot that follows an agent; wait lets time pass.
func followed(t *testing.T, play func(a *keeping, wait func(), planStates func() map[bot.PlanID]bot.ProposalState, notes func() []string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &keeping{}
		f, _ := newFlow(t)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); f.watch(ctx, "vulcan", a) }()
		defer func() { stop(); <-done }()
		play(a, func() { time.Sleep(time.Minute); synctest.Wait() }, func() map[bot.PlanID]bot.ProposalState {
			t.Helper()
			out := map[bot.PlanID]bot.ProposalState{}
			if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
				for _, id := range []bot.PlanID{"pln_A", "pln_B", "pln_C", "pln_D", "pln_E", "pln_F"} {
					th, ok, err := tx.LatestThread("plan:" + string(id))
					if err != nil {
						return err
					}
					if ok {
						out[id] = th.State.Plan.Proposal.State
						if th.Open() == out[id].Over() {
							t.Errorf("%s is %s, and its thread open: %v", id, out[id], th.Open())
						}
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return out
		}, func() (texts []string) {
			t.Helper()
			if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
				es, _, err := tx.JournalSearch(journal.Filter{Kinds: []journal.Kind{journal.KindNote}}, 10)
				for _, e := range es {
					texts = append(texts, e.Text)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return texts
		})
	})
}

type states = map[bot.PlanID]bot.ProposalState

// The clock of a host was ahead, and then its agent lost its state: what is planned from
// now on has lower stamps than what we know, and is told all the same. Of what was lost,
// nothing is said to wait or to run any more.
func TestAnAgentThatLostItsStateIsHeardFromTheBeginning(t *testing.T) {
	followed(t, func(a *keeping, wait func(), planStates func() states, notes func() []string) {
		a.has("first", kept("pln_A", bot.Waiting, 7000), kept("pln_B", bot.Running, 7001), kept("pln_C", bot.Denied, 7002))
		wait()
		if got, want := planStates(), (states{"pln_A": bot.Waiting, "pln_B": bot.Running}); !maps.Equal(got, want) {
			t.Fatalf("before: %v, want %v", got, want) // what ended long ago is no news
		}
		a.has("second", kept("pln_D", bot.Waiting, 10), kept("pln_E", bot.Waiting, 11), kept("pln_F", bot.Waiting, 12))
		wait()
		want := states{"pln_A": bot.Stale, "pln_B": bot.Interrupted, "pln_D": bot.Waiting, "pln_E": bot.Waiting, "pln_F": bot.Waiting}
		if got := planStates(); !maps.Equal(got, want) {
			t.Errorf("after: %v, want %v", got, want)
		}
		said := []string{"The agent of vulcan has another state than before, and no longer knows 2 plans: pln_A, pln_B."}
		if got := notes(); !slices.Equal(got, said) {
			t.Errorf("noted %q, want %q", got, said)
		}
		// From there it goes on, and is not read from its beginning again.
		a.forget()
		a.has("second", kept("pln_E", bot.Waiting, 11), kept("pln_F", bot.Waiting, 12), kept("pln_D", bot.Cancelled, 13))
		wait()
		if got := planStates()["pln_D"]; got != bot.Cancelled {
			t.Errorf("what changes then is %s", got)
		}
		if asked := a.questions(); slices.Min(asked) < 12 || len(notes()) != 1 {
			t.Errorf("it was asked for what is newer than %v, and noted %q", asked, notes())
		}
	})
}

// A new state without any plan yet is one as well.
func TestAnAgentThatLostAllHasNothing(t *testing.T) {
	followed(t, func(a *keeping, wait func(), planStates func() states, _ func() []string) {
		a.has("first", kept("pln_A", bot.Waiting, 7000))
		wait()
		a.has("second")
		wait()
		if got := planStates()["pln_A"]; got != bot.Stale {
			t.Errorf("what is gone is %s", got)
		}
		a.has("second", kept("pln_B", bot.Waiting, 10))
		wait()
		if got := planStates()["pln_B"]; got != bot.Waiting {
			t.Errorf("what is planned then is %q", got)
		}
	})
}

// An agent of before does not tell which state it has: its stamps go on as they do, and
// nothing of it is taken for lost, neither when it comes to tell (an upgrade of the host)
// nor when it no longer does (the way back).
func TestAnAgentWithoutAStatesName(t *testing.T) {
	followed(t, func(a *keeping, wait func(), planStates func() states, notes func() []string) {
		a.has("", kept("pln_A", bot.Waiting, 7000), kept("pln_B", bot.Running, 7001))
		wait()
		a.has("", kept("pln_B", bot.Running, 7001), kept("pln_C", bot.Waiting, 7002), kept("pln_A", bot.Cancelled, 7003))
		wait()
		want := states{"pln_A": bot.Cancelled, "pln_B": bot.Running, "pln_C": bot.Waiting}
		if got := planStates(); !maps.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
		if asked := a.questions(); len(asked) < 10 || slices.Contains(asked[1:], 0) {
			t.Errorf("it was asked for what is newer than %v", asked)
		}
		a.has("first", a.all...)
		wait()
		a.has("", a.all...)
		wait()
		a.has("first", append(a.all, kept("pln_D", bot.Waiting, 7004))...)
		wait()
		want["pln_D"] = bot.Waiting
		if got := planStates(); !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if got := notes(); len(got) > 0 {
			t.Errorf("noted %q", got)
		}
	})
}

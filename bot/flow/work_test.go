package flow

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/store"
)

// slow is an agent whose planning hangs until its caller gives up, and that notes
// what it was told.
type slow struct {
	api.Agent
	mu     sync.Mutex
	asked  int
	shown  []bot.PlanID
	during int // how many plans hang now
	most   int
}

func (a *slow) Propose(ctx context.Context, _ api.Propose) (bot.Proposal, error) {
	a.mu.Lock()
	a.asked++
	a.during++
	a.most = max(a.most, a.during)
	a.mu.Unlock()
	<-ctx.Done()
	a.mu.Lock()
	a.during--
	a.mu.Unlock()
	return bot.Proposal{}, bot.Errorf(bot.CodeInvalid, "no plan")
}

func (a *slow) Shown(_ context.Context, s api.Shown) (bot.Proposal, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shown = append(a.shown, s.Plan)
	return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "it is over")
}

// atOnce is how many plans it was asked for at the same time, at most.
func (a *slow) atOnce() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.most
}

// told is how many plans it was asked for, and which stand whole.
func (a *slow) told() (asked int, shown []bot.PlanID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked, slices.Clone(a.shown)
}

// hanging is a Prometheus that never answers.
type hanging struct{ Grapher }

func (hanging) Alert(ctx context.Context, _ bot.Episode) (bot.Picture, error) {
	<-ctx.Done()
	return bot.Picture{}, ctx.Err()
}

// order orders effects in one transaction, as events do.
func order(t *testing.T, f *Flow, xs ...store.Effect) {
	t.Helper()
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		c := &change{Tx: tx, f: f, s: f.settings.Load(), now: f.clock.now(), ctx: t.Context()}
		for _, x := range xs {
			x.Key = f.o.IDs.Effect()
			if err := c.makeDue(x); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// working has the worker for commands and effects run until the test ends.
func working(t *testing.T, f *Flow) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.work(ctx, f.workWake) }()
	t.Cleanup(func() { stop(); <-done })
}

// Many plans that take minutes, and many pictures that nobody asked for, wait for each
// other, and nothing waits for them: neither a word for the same host, nor another
// host's plan.
func TestWhatIsSlowHoldsNothingElseUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		vulcan, mars := &slow{}, &slow{}
		f.o.Agents = map[string]api.Agent{"vulcan": vulcan, "mars": mars}
		f.o.Grapher = hanging{}
		take(bot.Told{Host: "vulcan", At: time.Now(), Proposals: []bot.Proposal{
			{Plan: bot.Plan{ID: "pln_V", Host: "vulcan", Draft: bot.Draft{Summary: "restart nginx"}}, Digest: "d", State: bot.Proposed, Stamp: 1}}})
		var all []store.Effect
		for i := range 20 {
			e := fires("vulcan", fmt.Sprint(i), time.Now())
			e.Group.Receiver = fmt.Sprint("receiver ", i) // a thread of its own, with a picture
			take(e)
			all = append(all, store.Effect{Request: bot.RequestID(fmt.Sprint("req_", i)), What: bot.Ask{Host: "vulcan"}})
		}
		order(t, f, all...)
		time.Sleep(time.Minute)
		order(t, f, store.Effect{What: bot.ShowPlan{Plan: "pln_V"}}, store.Effect{Request: "req_M", What: bot.Ask{Host: "mars"}})
		working(t, f)
		synctest.Wait()
		if _, shown := vulcan.told(); !slices.Equal(shown, []bot.PlanID{"pln_V"}) {
			t.Errorf("while its plans are slow, vulcan is told of %v", shown)
		}
		if asked, _ := mars.told(); asked != 1 {
			t.Errorf("while vulcan's plans are slow, mars is asked for %d", asked)
		}
		// All of the slow ones have their turn.
		time.Sleep(11 * askTime)
		synctest.Wait()
		if asked, _ := vulcan.told(); asked != 20 || vulcan.atOnce() != laneAtOnce {
			t.Errorf("vulcan was asked for %d plans, %d at the same time", asked, vulcan.atOnce())
		}
	})
}

// What comes due later is done then, while something else is under way.
func TestWhatComesDueWhileSomethingIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		vulcan := &slow{}
		f.o.Agents = map[string]api.Agent{"vulcan": vulcan}
		take(bot.Told{Host: "vulcan", At: time.Now(), Proposals: []bot.Proposal{
			{Plan: bot.Plan{ID: "pln_V", Host: "vulcan", Draft: bot.Draft{Summary: "restart nginx"}}, Digest: "d", State: bot.Proposed, Stamp: 1}}})
		order(t, f, store.Effect{Request: "req_V", What: bot.Ask{Host: "vulcan"}},
			store.Effect{What: bot.ShowPlan{Plan: "pln_V"}, NextTry: time.Now().Add(10 * time.Second)})
		working(t, f)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if asked, shown := vulcan.told(); asked != 1 || len(shown) != 0 {
			t.Fatalf("at first %d plans are asked for, and it is told of %v", asked, shown)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, shown := vulcan.told(); len(shown) != 1 {
			t.Error("what came due was not done while a plan was under way")
		}
	})
}

package agent

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
)

// One run at a time has a lock; who waits is told for whom, and goes on when it is
// free, if the plan still fits (26).
func TestLocks(t *testing.T) {
	played(t, plain, func(w *world) {
		w.lamp.takes = 50 * time.Second
		first := w.agreed()
		other := w.proposed()
		time.Sleep(10 * time.Second)
		_, err := w.core.Decide(ctx, Bot(), yes(other, "carol"))
		w.ok(err)
		got := w.reaches(other.Plan.ID, func(p bot.Proposal) bool { return strings.Contains(p.Why, "waits for") })
		if got.State != bot.Waiting || !strings.Contains(got.Why, string(first.Plan.ID)+" (lamp.set by bob), which has the lock lamp") {
			t.Errorf("%s: %s", got.State, got.Why)
		}
		if got := w.now(first.Plan.ID); got.State != bot.Running {
			t.Fatalf("%s: %s", got.State, got.Why)
		}
		w.ends(first.Plan.ID, bot.Done)
		// The lamp is on already: the second plan is of another time.
		if got = w.ends(other.Plan.ID, bot.Stale); !strings.Contains(got.Why, "lamp was off, and is on") {
			t.Errorf("%s", got.Why)
		}
		if n, _ := w.lamp.counts(); n != 1 {
			t.Errorf("applied %d times", n)
		}
	})
	played(t, func(w *world) *world { w.limits.Runs = 2; w.lamp.locks = []string{}; return w }, func(w *world) {
		w.lamp.takes = 50 * time.Second
		a, b := w.agreed(), w.agreed()
		time.Sleep(time.Second) // of three that are agreed to in one moment, any two may come first
		third := w.agreed()
		got := w.reaches(third.Plan.ID, func(p bot.Proposal) bool { return strings.Contains(p.Why, "one of the runs that go on") })
		time.Sleep(time.Second)
		for _, p := range []bot.Proposal{a, b} {
			if s := w.now(p.Plan.ID).State; s != bot.Running {
				t.Errorf("%s", s)
			}
		}
		w.ends(got.Plan.ID, bot.Stale)
	})
}

func TestARunWaitsForUnits(t *testing.T) {
	busy := "restic-backups-b2.service"
	prepare := func(w *world) *world {
		w.lamp.waits = []string{busy}
		w.units.active.Store(&busy)
		return w
	}
	for _, state := range []string{"active", "refreshing"} {
		played(t, prepare, func(w *world) {
			w.units.state.Store(&state)
			p := w.agreed()
			w.reaches(p.Plan.ID, func(p bot.Proposal) bool {
				return slices.ContainsFunc(said(p), func(l string) bool { return strings.Contains(l, "waits for "+busy) })
			})
			time.Sleep(time.Hour)
			if n, _ := w.lamp.counts(); n > 0 {
				t.Error("it did not wait")
			}
			w.units.active.Store(nil)
			w.ends(p.Plan.ID, bot.Done)
		})
	}
	played(t, prepare, func(w *world) {
		p := w.ends(w.agreed().Plan.ID, bot.Failed)
		if n, undone := w.lamp.counts(); n+undone > 0 || !strings.Contains(p.Why, "Nothing was done: "+busy+" was still busy") || !p.EndedAt.After(p.Plan.NotAfter.Add(-time.Second)) {
			t.Errorf("applied %d times: %s", n, p.Why)
		}
	})
}

// In a window a run waits for the host's busy units where its operation says nothing of
// units; whoever says which, or that there are none, is left alone.
func TestInAWindowARunWaitsForBusyUnits(t *testing.T) {
	dump := "postgresqlBackup.service"
	always := func(r *bot.Rule) { r.Windows = []bot.Window{{From: "00:00", To: "00:00", Zone: "UTC"}} }
	for _, x := range []struct {
		name  string
		world func(*world) *world
		waits bool
	}{
		{"in a window", func(w *world) *world { return w.rule(always) }, true},
		{"at any time", func(w *world) *world { return w }, false},
		{"an operation that knows", func(w *world) *world { w.lamp.waits = []string{}; return w.rule(always) }, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			played(t, func(w *world) *world {
				w.busy = []string{dump}
				w.units.active.Store(&dump)
				return x.world(w)
			}, func(w *world) {
				p := w.agreed()
				time.Sleep(time.Minute)
				if n, _ := w.lamp.counts(); (n == 0) != x.waits {
					t.Errorf("applied %d times", n)
				}
				if slices.Contains(p.Plan.Draft.WaitFor, dump) != x.waits {
					t.Errorf("the plan shows that it waits for %v", p.Plan.Draft.WaitFor)
				}
				w.units.active.Store(nil)
				w.ends(p.Plan.ID, bot.Done)
			})
		})
	}
}

// slowUnits answer after a long time.
type slowUnits struct {
	sys.Units
	takes time.Duration
}

func (s slowUnits) Unit(ctx context.Context, name string) (sys.Unit, error) {
	time.Sleep(s.takes)
	return s.Units.Unit(ctx, name)
}

// A run begins in its time or not at all, also where asking systemd took the rest
// of it.
func TestARunDoesNotBeginLate(t *testing.T) {
	played(t, func(w *world) *world {
		w.lamp.waits = []string{"dump.service"}
		w.host.Units = slowUnits{w.units, 5 * time.Hour} // agreed to for 4
		return w
	}, func(w *world) {
		p := w.ends(w.agreed().Plan.ID, bot.Failed)
		if n, undone := w.lamp.counts(); n+undone > 0 || p.Why != "Nothing was done: the time for it was over." {
			t.Errorf("applied %d times: %s", n, p.Why)
		}
	})
}

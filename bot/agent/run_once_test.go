package agent

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
)

// A run whose process dies leaves no outcome: it is told, and never run again (25).
func TestARunThatDies(t *testing.T) {
	played(t, plain, func(w *world) {
		w.lamp.apply = func(context.Context, bot.Work) error { runtime.Goexit(); return nil } // as SIGKILL would
		p := w.agreed()
		p = w.ends(p.Plan.ID, bot.Interrupted)
		if !strings.Contains(p.Why, "what came of it nobody knows") || !strings.Contains(p.Why, "turning the lamp") || len(w.entries(journal.KindInterrupted)) != 1 {
			t.Errorf("%s", p.Why)
		}
		w.stop()
		w.run()
		time.Sleep(time.Hour)
		if got := w.now(p.Plan.ID); got.State != bot.Interrupted || len(w.entries(journal.KindStart)) != 1 {
			t.Errorf("%s: %s", got.State, got.Why)
		}
		if n, undone := w.lamp.counts(); n != 1 || undone != 0 {
			t.Errorf("applied %d times, undone %d times", n, undone)
		}
	})
}

// No plan is performed twice, whoever asks for it.
func TestNothingRunsTwice(t *testing.T) {
	played(t, plain, func(w *world) {
		p := w.ends(w.agreed().Plan.ID, bot.Done)
		for range 3 {
			if err := w.perform(ctx, Spawn{Plan: p.Plan.ID}); !errors.Is(err, ErrBegun) {
				t.Errorf("%v", err)
			}
		}
		if n, _ := w.lamp.counts(); n != 1 {
			t.Errorf("applied %d times", n)
		}
		if err := w.perform(ctx, Spawn{Plan: "pln_NOTHING"}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
}

// A plan that was changed on the disk after it was agreed to is not performed.
func TestAChangedPlanFileIsNotPerformed(t *testing.T) {
	played(t, plain, func(w *world) {
		do := w.spawner.Do
		var failed error
		w.spawner.Do = func(ctx context.Context, s Spawn) error {
			name := w.core.disk.path(runName(s.Plan, filePlan))
			b, err := os.ReadFile(name)
			w.ok(err)
			w.ok(os.WriteFile(name, []byte(strings.Replace(string(b), `"to":["on"]`, `"to":["off"]`, 1)), 0o600))
			failed = do(ctx, s)
			return failed
		}
		p := w.ends(w.agreed().Plan.ID, bot.Failed)
		if n, _ := w.lamp.counts(); n > 0 || failed == nil || !strings.Contains(failed.Error(), "digest is another") || !strings.Contains(p.Why, "Nothing was done") {
			t.Errorf("applied %d times, %v: %s", n, failed, p.Why)
		}
	})
}

// What takes longer than the agent's own life is found again.
func TestARestartFindsItsRuns(t *testing.T) {
	played(t, plain, func(w *world) {
		w.lamp.takes = 50 * time.Second
		p := w.agreed()
		waiting := w.proposed()
		time.Sleep(10 * time.Second)
		w.stop()
		time.Sleep(10 * time.Second)
		w.run()
		if got := w.now(waiting.Plan.ID); got.State != bot.Waiting || got.Digest != waiting.Digest {
			t.Errorf("%+v", got)
		}
		w.ends(p.Plan.ID, bot.Done)
		// And one that ended while nobody watched.
		w.put("/run/lamp", "off")
		q := w.agreed()
		time.Sleep(10 * time.Second)
		w.stop()
		time.Sleep(10 * time.Minute)
		w.run()
		w.ends(q.Plan.ID, bot.Done)
		synctest.Wait()
		if n, _ := w.lamp.counts(); n != 2 || len(w.entries(journal.KindStart)) != 2 {
			t.Errorf("applied %d times", n)
		}
	})
}

// A run goes by the file that was taken up last, also where its plan is older.
func TestFileOfARun(t *testing.T) {
	ordered := func(w *world, p bot.Proposal) string {
		o, err := OrderOf(w.state, p.Plan.ID)
		w.ok(err)
		if o.Operation != "lamp.set" {
			t.Errorf("it is %s", o.Operation)
		}
		return o.File
	}
	played(t, plain, func(w *world) {
		old, next := strings.Repeat("0", 64), strings.Repeat("1", 64)
		s := w.settings()
		s.Digest = old
		w.ok(w.core.Reload(s))
		first := w.ends(w.agreed().Plan.ID, bot.Done)
		second := w.proposed()
		s.Digest = next
		w.ok(w.core.Reload(s))
		_, err := w.core.Decide(ctx, Bot(), yes(second, "carol"))
		w.ok(err)
		w.ends(second.Plan.ID, bot.Done)
		if ordered(w, first) != old || ordered(w, second) != next {
			t.Errorf("%s, then %s", ordered(w, first), ordered(w, second))
		}
	})
}

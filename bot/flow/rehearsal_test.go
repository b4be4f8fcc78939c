package flow

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// asking has a run's evidence be due, of which the state's rehearsal is one.
func asking(t *testing.T, f *Flow, take func(bot.Event)) store.Effect {
	t.Helper()
	configure(f, every("monthly", 24*time.Hour, bot.CatchUp, bot.Item{ID: "restore", Task: "Restore", Evidence: []string{readState}}))
	take(bot.Tick{At: f.clock.now()})
	inChange(t, f, func(c *change) error {
		_, err := c.runChecklist("monthly", "alice", "")
		return err
	})
	var due store.Effect
	if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
		th, _, err := tx.LatestThread(runSubject("monthly", ""))
		if err != nil {
			return err
		}
		due, _, err = tx.Effect(th.State.Checklist.Measuring)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return due
}

// A bot that stops while it looks at the evidence hands nothing in: what it read says
// nothing, and the look is still due.
func TestALookThatIsStoppedIsStillDue(t *testing.T) {
	f, take := newFlow(t)
	e := asking(t, f, take)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	// After the probes, while the state is rehearsed: the turn is another's.
	f.rehearsal.turn <- struct{}{}
	go func() { time.Sleep(50 * time.Millisecond); stop() }()
	if err := f.measure(ctx, e); err != nil {
		t.Error(err)
	}
	<-f.rehearsal.turn
	if run := runs(t, f, "monthly")[0].State.Checklist; run.Measuring != e.Key || !run.MeasuredAt.IsZero() {
		t.Errorf("it was handed in: %+v", run.Items[0])
	}
	if err := f.measure(t.Context(), e); err != nil {
		t.Error(err)
	}
	if run := runs(t, f, "monthly")[0].State.Checklist; run.Measuring != "" || run.Items[0].Status != bot.ItemDone {
		t.Errorf("%+v", run.Items[0])
	}
}

// What keeps a copy from being made says nothing of the state.
func TestARehearsalThatIsCutShort(t *testing.T) {
	f, _ := newFlow(t)
	if r := f.rehearse(t.Context(), time.Nanosecond); r.State != bot.Unknown || r.Note != "a copy of it was not made and read back within 0 s" {
		t.Errorf("%+v", r)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if r := f.rehearsed(ctx); r.State != bot.Unknown || f.rehearsal.last.State != "" {
		t.Errorf("called off: %+v, kept %+v", r, f.rehearsal.last)
	}
}

// Who asks again within the hour is told of the last one, with its time; after one that
// did not go well, within minutes.
func TestARehearsalIsToldAgain(t *testing.T) {
	dir := t.TempDir()
	f, _ := newFlowAt(t, filepath.Join(dir, "s.db"))
	copies := func() bool { // whether one was made since
		a := f.rehearsal.last.At
		_ = f.rehearsed(t.Context())
		return !f.rehearsal.last.At.Equal(a)
	}
	if !copies() || f.rehearsal.last.State != bot.OK {
		t.Fatalf("%+v", f.rehearsal.last)
	}
	f.rehearsal.last.At = f.rehearsal.last.At.Add(-59 * time.Minute)
	if copies() {
		t.Error("another copy was made within the hour")
	}
	f.rehearsal.last.At = f.rehearsal.last.At.Add(-2 * time.Minute)
	if !copies() {
		t.Error("none was made after an hour")
	}
	f.rehearsal.last.State = bot.NotOK
	if copies() {
		t.Error("another one at once after one that failed")
	}
	f.rehearsal.last.At = f.rehearsal.last.At.Add(-6 * time.Minute)
	if !copies() {
		t.Error("none after six minutes")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 4 {
		t.Errorf("%v, %v", left, err)
	}
}

package flow

import (
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// changing does something as one change of the state.
func changing(t *testing.T, f *Flow, do func(c *change) error) {
	t.Helper()
	err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		return do(&change{Tx: tx, f: f, s: f.settings.Load(), now: f.clock.now(), ctx: t.Context()})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func newestRunOf(t *testing.T, f *Flow, name string) bot.Thread {
	t.Helper()
	all := runs(t, f, name)
	if len(all) == 0 {
		t.Fatalf("%s has no run", name)
	}
	return all[len(all)-1]
}

// put puts an item of the newest run, as somebody who says so.
func put(t *testing.T, f *Flow, name string, number int, status bot.ItemStatus, until time.Time) {
	t.Helper()
	th := newestRunOf(t, f, name)
	changing(t, f, func(c *change) error {
		if _, err := c.setItem(&th, &th.State.Checklist.Items[number-1], "alice", bot.SetItem{Thread: th.ID, Number: number, Status: status, Until: until}); err != nil {
			return err
		}
		return c.putRun(&th)
	})
}

// What is put off to a day before its list's end is open again on that day, and the list
// does not end before.
func TestDeferredWithinItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		configure(f, every("monthly", 30*day, bot.CatchUp, bot.Item{ID: "a", Task: "A", Person: "p"}, bot.Item{ID: "b", Task: "B", Person: "p"}))
		tick := func() { take(bot.Tick{At: f.clock.now()}) }
		tick()
		time.Sleep(30 * day)
		tick()
		put(t, f, "monthly", 1, bot.ItemDeferred, f.clock.now().Add(3*day))
		put(t, f, "monthly", 2, bot.ItemDone, time.Time{})
		if !newestRunOf(t, f, "monthly").Open() {
			t.Fatal("the list ended with an item that comes back before its time is over")
		}
		time.Sleep(3 * day)
		tick()
		if x := newestRunOf(t, f, "monthly").State.Checklist.Items[0]; x.Status != bot.ItemOpen {
			t.Errorf("on its day it is %s", x.Status)
		}
		put(t, f, "monthly", 1, bot.ItemDone, time.Time{})
		if newestRunOf(t, f, "monthly").Open() {
			t.Error("nothing is left, and the list goes on")
		}
	})
}

// A change of one host is looked at whatever was looked at of another since.
func TestEachHostIsValidated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		s := every("validation", 1000*day, bot.CatchUp, bot.Item{ID: "a", Task: "A", Person: "p"})
		s.After, s.Next = []bot.ChangeKind{bot.ChangeReboot}, func(time.Time) time.Time { return time.Time{} }
		s.Lasts = day
		configure(f, s)
		take(bot.Tick{At: f.clock.now()})
		time.Sleep(time.Hour)
		begun := func(host string, at time.Time) (n int) {
			t.Helper()
			changing(t, f, func(c *change) error {
				if err := c.runAfter(bot.Change{Host: host, Kind: bot.ChangeReboot, Text: "rebooted", At: at}); err != nil {
					return err
				}
				found, err := c.ThreadsBySubject(runSubject("validation", host), 10)
				n = len(found)
				return err
			})
			return n
		}
		now := f.clock.now()
		if n := begun("mars", now); n != 1 {
			t.Fatalf("mars has %d lists", n)
		}
		if n := begun("vulcan", now.Add(-3*time.Minute)); n != 1 {
			t.Errorf("vulcan, which rebooted before, has %d lists", n)
		}
		if n := begun("mars", now.Add(-time.Minute)); n != 1 {
			t.Errorf("what a list has begun after begins another: %d", n)
		}
		if n := begun("pluto", now.Add(-2*time.Hour)); n != 0 {
			t.Errorf("what was before the list was configured has %d", n)
		}
	})
}

// What an offered plan proved ticks its item, in the next list too; that it is done alone
// ticks nothing.
func TestOfferedPlans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		configure(f, every("daily", day, bot.CatchUp, bot.Item{ID: "a", Task: "A", Person: "p", Offer: "backup verify"}, bot.Item{ID: "b", Task: "B", Person: "p", Offer: "backup verify"}))
		tick := func() { take(bot.Tick{At: f.clock.now()}) }
		tick()
		time.Sleep(day)
		tick()
		th := newestRunOf(t, f, "daily")
		plan := func(id bot.PlanID, state bot.ProposalState, of ...bot.ReadingState) bot.Proposal {
			p := bot.Proposal{State: state, Plan: bot.Plan{ID: id, Draft: bot.Draft{Summary: "verify b2"}}}
			for _, s := range of {
				p.Evidence = append(p.Evidence, bot.Reading{What: "restore b2", Note: "n", State: s})
			}
			return p
		}
		changing(t, f, func(c *change) error {
			if err := c.planOffered(bot.Ask{Thread: th.ID, Item: 1}, plan("pln_A", bot.Waiting)); err != nil {
				return err
			}
			return c.planOffered(bot.Ask{Thread: th.ID, Item: 2}, plan("pln_B", bot.Waiting))
		})
		for _, x := range []bot.Proposal{plan("pln_B", bot.Done), plan("pln_B", bot.Done, bot.OK, bot.Unknown), plan("pln_B", bot.Done, bot.NotOK)} {
			changing(t, f, func(c *change) error { return c.offeredEnded(x) })
			if i := newestRunOf(t, f, "daily").State.Checklist.Items[1]; i.Status != bot.ItemOpen || i.Verdict == bot.OK {
				t.Errorf("evidence %v: the item is %s, and found %s", x.Evidence, i.Status, i.Verdict)
			}
		}
		time.Sleep(day)
		tick()
		changing(t, f, func(c *change) error { return c.offeredEnded(plan("pln_A", bot.Done, bot.OK)) })
		if x := newestRunOf(t, f, "daily").State.Checklist.Items[0]; x.Carried != 1 || x.Status != bot.ItemDone {
			t.Errorf("a plan that ended in the next list leaves its item %s, carried %d times", x.Status, x.Carried)
		}
	})
}

// Evidence is looked at again each day, before the reminder and before the end, and a tick
// that does not hold any more is taken back; what somebody opened again stays open.
func TestEvidenceIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		s := every("weekly", 7*day, bot.CatchUp, bot.Item{ID: "a", Task: "A", Evidence: []string{"load"}}, bot.Item{ID: "b", Task: "B", Person: "p"})
		s.Remind = 36 * time.Hour
		configure(f, s)
		tick := func() { take(bot.Tick{At: f.clock.now()}) }
		tick()
		time.Sleep(s.Next(f.clock.now()).Sub(f.clock.now()))
		tick()
		began := f.clock.now()
		load := func(s bot.ReadingState) bot.Reading { return bot.Reading{What: "load", Value: "1", State: s} }
		run := readInto(t, f, take, "weekly", load(bot.OK))
		if run.Items[0].Status != bot.ItemDone {
			t.Fatal("it is not ticked")
		}
		var looks []time.Duration
		for !run.LookAt.IsZero() && len(looks) < 20 {
			time.Sleep(run.LookAt.Sub(f.clock.now()))
			tick()
			looks = append(looks, f.clock.now().Sub(began))
			state := bot.OK
			if len(looks) == 3 {
				state = bot.NotOK
			}
			run = readInto(t, f, take, "weekly", load(state))
			if got, want := run.Items[0].Status, map[bool]bot.ItemStatus{true: bot.ItemDone, false: bot.ItemOpen}[state == bot.OK]; got != want {
				t.Errorf("at look %d it is %s, want %s", len(looks), got, want)
			}
		}
		min := time.Minute
		want := []time.Duration{1 * day, 2 * day, 3 * day, 4 * day, 5 * day, 5*day + 12*time.Hour - 2*min, 6*day + 12*time.Hour - 2*min, 7*day - 2*min}
		if len(looks) != len(want) {
			t.Fatalf("looked after %v, want %v", looks, want)
		}
		for i := range want {
			if d := looks[i] - want[i]; d.Abs() > time.Second {
				t.Errorf("look %d is after %v, want %v", i+1, looks[i], want[i])
			}
		}
		put(t, f, "weekly", 1, bot.ItemOpen, time.Time{})
		th := newestRunOf(t, f, "weekly")
		changing(t, f, func(c *change) error {
			if err := c.lookAtEvidence(&th); err != nil {
				return err
			}
			return c.putRun(&th)
		})
		if run = readInto(t, f, take, "weekly", load(bot.OK)); run.Items[0].Status != bot.ItemOpen || run.Items[0].By != "alice" {
			t.Errorf("evidence overrules who opened it again: %s by %s", run.Items[0].Status, run.Items[0].By)
		}
	})
}

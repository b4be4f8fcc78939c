package flow

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"watchstander/bot"
	"watchstander/bot/store"
)

// every is a checklist that comes round at fixed distances.
func every(name string, d time.Duration, missed bot.MissedFiring, items ...bot.Item) Schedule {
	next := func(t time.Time) time.Time { return t.Truncate(d).Add(d) }
	count := func(after, until time.Time, most int) int {
		return min(int(until.Truncate(d).Sub(after.Truncate(d))/d), most)
	}
	return Schedule{
		Checklist: bot.Checklist{Name: name, Title: name, Missed: missed, Rooms: []bot.RoomID{"ops"}, Items: items},
		Rule:      "every " + d.String(), Next: next, Count: count,
		Last: func(after, until time.Time) time.Time {
			if count(after, until, 1) == 0 {
				return time.Time{}
			}
			return until.Truncate(d)
		},
	}
}

func configure(f *Flow, s ...Schedule) {
	settings := *f.settings.Load()
	settings.Checklists = s
	f.settings.Store(&settings)
}

// runs are all runs of a checklist, the oldest first.
func runs(t *testing.T, f *Flow, name string) (out []bot.Thread) {
	t.Helper()
	err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
		found, err := tx.ThreadsBySubject(runSubject(name, ""), 10000)
		for i := range found {
			out = append(out, found[len(found)-1-i])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func row(t *testing.T, f *Flow, name string) (s bot.Schedule) {
	t.Helper()
	err := f.o.Store.View(t.Context(), func(tx *store.Tx) (err error) {
		s, _, err = tx.Schedule(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// unmadeIn is how many firings a run tells of that had none of their own.
func unmadeIn(t *testing.T, run *bot.ChecklistState) (n int) {
	t.Helper()
	switch {
	case run.Unmade == "":
		return 0
	case strings.HasPrefix(run.Unmade, "Not run: the one of "):
		return 1
	}
	if _, err := fmt.Sscanf(run.Unmade, "Not run: %d from", &n); err != nil {
		t.Fatalf("%q: %v", run.Unmade, err)
	}
	return n
}

// A firing within a pause has no run, also where the pause ended while the bot was away
// and the rule was changed meanwhile; and the pause is why.
func TestAFiringOfAPauseThatEndedUnderAnotherRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		configure(f, every("daily", 24*time.Hour, bot.CatchUp, bot.Item{ID: "a", Task: "A", Person: "p"}))
		take(bot.Tick{At: f.clock.now()})
		inChange(t, f, func(c *change) error {
			_, err := c.pauseSchedule(bot.PauseSchedule{Name: "daily", Reason: "holidays", Until: c.now.Add(30 * time.Hour)}, "alice")
			return err
		})
		time.Sleep(40 * time.Hour)
		configure(f, every("daily", 25*time.Hour, bot.CatchUp, bot.Item{ID: "a", Task: "A", Person: "p"}))
		take(bot.Tick{At: f.clock.now()})
		if n := len(runs(t, f, "daily")); n > 0 {
			t.Errorf("%d runs: %+v", n, runs(t, f, "daily")[0].State.Checklist)
		}
		if r := row(t, f, "daily"); r.Unmade != 1 || !strings.Contains(r.UnmadeWhy, "alice had paused it: holidays") || strings.Contains(r.UnmadeWhy, "not running") || r.PausedBy != "" || !r.Next.After(f.clock.now()) {
			t.Errorf("%+v", r)
		}
		time.Sleep(25 * time.Hour)
		take(bot.Tick{At: f.clock.now()})
		if all := runs(t, f, "daily"); len(all) != 1 || !strings.Contains(all[0].State.Checklist.Unmade, "alice had paused it") {
			t.Errorf("%d runs", len(all))
		}
	})
}

// Whatever the distances, the absences, the pauses, the restarts and the changes of the
// rule: every firing has one run, or is told of by the next one, or waits to be; and none
// within a pause has a run. Of a rule that was changed while the bot was away, the next
// firing of before is all that is known.
func TestFiringsAreNeitherLostNorDoubled(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 7))
				missed := []bot.MissedFiring{bot.CatchUp, bot.SkipMissed}[r.IntN(2)]
				d := time.Duration(5+r.IntN(600)) * time.Minute
				path := filepath.Join(t.TempDir(), "s.db")
				f, take := newFlowAt(t, path)
				s := every("daily", d, missed, bot.Item{ID: "a", Task: "A", Person: "p"})
				configure(f, s)
				tick := func() { take(bot.Tick{At: f.clock.now()}) }
				tick()
				want, looked, changed := 0, f.clock.now(), false
				tick = func() {
					now := f.clock.now()
					before := s
					if changed {
						s = every("daily", time.Duration(5+r.IntN(600))*time.Minute, missed, bot.Item{ID: "a", Task: "A", Person: "p"})
						configure(f, s)
					}
					if before.Rule == s.Rule {
						want += s.Count(looked, now, 1<<30)
					} else if !before.Next(looked).After(now) {
						want++
					}
					take(bot.Tick{At: now})
					looked, changed = now, false
				}
				type pause struct{ from, until time.Time }
				var pauses []pause
				for range 60 {
					changed = seed%2 == 0 && r.IntN(6) == 0
					switch r.IntN(5) {
					case 0: // away
						time.Sleep(time.Duration(r.Int64N(int64(6 * d))))
						changed = seed%2 == 0 && r.IntN(2) == 0
					case 1:
						err := f.o.Store.Update(context.Background(), func(tx *store.Tx) error {
							c := &change{Tx: tx, f: f, s: f.settings.Load(), now: f.clock.now(), ctx: t.Context()}
							o := bot.PauseSchedule{Name: "daily", Reason: "holidays", Resume: r.IntN(2) == 0}
							if r.IntN(2) == 0 {
								o.Until = c.now.Add(time.Duration(r.Int64N(int64(5 * d))))
							}
							if n := len(pauses); n > 0 && (pauses[n-1].until.IsZero() || pauses[n-1].until.After(c.now)) {
								pauses[n-1].until = c.now
							}
							if !o.Resume {
								pauses = append(pauses, pause{c.now, o.Until})
							}
							_, err := c.pauseSchedule(o, "alice")
							return err
						})
						if err != nil {
							t.Fatal(err)
						}
					default: // there, and woken when something is due
						next, err := f.nextTime(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						if wait := next.Sub(f.clock.now()); wait > 0 {
							time.Sleep(wait)
						}
					}
					tick()
				}
				told, seen := row(t, f, "daily").Unmade, map[time.Time]bool{}
				for _, th := range runs(t, f, "daily") {
					run := th.State.Checklist
					if seen[run.Firing] || seed%2 == 1 && !run.Firing.Equal(run.Firing.Truncate(d)) {
						t.Fatalf("%v has two runs, or is no firing", run.Firing)
					}
					for _, p := range pauses {
						if run.Firing.After(p.from) && (p.until.IsZero() || run.Firing.Before(p.until)) {
							t.Errorf("%v has a run, within a pause from %v until %v", run.Firing, p.from, p.until)
						}
					}
					seen[run.Firing] = true
					told += unmadeIn(t, run)
				}
				if told+len(seen) != want {
					t.Errorf("%d firings: %d have a run, %d are told of", want, len(seen), told)
				}
				open := 0
				for _, th := range runs(t, f, "daily") {
					if th.Open() {
						open++
					}
				}
				if open > 1 {
					t.Errorf("%d runs are open", open)
				}
			})
		})
	}
}

// measured tells a run's readings as the worker would.
func readInto(t *testing.T, f *Flow, take func(bot.Event), name string, readings ...bot.Reading) *bot.ChecklistState {
	t.Helper()
	all := runs(t, f, name)
	run := all[len(all)-1].State.Checklist
	if run.Measuring == "" {
		t.Fatal("nobody looks at the evidence")
	}
	take(bot.Measured{Key: run.Measuring, Readings: readings, At: f.clock.now()})
	all = runs(t, f, name)
	return all[len(all)-1].State.Checklist
}

func TestEvidenceTicksAndUnticks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		configure(f, every("daily", 24*time.Hour, bot.CatchUp,
			bot.Item{ID: "backup", Task: "Backups", Evidence: []string{"backup *"}},
			bot.Item{ID: "look", Task: "Look", Evidence: []string{"load"}, Person: "a person looks"},
			bot.Item{ID: "gone", Task: "Gone", Evidence: []string{"no such thing"}}))
		take(bot.Tick{At: f.clock.now()})
		time.Sleep(24 * time.Hour)
		take(bot.Tick{At: f.clock.now()})
		age := func(hours float64, s bot.ReadingState) bot.Reading {
			return bot.Reading{Host: "vulcan", What: "backup b2", Value: fmt.Sprintf("%.0f h old", hours), Figure: hours * 3600, Unit: "s", At: f.clock.now(), State: s}
		}
		run := readInto(t, f, take, "daily", age(6, bot.OK), bot.Reading{What: "load", Value: "1", State: bot.OK})
		want := []bot.ItemStatus{bot.ItemDone, bot.ItemOpen, bot.ItemOpen}
		for i, x := range run.Items {
			if x.Status != want[i] {
				t.Errorf("item %d is %s, want %s", x.Number, x.Status, want[i])
			}
		}
		if x := run.Items[2]; x.Verdict != bot.Unknown || len(x.Evidence) != 1 || x.Evidence[0].Note != "nothing measures it here" {
			t.Errorf("what nothing measures: %+v", x)
		}
		time.Sleep(24 * time.Hour)
		take(bot.Tick{At: f.clock.now()})
		run = readInto(t, f, take, "daily", age(30, bot.NotOK))
		x := run.Items[0]
		if x.Status != bot.ItemOpen || x.Verdict != bot.NotOK || len(x.Before) != 1 || x.Before[0].Value != "6 h old" {
			t.Errorf("old backups: %+v", x)
		}
		if x := run.Items[1]; x.Carried != 1 || !x.Since.Equal(run.Firing.Add(-24*time.Hour)) {
			t.Errorf("what was left is not carried: %+v", x)
		}
	})
}

// What is left is carried with its age from list to list, until somebody does it.
func TestCarryOverChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		configure(f, every("daily", 24*time.Hour, bot.CatchUp, bot.Item{ID: "a", Task: "A", Person: "p"}, bot.Item{ID: "b", Task: "B", Person: "p"}))
		tick := func() { take(bot.Tick{At: f.clock.now()}) }
		tick()
		set := func(number int, status bot.ItemStatus, until time.Time) error {
			all := runs(t, f, "daily")
			th := all[len(all)-1]
			return f.o.Store.Update(context.Background(), func(tx *store.Tx) error {
				c := &change{Tx: tx, f: f, s: f.settings.Load(), now: f.clock.now(), ctx: t.Context()}
				_, err := c.setItem(&th, &th.State.Checklist.Items[number-1], "alice", bot.SetItem{Thread: th.ID, Number: number, Status: status, Until: until})
				if err != nil {
					return err
				}
				return c.putRun(&th)
			})
		}
		newest := func() bot.Thread { all := runs(t, f, "daily"); return all[len(all)-1] }
		for day := range 4 {
			time.Sleep(24 * time.Hour)
			tick()
			if x := newest().State.Checklist.Items[0]; x.Carried != day || day > 0 && f.clock.now().Sub(x.Since) != time.Duration(day)*24*time.Hour {
				t.Errorf("day %d: carried %d since %v", day, x.Carried, x.Since)
			}
		}
		if err := set(1, bot.ItemDone, time.Time{}); err != nil {
			t.Fatal(err)
		}
		// Deferred until after two more lists, it is on both, and open again in the second.
		until := f.clock.now().Add(36 * time.Hour)
		if err := set(2, bot.ItemDeferred, until); err != nil {
			t.Fatal(err)
		}
		if th := newest(); th.Open() {
			t.Error("nothing is left, and the run goes on")
		}
		if err := set(2, bot.ItemOpen, time.Time{}); err != nil || !newest().Open() {
			t.Errorf("what is opened again: %v, open %v", err, newest().Open())
		}
		if err := set(2, bot.ItemDeferred, until); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		tick()
		if x := newest().State.Checklist.Items[1]; x.Status != bot.ItemDeferred || !x.Until.Equal(until) {
			t.Errorf("%+v", x)
		}
		if x := newest().State.Checklist.Items[0]; x.Carried != 0 {
			t.Errorf("what was done is carried: %+v", x)
		}
		time.Sleep(12 * time.Hour)
		tick()
		if x := newest().State.Checklist.Items[1]; x.Status != bot.ItemOpen {
			t.Errorf("its time has come: %+v", x)
		}
		if err := set(1, bot.ItemDone, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := set(1, bot.ItemDone, time.Time{}); err == nil {
			t.Error("done twice, and nobody hears of it")
		}
	})
}

// A firing that cannot be taken must not make the clock's worker turn for ever.
func TestAFiringThatFailsDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFlow(t)
		s := every("daily", 24*time.Hour, bot.CatchUp)
		s.Next = func(time.Time) time.Time { panic("a fault") }
		configure(f, s)
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		f.tick(ctx, nil)
		var taken dto.Metric
		if err := f.o.Metrics.Taken.WithLabelValues("ok").Write(&taken); err != nil {
			t.Fatal(err)
		}
		if n := taken.Counter.GetValue(); n < 2 || n > 20 {
			t.Errorf("%v ticks in a minute", n)
		}
	})
}

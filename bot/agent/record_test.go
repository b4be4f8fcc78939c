package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// Stamps only grow, over restarts too, and pages cover all that changed.
func TestStampsAndPages(t *testing.T) {
	played(t, func(w *world) *world { w.limits = Limits{OpenPerPerson: 1000, Open: 1000}; return w }, func(w *world) {
		const many = 250
		for range many {
			_, err := w.core.Propose(ctx, Bot(), w.ask("on"))
			w.ok(err)
			time.Sleep(10 * time.Second)
		}
		w.stop()
		w.run()
		seen, since, pages := map[bot.PlanID]bool{}, int64(0), 0
		for more := true; more; pages++ {
			page, err := w.core.Proposals(ctx, Human(1002), api.Since{Stamp: since})
			w.ok(err)
			for _, p := range page.Proposals {
				if p.Stamp <= since || seen[p.Plan.ID] {
					t.Fatalf("%s at %d after %d", p.Plan.ID, p.Stamp, since)
				}
				since, seen[p.Plan.ID] = p.Stamp, true
			}
			since, more = page.Top, page.More
		}
		if len(seen) != many || pages != 3 {
			t.Errorf("%d in %d pages", len(seen), pages)
		}
		// Nothing new: it waits, and comes at once when there is something.
		began := time.Now()
		page, err := w.core.Proposals(ctx, Bot(), api.Since{Stamp: since, Wait: time.Hour})
		w.ok(err)
		if len(page.Proposals) > 0 || page.Top != since || time.Since(began) != api.MaxWait {
			t.Errorf("%d after %v", len(page.Proposals), time.Since(began))
		}
		go func() {
			time.Sleep(5 * time.Second)
			_, _ = w.core.Propose(ctx, Bot(), w.ask("off"))
		}()
		began = time.Now()
		page, err = w.core.Proposals(ctx, Bot(), api.Since{Stamp: since, Wait: 30 * time.Second})
		w.ok(err)
		if len(page.Proposals) != 1 || time.Since(began) != 5*time.Second {
			t.Errorf("%d after %v", len(page.Proposals), time.Since(began))
		}
	})
}

func TestOldProposalsAreForgotten(t *testing.T) {
	played(t, func(w *world) *world { w.limits.KeepMost = 2; return w }, func(w *world) {
		var ids []bot.PlanID
		for range 4 {
			p := w.ends(w.agreed().Plan.ID, bot.Done)
			w.put("/run/lamp", "off")
			ids = append(ids, p.Plan.ID)
			time.Sleep(time.Second)
		}
		open, err := w.core.Propose(ctx, Bot(), w.ask("on"))
		w.ok(err)
		kept := func() string {
			var out []string
			for i, id := range append(ids, open.Plan.ID) {
				known := false
				w.core.locked(func() { _, known = w.core.records[id] })
				_, err := os.Stat(w.core.disk.path(recordName(id)))
				_, runErr := os.Stat(w.core.disk.path(runName(id)))
				if known != (err == nil) || i < 4 && known != (runErr == nil) {
					t.Errorf("%d: known %v, %v, %v", i, known, err, runErr)
				}
				if known {
					out = append(out, fmt.Sprint(i))
				}
			}
			return strings.Join(out, " ")
		}
		w.stop()
		w.run() // prunes first of all
		synctest.Wait()
		if got := kept(); got != "2 3 4" {
			t.Errorf("kept %s", got)
		}
		w.stop()
		time.Sleep(91 * 24 * time.Hour)
		w.run()
		synctest.Wait()
		if got := kept(); got != "4" { // which has expired only now
			t.Errorf("kept %s", got)
		}
	})
}

// A record that is damaged, or was changed, is put aside and told; the others stay.
func TestADamagedRecordIsPutAside(t *testing.T) {
	for name, damage := range map[string]func(string) string{
		"cut off":         func(s string) string { return s[:len(s)/2] },
		"another plan":    func(s string) string { return strings.Replace(s, `"to":["on"]`, `"to":["off"]`, 1) },
		"another rule":    func(s string) string { return strings.Replace(s, `"count":"1"`, `"count":"0"`, 1) },
		"another version": func(s string) string { return strings.Replace(s, `"version":1`, `"version":2`, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			played(t, plain, func(w *world) {
				bad, good := w.proposed(), w.proposed()
				w.stop()
				file := filepath.Join(w.state, recordName(bad.Plan.ID))
				b, err := os.ReadFile(file)
				w.ok(err)
				after := damage(string(b))
				if after == string(b) {
					t.Fatal("nothing was damaged")
				}
				w.ok(os.WriteFile(file, []byte(after), 0o600))
				w.run()
				_, err = w.core.Decide(ctx, Bot(), yes(bad, "carol"))
				refuses(t, err, bot.CodeNotFound, "has no plan")
				if notes := w.entries(journal.KindNote); len(notes) != 1 || !strings.Contains(notes[0].Text, "put aside") {
					t.Errorf("%+v", notes)
				}
				if _, err := os.Stat(file + ".bad"); err != nil {
					t.Error(err)
				}
				_, err = w.core.Decide(ctx, Bot(), yes(good, "carol"))
				w.ok(err)
				w.ends(good.Plan.ID, bot.Done)
			})
		})
	}
}

// failing is a journal that takes nothing.
type failing struct{ *journal.File }

func (failing) AppendAll(...journal.Entry) (journal.Head, error) {
	return journal.Head{}, errors.New("no space left on device")
}

// What cannot be journaled, or written down, is not done.
func TestWhatCannotBeJournaledIsNotDone(t *testing.T) {
	played(t, plain, func(w *world) {
		p := w.proposed()
		w.core.locked(func() { w.core.o.Journal = failing{w.journal} })
		_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
		refuses(t, err, bot.CodeUnavailable, "journal takes no entries")
		_, err = w.core.Propose(ctx, Bot(), w.ask("on"))
		refuses(t, err, bot.CodeUnavailable, "journal takes no entries")
		_, err = w.core.Cancel(ctx, Root(), api.Cancel{Plan: p.Plan.ID})
		refuses(t, err, bot.CodeUnavailable, "journal takes no entries")
		refuses(t, w.core.Reload(Settings{}), bot.CodeUnavailable, "journal takes no entries")
		time.Sleep(time.Minute)
		if got := w.now(p.Plan.ID); got.State != bot.Waiting || len(got.Decisions) > 0 {
			t.Errorf("%+v", got)
		}
		w.core.locked(func() { w.core.o.Journal = w.journal })
		_, err = w.core.Decide(ctx, Bot(), yes(p, "carol"))
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
	})
	// The start above all.
	played(t, plain, func(w *world) {
		p := w.proposed()
		failed := false
		w.lamp.plan = func() error { // it is planned anew, and then journaled
			if !failed {
				w.core.locked(func() { w.core.o.Journal = failing{w.journal} })
			}
			failed = true
			return nil
		}
		_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
		w.ok(err)
		time.Sleep(retryStart / 2)
		if got := w.now(p.Plan.ID); got.State != bot.Waiting || !got.StartedAt.IsZero() || !strings.Contains(got.Why, "journal takes no entries") || len(w.entries(journal.KindStart)) > 0 {
			t.Errorf("%+v", got)
		}
		if n, _ := w.lamp.counts(); n > 0 {
			t.Errorf("applied %d times", n)
		}
		w.core.locked(func() { w.core.o.Journal = w.journal })
		w.ends(p.Plan.ID, bot.Done)
		if n, _ := w.lamp.counts(); n != 1 || len(w.entries(journal.KindStart)) != 1 {
			t.Errorf("applied %d times", n)
		}
	})
	// And one that cannot be written down after it was journaled.
	spoil := false
	played(t, func(w *world) *world {
		w.fail = func(step string) error {
			if spoil && strings.HasPrefix(step, "write "+proposalsDir) {
				return errors.New("no space left on device")
			}
			return nil
		}
		return w
	}, func(w *world) {
		p := w.proposed()
		tries := 0
		w.lamp.plan = func() error { tries++; spoil = tries == 1; return nil }
		_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
		w.ok(err)
		time.Sleep(retryStart / 2)
		if n, _ := w.lamp.counts(); n > 0 || w.now(p.Plan.ID).State != bot.Waiting {
			t.Errorf("applied %d times: %+v", n, w.now(p.Plan.ID))
		}
		if e := w.entries(journal.KindStart, journal.KindNote); len(e) != 2 || e[0].Kind != journal.KindStart || !strings.Contains(e[1].Text, "It was not started") {
			t.Errorf("%+v", e)
		}
		w.ends(p.Plan.ID, bot.Done)
	})
	var full atomic.Bool
	played(t, func(w *world) *world {
		w.fail = func(step string) error {
			if full.Load() {
				return errors.New("no space left on device")
			}
			return nil
		}
		return w
	}, func(w *world) {
		p := w.proposed()
		full.Store(true)
		_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
		refuses(t, err, bot.CodeUnavailable, "state cannot be written")
		time.Sleep(time.Minute)
		full.Store(false)
		if got := w.now(p.Plan.ID); got.State != bot.Waiting || len(got.Decisions) > 0 {
			t.Errorf("%+v", got)
		}
	})
}

// TestACrashBeforeTheStart: a start is journaled before the record says that it runs.
// A crash in between leaves an entry without a run, which the next life tells of, and
// then starts it, once.
func TestACrashBeforeTheStart(t *testing.T) {
	for name, step := range map[string]string{"before it is journaled": "settle " + runsDir, "after it": "write " + proposalsDir} {
		t.Run(name, func(t *testing.T) {
			crashing := false
			played(t, func(w *world) *world {
				w.fail = func(s string) error {
					if crashing && (strings.HasPrefix(s, step) && (step[0] == 'w' || strings.HasSuffix(s, fileOrder))) {
						w.core.o.Journal = failing{w.journal} // whoever is dead writes nothing
						return errors.New("it dies")
					}
					return nil
				}
				return w
			}, func(w *world) {
				p := w.proposed()
				w.lamp.plan = func() error { crashing = true; return nil }
				_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
				w.ok(err)
				time.Sleep(time.Second)
				w.stop()
				crashing, w.lamp.plan = false, nil
				w.run()
				w.ends(p.Plan.ID, bot.Done)
				if n, _ := w.lamp.counts(); n != 1 {
					t.Errorf("applied %d times", n)
				}
				var kinds []journal.Kind
				for _, e := range w.entries(journal.KindStart, journal.KindNote, journal.KindEnd) {
					kinds = append(kinds, e.Kind)
					if e.Kind == journal.KindNote && !strings.Contains(e.Text, "Nothing was begun; it starts anew") {
						t.Errorf("%+v", e)
					}
				}
				want := []journal.Kind{journal.KindNote, journal.KindStart, journal.KindEnd}
				if step[0] == 'w' {
					want = append([]journal.Kind{journal.KindStart}, want...)
				}
				if !slices.Equal(kinds, want) {
					t.Errorf("%v, want %v", kinds, want)
				}
			})
		})
	}
}

func TestTheStateIsTheAgentsOwn(t *testing.T) {
	w := newWorld(t)
	w.ok(os.MkdirAll(w.state, 0o700))
	w.ok(os.Chmod(w.state, 0o755))
	refuses(t, w.open(), bot.CodeInvalid, "may be entered by others")
	w.ok(os.Chmod(w.state, 0o700))
	w.ok(w.open())
	first := w.journal
	refuses(t, w.open(), bot.CodeConflict, "Another program") // one agent at a time
	w.ok(first.Close())
}

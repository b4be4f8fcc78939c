package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// A captured bot, or a stranger on the host, that says more than people do fills no
// journal, and drowns nobody at the host.
func TestFloods(t *testing.T) {
	for name, caller := range map[string]Caller{"the bot": Bot(), "a stranger": Human(4711)} {
		t.Run(name, func(t *testing.T) {
			played(t, plain, func(w *world) {
				p := w.proposed()
				slow := 0
				for range 1000 {
					_, err := w.core.Decide(ctx, caller, yes(p, "mallory"))
					if e, ok := errors.AsType[*bot.Error](err); ok && e.Code == bot.CodeUnavailable {
						slow++
					}
					_, err = w.core.Cancel(ctx, caller, api.Cancel{Plan: p.Plan.ID, Person: "carol"})
					if err == nil {
						t.Fatal("it was cancelled")
					}
				}
				if n := len(w.entries(journal.KindRefusal)); slow < 900 || n > 50 {
					t.Errorf("%d of 1000 were slowed down, %d are in the journal", slow, n)
				}
				_, err := w.core.Decide(ctx, Human(1003), yes(p, "carol"))
				w.ok(err)
				w.ends(p.Plan.ID, bot.Done)
			})
		})
	}
}

// However busy a captured bot keeps the planning, root can plan.
func TestRootPlansWhileTheBotIsBusy(t *testing.T) {
	played(t, plain, func(w *world) {
		w.lamp.plan = func() error { time.Sleep(4 * time.Minute); return nil }
		done := make(chan struct{}, 8)
		for range 8 {
			go func() {
				_, _ = w.core.Propose(ctx, Bot(), w.ask("on")) // some are too late
				done <- struct{}{}
			}()
		}
		synctest.Wait()
		began := time.Now()
		_, err := w.core.BreakGlass(ctx, Root(), api.BreakGlass{Operation: "lamp.set", Arguments: bot.Arguments{"to": {"on"}}, Reason: "fire"})
		w.ok(err)
		if took := time.Since(began); took > 4*time.Minute {
			t.Errorf("it took %v", took)
		}
		for range 8 {
			<-done
		}
	})
}

// The largest record that there can be is still read after a restart.
func TestTheLargestRecord(t *testing.T) {
	played(t, func(w *world) *world {
		w.rule(func(r *bot.Rule) { r.Count = 2 })
		long := strings.Repeat("ä", 3000)
		w.lamp.apply = func(_ context.Context, work bot.Work) error {
			for range 2000 {
				work.Say("%s", long)
			}
			return nil
		}
		w.lamp.verify = func() ([]bot.Reading, error) {
			var out []bot.Reading
			for range 1000 {
				out = append(out, bot.Reading{What: long, Value: long, Note: long, Source: long, State: bot.OK, At: time.Now()})
			}
			return out, nil
		}
		w.lamp.summary = strings.Repeat("word ", 40_000) // 200 KB of plan
		return w
	}, func(w *world) {
		p := w.proposed()
		for range maxStatements {
			if _, err := w.core.Statement(ctx, Bot(), api.Statement{Plan: p.Plan.ID, Person: "alice", Verdict: bot.Approve}); err != nil {
				time.Sleep(10 * time.Minute)
			}
		}
		p, err := w.core.Shown(ctx, Bot(), api.Shown{Plan: w.proposed().Plan.ID, At: time.Now()})
		w.ok(err)
		for _, who := range []bot.PersonID{"alice", "carol"} {
			d := yes(p, who)
			d.Reason = strings.Repeat("ä", api.MaxReason)
			_, err = w.core.Decide(ctx, Bot(), d)
			w.ok(err)
		}
		p = w.ends(p.Plan.ID, bot.Done)
		w.stop()
		w.run()
		got := w.now(p.Plan.ID)
		if got.State != bot.Done || len(got.Evidence) != maxEvidence || len(got.Progress) > maxSaid+10 {
			t.Errorf("%s with %d lines and %d readings", got.State, len(got.Progress), len(got.Evidence))
		}
		records := 0
		w.core.locked(func() { records = len(w.core.records) })
		if len(w.entries(journal.KindNote)) == 0 || records != 2 {
			t.Errorf("%d records", records)
		}
	})
}

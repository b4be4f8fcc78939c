package agent

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
)

// What somebody could still run under yesterday's policy is not run under today's:
// whoever tightens it after a scare must not wait until old plans have expired.
func TestAnotherPolicyEndsWhatWaits(t *testing.T) {
	reload := func(w *world, change func(*gate.PolicyRule)) {
		w.t.Helper()
		w.policy = gate.Policy{Rules: slices.Clone(w.policy.Rules)}
		change(&w.policy.Rules[0])
		w.ok(w.core.Reload(w.settings()))
	}
	for name, c := range map[string]struct {
		change func(*gate.PolicyRule)
		words  string
	}{
		"a proof more":    {func(r *gate.PolicyRule) { r.Rule.StepUp = []bot.StepUp{bot.StepHost} }, "another one now (lamps)"},
		"a person more":   {func(r *gate.PolicyRule) { r.Rule.Count = 3 }, "another one now (lamps)"},
		"no rule":         {func(r *gate.PolicyRule) { r.Operations = []bot.OperationName{"lamp.other"} }, "Nothing in the policy allows"},
		"other values":    {func(r *gate.PolicyRule) { r.Arguments = map[string][]string{"to": {"off"}} }, "only where to is off"},
		"other hosts":     {func(r *gate.PolicyRule) { r.Hosts = []string{"lugh"} }, "Nothing in the policy allows"},
		"other questions": {func(r *gate.PolicyRule) { r.Rule.Requesters = []bot.Role{"auditor"} }, "Only somebody with the role auditor"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(w *world) *world { return w.rule(func(r *bot.Rule) { r.Count = 2 }) }, func(w *world) {
				p := w.proposed()
				_, err := w.core.Decide(ctx, Bot(), yes(p, "alice"))
				w.ok(err)
				reload(w, c.change)
				_, err = w.core.Decide(ctx, Bot(), yes(p, "carol"))
				refuses(t, err, bot.CodeConflict, "is over (denied)")
				p = w.ends(p.Plan.ID, bot.Denied)
				if !strings.Contains(p.Why, c.words) || w.get("/run/lamp") != "off" {
					t.Errorf("%s", p.Why)
				}
				if es := w.entries(journal.KindRefusal); len(es) == 0 || !strings.Contains(es[0].Text, c.words) {
					t.Errorf("%+v", es)
				}
			})
		})
	}
	// Also while it waits for its turn, and over a restart; the same policy again, and
	// one that says something else of other things, end nothing.
	played(t, plain, func(w *world) {
		w.lamp.takes = 20 * time.Second
		first, second, third := w.proposed(), w.proposed(), w.proposed()
		for _, p := range []bot.Proposal{first, second} {
			_, err := w.core.Decide(ctx, Bot(), yes(p, "carol"))
			w.ok(err)
		}
		w.reaches(first.Plan.ID, func(p bot.Proposal) bool { return p.State == bot.Running })
		reload(w, func(*gate.PolicyRule) {})
		w.policy.Rules = append(w.policy.Rules, gate.PolicyRule{Operations: []bot.OperationName{"lamp.other"}, Hosts: []string{"*"}, Rule: bot.Rule{Name: "more", Count: 1}})
		w.ok(w.core.Reload(w.settings()))
		if p := w.now(second.Plan.ID); p.State != bot.Waiting {
			t.Errorf("%s: %s", p.State, p.Why)
		}
		w.stop()
		w.policy = gate.Policy{Rules: slices.Clone(w.policy.Rules)}
		w.rule(func(r *bot.Rule) { r.Count = 2 })
		w.run()
		w.ends(second.Plan.ID, bot.Denied)
		w.ends(third.Plan.ID, bot.Denied)
		w.ends(first.Plan.ID, bot.Done) // what runs goes on
	})
}

// What root does when nobody answers is not in the power of a captured bot.
func TestACapturedBotCancelsNoBrokenGlass(t *testing.T) {
	played(t, plain, func(w *world) {
		p, err := w.core.BreakGlass(ctx, Root(), api.BreakGlass{Operation: "lamp.set", Arguments: bot.Arguments{"to": {"on"}}, Reason: "fire"})
		w.ok(err)
		_, err = w.core.Cancel(ctx, Bot(), api.Cancel{Plan: p.Plan.ID, Person: "dave"}) // an admin
		refuses(t, err, bot.CodeForbidden, "can be cancelled only there")
		_, err = w.core.Decide(ctx, Bot(), no(p, "alice"))
		refuses(t, err, bot.CodeConflict, "Nobody is asked")
		_, err = w.core.BreakGlassRun(ctx, Root(), api.BreakGlassRun{Plan: p.Plan.ID, Digest: p.Digest})
		w.ok(err)
		w.ends(p.Plan.ID, bot.Done)
	})
	played(t, plain, func(w *world) {
		p, err := w.core.BreakGlass(ctx, Root(), api.BreakGlass{Operation: "lamp.set", Arguments: bot.Arguments{"to": {"on"}}, Reason: "fire"})
		w.ok(err)
		_, err = w.core.Cancel(ctx, Root(), api.Cancel{Plan: p.Plan.ID})
		w.ok(err)
		w.ends(p.Plan.ID, bot.Cancelled)
	})
}

// A day of a captured bot that says whatever is written down, as fast as it can,
// fills neither the journal nor the disk.
func TestACapturedBotFillsNoDisk(t *testing.T) {
	heads := 0
	for name, say := range map[string]func(*world, bot.Proposal){
		"heads": func(w *world, _ bot.Proposal) {
			heads++
			_, _ = w.core.Heads(ctx, Bot(), api.Heads{Head: journal.Head{Seq: int64(1_000_000 - heads), Hash: strings.Repeat(fmt.Sprint(heads%10), 64)}})
		},
		"made up": func(w *world, p bot.Proposal) {
			d := yes(p, "mallory")
			d.Reason = strings.Repeat("ä", api.MaxReason)
			_, _ = w.core.Decide(ctx, Bot(), d)
		},
		"cancels": func(w *world, p bot.Proposal) {
			_, _ = w.core.Cancel(ctx, Bot(), api.Cancel{Plan: p.Plan.ID, Person: "mallory"})
		},
		"confirms": func(w *world, p bot.Proposal) {
			_, _ = w.core.Confirm(ctx, Bot(), api.Confirm{Plan: p.Plan.ID, Person: "alice"})
		},
		"withdraws": func(w *world, p bot.Proposal) {
			_, _ = w.core.Withdraw(ctx, Bot(), api.Withdraw{Plan: p.Plan.ID, Person: "eve", ID: "1"})
		},
		"asks": func(w *world, _ bot.Proposal) { _, _ = w.core.Propose(ctx, Bot(), w.ask("purple")) },
		"asks and cancels": func(w *world, _ bot.Proposal) {
			p, _ := w.core.Propose(ctx, Bot(), w.ask("on"))
			_, _ = w.core.Cancel(ctx, Bot(), api.Cancel{Plan: p.Plan.ID, Person: "bob"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, plain, func(w *world) {
				p := w.proposed()
				began := w.journal.Head().Seq
				for range 1800 { // an hour
					say(w, p)
					time.Sleep(2 * time.Second)
				}
				if n := w.journal.Head().Seq - began; n > 1000 || n < 3 {
					t.Errorf("%d entries in an hour", n)
				}
			})
		})
	}
}

// Refusals that are not written one by one are counted in the next that is.
func TestRefusalsAreCounted(t *testing.T) {
	played(t, plain, func(w *world) {
		p := w.proposed()
		refused := 0
		for range 400 {
			_, err := w.core.Decide(ctx, Bot(), yes(p, "mallory"))
			if err != nil && strings.Contains(err.Error(), "does not know") {
				refused++
			}
			time.Sleep(2 * time.Second)
		}
		counted := 0
		es := w.entries(journal.KindRefusal)
		for _, e := range es {
			n := 0
			if text := e.Fields["not_written_before"]; text != "" {
				_, err := fmt.Sscan(text, &n)
				w.ok(err)
			}
			counted += 1 + n
		}
		if len(es) > 200 || refused < 390 || counted < refused-20 || counted > refused {
			t.Errorf("of %d refusals %d are written, which tell of %d", refused, len(es), counted)
		}
	})
}

// What is over is forgotten before it fills memory and disk, not once a day.
func TestManyProposalsAreForgotten(t *testing.T) {
	played(t, func(w *world) *world { w.limits = Limits{KeepMost: 20}; return w }, func(w *world) {
		w.core.asking.SetBurst(10_000)
		w.core.words.SetBurst(10_000)
		time.Sleep(24 * time.Hour) // the tokens come
		most := 0
		for range 400 {
			p, err := w.core.Propose(ctx, Bot(), w.ask("on"))
			w.ok(err)
			_, err = w.core.Cancel(ctx, Bot(), api.Cancel{Plan: p.Plan.ID, Person: "bob"})
			w.ok(err)
			time.Sleep(time.Millisecond)
			w.core.locked(func() { most = max(most, len(w.core.records)) })
		}
		if limit := 20 + 40 + pruneSlack + 10; most > limit {
			t.Errorf("%d were kept at once; %d is enough", most, limit)
		}
	})
}

// The bot cannot have the agent look without end; people at the host can look
// meanwhile.
func TestManyLooks(t *testing.T) {
	played(t, plain, func(w *world) {
		slow := 0
		for range 1000 {
			if _, err := w.core.Readings(ctx, Bot(), api.Nothing{}); err != nil {
				refuses(t, err, bot.CodeUnavailable, "Too much")
				slow++
			}
		}
		if slow < 800 {
			t.Errorf("%d of 1000 were slowed down", slow)
		}
		_, err := w.core.Readings(ctx, Human(1002), api.Nothing{})
		w.ok(err)
	})
}

// Callers cannot drown the log, which is cut by its keeper when it is full.
func TestTheLogIsNotDrowned(t *testing.T) {
	var log safeBuffer
	d := opened(t, newWorld(t), func(s *Server) {
		l := slog.New(slog.NewTextHandler(&log, nil))
		s.unanswered, s.turnedAway = newSeldom(l), newSeldom(l)
	})
	for range 300 {
		c := d.dialAs(d.human, botUID) // whom it turns away
		_ = c.Close()
	}
	var conns []net.Conn
	for range 100 {
		c := d.dialAs(d.bot, botUID)
		conns = append(conns, c)
		_ = asks(c)
		_ = c.Close()
	}
	b := d.as(t, d.bot, botUID)
	for range 300 { // too much at once, which is unavailable
		_, _ = b.Cancel(ctx, api.Cancel{Plan: "pln_NONE", Person: "bob"})
	}
	if n := strings.Count(log.String(), "\n"); n < 10 || n > 60 || len(conns) != 100 {
		t.Errorf("%d lines:\n%.2000s", n, log.String())
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Refusals at the same moment as all else are no race (run with -race).
func TestRefusalsBesideAllElse(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer w.close()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				q := w.ask("on")
				q.Requester = "mallory"
				_, _ = w.core.Propose(ctx, Bot(), q)
			}
		})
		all.Go(func() {
			for range 20 {
				_, _ = w.core.Cancel(ctx, Human(1002), api.Cancel{Plan: "pln_NONE"})
			}
		})
	}
	all.Wait()
}

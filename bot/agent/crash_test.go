package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// dying plays a process that is killed at its nth step: every goroutine of it that
// comes to a step from then on ends there, as with SIGKILL.
type dying struct {
	mu    sync.Mutex
	left  int // steps until it dies; 0 has died
	died  string
	steps int
}

func (d *dying) step(what string) error {
	d.mu.Lock()
	d.steps++
	if d.left > 0 {
		if d.left--; d.left == 0 {
			d.died = what
		}
	}
	dead := d.left == 0
	d.mu.Unlock()
	if dead {
		runtime.Goexit()
	}
	return nil
}

// dyingJournal dies before or after an entry is on the disk.
type dyingJournal struct {
	*journal.File
	d *dying
}

func (j dyingJournal) AppendAll(es ...journal.Entry) (journal.Head, error) {
	_ = j.d.step("before journaling " + string(es[0].Kind))
	h, err := j.File.AppendAll(es...)
	_ = j.d.step("after journaling " + string(es[0].Kind))
	return h, err
}

// dyingSpawner dies before or after a unit was asked for.
type dyingSpawner struct {
	Spawner
	d *dying
}

func (s dyingSpawner) Start(ctx context.Context, x Spawn) error {
	_ = s.d.step("before spawning")
	err := s.Spawner.Start(ctx, x)
	_ = s.d.step("after spawning")
	return err
}

// dead tells where it died, "" while it lives.
func (d *dying) dead() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.died
}

var errDied = errors.New("the agent died")

// mortal gives the world's next agent a process to die with.
type mortal struct {
	*world
	d atomic.Pointer[dying] // a worker of a former life may ask as well
}

func (m *mortal) run() {
	m.t.Helper()
	d := m.d.Load()
	born := make(chan error)
	go func() {
		err := errDied
		defer func() { born <- err }()
		j, jerr := journal.OpenFile(filepath.Join(m.state, "journal"), m.redact)
		if jerr != nil {
			err = jerr
			return
		}
		m.journal = j
		m.core, err = New(Options{Host: m.host, Settings: m.settings(), Operations: []bot.Operation{m.lamp}, State: m.state, Journal: dyingJournal{j, d},
			Spawner: dyingSpawner{m.spawner, d}, Redact: m.redact, IDs: bot.RandomIDs, Log: quiet(), fail: d.step})
	}()
	if err := <-born; err != nil && d.dead() == "" {
		m.t.Fatal(err)
	} else if err != nil {
		m.stop = func() { m.ok(m.journal.Close()); m.stop = func() {} }
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	core, j := m.core, m.journal
	go func() {
		defer close(done)
		_ = core.Run(ctx)
	}()
	m.stop = func() {
		cancel()
		<-done
		m.ok(j.Close())
		m.stop = func() {}
	}
}

// try asks until it is answered, by whichever life of the agent.
func (m *mortal) try(f func(*Core) (bot.Proposal, error)) (bot.Proposal, error) {
	for {
		p, err := bot.Proposal{}, errDied
		done := make(chan struct{})
		go func() {
			defer close(done)
			if m.d.Load().dead() == "" {
				p, err = f(m.core)
			}
		}()
		<-done
		if !errors.Is(err, errDied) {
			return p, err
		}
		m.stop()
		time.Sleep(5 * time.Second)
		m.d.Store(&dying{left: -1})
		m.run()
	}
}

// life is one proposal from the question to the end, with an agent and a worker of
// whom one dies, or both, at a step.
func life(t *testing.T, agent, worker int, both bool) (died string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).rule(func(r *bot.Rule) { r.ConfirmWithin = 600; r.StepUp = []bot.StepUp{bot.StepTOTP} })
		w.lamp.takes = 3 * time.Second
		first, wd := &dying{left: agent}, &dying{left: worker}
		m := &mortal{world: w}
		m.d.Store(first)
		w.spawner.Do = func(ctx context.Context, s Spawn) error {
			fail := wd.step
			if both {
				fail = m.d.Load().step // the machine dies
			}
			return Perform(ctx, PerformOptions{State: w.state, Plan: s.Plan, Host: w.host, Operations: []bot.Operation{w.lamp}, Redact: w.redact, Log: quiet(), fail: fail})
		}
		defer func() { m.stop(); w.ok(w.spawner.Close()) }()
		w.ok(os.MkdirAll(w.state, 0o700))
		m.stop = func() {}
		m.run()
		q := w.ask("on")
		p, err := m.try(func(c *Core) (bot.Proposal, error) { return c.Propose(ctx, Bot(), q) })
		w.ok(err)
		p, err = m.try(func(c *Core) (bot.Proposal, error) {
			return c.Shown(ctx, Bot(), api.Shown{Plan: p.Plan.ID, At: time.Now()})
		})
		w.ok(err)
		d := yes(p, "carol")
		for range 3 { // a code whose use was lost with the answer must be given anew
			d.Code = w.code(0)
			if _, err = m.try(func(c *Core) (bot.Proposal, error) { return c.Decide(ctx, Bot(), d) }); err == nil || !strings.Contains(err.Error(), "used already") {
				break
			}
			time.Sleep(time.Minute)
		}
		w.ok(err)
		for range 1000 { // confirmed as soon as it can be, until it is over
			// It is refused until it waits for that word.
			_, _ = m.try(func(c *Core) (bot.Proposal, error) {
				return c.Confirm(ctx, Human(1002), api.Confirm{Plan: p.Plan.ID})
			})
			time.Sleep(time.Second)
			if p, err = m.try(func(c *Core) (bot.Proposal, error) {
				c.mu.Lock()
				defer c.mu.Unlock()
				r, err := c.find(d.Plan)
				if err != nil {
					return bot.Proposal{}, err
				}
				return r.Proposal, nil
			}); p.State.Over() {
				break
			}
			w.ok(err)
		}
		if died = first.dead(); died == "" {
			died = wd.dead()
		}
		check(t, w, p, agent >= 0, worker >= 0 || both)
	})
	return died
}

// check is what holds whatever died when.
func check(t *testing.T, w *world, p bot.Proposal, agent, worker bool) {
	t.Helper()
	applied, undone := w.lamp.counts()
	lamp := w.get("/run/lamp")
	switch {
	case applied > 1 || undone > 1:
		t.Errorf("applied %d times, undone %d times", applied, undone)
	case p.State == bot.Done && (lamp != "on" || applied != 1):
		t.Errorf("it is done, and the lamp is %s after %d times", lamp, applied)
	case p.State == bot.Failed && (lamp != "off" || applied != 0 || !strings.Contains(p.Why, "Nothing was done")):
		t.Errorf("nothing was done, and the lamp is %s after %d times: %s", lamp, applied, p.Why)
	case p.State == bot.Interrupted && !worker:
		t.Errorf("the worker lived, and it is told that nobody knows: %s", p.Why)
	case p.State != bot.Done && p.State != bot.Failed && p.State != bot.Interrupted:
		t.Errorf("%s: %s", p.State, p.Why)
	case p.State != bot.Done && !agent && !worker:
		t.Errorf("nobody died, and it is %s: %s", p.State, p.Why)
	}
	starts, ends := 0, 0
	for _, e := range w.entries(journal.KindStart, journal.KindEnd, journal.KindInterrupted, journal.KindNote) {
		if e.Kind == journal.KindNote {
			if strings.Contains(e.Text, "Nothing was begun") {
				starts = 0 // the entry before it, if it came to that, was of no run
			}
			continue
		}
		if e.Kind == journal.KindStart {
			starts++
		} else {
			ends++
		}
	}
	if starts > 1 || applied == 1 && starts != 1 || ends == 0 || ends > 2 {
		t.Errorf("the journal has %d starts and %d ends, and it was applied %d times", starts, ends, applied)
	}
	if _, err := journal.Verify(w.journal.Entries(0), journal.Head{}); err != nil {
		t.Errorf("the journal: %v", err)
	}
}

// TestDeathAtEveryStep kills the agent, the worker, and both together, once at
// each step that they take.
func TestDeathAtEveryStep(t *testing.T) {
	if died := life(t, -1, -1, false); died != "" {
		t.Fatalf("it died at %s", died)
	}
	for who, die := range map[string]func(*testing.T, int) string{
		"agent":  func(t *testing.T, n int) string { return life(t, n, -1, false) },
		"worker": func(t *testing.T, n int) string { return life(t, -1, n, false) },
		"both":   func(t *testing.T, n int) string { return life(t, n, -1, true) },
	} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n++ {
				died := ""
				t.Run(fmt.Sprint(n), func(t *testing.T) {
					died = die(t, n)
					if t.Failed() {
						t.Logf("it died at %s", died)
					}
				})
				if died == "" {
					t.Logf("%d deaths", n-1)
					return
				}
			}
		})
	}
}

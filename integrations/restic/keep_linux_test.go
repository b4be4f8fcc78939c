package restic

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// apart is an agent's backups, which another process asks, over the same state.
type apart struct {
	*desk
	agent *Backups

	mu    sync.Mutex
	times []time.Time
	// how is what befalls the next errands: nil does them.
	how func(context.Context) error
}

// sent is when errands were sent.
func (a *apart) sent() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.times)
}

func (a *apart) with(how func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.how = how
}

func newApart(t *testing.T, c Config) *apart {
	a := &apart{desk: newDesk(t, c)}
	a.now = time.Now
	told := a.c
	told.Elsewhere = func(ctx context.Context) error {
		a.mu.Lock()
		a.times = append(a.times, time.Now())
		how := a.how
		a.mu.Unlock()
		if how != nil {
			return how(ctx)
		}
		_ = a.Refresh(ctx) // what it learns stands in the facts
		return nil
	}
	var err error
	a.agent, err = New(a.h, told)
	must(t, err)
	return a
}

// keeps runs Keep until the test lets go.
func (a *apart) keeps(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.agent.Keep(ctx) }()
	return func() { cancel(); <-done }
}

// first is the first repository, by a look and by the probe.
func (a *apart) first(t *testing.T) (host.Repository, bot.Reading) {
	t.Helper()
	r := a.agent.Status(t.Context()).Repositories[0]
	return r, a.agent.Probe().Read(t.Context())[0]
}

// The agent runs no restic itself: it has that done at intervals and when somebody
// wants to know, not more often than it may, and tells what was learnt, and since
// when nothing was.
func TestAskedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApart(t, Config{Repositories: []Repository{{Name: "b2", Location: "b2:b2"}}})
		began := time.Now()
		a.run.snapshots["b2:b2"] = []host.Snapshot{{ID: id(1), At: began.Add(-time.Hour), Host: "vulcan", Paths: []string{"/"}}}
		stop := a.keeps(t)
		defer stop()
		synctest.Wait() // nothing is known, so it is asked at once
		r, reading := a.first(t)
		if len(a.sent()) != 1 || len(r.Newest) != 1 || reading.Value != "newest snapshot 1 h ago" || reading.State != bot.OK {
			t.Fatalf("sent %v: %+v, %+v", a.sent(), r, reading)
		}
		time.Sleep(4 * time.Minute)
		if a.first(t); len(a.sent()) != 1 {
			t.Error("it was asked again while the answer was new")
		}
		time.Sleep(2 * time.Minute)
		a.agent.Probe().Read(t.Context())
		if synctest.Wait(); len(a.sent()) != 1 {
			t.Error("the probe had it asked")
		}
		if r, _ = a.first(t); len(a.sent()) != 2 || r.AskedAt.Sub(began) != 6*time.Minute {
			t.Errorf("a look has it asked: %v, %s", a.sent(), r.AskedAt)
		}
		time.Sleep(2*time.Hour + time.Second)
		if synctest.Wait(); len(a.sent()) != 3 || a.sent()[2].Sub(a.sent()[1]) != 2*time.Hour {
			t.Errorf("at intervals: %v", a.sent())
		}

		// Its unit is killed: what was known stays, and why nobody knows more is told.
		a.with(func(context.Context) error {
			time.Sleep(2 * time.Minute)
			return bot.Errorf(bot.CodeUnavailable, "watchstander-backup-ask.service was ended after 2 min.")
		})
		time.Sleep(6 * time.Minute)
		asked := time.Now()
		r, _ = a.first(t)
		if waited := time.Since(asked); waited != patience || r.Reach != bot.OK || len(r.Newest) != 1 {
			t.Errorf("waited %s: %+v", waited, r)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		r, reading = a.first(t)
		want := "no answer for 8 min 31 s: watchstander-backup-ask.service was ended after 2 min"
		if r.Reach != bot.Unknown || len(r.Newest) != 1 || reading.State != bot.Unknown || reading.Note != want || !strings.HasSuffix(reading.Value, "as of 8 min 31 s ago") || len(a.sent()) != 4 {
			t.Errorf("%+v; %+v; %v", r, reading, a.sent())
		}
		// One that ends without a word proves nothing, and is not sent all the time.
		a.with(func(context.Context) error { return nil })
		time.Sleep(14 * time.Minute)
		if synctest.Wait(); len(a.sent()) != 5 || a.sent()[4].Sub(a.sent()[3]) != 15*time.Minute {
			t.Errorf("again after a failure: %v", a.sent())
		}
		if r, reading = a.first(t); r.Reach != bot.Unknown || !strings.Contains(reading.Note, "ended without a word") {
			t.Errorf("%+v; %+v", r, reading)
		}
		a.with(nil)
		time.Sleep(6 * time.Minute)
		if r, reading = a.first(t); r.Reach != bot.OK || reading.State != bot.OK || len(a.sent()) != 6 {
			t.Errorf("%+v; %+v; %v", r, reading, a.sent())
		}
	})
}

// Many want to know at once: one errand serves them all, and none overlaps.
func TestErrandsDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApart(t, Config{Repositories: []Repository{{Name: "one", Location: "1"}, {Name: "two", Location: "2"}}})
		var under atomic.Int32
		a.with(func(ctx context.Context) error {
			if under.Add(1) > 1 {
				t.Error("two at once")
			}
			defer under.Add(-1)
			time.Sleep(10 * time.Second)
			_ = a.Refresh(ctx)
			return nil
		})
		a.run.fail["2"] = sys.Output{Exit: 1, Stderr: []byte("Fatal: dial tcp: no such host")}
		stop := a.keeps(t)
		defer stop()
		answers := make(chan host.Backups, 20)
		for range cap(answers) {
			go func() { answers <- a.agent.Status(t.Context()) }()
		}
		for range cap(answers) {
			s := <-answers
			if one, two := s.Repositories[0], s.Repositories[1]; one.Reach != bot.OK || one.AskedAt.IsZero() || two.Reach != bot.Unknown || !strings.Contains(two.ReachWhy, "no such host") {
				t.Fatalf("%+v", s)
			}
		}
		if len(a.sent()) != 1 {
			t.Errorf("sent %v", a.sent())
		}
	})
}

// Real restic: the agent's own process runs none, and tells what another one has
// learnt: a repository that is well, one with a wrong password, one that is not there.
func TestRealAskedElsewhere(t *testing.T) {
	one(t, func(t *testing.T, b *bench) {
		b.write(t, filepath.Join(b.data, "a"), "a")
		b.restic(t, "good", "init")
		b.restic(t, "good", "backup", b.data, "--host", "vulcan")
		b.restic(t, "locked", "init")
		wrong := filepath.Join(b.dir, "wrong")
		b.write(t, wrong, "wrong horse\n")
		c := b.config
		c.Repositories = []Repository{
			{Name: "good", Location: b.place("good"), PasswordFile: b.password},
			{Name: "locked", Location: b.place("locked"), PasswordFile: wrong},
			{Name: "gone", Location: b.place("gone"), PasswordFile: b.password},
		}
		tree, err := sys.OpenTree("/")
		must(t, err)
		t.Cleanup(func() { _ = tree.Close() })
		asks, err := New(sys.Host{Name: "vulcan", Files: tree, Run: sys.Programs{}, Units: b.units}, c)
		must(t, err)
		c.Program = filepath.Join(b.dir, "none") // the agent would fail if it ran one
		c.Elsewhere = func(ctx context.Context) error { return asks.Refresh(ctx) }
		agent, err := New(sys.Host{Name: "vulcan", Files: tree, Run: sys.Programs{}, Units: b.units}, c)
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); agent.Keep(ctx) }()
		defer func() { cancel(); <-done }()
		s := agent.Status(t.Context())
		good, locked, gone := s.Repositories[0], s.Repositories[1], s.Repositories[2]
		if _, ok := good.Own(); good.Reach != bot.OK || !ok {
			t.Errorf("%+v", good)
		}
		if locked.Reach != bot.NotOK || !strings.Contains(locked.ReachWhy, "the password is wrong") {
			t.Errorf("%+v", locked)
		}
		if gone.Reach != bot.NotOK || !strings.Contains(gone.ReachWhy, "there is no repository") {
			t.Errorf("%+v", gone)
		}
		if _, err := os.Stat(filepath.Join(c.State, "facts", "good.json")); err != nil {
			t.Error(err)
		}
	})
}

// A repository has moved, under the same name: nothing of what was heard and verified
// at the old place is told of the new one, also not what an errand that was sent before
// puts down. Where a place cannot be found out for a while, nothing is forgotten.
func TestMoved(t *testing.T) {
	r := remote("b2")
	r.Location, r.LocationFile = "", filepath.Join(t.TempDir(), "location")
	at := func(where string) { must(t, os.WriteFile(r.LocationFile, []byte(where+"\n"), 0o600)) }
	at("b2:old")
	d := newDesk(t, Config{Repositories: []Repository{r}})
	d.run.snapshots["b2:old"] = []host.Snapshot{snapshotOf(1, 6*time.Hour, "/")}
	d.run.snapshots["b2:new"] = []host.Snapshot{snapshotOf(2, 9*time.Hour, "/")}
	must(t, d.Refresh(t.Context()))
	d.verified(t, "b2", day, nil)
	told := d.c
	told.Elsewhere = func(context.Context) error { return nil }
	agent, err := New(d.h, told)
	must(t, err)
	agent.now = d.now
	status := func() host.Repository { return agent.status(t.Context(), 0).Repositories[0] }

	if s, ok := status().Own(); !ok || s.ID != id(1) || status().VerifiedAt.IsZero() {
		t.Fatalf("%+v", status())
	}
	must(t, os.Remove(r.LocationFile))
	if s, ok := status().Own(); !ok || s.ID != id(1) || status().VerifiedAt.IsZero() {
		t.Errorf("where it is cannot be read, and what is known is forgotten: %+v", status())
	}
	at("b2:new")
	if s, ok := status().Own(); ok || !status().AskedAt.IsZero() || !status().VerifiedAt.IsZero() || status().Last != nil || status().State == bot.OK {
		t.Errorf("at the new place it has %+v: %+v", s, status())
	}
	at("b2:old")
	must(t, d.Refresh(t.Context())) // of an agent that was there before
	at("b2:new")
	if s, ok := status().Own(); ok {
		t.Errorf("at the new place it has %+v", s)
	}
	must(t, d.Refresh(t.Context()))
	if s, ok := status().Own(); !ok || s.ID != id(2) || !status().VerifiedAt.IsZero() {
		t.Errorf("%+v", status())
	}
}

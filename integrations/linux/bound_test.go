package linux

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

func find(t *testing.T, rs []bot.Reading, what string) bot.Reading {
	t.Helper()
	for _, r := range rs {
		if r.What == what {
			return r
		}
	}
	t.Fatalf("there is no reading of %s", what)
	return bot.Reading{}
}

// A dead NFS server costs one line and one goroutine however often it is asked,
// and is well again when it answers.
func TestHangingMount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, r := fixture(t, "vulcan")
		p := New(o)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if got := find(t, p.Read(t.Context()), "disk /mnt/nas"); got.Note != "no answer for 2 s" || got.State != bot.Unknown {
					t.Errorf("%+v", got)
				}
			})
		}
		wg.Wait()

		time.Sleep(14 * time.Minute)
		begin := time.Now()
		if got := find(t, p.Read(t.Context()), "disk /mnt/nas"); got.Note != "no answer for 14 min 2 s" {
			t.Errorf("%+v", got)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("who comes later waits for %s", took)
		}
		if n := r.count("/mnt/nas"); n != 1 {
			t.Errorf("%d goroutines are stuck", n)
		}

		close(r.release)
		synctest.Wait()
		r.mu.Lock()
		r.answers["/mnt/nas"] = func() (Room, error) { return Room{Size: 100, Free: 40, Available: 40}, nil }
		r.mu.Unlock()
		if got := find(t, p.Read(t.Context()), "disk /mnt/nas"); got.State != bot.OK {
			t.Errorf("it answers again, and reads %+v", got)
		}
	})
}

// The asker's own time counts too.
func TestReadWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, r := fixture(t, "vulcan")
		p := New(o)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		got := find(t, p.Read(ctx), "disk /mnt/nas")
		if took := time.Since(begin); took != time.Second || got.State != bot.Unknown || !strings.HasPrefix(got.Note, "the time for this look was over") {
			t.Errorf("after %s: %+v", took, got)
		}
		for _, r := range p.Read(ctx) {
			if r.State != bot.Unknown {
				t.Errorf("out of time from the start: %+v", r)
			}
		}
		close(r.release)
		synctest.Wait()
	})
}

func TestPanicIsUnknown(t *testing.T) {
	o, r := fixture(t, "container")
	o.Statfs = func(path string) (Room, error) {
		if path == "/data" {
			panic("boo")
		}
		return r.statfs(path)
	}
	rs := New(o).Read(t.Context())
	if got := find(t, rs, "disk /data"); got.State != bot.Unknown || strings.Contains(got.Note, "boo") {
		t.Errorf("%+v", got)
	}
	if got := find(t, rs, "disk /"); got.State != bot.OK {
		t.Errorf("%+v", got)
	}
}

// Askers at the same time share one piece of work.
func TestSharedWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bounds
		var runs atomic.Int32
		work := func() ([]bot.Reading, error) {
			runs.Add(1)
			time.Sleep(time.Second)
			return []bot.Reading{{What: "x"}}, nil
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				got, err := within(t.Context(), &b, "x", 2*time.Second, work)
				if err != nil || len(got) != 1 {
					t.Errorf("%v %v", got, err)
				}
			})
		}
		wg.Wait()
		if runs.Load() != 1 {
			t.Errorf("%d runs", runs.Load())
		}
	})
}

// Many at once, for the race detector.
func TestManyAskers(t *testing.T) {
	o, r := fixture(t, "vulcan")
	close(r.release)
	o.Host = "vulcan"
	p := New(o)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { check(t, "vulcan", p.Read(t.Context())) })
	}
	wg.Wait()
}

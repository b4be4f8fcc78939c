package probing

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type probe struct {
	asked atomic.Int32
	read  func(context.Context) []bot.Reading
}

func (*probe) Name() string { return "zfs" }
func (p *probe) Read(ctx context.Context) []bot.Reading {
	p.asked.Add(1)
	return p.read(ctx)
}

const limit = 10 * time.Second

func read(t *testing.T, p bot.Probe) (note string, took time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	rs := p.Read(ctx)
	if len(rs) != 1 || rs[0].What != "zfs" {
		t.Errorf("%+v", rs)
		return "", 0
	}
	return rs[0].Note, time.Since(began)
}

// A probe that hangs, deaf to its context, is asked once, and again when it has
// answered; nobody waits for it after its time.
func TestOnceOfOneThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := &probe{read: func(context.Context) []bot.Reading {
			<-release
			return []bot.Reading{{What: "zfs", Note: "here I am"}}
		}}
		o := Once(p, limit)
		if note, took := read(t, o); note != "no answer within 10 s" || took != limit+grace {
			t.Errorf("%q after %s", note, took)
		}
		for range 5 {
			if note, took := read(t, o); note != "still asked since 00:00 UTC, without an answer" || took != 0 {
				t.Errorf("%q after %s", note, took)
			}
		}
		time.Sleep(25 * time.Hour)
		if note, _ := read(t, o); note != "still asked since Sat 1 Jan 00:00 UTC, without an answer" {
			t.Errorf("%q", note)
		}
		if n := p.asked.Load(); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
		close(release)
		synctest.Wait()
		if note, _ := read(t, o); note != "here I am" || p.asked.Load() != 2 {
			t.Errorf("%q, asked %d times", note, p.asked.Load())
		}
	})
}

// Who asks while an answer is awaited gets it, and one who goes away takes it from
// nobody.
func TestOnceIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{read: func(ctx context.Context) []bot.Reading {
			select {
			case <-time.After(5 * time.Second):
				return []bot.Reading{{What: "zfs", Note: "fine"}}
			case <-ctx.Done():
				return []bot.Reading{{What: "zfs", Note: "gave up"}}
			}
		}}
		o := Once(p, limit)
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				if note, _ := read(t, o); note != "fine" {
					t.Errorf("%q", note)
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		o.Read(ctx)
		all.Wait()
		if n := p.asked.Load(); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
		// Alone, it is told to end, and its own words count.
		alone, end := context.WithTimeout(t.Context(), 2*time.Second)
		defer end()
		if rs := o.Read(alone); len(rs) != 1 || rs[0].Note != "gave up" {
			t.Errorf("%+v", rs)
		}
	})
}

func TestOnceOfOneThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{read: func(context.Context) []bot.Reading { panic("bug") }}
		o := All([]bot.Probe{p}, limit)[0]
		for range 2 {
			if note, _ := read(t, o); note != "the probe failed inside" {
				t.Errorf("%q", note)
			}
		}
	})
}

// teller says what its readings are called.
type teller struct{ probe }

func (*teller) Tells() []string { return []string{"pools", "ARC"} }

// What a probe that cannot be heard would tell is unknown by its names, also where
// nobody but Measure asks.
func TestAProbeThatCannotBeHeardIsUnknownByItsNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(ctx context.Context) []bot.Reading { <-ctx.Done(); time.Sleep(time.Second); return nil }
		for note, read := range map[string]func(context.Context) []bot.Reading{
			"no answer within 10 s": hangs, "the probe failed inside": func(context.Context) []bot.Reading { panic("bug") }, "it told nothing": func(context.Context) []bot.Reading { return nil },
		} {
			for once, p := range map[bool]bot.Probe{false: &teller{probe{read: read}}, true: Once(&teller{probe{read: read}}, limit)} {
				rs := Measure(t.Context(), []bot.Probe{p}, time.Now())
				if len(rs) != 2 || rs[0].What != "pools" || rs[1].What != "ARC" || rs[0].State != bot.Unknown || rs[1].State != bot.Unknown || rs[0].Note != note || rs[1].Note != note {
					t.Errorf("%s, asked once at a time: %v\n%+v", note, once, rs)
				}
				synctest.Wait()
				time.Sleep(2 * time.Second)
			}
		}
	})
}

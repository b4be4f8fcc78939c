package agent

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

func TestLooks(t *testing.T) {
	played(t, func(w *world) *world {
		look := func(name string, f func(context.Context, bot.Arguments) (any, error)) {
			w.looks = append(w.looks, bot.Look{Name: name, Run: f})
		}
		look("lamp", func(_ context.Context, a bot.Arguments) (any, error) {
			return map[string]string{"lamp": a.One("which")}, nil
		})
		look("refused", func(context.Context, bot.Arguments) (any, error) {
			return nil, bot.Errorf(bot.CodeInvalid, "Which lamp?")
		})
		look("failed", func(context.Context, bot.Arguments) (any, error) { return nil, errors.New("/secret: EIO") })
		look("panics", func(context.Context, bot.Arguments) (any, error) { panic("oops") })
		look("endless", func(ctx context.Context, _ bot.Arguments) (any, error) { <-ctx.Done(); return nil, ctx.Err() })
		look("huge", func(context.Context, bot.Arguments) (any, error) { return strings.Repeat("x", 5<<20), nil })
		return w
	}, func(w *world) {
		ask := func(c Caller, name string) (json.RawMessage, error) {
			return w.core.Look(ctx, c, api.Look{Name: name, Arguments: bot.Arguments{"which": {"left"}}})
		}
		for _, c := range []Caller{Bot(), Root(), Human(1002)} {
			if b, err := ask(c, "lamp"); err != nil || string(b) != `{"lamp":"left"}` {
				t.Errorf("%s: %s, %v", c, b, err)
			}
		}
		for name, want := range map[string]struct {
			code  bot.Code
			words string
		}{
			"refused": {bot.CodeInvalid, "Which lamp?"}, "failed": {bot.CodeUnavailable, "the agent's log"}, "panics": {bot.CodeUnavailable, "cannot be looked at"},
			"endless": {bot.CodeUnavailable, "cannot be looked at"}, "huge": {bot.CodeUnavailable, "more to be seen"}, "/etc/shadow": {bot.CodeNotFound, "does not know how"},
		} {
			_, err := ask(Bot(), name)
			refuses(t, err, want.code, want.words)
		}
		_, err := ask(Human(4711), "lamp")
		refuses(t, err, bot.CodeForbidden, "nobody whom")
		_, err = ask(Caller{}, "lamp")
		refuses(t, err, bot.CodeForbidden, "not for nobody")
		// Many at once wait for each other, and not for ever.
		began, done := time.Now(), make(chan error, 8)
		for range 8 {
			go func() { _, err := ask(Bot(), "endless"); done <- err }()
		}
		for range 8 {
			refuses(t, <-done, bot.CodeUnavailable, "")
		}
		if took := time.Since(began); took > 61*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestReadings(t *testing.T) {
	played(t, func(w *world) *world {
		w.probes = []bot.Probe{
			fakeProbe{func() []bot.Reading {
				return []bot.Reading{bot.Reading{What: "oil", State: bot.OK}.With(61.5, bot.FigurePercent),
					{What: "gas", State: bot.OK, Figure: math.NaN(), Unit: bot.FigurePercent}}
			}},
			fakeProbe{func() []bot.Reading { panic("oops") }},
		}
		return w
	}, func(w *world) {
		rs, err := w.core.Readings(ctx, Human(1002), api.Nothing{})
		w.ok(err)
		if len(rs) != 3 || rs[0].What != "oil" || rs[0].Figure != 61.5 || rs[0].Unit != "%" || rs[2].State != bot.Unknown || rs[2].What != "lamp probe" {
			t.Errorf("%+v", rs)
		}
		// One that JSON could not tell would take the others with it.
		if rs[1].Figure != 0 || rs[1].Unit != "" {
			t.Errorf("%+v", rs[1])
		}
	})
}

// A probe that is deaf to its context costs its own line, and is not asked again
// beside itself.
func TestReadingsOfADeafProbe(t *testing.T) {
	var asked atomic.Int32
	played(t, func(w *world) *world {
		w.probes = []bot.Probe{
			fakeProbe{func() []bot.Reading { asked.Add(1); time.Sleep(time.Hour); return nil }},
			fakeProbe{func() []bot.Reading { return []bot.Reading{{What: "oil", State: bot.OK}} }},
		}
		return w
	}, func(w *world) {
		asked1 := time.Now().UTC()
		for i := range 6 {
			began := time.Now()
			rs, err := w.core.Readings(ctx, Bot(), api.Nothing{})
			w.ok(err)
			want, took := "no answer within 8 s", 8500*time.Millisecond
			if i > 0 {
				want, took = "still asked since "+asked1.Format("15:04 UTC")+", without an answer", 0
			}
			if len(rs) != 2 || rs[0].Note != want || rs[0].State != bot.Unknown || rs[1].What != "oil" || time.Since(began) != took {
				t.Errorf("%d: %+v after %s", i, rs, time.Since(began))
			}
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(2 * time.Hour)
	})
}

// Each journal has the head of the other, so that neither can be cut off unseen.
func TestHeads(t *testing.T) {
	played(t, plain, func(w *world) {
		head := func(seq int64, hash string) {
			t.Helper()
			h, err := w.core.Heads(ctx, Bot(), api.Heads{Head: journal.Head{Seq: seq, Hash: strings.Repeat(hash, 64)}})
			w.ok(err)
			if h != w.journal.Head() {
				t.Errorf("%v, and the journal ends with %v", h, w.journal.Head())
			}
		}
		head(1, "a")
		head(1, "a")
		head(2, "b") // within the minute
		if n := len(w.entries(journal.KindHead)); n != 1 {
			t.Errorf("%d heads", n)
		}
		time.Sleep(time.Minute)
		head(3, "c")
		w.stop()
		w.run()
		head(2, "b") // gone back, which does not wait
		if heads, notes := w.entries(journal.KindHead), w.entries(journal.KindNote); len(heads) != 3 || len(notes) != 1 || !strings.Contains(notes[0].Text, "went back") {
			t.Errorf("%+v %+v", heads, notes)
		}
		_, err := w.core.Heads(ctx, Root(), api.Heads{})
		refuses(t, err, bot.CodeForbidden, "not for root")
	})
}

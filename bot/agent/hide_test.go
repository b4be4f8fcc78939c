package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
)

// What the agent answers holds no secrets, whoever asks: texts in looks however deep,
// readings, and why something cannot be done. All else stays as it was.
func TestAnswersAreRedacted(t *testing.T) {
	type line struct {
		Text string
		N    int64
		At   time.Time
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tooSlow := context.CancelFunc(func() {})
	played(t, func(w *world) *world {
		w.redact = func(s string) string {
			if s == "slow" {
				tooSlow()
			}
			return strings.ReplaceAll(s, "hunter2", "[hidden]")
		}
		w.looks = []bot.Look{
			{Name: "logs", Run: func(context.Context, bot.Arguments) (any, error) {
				return struct {
					Unit  string
					Lines []line
					By    map[string]any
				}{"nginx", []line{{"token hunter2 <b>", 1<<62 + 1, at}}, map[string]any{"hunter2's": []string{"hunter2"}, "none": nil}}, nil
			}},
			{Name: "fails", Run: func(context.Context, bot.Arguments) (any, error) {
				return nil, bot.Errorf(bot.CodeConflict, "It said hunter2.")
			}},
			{Name: "slow", Run: func(context.Context, bot.Arguments) (any, error) { return []string{"slow", "hunter2"}, nil }},
		}
		w.probes = []bot.Probe{fakeProbe{func() []bot.Reading {
			return []bot.Reading{{What: "lamp", Value: "hunter2", Note: "hunter2", Source: "x", At: at, State: bot.NotOK}}
		}}}
		w.lamp.plan = func() error { return bot.Errorf(bot.CodeForbidden, "No: hunter2.") }
		return w
	}, func(w *world) {
		got, err := w.core.Look(ctx, Bot(), api.Look{Name: "logs"})
		w.ok(err)
		want := `{"By":{"hunter2's":["[hidden]"],"none":null},"Lines":[{"At":"2026-01-02T03:04:05Z","N":4611686018427387905,"Text":"token [hidden] \u003cb\u003e"}],"Unit":"nginx"}`
		if string(got) != want {
			t.Errorf("%s", got)
		}
		_, err = w.core.Look(ctx, Bot(), api.Look{Name: "fails"})
		refuses(t, err, bot.CodeConflict, "It said [hidden].")
		rs, err := w.core.Readings(ctx, Bot(), api.Nothing{})
		if err != nil || fmt.Sprintf("%+v", rs[0]) != fmt.Sprintf("%+v", bot.Reading{Host: "vulcan", What: "lamp", Value: "[hidden]", Note: "[hidden]", Source: "x", At: at, State: bot.NotOK}) {
			t.Errorf("%+v, %v", rs, err)
		}
		_, err = w.core.Propose(ctx, Bot(), w.ask("on"))
		refuses(t, err, bot.CodeForbidden, "No: [hidden].")

		// What could not be searched whole is not told.
		slow, cancel := context.WithCancel(ctx)
		tooSlow = cancel
		_, err = w.core.Look(slow, Bot(), api.Look{Name: "slow"})
		refuses(t, err, bot.CodeUnavailable, "could not be searched for secrets in time")
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

package flow

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// newFlow is a flow with a state of its own, whose events come from the test
// alone; nothing is delivered.
func newFlow(t *testing.T) (f *Flow, take func(bot.Event)) {
	t.Helper()
	return newFlowAt(t, filepath.Join(t.TempDir(), "s.db"))
}

// newFlowAt keeps its state in a file.
func newFlowAt(t *testing.T, path string) (f *Flow, take func(bot.Event)) {
	t.Helper()
	return newFlowOn(t, path, store.Options{})
}

// newFlowWith is newFlow on a state with these options.
func newFlowWith(t *testing.T, o store.Options) (f *Flow, take func(bot.Event)) {
	t.Helper()
	return newFlowOn(t, filepath.Join(t.TempDir(), "s.db"), o)
}

func newFlowOn(t *testing.T, path string, o store.Options) (f *Flow, take func(bot.Event)) {
	t.Helper()
	o.Unsafe, o.Redact = true, func(s string) string { return s }
	st, err := store.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	f = New(Options{Store: st, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), IDs: bot.RandomIDs, Redact: func(s string) string { return s }, Settings: &Settings{
		Zone: time.UTC, Rooms: map[bot.RoomID]Room{"ops": {}}, Endpoints: map[string]string{"e": "main"}, Alertmanagers: []string{"main"}, NoticesRoom: "ops",
		Route:        func(bot.Labels) []Route { return []Route{{As: AsThread, Rooms: []bot.RoomID{"ops"}}} },
		Host:         func(bot.Labels) string { return "" },
		Quiet:        func(time.Time, bot.Severity) time.Time { return time.Time{} },
		NextDigest:   func(t time.Time) time.Time { return t.Add(24 * time.Hour) },
		RebootGrace:  func(string) time.Duration { return 0 },
		ReopenWithin: time.Hour, AdoptAfter: time.Minute,
	}})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f.take(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, func(e bot.Event) {
		t.Helper()
		if err := f.Take(ctx, bot.Batch{Source: "test", Events: []bot.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
}

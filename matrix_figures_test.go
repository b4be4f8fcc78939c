package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/integrations/matrix"
)

// What a Matrix chat did not hear is among the figures, and the manual names them
// all.
func TestMatrixFigures(t *testing.T) {
	heard := make(chan struct{}) // closed when all that is said was counted
	said := make(chan string, 3)
	for _, s := range []string{
		`{"next_batch":"1"}`,
		`{"next_batch":"2","rooms":{"join":{"!other:x":{"timeline":{"events":[{},{}]}}}}}`,
		`{"next_batch":"3","rooms":{"join":{"!ops:x":{"timeline":{"events":[{"type":"m.room.encrypted"}]}}}}}`,
	} {
		said <- s
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/whoami"):
			_, _ = io.WriteString(w, `{"user_id":"@ws:x"}`)
		case strings.HasSuffix(r.URL.Path, "/joined_rooms"):
			_, _ = io.WriteString(w, `{"joined_rooms":["!ops:x"]}`)
		case !strings.HasSuffix(r.URL.Path, "/sync"):
			http.NotFound(w, r)
		default:
			select {
			case s := <-said:
				_, _ = io.WriteString(w, s)
			default:
				close(heard)
				<-r.Context().Done()
			}
		}
	}))
	defer server.Close()
	chat, err := matrix.New(matrix.Options{Chat: "m", Homeserver: server.URL, User: "@ws:x", Token: "secret", Rooms: map[bot.RoomID]string{"ops": "!ops:x"}})
	if err != nil {
		t.Fatal(err)
	}
	defer chat.Close()
	registry := prometheus.NewRegistry()
	registerMatrix(registry, "m", chat)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- chat.Run(ctx, nobody{}) }()
	select {
	case <-heard:
		stop()
	case <-ctx.Done():
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}

	w := httptest.NewRecorder()
	front(t, slog.New(slog.DiscardHandler), registry).Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	manual, err := os.ReadFile("docs/manual.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"foreign_events": 2, "undecodable_events": 1, "rejected_invitations": 0,
		"timeline_gaps": 0, "timeline_gaps_lost": 0, "failed_syncs": 0} {
		if line := fmt.Sprintf("watchstander_matrix_%s_total{chat=\"m\"} %d\n", name, want); !strings.Contains(w.Body.String(), line) {
			t.Errorf("no %q in\n%s", line, w.Body)
		}
		if !strings.Contains(string(manual), "`"+name+"`") {
			t.Errorf("the manual does not tell of %s", name)
		}
	}
}

// A line of the log names its chat, or its Alertmanager, once.
func TestTheLogNamesEachPartOnce(t *testing.T) {
	answers := make(chan string, 2)
	answers <- "the proxy says no"
	answers <- `{"errcode":"M_UNKNOWN_TOKEN"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, <-answers, http.StatusUnauthorized)
	}))
	defer server.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("0123456789abcdef"), 0o400); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `
version: 1
state: {path: %q}
chats: [{name: m, matrix: {homeserver: %q, user: "@ws:x", token_file: token}}]
rooms: [{name: ops, chat: m, id: "!ops:x"}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}]
routes: [{rooms: [ops]}]
`, filepath.Join(dir, "state.db"), server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, config.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	h, err := build(ctx, c, slog.New(slog.NewTextHandler(&log, nil)), stage{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	h.ams["main"].Poll(ctx, 0)
	if n := strings.Count(log.String(), " alertmanager=main"); n != 1 {
		t.Errorf("%d times in %s", n, log.String())
	}
	log.Reset()
	if err := h.chats["m"].Run(ctx, nobody{}); err == nil {
		t.Error("the token was revoked, and it listens")
	}
	if n := strings.Count(log.String(), " chat=m"); n != 1 {
		t.Errorf("%d times in %s", n, log.String())
	}
}

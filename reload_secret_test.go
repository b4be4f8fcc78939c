package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A webhook's secret that was rotated counts from the next reload on, the old one
// does no longer, and neither is said.
func TestReloadTakesARotatedSecret(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file, secret := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "token")
	rotate := func(value string) {
		t.Helper()
		if err := os.WriteFile(secret, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const first, second = "first-0123456789abcdef", "second-0123456789abcdef"
	rotate(first)
	if err := os.WriteFile(file, fmt.Appendf(nil, `
version: 1
state: {path: %q}
listen: 127.0.0.1:0
chats: [{name: console, console: {socket: %q}}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}]
webhooks: [{name: main, alertmanager: main, bearer_token_file: token}]
routes: [{rooms: [console]}]
`, filepath.Join(dir, "state.db"), filepath.Join(dir, "s")), 0o600); err != nil {
		t.Fatal(err)
	}
	h, stop := runHouse(t, file)
	defer stop()
	ctx := h.ctx

	// The sender is known when it is told what is wrong with its body.
	known := func(token string) bool {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/webhook/main", strings.NewReader("{"))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.handlers[0].ServeHTTP(w, r)
		return w.Code == http.StatusBadRequest
	}
	if !known(first) || known(second) {
		t.Error("before it was rotated")
	}
	rotate(second)
	changed, err := h.takeUp(file, new(slog.LevelVar))
	if err != nil || changed != "the secret of webhooks[0].bearer_token_file" {
		t.Errorf("%q, %v", changed, err)
	}
	if known(first) || !known(second) {
		t.Error("after it was rotated")
	}
	if said := h.redactor.redact("it is " + second); strings.Contains(said, second) {
		t.Errorf("said is %q", said)
	}
	if changed, err := h.takeUp(file, new(slog.LevelVar)); err != nil || changed != "" {
		t.Errorf("again: %q, %v", changed, err)
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/integrations/console"
)

// A reload reaches the console and the probes: who was removed is sent away and
// gets no further, and times are told in the new zone.
func TestReloadReachesTheConsole(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file, socket := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "s")
	write := func(zone string, uid int) {
		t.Helper()
		text := fmt.Sprintf(`
version: 1
zone: %s
state: {path: %q}
listen: 127.0.0.1:0
hosts:
  - {name: vulcan, match: ['instance="vulcan"'], local: true}
chats:
  - {name: console, console: {socket: %q}}
people:
  - {name: rooty, roles: [operator], uid: [%d]}
alertmanagers:
  - {name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}
routes:
  - {rooms: [console]}
`, zone, filepath.Join(dir, "state.db"), socket, uid)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Europe/Berlin", os.Getuid())
	h, stop := runHouse(t, file)
	defer stop()
	ctx := h.ctx

	in, typed := io.Pipe()
	shown := &screen{to: io.Discard, changed: make(chan struct{}, 1)}
	left := make(chan error, 1)
	go func() { left <- console.Local(ctx, h.consoles[0], demoUser(), in, shown, console.ClientOptions{}) }()
	wait, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	ask := func(want string) {
		t.Helper()
		from := shown.len()
		fmt.Fprintln(typed, "status")
		if err := shown.await(wait, from, want); err != nil {
			t.Error(err)
		}
	}
	ask(`since .* CES?T`)
	write("Asia/Tokyo", os.Getuid())
	h.reload(t.Context(), file, new(slog.LevelVar))
	ask(`since .* JST`)
	write("Asia/Tokyo", os.Getuid()+1)
	h.reload(t.Context(), file, new(slog.LevelVar))
	fmt.Fprintln(typed) // whoever was sent away may not even read on
	for _, attach := range []func() error{
		func() error { return <-left },
		func() error {
			return console.Attach(ctx, socket, strings.NewReader(""), io.Discard, console.ClientOptions{})
		},
	} {
		if err := attach(); err == nil || !strings.Contains(bot.ForPeople(err), "does not know") {
			t.Errorf("who was removed is told %v", err)
		}
	}
	typed.Close()
}

package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot/config"
)

// TestReloadRefused: systemd and people hear that a new file does not count, and
// when one does again.
func TestReloadRefused(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "notify"))
	heard := func() string {
		t.Helper()
		if err := systemd.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		n, err := systemd.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}

	file := filepath.Join(dir, "config.yaml")
	write := func(zone, listen, room string) {
		t.Helper()
		text := fmt.Sprintf(`
version: 1
zone: %s
state: {path: %q}
listen: %s
chats: [{name: console, console: {socket: %q}}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}]
routes: [{rooms: [%s]}]
`, zone, filepath.Join(dir, "state.db"), listen, filepath.Join(dir, "s"), room)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("UTC", "127.0.0.1:0", "console")
	c, err := config.Load(file, config.Options{Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	h, err := build(t.Context(), c, slog.New(slog.DiscardHandler), stage{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()

	for _, x := range []struct{ name, zone, listen, room, failure string }{
		{"a fault", "UTC", "127.0.0.1:0", "consol", "config.yaml has 1 fault, as `watchstander check` tells: config.yaml:8:19: routes[0].rooms[0]: there is no room \"consol\", did you mean \"console\"?"},
		{"needs a restart", "Asia/Tokyo", "127.0.0.1:1", "console", "it has changes that need a restart, and nothing of it counts before: listen."},
		{"as before", "UTC", "127.0.0.1:0", "console", ""},
		{"taken", "Asia/Tokyo", "127.0.0.1:0", "console", ""},
	} {
		write(x.zone, x.listen, x.room)
		e := h.hangup(file, new(slog.LevelVar))
		if e.Failure != x.failure {
			t.Errorf("%s: people are told %q, want %q", x.name, e.Failure, x.failure)
		}
		if began := heard(); !strings.HasPrefix(began, "RELOADING=1\nMONOTONIC_USEC=") {
			t.Errorf("%s: systemd hears %q first", x.name, began)
		}
		want := "READY=1\nSTATUS="
		if x.failure != "" {
			want += "The configuration was not taken: " + x.failure
		}
		if got := heard(); got != want {
			t.Errorf("%s: systemd hears %q, want %q", x.name, got, want)
		}
		if tokyo := h.zone().String() == "Asia/Tokyo"; tokyo != (x.name == "taken") {
			t.Errorf("%s: the zone in force is %s", x.name, h.zone())
		}
	}
}

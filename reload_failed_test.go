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

	"watchstander/bot/store"
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
	h, stop := runHouse(t, file)
	defer stop()
	ctx := h.ctx
	// told is the open notice about the reload, "" when there is none.
	told := func() (text string) {
		t.Helper()
		err := h.store.View(ctx, func(tx *store.Tx) error {
			th, ok, err := tx.LatestThread("notice:" + aboutReload)
			if ok && th.Open() {
				text = th.State.Notice.Text
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	const old = "The configuration was not taken up, and the old one stays in force: "
	for _, x := range []struct{ name, zone, listen, room, notice, status string }{
		{"a fault", "UTC", "127.0.0.1:0", "consol",
			"The old one stays in force. The file has 1 fault; run \"watchstander check\" to see what and where.",
			old + "The file has 1 fault; run \"watchstander check\" to see what and where (" + file + `:8:19: routes[0].rooms[0]: there is no room "consol", did you mean "console"?)`},
		{"needs a restart", "Asia/Tokyo", "127.0.0.1:1", "console",
			"The old one stays in force. These changes need a restart, and nothing counts before it: listen.",
			old + "These changes need a restart, and nothing counts before it: listen."},
		{"as before", "UTC", "127.0.0.1:0", "console", "", ""},
		{"a fault again", "UTC", "127.0.0.1:0", "consol", "The old one stays in force. The file has 1 fault; run \"watchstander check\" to see what and where.", old},
		{"taken", "Asia/Tokyo", "127.0.0.1:0", "console", "", ""},
	} {
		write(x.zone, x.listen, x.room)
		h.reload(ctx, file, new(slog.LevelVar))
		if got := told(); got != x.notice {
			t.Errorf("%s: people are told %q, want %q", x.name, got, x.notice)
		}
		if got := heard(); !strings.HasPrefix(got, "STATUS="+x.status) || x.status == "" && got != "STATUS=" {
			t.Errorf("%s: systemd hears %q, want %q", x.name, got, x.status)
		}
		if tokyo := h.zone().String() == "Asia/Tokyo"; tokyo != (x.name == "taken") {
			t.Errorf("%s: the zone in force is %s", x.name, h.zone())
		}
	}
}

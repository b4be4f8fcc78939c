package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

// checked runs check over a configuration, and gives what it says and its exit
// code.
func checked(t *testing.T, text string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	for name, content := range map[string]string{"config.yaml": text, "token": "a-token\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said strings.Builder
	err := check(t.Context(), file, "", nil, &said)
	code, ok := errors.AsType[exitCode](err)
	if err != nil && !ok {
		t.Fatal(err)
	}
	return said.String(), int(code)
}

func mustSay(t *testing.T, said string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(said, l) {
			t.Errorf("%q is missing in\n%s", l, said)
		}
	}
}

// TestCheckNothingAnswers: whatever cannot be reached is wrong, whatever was not
// looked at is named, and the exit code says so.
func TestCheckNothingAnswers(t *testing.T) {
	dir := t.TempDir()
	said, code := checked(t, fmt.Sprintf(`
version: 1
state: {path: %q}
listen: 127.0.0.1:0
hosts: [{name: vulcan, local: true, match: ['instance="vulcan"'], certificates: [{address: "127.0.0.1:1"}, {file: /nonexistent/cert.pem}]}]
chats:
  - name: matrix
    matrix: {homeserver: "http://127.0.0.1:1", user: "@bot:x.org", token_file: token}
  - {name: console, console: {socket: %q}}
rooms: [{name: ops, chat: matrix, id: "!a:x.org"}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}]
prometheus: {url: "http://127.0.0.1:1"}
routes: [{rooms: [ops]}]
`, filepath.Join(dir, "state.db"), filepath.Join(dir, "s")))
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	mustSay(t, said,
		"ok      state: "+dir+"/state.db (will be made at the first start)\n",
		"ok      webhooks' address: 127.0.0.1:0 (free)\n",
		"wrong   matrix homeserver: no answer (dial tcp 127.0.0.1:1: connect: connection refused; look whether it runs,",
		"unknown matrix account: not asked (the homeserver gave no answer)\n",
		"unknown matrix room \"ops\": not asked (",
		"unknown matrix room \"ops\": encryption and power: not asked (",
		"ok      chat console: "+dir+"/s (will be made at the start)\n",
		"wrong   alertmanager main, 127.0.0.1:1: no answer (",
		"wrong   prometheus: no answer (",
		"unknown certificate of 127.0.0.1:1: no value (nobody listens there)\n",
		"unknown certificate /nonexistent/cert.pem: no value (/nonexistent/cert.pem does not exist)\n",
		" 4 wrong, 5 unknown; ")
	for line := range strings.Lines(said) {
		if strings.Contains(line, ":  (") {
			t.Errorf("no value: %s", line)
		}
	}
}

// TestCheckFaultsAndWarnings: warnings are told beside faults, and one fault is
// one fault.
func TestCheckFaultsAndWarnings(t *testing.T) {
	said, code := checked(t, `
version: 1
chats: [{name: console, console: {}}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}]
routes: [{rooms: [opps]}]
`)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	mustSay(t, said, "warning ", "nobody is an operator", "fault   ", `there is no room "opps"`, "\n1 fault, ", "; what is outside was not asked.\n")
}

// TestWebhookNames: what the configuration takes as a webhook's name, serve takes
// too, and the other way round, so that check and serve agree.
func TestWebhookNames(t *testing.T) {
	for _, name := range []string{"main", "a", "0", "main_x-2", strings.Repeat("a", 64), "Main", "main.x", "-x", "_x", "..", "a/b", "ä", "a b"} {
		_, err := config.Parse(fmt.Appendf(nil, `
version: 1
chats: [{name: console, console: {}}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}]
webhooks: [{name: %q, alertmanager: main, bearer_token_file: token}]
routes: [{rooms: [console]}]
`, name), config.Options{})
		_, herr := alertmanager.NewHandler(alertmanager.HandlerOptions{Endpoint: name, Credentials: []alertmanager.Credential{alertmanager.Bearer("a-token")},
			Sink: nowhere{}, Log: slog.New(slog.DiscardHandler)})
		if (err == nil) != (herr == nil) {
			t.Errorf("%q: the configuration says %v, the endpoint %v", name, err, herr)
		}
	}
}

type nowhere struct{}

func (nowhere) Take(context.Context, bot.Batch) error { return nil }

// TestCheckHeartbeat: Alertmanager's route of what the bot waits for is looked at, and one
// Alertmanager that has it is enough.
func TestCheckHeartbeat(t *testing.T) {
	serve := func(routes ...alertmanagertest.Route) (*alertmanagertest.Alertmanager, string) {
		am := alertmanagertest.New(alertmanagertest.Options{Routes: routes, Receivers: []alertmanagertest.Receiver{{Name: "bot"}}})
		server := httptest.NewServer(am)
		t.Cleanup(server.Close)
		return am, server.URL
	}
	usual, first := serve()
	_, second := serve()
	dir := t.TempDir()
	say := func() string {
		t.Helper()
		said, _ := checked(t, fmt.Sprintf(`
version: 1
state: {path: %q}
listen: 127.0.0.1:0
chats: [{name: console, console: {socket: %q}}]
alertmanagers:
  - {name: first, urls: [%q], receivers: [bot]}
  - {name: second, urls: [%q], receivers: [bot]}
routes:
  - {match: ['alertname="Never"', 'job="x"'], rooms: [console]}
  - {match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 10m, rooms: [console]}
  - {rooms: [console]}
`, filepath.Join(dir, "state.db"), filepath.Join(dir, "s"), first, second))
		return said
	}
	// Both have just started.
	mustSay(t, say(), `unknown alertmanager first: heartbeat {alertname="Watchdog"}: not there (`, `unknown alertmanager second: heartbeat {alertname="Watchdog"}: not there (`)
	usual.Fire(bot.Labels{"alertname": "Watchdog"})
	mustSay(t, say(), `wrong   alertmanager first: heartbeat {alertname="Watchdog"}: told every 4 h to 4 h 5 min (after 10 min it counts as missing: give it a route`)
	usual.EditRoutes(func(routes []alertmanagertest.Route) []alertmanagertest.Route {
		routes[0].GroupInterval, routes[0].RepeatInterval = time.Minute, 50*time.Second
		return routes
	})
	mustSay(t, say(), `ok      alertmanager first: heartbeat {alertname="Watchdog"}: told about every 1 min (missing after 10 min)`)
}

func TestCheckListen(t *testing.T) {
	bots := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") }))
	defer bots.Close()
	others := httptest.NewServer(http.NotFoundHandler())
	defer others.Close()
	for address, want := range map[string]bot.ReadingState{
		"127.0.0.1:0":                   bot.OK,
		bots.Listener.Addr().String():   bot.OK,
		others.Listener.Addr().String(): bot.NotOK,
		"192.0.2.1:9097":                bot.NotOK, // no interface has it
	} {
		if r := checkListen(t.Context(), "address", address); r.State != want || r.Value != address {
			t.Errorf("%s: %+v", address, r)
		}
	}
}

func TestCheckConsole(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	l, err := net.Listen("unix", open)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	left := filepath.Join(dir, "left")
	killed, err := net.Listen("unix", left)
	if err != nil {
		t.Fatal(err)
	}
	killed.(*net.UnixListener).SetUnlinkOnClose(false)
	killed.Close()
	for _, c := range []struct {
		path  string
		state bot.ReadingState
		note  string
	}{
		{filepath.Join(dir, "new", "socket"), bot.OK, "will be made"},
		{open, bot.OK, "in use"},
		{left, bot.OK, "left behind"},
		{file, bot.NotOK, "is no socket"},
		{filepath.Join(file, "socket"), bot.NotOK, "not a directory"},
	} {
		if r := checkConsole(t.Context(), "console", c.path); r.State != c.state || !strings.Contains(r.Note, c.note) {
			t.Errorf("%s: %+v", c.path, r)
		}
	}
}

func TestCheckState(t *testing.T) {
	dir := t.TempDir()
	odd := filepath.Join(dir, "odd.db")
	if err := os.WriteFile(odd, []byte("nothing of ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	said, code := checked(t, fmt.Sprintf(`
version: 1
state: {path: %q}
listen: 127.0.0.1:0
chats: [{name: console, console: {socket: %q}}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}]
routes: [{rooms: [console]}]
`, odd, filepath.Join(dir, "s")))
	mustSay(t, said, "wrong   state: "+odd+" (")
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
}

package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// whole is the real binary between a real homeserver and real Alertmanagers, as
// an operator runs it.
type whole struct {
	*real.Process
	url   string
	dir   string
	room  string
	hs    *real.Homeserver
	bot   *real.User
	alice *real.User
	token string
	state string
	pace  string
}

// binary is built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "watchstander-test")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "watchstander")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if os.Getenv(confinedEnv) != "" {
		if err := confined(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	beside := flag.Lookup("test.parallel").Value
	if os.Getenv(requireReal) != "1" && beside.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		// Those that run beside others mostly wait.
		if err := beside.Set("6"); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // left for the system to tidy when it fails
	}
	os.Exit(code)
}

// room makes a homeserver with a room that alice has invited the bot to.
func newWhole(t *testing.T) *whole {
	t.Helper()
	hs := real.StartHomeserver(t, real.HomeserverOptions{})
	w := &whole{hs: hs, dir: t.TempDir(), bot: hs.NewUser(t, "watchstander"), alice: hs.NewUser(t, "alice"), token: rand.Text(), pace: "per_second: 50, burst: 50"}
	w.room = w.alice.CreateRoom(t, real.RoomOptions{Name: "ops", Invite: []*real.User{w.bot}})
	w.url = "http://" + real.FreeAddr(t)
	w.state = filepath.Join(w.dir, "state.db")
	return w
}

// write puts a file that only the bot may read into its folder.
func (w *whole) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs `watchstander serve` against the homeserver at the address, which
// may be a proxy's.
func (w *whole) start(t *testing.T, homeserver, more string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "matrix-token", w.bot.Token+"\n")
	w.write(t, "webhook-token", w.token+"\n")
	w.write(t, "config.yaml", fmt.Sprintf(`
version: 1
zone: Europe/Berlin
state: {path: %q}
listen: %s
chats:
  - name: matrix
    matrix: {homeserver: %q, user: %q, token_file: matrix-token, pace: {%s}}
  - {name: console, console: {socket: %q}}
rooms:
  - {name: ops, chat: matrix, id: %q}
people:
  - {name: alice, roles: [operator], matrix: [%q], uid: [%d]}
webhooks:
  - {name: main, alertmanager: main, bearer_token_file: webhook-token}
%s
`, w.state, strings.TrimPrefix(w.url, "http://"), homeserver, w.bot.ID, w.pace, filepath.Join(w.dir, "console.sock"), w.room, w.alice.ID, os.Getuid(), more))
	w.Process = real.StartProcess(t, real.Command{Name: "watchstander", Path: path, Args: []string{"serve", "--config", filepath.Join(w.dir, "config.yaml")},
		Ready: func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/readyz", nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("/readyz answers %d", resp.StatusCode)
			}
			return nil
		}})
}

// seen is what alice sees of the bot in the room now.
func (w *whole) seen(t *testing.T) []real.Seen {
	t.Helper()
	var out []real.Seen
	for _, s := range real.See(w.alice.Messages(t, w.room)) {
		if s.Sender == w.bot.ID && !s.Redacted {
			out = append(out, s)
		}
	}
	return out
}

// await waits for a message of the bot that holds all of the texts; root is the
// thread it must stand in, "" for the room itself.
func (w *whole) await(t *testing.T, within time.Duration, root string, texts ...string) real.Seen {
	t.Helper()
	var found real.Seen
	real.Eventually(t, within, fmt.Sprintf("a message with %q", texts), func() error {
		all := w.seen(t)
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].Thread == root && holdsAll(all[i].Body, texts) {
				found = all[i]
				return nil
			}
		}
		var bodies []string
		for _, s := range all {
			bodies = append(bodies, s.Body)
		}
		return fmt.Errorf("the room shows:\n%s", strings.Join(bodies, "\n---\n"))
	})
	return found
}

func holdsAll(body string, texts []string) bool {
	for _, x := range texts {
		if !strings.Contains(body, x) {
			return false
		}
	}
	return true
}

const realRules = `
groups:
  - name: test
    interval: 1s
    rules:
      - alert: HighLoad
        expr: test_load > 5
        labels: {severity: critical}
        annotations: {summary: "Load is {{ $value }}", runbook_url: "https://runbooks.example.org/HighLoad"}
      - alert: Watchdog
        expr: vector(1)
        labels: {severity: none}
`

func realAlertmanagerConfig(url, token string) string {
	return fmt.Sprintf(`
route:
  receiver: watchstander
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1m
receivers:
  - name: watchstander
    webhook_configs:
      - url: %s/webhook/main
        send_resolved: true
        http_config: {authorization: {type: Bearer, credentials: %s}}
`, url, token)
}

// TestWholeWithRealParts follows an alert from Prometheus' rule through a pair of
// real Alertmanagers and the real binary into a room of a real homeserver, and
// what people do there back to Alertmanager.
func TestWholeWithRealParts(t *testing.T) {
	besides(t)
	w := newWhole(t)
	ams := real.StartAlertmanagers(t, 2, real.AlertmanagerOptions{Config: realAlertmanagerConfig(w.url, w.token), Args: []string{"--cluster.peer-timeout=1s"}})
	prom := real.StartPrometheus(t, real.PrometheusOptions{Rules: realRules, Alertmanagers: ams})
	prom.Metrics.Set("test_load", 1)
	w.start(t, w.hs.URL, fmt.Sprintf(`
alertmanagers:
  - {name: main, urls: [%q, %q], receivers: [watchstander], poll: 1s}
prometheus: {url: %q, graph: 10m}
routes:
  - {match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 5m, rooms: [ops]}
  - {rooms: [ops]}
`, ams[0].URL, ams[1].URL, prom.URL))

	t.Log("an alert fires, and is one thread with a picture")
	prom.Metrics.Set("test_load", 9)
	root := w.await(t, time.Minute, "", "CRITICAL", "HighLoad", "Load is 9", "runbooks.example.org")
	if root.Type != "m.text" {
		t.Errorf("a critical root is %s, which rings nobody's phone", root.Type)
	}
	real.Eventually(t, time.Minute, "a picture in the thread", func() error {
		for _, s := range w.seen(t) {
			if s.Thread == root.ID && s.Type == "m.image" {
				return nil
			}
		}
		return fmt.Errorf("there is none")
	})

	t.Log("the reactions that count are offered under it")
	real.Eventually(t, time.Minute, "the bot's own reactions", func() error {
		for _, s := range w.seen(t) {
			if s.ID != root.ID {
				continue
			}
			for _, emoji := range []string{"✅", "🔕", "📈"} {
				if !slices.Contains(s.Reactions[emoji], w.bot.ID) {
					return fmt.Errorf("the root has %v", s.Reactions)
				}
			}
			return nil
		}
		return fmt.Errorf("there is no root")
	})

	t.Log("alice acks by a reaction, and takes it back")
	press := w.alice.React(t, w.room, root.ID, "✅")
	w.await(t, time.Minute, "", "ACKED", "alice")
	w.await(t, time.Minute, root.ID, "Acked by alice")
	w.alice.Redact(t, w.room, press, "changed my mind")
	w.await(t, time.Minute, root.ID, "Ack taken back by alice")

	t.Log("alice silences it in the thread; Alertmanager has the silence in her name")
	w.alice.Reply(t, w.room, root.ID, "silence 2h the fan is being replaced")
	w.await(t, time.Minute, "", "SILENCED", "HighLoad", "alice")
	var id string
	for _, s := range ams[1].Silences(t) {
		if s.Status.State == "active" {
			if id != "" {
				t.Error("there are two silences")
			}
			id = s.ID
			if s.CreatedBy != "alice" || !strings.Contains(s.Comment, "the fan is being replaced") {
				t.Errorf("the silence is by %q: %q", s.CreatedBy, s.Comment)
			}
		}
	}
	if id == "" {
		t.Fatal("the second peer has no active silence")
	}

	t.Log("somebody ends the silence elsewhere; the thread notices")
	ams[0].Expire(t, id)
	w.await(t, time.Minute, "", "CRITICAL", "HighLoad")
	w.await(t, time.Minute, root.ID, "no longer held back")

	t.Log("it ends, and the same root says so")
	prom.Metrics.Set("test_load", 1)
	last := w.await(t, 2*time.Minute, "", "RESOLVED", "HighLoad")
	if last.ID != root.ID {
		t.Error("the end stands in another message")
	}

	t.Log("a command outside any thread is answered")
	w.alice.Say(t, w.room, "status")
	w.await(t, time.Minute, "", "alertmanager main")

	w.Stop(t)
	roots := 0
	t.Logf("the room at the end:\n%s", transcript(w.seen(t)))
	for _, s := range w.seen(t) {
		if s.Thread == "" && strings.Contains(s.Body, "HighLoad") && strings.Contains(s.Body, "Since") || strings.Contains(s.Body, "Resolved:") {
			roots++
		}
	}
	if roots != 1 {
		t.Errorf("the alert has %d roots", roots)
	}
	for _, s := range w.seen(t) {
		if strings.Contains(s.Body, "made encrypted") || strings.Contains(s.Body, "was replaced") {
			t.Errorf("the room is well, and the bot says %s", s.Body)
		}
	}
}

// transcript is a room as its people read it, threads indented.
func transcript(all []real.Seen) string {
	var b strings.Builder
	for _, s := range all {
		indent := ""
		if s.Thread != "" {
			indent = "    "
		}
		for line := range strings.SplitSeq(s.Body, "\n") {
			b.WriteString(indent + line + "\n")
		}
	}
	return b.String()
}

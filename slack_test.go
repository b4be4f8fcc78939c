package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/integrations/matrix"
)

const (
	slackBotToken = "xoxb-" + "house-secret"
	slackAppToken = "xapp-" + "house-secret"
	slackSigning  = "0123456789abcdef" + "0123456789abcdef"
)

// slackAnswers is a Slack that knows one channel, and tells what is posted there.
type slackAnswers struct {
	*httptest.Server
	posted chan url.Values
}

func newSlackAnswers(t *testing.T) *slackAnswers {
	s := &slackAnswers{posted: make(chan url.Values, 100)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		w.Header().Set("Content-Type", "application/json")
		if shown := r.Header.Get("Authorization") + form.Get("token"); !strings.Contains(shown, slackBotToken) && !strings.Contains(shown, slackAppToken) {
			fmt.Fprint(w, `{"ok":false,"error":"invalid_auth"}`)
			return
		}
		switch method := strings.TrimPrefix(r.URL.Path, "/"); method {
		case "auth.test":
			w.Header().Set("X-OAuth-Scopes", "chat:write")
			fmt.Fprint(w, `{"ok":true,"team":"Acme","user":"watchstander","team_id":"T024BE7LD","user_id":"U0WATCH","bot_id":"B0WATCH"}`)
		case "conversations.info":
			fmt.Fprintf(w, `{"ok":true,"channel":{"id":%q,"name":"ops","is_member":true}}`, form.Get("channel"))
		case "conversations.history":
			fmt.Fprint(w, `{"ok":true,"messages":[]}`)
		case "apps.connections.open":
			fmt.Fprint(w, `{"ok":false,"error":"not_allowed_token_type"}`)
		case "chat.postEphemeral", "chat.postMessage":
			form.Set("method", method)
			s.posted <- form
			fmt.Fprintf(w, `{"ok":true,"channel":%q,"ts":"1732800000.000200","message_ts":"1732800000.000200","message":{"ts":"1732800000.000200"}}`, form.Get("channel"))
		default:
			fmt.Fprint(w, `{"ok":false,"error":"unknown_method"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// slackHouse writes a configuration with Slack over HTTP, and its secrets.
func slackHouse(t *testing.T, dir, http string) (file string) {
	t.Helper()
	for name, content := range map[string]string{"bot": slackBotToken, "app": slackAppToken, "signing": slackSigning, "config.yaml": fmt.Sprintf(`
version: 1
state: {path: %q}
listen: 127.0.0.1:0
chats: [{name: team, slack: {team: T024BE7LD, bot_token_file: bot, %s}}]
rooms: [{name: ops, chat: team, id: C024BE91L}]
people: [{name: alice, roles: [operator], slack: [T024BE7LD/U012AB3CD]}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x]}]
routes: [{rooms: [ops]}]
`, filepath.Join(dir, "state.db"), http)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "config.yaml")
}

// slackPost posts a request as Slack does, signed with a secret; 0 where nobody listens.
func slackPost(t *testing.T, address, secret string, form url.Values) int {
	t.Helper()
	body, at := form.Encode(), strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", at, body)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Slack-Request-Timestamp", at)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func slackGet(t *testing.T, address string) int {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestSlackCallsTheBot: a command arrives at the chat's path, at the webhooks' address
// or one of its own, and its answer is posted for the asker; who does not sign gets
// nowhere; and an address of its own serves nothing else.
func TestSlackCallsTheBot(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := free.Addr().String()
	free.Close()
	for name, http := range map[string]string{
		"at the webhooks' address": "http: {signing_secret_file: signing}",
		"at an address of its own": fmt.Sprintf("http: {listen: %q, signing_secret_file: signing}", own),
	} {
		t.Run(name, func(t *testing.T) {
			api := newSlackAnswers(t)
			file := slackHouse(t, t.TempDir(), http)
			h, stop := runHouseAt(t, file, stage{slackAPI: api.URL})
			defer stop()
			at, other := h.addr, ""
			if strings.Contains(http, "listen") {
				at, other = own, h.addr
			}
			// The chat is heard a moment after the address is listened on.
			command := url.Values{"command": {"/ws"}, "text": {"help"}, "team_id": {"T024BE7LD"}, "channel_id": {"C024BE91L"}, "user_id": {"U012AB3CD"}, "trigger_id": {"1.2.x"}}
			deadline := time.Now().Add(10 * time.Second)
			look := time.NewTicker(20 * time.Millisecond)
			defer look.Stop()
			for code := 0; code != 200; <-look.C {
				if code = slackPost(t, "http://"+at+"/slack/team", slackSigning, command); code != 200 && (code != 0 && code != 503 || time.Now().After(deadline)) {
					t.Fatalf("code %d", code)
				}
			}
			select {
			case p := <-api.posted:
				if p.Get("method") != "chat.postEphemeral" || p.Get("channel") != "C024BE91L" || p.Get("user") != "U012AB3CD" || !strings.Contains(p.Get("blocks")+p.Get("attachments"), "status") {
					t.Errorf("%v", p)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("no answer was posted")
			}
			if code := slackPost(t, "http://"+at+"/slack/team", "another-secret-0123", command); code != 401 {
				t.Errorf("a forged request: %d", code)
			}
			if code := slackPost(t, "http://"+at+"/slack/other", slackSigning, command); code != 404 {
				t.Errorf("another chat's path: %d", code)
			}
			if other == "" {
				if code := slackGet(t, "http://"+at+"/metrics"); code != 200 {
					t.Errorf("the figures: %d", code)
				}
				return
			}
			for path, want := range map[string]int{"/metrics": 404, "/readyz": 404, "/healthz": 200} {
				if code := slackGet(t, "http://"+own+path); code != want {
					t.Errorf("%s: %d", path, code)
				}
			}
			if code := slackPost(t, "http://"+other+"/slack/team", slackSigning, command); code != 404 {
				t.Errorf("at the webhooks' address, which is not the configured one: %d", code)
			}
			if said := h.redactor.redact("they are " + slackSigning + " and " + slackBotToken); strings.Contains(said, slackSigning) || strings.Contains(said, "house-secret") {
				t.Errorf("said is %q", said)
			}
		})
	}
}

// TestSlackAddressInUse: an address that is somebody else's ends the start, and says so.
func TestSlackAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c, err := config.Load(slackHouse(t, t.TempDir(), fmt.Sprintf("http: {listen: %q, signing_secret_file: signing}", taken.Addr())), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := build(t.Context(), c, slog.New(slog.DiscardHandler), stage{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.run(t.Context(), listener); err == nil || bot.ForPeople(err) != "The address "+taken.Addr().String()+" cannot be listened on." {
		t.Errorf("%v", err)
	}
	if _, err := listener.Accept(); err == nil {
		t.Error("the other address is still open")
	}
}

// TestSlackTokensAreKnown: the tokens of Socket Mode and the secret of HTTP are the
// bot's own secrets.
func TestSlackTokensAreKnown(t *testing.T) {
	for http, want := range map[string][]string{
		"app_token_file: app":                  {slackBotToken, slackAppToken},
		"http: {signing_secret_file: signing}": {slackBotToken, slackSigning},
	} {
		c, err := config.Load(slackHouse(t, t.TempDir(), http), config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		rules, err := rulesOf(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range want {
			if said, found := rules.Redact("it is " + secret); strings.Contains(said, secret[5:]) || len(found) != 1 || !strings.HasPrefix(found[0].Rule, "slack-") {
				t.Errorf("%q, %+v", said, found)
			}
		}
	}
}

// TestCheckSlack: what is wrong with a Slack chat is told, with its files, and no token
// with it.
func TestCheckSlack(t *testing.T) {
	api := newSlackAnswers(t)
	codes := matrix.CodesNever
	checkedSlack := func(http string, spoil func(dir string)) string {
		dir := t.TempDir()
		c, err := config.Load(slackHouse(t, dir, http), config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		spoil(dir)
		var b strings.Builder
		for _, r := range checkSlack(t.Context(), c, c.Chats[0], codes, api.URL, slog.New(slog.DiscardHandler)) {
			fmt.Fprintf(&b, "%s %s: %s (%s)\n", r.State, r.What, r.Value, r.Note)
		}
		if said := b.String(); strings.Contains(said, "house-secret") || strings.Contains(said, slackSigning) {
			t.Errorf("a secret is told:\n%s", said)
		}
		return b.String()
	}
	same := func(string) {}
	if said := checkedSlack("app_token_file: app", same); strings.Contains(said, "codes") {
		t.Errorf("no rule wants codes:\n%s", said)
	}
	codes = matrix.CodesPerhaps
	mustSay(t, checkedSlack("app_token_file: app", same),
		"ok chat team: deleting codes: left to their writers (for information: Slack lets no app delete what others wrote; give codes as /ws approve PLAN CODE, which nobody else sees; whether a rule",
		"ok slack workspace: Acme (T024BE7LD) ()\n",
		"not ok slack scopes: too few (missing: ",
		"not ok slack socket mode: refused (not_allowed_token_type: this is another kind of token: ",
		"ok slack channel \"ops\": #ops, the bot is in it ()\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	said := checkedSlack(fmt.Sprintf("http: {listen: %q, signing_secret_file: signing}", taken.Addr()), same)
	mustSay(t, said, "not ok chat team: address: "+taken.Addr().String()+" (in use by something", "ok slack channel")
	if strings.Contains(said, "socket mode") {
		t.Errorf("Socket Mode is asked for:\n%s", said)
	}
	mustSay(t, checkedSlack("app_token_file: app", func(dir string) {
		// The two tokens in each other's files.
		for name, value := range map[string]string{"bot": slackAppToken, "app": slackBotToken} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}), "not ok chat team: cannot be used (The bot token is none: it is one line that begins with \"xoxb-\"")
	mustSay(t, checkedSlack("app_token_file: app", func(dir string) {
		if err := os.Remove(filepath.Join(dir, "app")); err != nil {
			t.Fatal(err)
		}
	}), "not ok chat team: cannot be used (chats[0].slack.app_token_file: the secret's file", "does not exist")
}

func TestSlackManifestIsPrinted(t *testing.T) {
	file, err := os.ReadFile("integrations/slack/manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := said(t, "slack", "manifest"); got != string(file) {
		t.Errorf("printed is\n%s", got)
	}
	if got := said(t, "slack", "manifest", "--http", "https://bot.example.org/slack/team"); !strings.Contains(got, `request_url: "https://bot.example.org/slack/team"`) || !strings.Contains(got, "socket_mode_enabled: false") {
		t.Errorf("printed is\n%s", got)
	}
}

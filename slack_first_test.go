package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"watchstander/bot"
	"watchstander/integrations/matrix"
	"watchstander/integrations/slack"
	"watchstander/integrations/slack/slackfake"
)

// TestFirstThreadInSlack plays docs/slack.md: with the app of the manifest, and the
// configuration that stands there, check finds all well, an alert becomes a thread, its
// button acks it, and /ws is answered to its sender alone.
func TestFirstThreadInSlack(t *testing.T) {
	text, err := slack.Manifest("")
	if err != nil {
		t.Fatal(err)
	}
	var app struct {
		Features struct {
			Slash []struct {
				Command string `yaml:"command"`
			} `yaml:"slash_commands"`
		} `yaml:"features"`
		OAuth struct {
			Scopes struct {
				Bot []string `yaml:"bot"`
			} `yaml:"scopes"`
		} `yaml:"oauth_config"`
	}
	if err := yaml.Unmarshal([]byte(text), &app); err != nil {
		t.Fatal(err)
	}
	const channel, alice = "C024BE91L", "U012AB3CD"
	f := slackfake.New(slackfake.Options{Team: "T024BE7LD", Scopes: app.OAuth.Scopes.Bot, Addr: "127.0.0.1:0"})
	defer f.Close()
	f.AddChannel(slackfake.Channel{ID: channel, Name: "ops"})
	f.AddUser(slackfake.User{ID: alice, Name: "alice"})

	chapter, err := os.ReadFile("docs/slack.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(chapter), "```yaml\n")
	file, _, found := strings.Cut(rest, "```\n")
	if !found || !strings.HasPrefix(file, "version: 1\n") {
		t.Fatalf("the chapter's configuration is %s", file)
	}
	dir := t.TempDir()
	// Nobody may answer as Alertmanager here, and other addresses are free.
	file = strings.Replace(file, "http://127.0.0.1:9093", "http://127.0.0.1:1", 1) + fmt.Sprintf("state: {path: %q}\nlisten: 127.0.0.1:0\n", filepath.Join(dir, "state.db"))
	for name, content := range map[string]string{"config.yaml": file, "slack-bot-token": f.BotToken(), "slack-app-token": f.AppToken(), "webhook-token": knownToken} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, stop := runHouseAt(t, filepath.Join(dir, "config.yaml"), stage{slackAPI: f.URL()})
	defer stop()
	for _, r := range checkSlack(h.ctx, h.config, h.config.Chats[0], matrix.CodesNever, f.URL(), h.log) {
		if r.State != bot.OK {
			t.Errorf("%+v", r)
		}
	}

	// await looks until what is shown is as wanted.
	await := func(what string, shown func(slackfake.Shown) bool) slackfake.Ref {
		t.Helper()
		look, end := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
		defer look.Stop()
		for {
			for _, s := range f.Rendered(channel) {
				if shown(s) {
					return slackfake.Ref{Channel: s.Channel, TS: s.TS}
				}
			}
			select {
			case <-look.C:
			case <-end:
				t.Fatalf("%s was not shown; there stands\n%s", what, f.Transcript(channel))
			}
		}
	}
	postAlert(t, "http://"+h.addr+"/webhook/main", fmt.Sprintf(`{"version":"4","groupKey":"{}:{alertname=\"FirstThread\"}","status":"firing","receiver":"watchstander",
		"groupLabels":{"alertname":"FirstThread"},"commonLabels":{"alertname":"FirstThread"},"commonAnnotations":{},"externalURL":"http://127.0.0.1:1",
		"alerts":[{"status":"firing","labels":{"alertname":"FirstThread","severity":"warning","instance":"here"},"annotations":{"summary":"It works"},
		"startsAt":%q,"endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"0123456789abcdef"}]}`, time.Now().UTC().Format(time.RFC3339)))
	root := await("the alert", func(s slackfake.Shown) bool {
		// Before a connection is up, nobody hears a press.
		return s.Mine && s.Thread == "" && strings.Contains(s.Text, "FirstThread") && strings.Contains(s.Text, "It works") && f.Connections() > 0
	})
	if err := f.Press(root, "Ack", alice); err != nil {
		t.Fatal(err)
	}
	await("the ack", func(s slackfake.Shown) bool { return s.TS == root.TS && strings.Contains(s.Text, "ACKED") })
	await("who it was", func(s slackfake.Shown) bool {
		return s.Thread == root.TS && strings.Contains(s.Text, "Acked by alice")
	})
	if err := f.Slash(app.Features.Slash[0].Command, "alerts", alice, channel); err != nil {
		t.Fatal(err)
	}
	await("the answer", func(s slackfake.Shown) bool {
		return s.OnlyFor == alice && strings.Contains(s.Text, "FirstThread")
	})
	if r := f.Refused(); len(r) > 0 {
		t.Errorf("Slack refused %+v", r)
	}
}

func postAlert(t *testing.T, address, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+knownToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s", address, resp.Status)
	}
}

// What docs/slack.md has Alertmanager do fits the bot's configuration that stands there,
// and groups by labels: a group without any cannot be silenced by its button.
func TestAlertmanagerOfTheSlackChapter(t *testing.T) {
	chapter, err := os.ReadFile("docs/slack.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(chapter), "```yaml\nroute:\n")
	text, _, _ := strings.Cut(rest, "```\n")
	var file struct {
		Route struct {
			Receiver string   `yaml:"receiver"`
			GroupBy  []string `yaml:"group_by"`
			Routes   []struct {
				Matchers []string `yaml:"matchers"`
				Interval string   `yaml:"group_interval"`
				Repeat   string   `yaml:"repeat_interval"`
			} `yaml:"routes"`
		} `yaml:"route"`
		Receivers []struct {
			Name     string `yaml:"name"`
			Webhooks []struct {
				URL string `yaml:"url"`
			} `yaml:"webhook_configs"`
		} `yaml:"receivers"`
	}
	if err := yaml.Unmarshal([]byte("route:\n"+text), &file); !found || err != nil {
		t.Fatalf("it cannot be read: %v", err)
	}
	if len(file.Route.GroupBy) == 0 {
		t.Error("all alerts come in one group, which has no label in common")
	}
	// A heartbeat that is told again after hours only is missed after minutes.
	if r := file.Route.Routes; len(r) != 1 || !slices.Equal(r[0].Matchers, []string{`alertname="Watchdog"`}) || r[0].Interval != "1m" || r[0].Repeat != "50s" ||
		!strings.Contains(string(chapter), "absent_after: 10m") {
		t.Errorf("the Watchdog does not come within absent_after: %+v", file.Route.Routes)
	}
	if len(file.Receivers) != 1 || len(file.Receivers[0].Webhooks) != 1 || file.Receivers[0].Name != file.Route.Receiver {
		t.Fatalf("its receivers are %+v", file.Receivers)
	}
	if got, want := file.Receivers[0].Webhooks[0].URL, "http://127.0.0.1:9097/webhook/main"; got != want {
		t.Errorf("it posts to %s, want %s", got, want)
	}
	if !strings.Contains(string(chapter), "receivers: ["+file.Route.Receiver+"]") {
		t.Errorf("the bot expects another receiver than %s", file.Route.Receiver)
	}
}

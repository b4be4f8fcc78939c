package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchstander/bot/config"
)

func TestDiff(t *testing.T) {
	const slackKeys = "chats: [{name: matrix, slack: {team: T024BE7LD, bot_token_file: b, app_token_file: a}}]\nrooms: [{name: ops, chat: matrix, id: C024BE91L}]\n"
	const hosts = "hosts: [{name: vulcan, match: ['instance=\"vulcan\"']}]\n"
	for _, x := range []struct{ name, old, new, reload, restart string }{
		{"the same", hosts, hosts, "", ""},
		{"a default written out", "", "zone: UTC\nstate: {keep_closed: 1y}\nalerts: {ack_reminder: 240m}\nlisten: 127.0.0.1:9097\nlog: {level: info}\n", "", ""},
		{"a matcher written otherwise", hosts, strings.Replace(hosts, "instance=", "instance = ", 1), "", ""},
		{"a matcher", hosts, strings.Replace(hosts, "\"vulcan\"", "\"titan\"", 1), "hosts", ""},
		{"a matcher's kind", hosts, strings.Replace(hosts, "=", "=~", 1), "hosts", ""},
		{"hosts", "", hosts, "hosts", ""},
		{"an agent", hosts, strings.Replace(hosts, "}]", ", agent: {}}]", 1), "", "hosts[].agent"},
		{"an agent's socket written out", strings.Replace(hosts, "}]", ", agent: {}}]", 1), strings.Replace(hosts, "}]", ", agent: {socket: /run/watchstander-agent/agent.sock}}]", 1), "", ""},
		{"certificates", hosts, strings.Replace(hosts, "}]", ", certificates: [{address: \"vulcan:443\"}]}]", 1), "hosts", ""},
		{"another certificate", strings.Replace(hosts, "}]", ", certificates: [{address: \"vulcan:443\"}]}]", 1), strings.Replace(hosts, "}]", ", certificates: [{address: \"vulcan:443\", protocol: postgres}]}]", 1), "hosts", ""},
		{"an agent's socket", strings.Replace(hosts, "}]", ", agent: {}}]", 1), strings.Replace(hosts, "}]", ", agent: {socket: /run/a.sock}}]", 1), "", "hosts[].agent"},
		{"another host before one with an agent", strings.Replace(hosts, "}]", ", agent: {}}]", 1), "hosts: [{name: titan, match: ['instance=\"titan\"']}, {name: vulcan, match: ['instance=\"vulcan\"'], agent: {}}]\n", "hosts", ""},
		{"people", "", "people: [{name: bob, roles: [operator], matrix: [\"@bob:example.org\"]}]\n", "people", ""},
		{"zone", "", "zone: Europe/Berlin\n", "zone checklists", ""},
		{"log", "", "log: {level: debug, format: json}\n", "log.level", "log.format"},
		{"quiet hours", "", "quiet_hours: {from: \"22:00\", to: \"07:00\"}\n", "quiet_hours", ""},
		{"quiet hours' zone", "quiet_hours: {from: \"22:00\", to: \"07:00\"}\n", "quiet_hours: {from: \"22:00\", to: \"07:00\", zone: Europe/Berlin}\n", "quiet_hours", ""},
		{"digest and alerts", "", "digest: {at: \"09:00\"}\nalerts: {ack_reminder: 0s}\n", "alerts digest", ""},
		{"checklists", "", "checklists: {lists: [{name: daily, cron: \"0 9 * * *\"}]}\n", "checklists", ""},
		{"an item", "", "checklists: {lists: [{name: daily, items: [{id: alarms, off: true}]}]}\n", "checklists", ""},
		{"checklists' defaults written out", "", "checklists: {builtin: true, rooms: [ops], zone: UTC, lists: [{name: daily, cron: 0 8 * * *, remind: 14h, items: [{id: alarms, offer: status}]}]}\n", "", ""},
		{"redact", "redact: {rules: [{name: a, pattern: x}]}\n", "redact: {rules: [{name: a, pattern: \"y\"}]}\n", "redact", ""},
		{"state and listen", "", "state: {path: /srv/state.db}\nlisten: 127.0.0.1:9098\n", "", "state listen"},
		{"a secret's place", "dead_man: {url_file: /run/a}\n", "dead_man: {url_file: /run/b}\n", "", "dead_man"},
		{"a secret's place written otherwise", "dead_man: {url_file: /etc/watchstander/a}\n", "dead_man: {url_file: a}\n", "", ""},
		{"webhook", "", "webhooks: [{name: main, alertmanager: main, hmac: {secret_file: a}}]\n", "", "webhooks"},
		{"prometheus", "", "prometheus: {url: \"http://127.0.0.1:9090\"}\n", "", "prometheus"},
		{"grafana", "grafana: {url: \"http://127.0.0.1:3000\", dashboards: [a]}\n", "grafana: {url: \"http://127.0.0.1:3000/\", dashboards: [a, b]}\n", "", "grafana"},
		{"grafana written otherwise", "grafana: {url: \"http://127.0.0.1:3000\"}\n", "grafana: {url: \"http://127.0.0.1:3000/\", at_least: 0}\n", "", ""},
		{"Slack's default written out", slackKeys, strings.Replace(slackKeys, "app_token_file: a", "app_token_file: a, connections: 2, pace: {per_second: 1, workspace_per_second: 4}", 1), "", ""},
		{"Slack's pace", slackKeys, strings.Replace(slackKeys, "app_token_file: a", "app_token_file: a, pace: {burst: 9}", 1), "", "chats"},
		{"Slack from Socket Mode to HTTP", slackKeys, strings.Replace(slackKeys, "app_token_file: a", "http: {signing_secret_file: a}", 1), "", "chats"},
		{"an account on Slack", slackKeys, slackKeys + "people: [{name: alice, roles: [operator], matrix: [\"@alice:example.org\"], slack: [T024BE7LD/U012AB3CD]}]\n", "people", ""},
		{"rooms and routes", "", "rooms: [{name: dev, chat: matrix, id: \"!dev:example.org\"}]\nroutes: [{rooms: [dev]}]\n", "routes checklists notices_room approvals_room", "rooms"},
	} {
		o := config.Options{File: "/etc/watchstander/config.yaml"}
		reload, restart := config.Diff(mustParse(t, "#\n"+x.old, o), mustParse(t, "#\n"+x.new, o))
		if got := strings.Join(reload, " "); got != x.reload {
			t.Errorf("%s: reload %q", x.name, got)
		}
		if got := strings.Join(restart, " "); got != x.restart {
			t.Errorf("%s: restart %q", x.name, got)
		}
	}
}

// A secret that was changed on the disk is named: whoever rotated it must not
// believe that the old one no longer counts.
func TestDiffOfARotatedSecret(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	write := func(value string) {
		if err := os.WriteFile(token, []byte(value+"\n"), 0o400); err != nil && !errors.Is(err, os.ErrPermission) {
			t.Fatal(err)
		}
	}
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("never-changed-0123456789"), 0o400); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config.yaml")
	text := strings.NewReplacer("TOKEN", token, "OTHER", other).Replace(minimal)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func() *config.Config {
		c, err := config.Load(file, config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	write("first-value-0123456789")
	old := load()
	if reload, restart := config.Diff(old, load()); len(reload)+len(restart) > 0 {
		t.Errorf("nothing changed, and told is %q, %q", reload, restart)
	}
	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	write("second-value-0123456789")
	reload, restart := config.Diff(old, load())
	if !slices.Equal(reload, []string{"the secret of webhooks[0].bearer_token_file"}) || !slices.Equal(restart, []string{"the secret of chats[0].matrix.token_file", "the secret of chats[1].slack.app_token_file", "the secret of chats[1].slack.bot_token_file", "the secret of chats[2].slack.http.signing_secret_file"}) {
		t.Errorf("told is %q, %q", reload, restart)
	}
	if strings.Contains(fmt.Sprintf("%+v", old), "first-value") {
		t.Error("the configuration shows a secret")
	}
}

// minimal is a configuration with several secrets in one file.
const minimal = `version: 1
state: {path: /var/lib/watchstander/state.db}
chats: [{name: matrix, matrix: {homeserver: "https://m.example.org", user: "@ws:example.org", token_file: TOKEN}},
  {name: slack, slack: {team: T024BE7LD, bot_token_file: TOKEN, app_token_file: TOKEN}}, {name: called, slack: {team: T024BE7LE, bot_token_file: OTHER, http: {signing_secret_file: TOKEN}}}]
rooms: [{name: ops, chat: matrix, id: "!ops:example.org"}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:9093"], receivers: [ws]}]
webhooks: [{name: main, alertmanager: main, bearer_token_file: TOKEN}]
routes: [{rooms: [ops]}]
`

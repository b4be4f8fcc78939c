package main

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// The bot's unit starts with the secrets, the drop-in and the configuration that
// docs/slack.md has, on a host where nothing of Matrix is. Slack cannot be reached from
// this machine, which is no reason not to start.
func TestTheBotsUnitForSlackAlone(t *testing.T) {
	t.Parallel()
	chapter, err := os.ReadFile("docs/slack.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(language string) string {
		_, rest, _ := strings.Cut(string(chapter), "```"+language+"\n")
		text, _, found := strings.Cut(rest, "```\n")
		if !found {
			t.Fatalf("the chapter has no %s", language)
		}
		return text
	}
	m := install(t, installation{files: map[string]string{
		"secrets/slack-bot-token": slackBotToken + "\n", "secrets/slack-app-token": slackAppToken + "\n", "secrets/webhook-token": knownToken + "\n",
	}})
	m.put("watchstander/config.yaml", block("yaml"), 0o640)
	m.must(os.Chown(m.root+"/etc/watchstander/config.yaml", 0, m.botUID))
	m.WriteUnit(t, "watchstander.service.d/override.conf", block("ini"))
	m.systemctl("daemon-reload")
	// Before the unit runs, check finds its secrets where they are from; Slack it cannot reach.
	said, err := m.as(0, "check", "--unit", "watchstander")
	t.Logf("%v\n%s", err, said)
	for _, want := range []string{
		"ok      secret slack-app-token of the unit: /etc/watchstander/secrets/slack-app-token\n",
		"ok      secret webhook-token of the unit: /etc/watchstander/secrets/webhook-token\n",
		"wrong   slack workspace: ",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("check does not say %q", want)
		}
	}
	m.must(os.Rename(m.root+"/etc/watchstander/secrets/slack-app-token", m.root+"/etc/elsewhere"))
	if said, _ := m.as(0, "check", "--unit", "watchstander.service"); !strings.Contains(said, "app_token_file: the secret's file /etc/watchstander/secrets/slack-app-token does not exist\n") ||
		!strings.Contains(said, "wrong   secret slack-app-token of the unit: /etc/watchstander/secrets/slack-app-token (does not exist, so that systemd does not start the unit)\n") {
		t.Errorf("a secret that is missing: check says\n%s", said)
	}
	m.must(os.Rename(m.root+"/etc/elsewhere", m.root+"/etc/watchstander/secrets/slack-app-token"))
	if said, err := m.as(m.botUID, "check", "--unit", "watchstander"); err == nil || !strings.Contains(err.Error()+said, "--unit wants root") {
		t.Errorf("to the bot's user check says %v, %s", err, said)
	}
	if said, err := m.as(0, "check", "--unit", "watchtsander"); err == nil || !strings.Contains(err.Error()+said, "systemd has no unit watchtsander.service (it is not-found)") {
		t.Errorf("of a wrong unit check says %v, %s", err, said)
	}
	m.systemctl("start", "--no-block", "watchstander")
	real.Eventually(t, 20*time.Second, "the bot has started", func() error {
		if s := m.show("watchstander", "ActiveState") + ", exit status " + m.show("watchstander", "ExecMainStatus"); s != "active, exit status 0" {
			return errors.New("it is " + s)
		}
		return nil
	})
}

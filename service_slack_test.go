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
	m.systemctl("start", "--no-block", "watchstander")
	real.Eventually(t, 20*time.Second, "the bot has started", func() error {
		if s := m.show("watchstander", "ActiveState") + ", exit status " + m.show("watchstander", "ExecMainStatus"); s != "active, exit status 0" {
			return errors.New("it is " + s)
		}
		return nil
	})
}

package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchstander/bot/config"
)

const docs = "../../docs"

// TestManualTellsEveryKey: a key is told by its whole path in backquotes, at the
// beginning of a row of a table.
func TestManualTellsEveryKey(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join(docs, "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	bots, agents, found := strings.Cut(string(manual), "\n## The agent's file\n")
	if !found {
		t.Fatal("nothing is told of the agent's file")
	}
	t.Run("bot", func(t *testing.T) { tellsEveryKey(t, bots, config.KeyPaths()) })
	t.Run("agent", func(t *testing.T) { tellsEveryKey(t, agents, config.AgentKeyPaths()) })
}

func tellsEveryKey(t *testing.T, manual string, known []string) {
	var told []string
	for line := range strings.Lines(manual) {
		if rest, ok := strings.CutPrefix(line, "| `"); ok {
			path, _, _ := strings.Cut(rest, "`")
			told = append(told, path)
		}
	}
	for _, path := range known {
		if !slices.Contains(told, path) {
			t.Errorf("configuration.md does not tell of %s", path)
		}
	}
	for _, path := range told {
		if !slices.Contains(known, path) {
			t.Errorf("configuration.md tells of %s, and there is no such key", path)
		}
	}
}

// exampleSecrets makes the files that the example names, as systemd would.
func exampleSecrets(t *testing.T) (getenv func(string) string) {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]string{
		"matrix-token": "a", "slack-bot-token": "h", "slack-app-token": "i", "lab-slack-bot-token": "j", "lab-slack-signing-secret": "k",
		"remote-token": "b", "lab-password": "c", "prometheus-token": "d", "grafana-token": "l",
		"webhook-token": "e", "webhook-secret": "f", "webhook-password": "g",
		"dead-man-url": "https://dead-man.example.org/ping/vulcan",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value+"\n"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	return env("CREDENTIALS_DIRECTORY", dir)
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// fences are the YAML blocks of a document that hold a key at their left.
func fences(t *testing.T, name, key string) (out []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docs, name))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		indent, found := strings.CutSuffix(lines[i], "```yaml")
		if !found || strings.TrimSpace(indent) != "" {
			continue
		}
		var block []string
		for i++; i < len(lines) && lines[i] != indent+"```"; i++ {
			block = append(block, strings.TrimPrefix(lines[i], indent))
		}
		if slices.Contains(block, key) {
			out = append(out, strings.Join(block, "\n")+"\n")
		}
	}
	return out
}

// TestSlackChapter: what docs/slack.md has a newcomer write is taken, with the files
// that it has them make, and so is its chapter on HTTP.
func TestSlackChapter(t *testing.T) {
	whole := fences(t, "slack.md", "version: 1")
	parts := fences(t, "slack.md", "chats:")
	if len(whole) != 1 || len(parts) != 2 || parts[0] != whole[0] {
		t.Fatalf("%d whole configurations, %d with chats", len(whole), len(parts))
	}
	before, rest, _ := strings.Cut(whole[0], "chats:\n")
	_, after, found := strings.Cut(rest, "rooms:\n")
	if !found {
		t.Fatal("the order of the configuration is another one")
	}
	dir := t.TempDir()
	for _, name := range []string{"slack-bot-token", "slack-app-token", "slack-signing-secret", "webhook-token"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("a\n"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"socket": whole[0], "http": before + parts[1] + "rooms:\n" + after} {
		path := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, config.Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		if len(c.Warnings) > 0 {
			t.Error(name, config.Faults(c.Warnings))
		}
		p, known := c.Person("slack", "T024BE7LD/U012AB3CD")
		if s := c.Chats[0].Slack; s == nil || (s.HTTP != nil) != (name == "http") || !known || p.ID != "alice" {
			t.Errorf("%s: %+v, %+v", name, s, p)
		}
	}
}

func TestExample(t *testing.T) {
	path := filepath.Join(docs, "example.yaml")
	c, err := config.Load(path, config.Options{Getenv: exampleSecrets(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Error(config.Faults(c.Warnings))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := config.Paths(data)
	if names := checklistNames(c); names != "daily weekly monthly validation incident drill winter cold-start" {
		t.Errorf("checklists: %s", names)
	}
	for _, path := range config.KeyPaths() {
		// The same two keys as the Alertmanagers', shown there.
		if !used[path] && !strings.HasPrefix(path, "prometheus.basic_auth") {
			t.Errorf("the example does not show %s", path)
		}
	}
	if got, err := c.DeadMan.URL.Read(); err != nil || got != "https://dead-man.example.org/ping/vulcan" {
		t.Errorf("%q, %v", got, err)
	}
	if len(c.Hosts) != 2 || len(c.Chats) != 4 || len(c.Rooms) != 5 || len(c.Webhooks) != 3 || c.QuietHours == nil {
		t.Errorf("%+v", c)
	}
}

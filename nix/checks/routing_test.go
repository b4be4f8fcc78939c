package checks

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// unescaped undoes what the module does for envsubst, as NixOS' unit does before
// Alertmanager reads the file.
func unescaped(text string) string { return strings.ReplaceAll(text, "$$", "$") }

// alertmanagerFile writes the example host's configuration of Alertmanager.
func alertmanagerFile(t *testing.T) (path, text string) {
	t.Helper()
	text = unescaped(string(evaluate[json.RawMessage](t, "monitoring.alertmanager")))
	path = filepath.Join(t.TempDir(), "alertmanager.json")
	// Debian's version (0.25) is from before url_file (0.26).
	elder := strings.ReplaceAll(text, `"url_file":"/`, `"url":"http://127.0.0.1/`)
	if elder == text {
		t.Fatal("no address is kept in a file")
	}
	if err := os.WriteFile(path, []byte(elder), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, text
}

// TestAlertmanagerReadsIt: its tool takes the file; the bot gets whole groups and their ends,
// by a secret that lies in no file of Nix'; and nothing critical is silenced by other alerts.
func TestAlertmanagerReadsIt(t *testing.T) {
	path, text := alertmanagerFile(t)
	if out, err := exec.CommandContext(t.Context(), real.Require(t, "amtool"), "check-config", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	var c struct {
		Receivers []struct {
			Name     string
			Webhooks []map[string]json.RawMessage `json:"webhook_configs"`
		}
		Inhibit []struct {
			Targets []string `json:"target_matchers"`
			Equal   []string
		} `json:"inhibit_rules"`
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	bots := 0
	for _, r := range c.Receivers {
		for _, w := range r.Webhooks {
			if string(w["max_alerts"]) != "0" {
				t.Errorf("%s cuts a group after %s alerts", r.Name, w["max_alerts"])
			}
			if r.Name != "watchstander" {
				continue
			}
			bots++
			if string(w["send_resolved"]) != "true" || !strings.Contains(string(w["http_config"]), `"credentials_file":"/run/credentials/alertmanager.service/webhook-token"`) {
				t.Errorf("the bot's webhook is %s", w)
			}
		}
	}
	if bots != 1 || len(c.Inhibit) == 0 {
		t.Errorf("there are %d webhooks of the bot, and %d inhibitions", bots, len(c.Inhibit))
	}
	for _, rule := range c.Inhibit {
		if !slices.Contains(rule.Targets, `severity!="critical"`) || len(rule.Equal) == 0 || len(rule.Targets) < 2 {
			t.Errorf("an inhibition silences too much: %v", rule)
		}
	}
}

// TestRoutes: who is told of what, by amtool.
func TestRoutes(t *testing.T) {
	amtool := real.Require(t, "amtool")
	path, _ := alertmanagerFile(t)
	route := func(labels string) string {
		cmd := exec.CommandContext(t.Context(), amtool, append([]string{"config", "routes", "test", "--config.file=" + path}, strings.Fields(labels)...)...)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir()) // its own settings would be read
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v\n%s", labels, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for labels, want := range map[string]string{
		"alertname=Watchdog severity=none":                                           "dead-man,watchstander",
		"alertname=Watchdog severity=critical instance=vulcan":                       "dead-man,watchstander",
		"alertname=PostgresqlDown severity=critical instance=vulcan":                 "second,watchstander",
		"alertname=WatchstanderDown severity=critical about=bot instance=vulcan":     "second,watchstander",
		"alertname=WatchstanderChatFails severity=warning about=bot instance=vulcan": "second,watchstander",
		"alertname=HostDiskSpaceLow severity=warning instance=vulcan mountpoint=/":   "watchstander",
		"alertname=HostRebooted severity=info instance=vulcan":                       "watchstander",
		"alertname=Strange": "watchstander",
	} {
		if got := route(labels); got != want {
			t.Errorf("%s goes to %s, not to %s", labels, got, want)
		}
	}
	// Every alert that there is has its route by its own labels.
	for name, text := range ruleFiles(t) {
		for _, r := range rulesOf(t, name, text) {
			if r.Alert == "" {
				continue
			}
			labels := "alertname=" + r.Alert + " instance=vulcan"
			for n, v := range r.Labels {
				labels += " " + n + "=" + v
			}
			got := route(labels)
			second := strings.HasPrefix(got, "second,") || strings.HasPrefix(got, "dead-man,")
			if !strings.HasSuffix(got, "watchstander") || second != (r.Alert == "Watchdog" || r.Labels["severity"] == "critical" || r.Labels["about"] == "bot") {
				t.Errorf("%s goes to %s", labels, got)
			}
		}
	}
}

// TestPrometheusReadsIt: what Prometheus and the Blackbox exporter are told, by Prometheus'
// own tool, and the exporter's where it is here.
func TestPrometheusReadsIt(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"prometheus.json": string(evaluate[json.RawMessage](t, "monitoring.prometheus")),
		"blackbox.json":   string(evaluate[json.RawMessage](t, "monitoring.blackbox")),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := promtool(t, "check", "config", "--lint=all", filepath.Join(dir, "prometheus.json")); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	blackbox, err := real.Find("prometheus-blackbox-exporter", "blackbox_exporter")
	if err != nil {
		real.Missing(t, "%v", err)
	}
	if out, err := exec.CommandContext(t.Context(), blackbox, "--config.check", "--config.file="+filepath.Join(dir, "blackbox.json")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// readingsUnit evaluates the unit of watchstander.readings.
const readingsUnit = `
let
  host = (import ./nix/checks { }).tools.evaluate [ {
    watchstander.readings.enable = true;
    watchstander.alerts.runbooks = "https://git.example.org/runbooks";
    services.watchstander.agent.enable = true;
  } ];
in
host.systemd.services.watchstander-readings.serviceConfig`

// The unit of watchstander.readings under a real systemd, with all that it goes without: it
// still reaches the agent and writes its file, and leaves the file when nobody answers.
func TestReadingsConfined(t *testing.T) {
	t.Parallel()
	evaluated, err := exec.CommandContext(t.Context(), real.Require(t, "nix-instantiate"),
		"--store", "dummy://", "--readonly-mode", "--eval", "--strict", "--json", "-E", readingsUnit).Output()
	if err != nil {
		t.Fatal(err)
	}
	var settings map[string]any
	if err := json.Unmarshal(evaluated, &settings); err != nil {
		t.Fatal(err)
	}
	_, arguments, _ := strings.Cut(settings["ExecStart"].(string), " ")
	settings["ExecStart"] = "/usr/local/bin/watchstander " + arguments
	// Nobody keeps a journal there.
	settings["StandardError"] = "append:/run/readings.log"
	text := "[Service]\n"
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		values, isList := settings[key].([]any)
		if !isList {
			values = []any{settings[key]}
		}
		for _, v := range values {
			text += fmt.Sprintf("%s=%v\n", key, v)
		}
	}

	m := install(t, installation{})
	dir := filepath.Join(m.root, "lib", "node-exporter-textfile")
	m.must(os.Mkdir(dir, 0o755))
	m.WriteUnit(t, "readings.service", text)
	m.systemctl("daemon-reload")
	m.systemctl("start", "readings.service")
	path := filepath.Join(dir, "watchstander.prom")
	told, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(told), `watchstander_reading_state{host="vulcan",reading="unit web-a.service",state="ok"} 1`) ||
		!strings.Contains(string(told), `watchstander_readings_timestamp_seconds{host="vulcan"}`) {
		log, _ := os.ReadFile(m.Path("/run/readings.log"))
		t.Fatalf("%v\n%s\n%s", err, told, log)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}

	m.systemctl("stop", "watchstander-agent.service", "watchstander-agent.socket", "watchstander-approve.socket")
	if out, err := m.Do(t.Context(), "systemctl", "start", "readings.service"); err == nil {
		t.Errorf("it goes through without an agent: %s", out)
	}
	if left, err := os.ReadFile(path); err != nil || string(left) != string(told) {
		t.Errorf("the file was changed: %v\n%s", err, left)
	}
	if others, err := os.ReadDir(dir); err != nil || len(others) != 1 {
		t.Errorf("%v, %v", others, err)
	}
}

package checks

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
	"watchstander/bot/config"
	"watchstander/integrations/nixos"
)

// TestExposure: what systemd says of how much the bot and its agent could do. The
// numbers are those of systemd 252, out of 10; a lower threshold is stricter.
func TestExposure(t *testing.T) {
	analyze := real.Require(t, "systemd-analyze")
	dir, _ := writeUnits(t)
	for unit, threshold := range map[string]string{"watchstander.service": "15", "watchstander-agent.service": "17"} {
		cmd := exec.CommandContext(t.Context(), analyze, "security", "--offline=yes", "--no-pager", "--threshold="+threshold, filepath.Join(dir, unit))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
}

// otherwise are the keys in which the module's units differ from those of docs/systemd,
// and must: where the program lies, which secrets there are, the host's AppArmor, and what NixOS or systemd
// from 253 on do by themselves.
var otherwise = map[string][]string{
	"watchstander.service":        {"ExecStart", "ExecReload", "Type", "LoadCredential", "WantedBy", "AppArmorProfile"},
	"watchstander-agent.service":  {"ExecStart", "ExecReload", "Type", "WantedBy"},
	"watchstander-agent.socket":   {"WantedBy", "Description"},
	"watchstander-approve.socket": {"WantedBy", "Description"},
}

// TestUnitsAreThoseOfTheManual: what was tried by hand under systemd is what the module
// makes, line by line.
func TestUnitsAreThoseOfTheManual(t *testing.T) {
	units := evaluate[map[string]string](t, "rendered")
	for name, except := range otherwise {
		text, err := os.ReadFile(filepath.Join(root, "..", "docs", "systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		want, got := keysOf(string(text)), keysOf(units[name])
		for key := range mergedKeys(want, got) {
			if !slices.Contains(except, key) && want[key] != got[key] {
				t.Errorf("%s: %s is %q in docs/systemd and %q in the module", name, key, want[key], got[key])
			}
		}
	}
}

// keysOf gives a unit's keys with all their words, sorted: the order of a list's lines
// means nothing for those we use.
func keysOf(unit string) map[string]string {
	words := map[string][]string{}
	for line := range strings.Lines(unit) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		value = map[string]string{"true": "yes", "false": "no"}[value] + strings.TrimSuffix(strings.TrimSuffix(value, "true"), "false")
		words[key] = append(words[key], strings.Fields(value)...)
	}
	keys := map[string]string{}
	for key, w := range words {
		slices.Sort(w)
		keys[key] = strings.Join(w, " ")
	}
	return keys
}

func mergedKeys(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// TestSettingsAreTheBots: what the modules write is what the bot and the agent read,
// without a fault or a warning. JSON is YAML.
func TestSettingsAreTheBots(t *testing.T) {
	files := evaluate[struct {
		Bots, Agents map[string]json.RawMessage
	}](t, "settings")
	if len(files.Bots) < 2 || len(files.Agents) < 1 {
		t.Fatalf("%d and %d files", len(files.Bots), len(files.Agents))
	}
	warn := func(f config.Faults) {
		for _, w := range f {
			t.Errorf("warned of: %v", w)
		}
	}
	for name, text := range files.Bots {
		c, err := config.Parse(text, config.Options{File: name, Warn: warn})
		if err != nil {
			t.Errorf("%v\n%s", err, text)
		} else if host := strings.Replace(name, "vm", "vulcan", 1); len(c.Hosts) != 1 || c.Hosts[0].Name != host {
			t.Errorf("%s: the hosts are %+v", name, c.Hosts)
		}
	}
	for name, text := range files.Agents {
		if _, err := config.ParseAgent(text, config.AgentOptions{File: name, Warn: warn}); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}

// TestMark: the agent reads the mark that the module puts into a system, and the schema in
// it is the state's.
func TestMark(t *testing.T) {
	text := evaluate[map[string]string](t, "mark")["vulcan"]
	m, err := nixos.ParseMark([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	migrations, err := filepath.Glob(filepath.Join(root, "..", "bot", "store", "migrations", "sqlite", "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if m.Host != "vulcan" || m.StateVersion != "25.05" || m.Loader != "grub" || m.Bot == nil || m.Bot.Schema != len(migrations) {
		t.Errorf("the mark is %s, and the state has %d migrations", text, len(migrations))
	}
}

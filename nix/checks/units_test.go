package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// ofStore is a program of the simulated store, which has no files.
var ofStore = regexp.MustCompile(`/nix/store/[0-9a-z]{32}-[^/\s]+/s?bin/[^\s"]+`)

// newer are settings that systemd has since 254.
var newer = regexp.MustCompile(`(?m)^(RestartSteps|RestartMaxDelaySec)=.*\n`)

// here makes a unit one of this machine: a program that exists in the place of those of
// the store, without newer settings, and with the elder of a type that systemd has known
// since 253.
func here(unit string) string {
	return strings.ReplaceAll(ofStore.ReplaceAllString(newer.ReplaceAllString(unit, ""), "/bin/true"), "Type=notify-reload\n", "Type=notify\n")
}

// writeUnits writes the example host's units into a folder.
func writeUnits(t *testing.T) (dir string, paths []string) {
	t.Helper()
	units := evaluate[map[string]string](t, "rendered")
	if len(units) == 0 {
		t.Fatal("no unit was rendered")
	}
	dir = t.TempDir()
	for name, text := range units {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(here(text)), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return dir, paths
}

// TestUnitsVerify has systemd read every unit of the example host. What it does not know
// of newer versions and units of others are no fault.
func TestUnitsVerify(t *testing.T) {
	analyze := real.Require(t, "systemd-analyze")
	dir, paths := writeUnits(t)
	cmd := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--recursive-errors=no", "--man=no"}, paths...)...)
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":")
	said, _ := cmd.CombinedOutput() // its exit code is 1 for what is none of ours, too
	for line := range strings.Lines(string(said)) {
		line = strings.TrimSpace(line)
		if line == "" || !strings.Contains(line, dir) && !strings.Contains(line, "watchstander") {
			continue
		}
		t.Error(line)
	}
}

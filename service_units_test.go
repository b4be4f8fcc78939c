package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

const unitsDir = "docs/systemd"

// sampleUnits are the units that the manual has people install, by their names.
func sampleUnits(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.service", "*.socket"} {
		paths, err := filepath.Glob(filepath.Join(unitsDir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(p)] = string(text)
		}
	}
	if len(out) != 4 {
		t.Fatalf("there are %d units", len(out))
	}
	return out
}

// systemd finds no fault in the sample units, and as few openings as the manual says.
func TestSampleUnits(t *testing.T) {
	analyze := real.Require(t, "systemd-analyze")
	dir := t.TempDir()
	var paths []string
	for name, text := range sampleUnits(t) {
		path := filepath.Join(dir, name)
		// The program is not installed here; any that is there will do.
		text = strings.ReplaceAll(text, "/usr/local/bin/watchstander", "/bin/true")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	if out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, paths...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	manual, err := os.ReadFile("docs/manual.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"watchstander.service", "watchstander-agent.service"} {
		// Each version of systemd counts a little otherwise: what is told must not be
		// less than what it is here.
		m := regexp.MustCompile("`" + regexp.QuoteMeta(unit) + "` \\| ([0-9])\\.([0-9]) ").FindSubmatch(manual)
		if m == nil {
			t.Errorf("the manual does not tell the exposure of %s", unit)
			continue
		}
		threshold := strings.TrimLeft(string(m[1])+string(m[2]), "0")
		if out, err := exec.Command(analyze, "security", "--offline=yes", "--threshold="+threshold, "--no-pager", filepath.Join(dir, unit)).CombinedOutput(); err != nil {
			t.Errorf("%s: more than %s: %v\n%s", unit, threshold, err, out)
		}
	}
}

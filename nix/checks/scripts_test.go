package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// TestScriptsAreClean has shellcheck read every script, as nixpkgs does when it builds
// them.
func TestScriptsAreClean(t *testing.T) {
	program := real.Require(t, "shellcheck")
	found := filesOf(t, "scripts", ".sh")
	if len(found) == 0 {
		t.Fatal("there are no scripts")
	}
	// As nixpkgs' writeShellApplication puts them together.
	const head = "#!/bin/bash\nset -o errexit\nset -o nounset\nset -o pipefail\n\nexport PATH=\"/nix/store/x/bin:$PATH\"\n\n"
	dir := t.TempDir()
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		built := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(built, append([]byte(head), text...), 0o600); err != nil {
			t.Fatal(err)
		}
		found = append(found, built)
	}
	if out, err := exec.CommandContext(t.Context(), program, append([]string{"--shell=bash"}, found...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// bench is where a script is run for real, with programs of the test's in the place of
// those that need a host.
type bench struct {
	t   *testing.T
	dir string
	env []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	real.Require(t, "bash")
	b := &bench{t: t, dir: t.TempDir()}
	b.mkdir("bin")
	b.env = append(os.Environ(), "PATH="+b.path("bin")+":"+os.Getenv("PATH"), "LC_ALL=C", "TMPDIR="+b.dir)
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) mkdir(name string) string {
	b.t.Helper()
	if err := os.MkdirAll(b.path(name), 0o750); err != nil {
		b.t.Fatal(err)
	}
	return b.path(name)
}

func (b *bench) write(name, text string) string {
	b.t.Helper()
	b.mkdir(filepath.Dir(name))
	if err := os.WriteFile(b.path(name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return b.path(name)
}

func (b *bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// program puts a program into the script's PATH, as a script of its own.
func (b *bench) program(name, body string) string {
	b.t.Helper()
	path := b.write("bin/"+name, "#!/bin/sh\n"+body+"\n")
	if err := os.Chmod(path, 0o755); err != nil { //nolint:gosec // it is a program
		b.t.Fatal(err)
	}
	return path
}

// run runs a script of nix/scripts, and gives what it said and whether it ended with 0.
func (b *bench) run(script string, args ...string) (said string, ok bool) {
	b.t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "scripts", script))
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.CommandContext(b.t.Context(), "bash", append([]string{path}, args...)...)
	cmd.Env, cmd.Dir = b.env, b.dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// figures are the samples of a file in Prometheus' text format, which promtool reads too.
func (b *bench) figures(file string) map[string]float64 {
	b.t.Helper()
	text := b.read(file)
	lint := exec.CommandContext(b.t.Context(), real.Require(b.t, "promtool"), "check", "metrics")
	lint.Stdin = strings.NewReader(text)
	if out, err := lint.CombinedOutput(); err != nil {
		b.t.Errorf("%s: %v\n%s\n%s", file, err, out, text)
	}
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndex(line, " ")
		value, err := strconv.ParseFloat(strings.TrimSpace(line[i+1:]), 64)
		if err != nil {
			b.t.Fatalf("%s: %q: %v", file, line, err)
		}
		all[line[:i]] = value
	}
	return all
}

// recorded holds what a script wrote to the file that says so (recorded/NAME.prom), by
// which it is known that the metrics of rules are there.
func (b *bench) recorded(name string, got map[string]float64) {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join("recorded", name+".prom"))
	if err != nil {
		b.t.Fatal(err)
	}
	want := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
			want[line[:strings.LastIndex(line, " ")]] = true
		}
	}
	for series := range got {
		if !want[series] {
			b.t.Errorf("recorded/%s.prom lacks %s", name, series)
		}
	}
	for series := range want {
		if _, ok := got[series]; !ok {
			b.t.Errorf("recorded/%s.prom has %s, which is not written", name, series)
		}
	}
}

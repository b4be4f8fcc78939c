package checks

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// root is nix/, from here.
const root = ".."

// instantiate is nix-instantiate, which needs neither a store nor the network to
// evaluate. It returns what it prints.
func instantiate(t *testing.T, args ...string) []byte {
	t.Helper()
	program := real.Require(t, "nix-instantiate")
	var said strings.Builder
	cmd := exec.CommandContext(t.Context(), program, append([]string{"--store", "dummy://", "--readonly-mode"}, args...)...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("nix-instantiate %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return out
}

// evaluate gives an attribute of nix/checks/default.nix.
func evaluate[T any](t *testing.T, attribute string, more ...string) (v T) {
	t.Helper()
	out := instantiate(t, append([]string{"--eval", "--strict", "--json", "-A", attribute, "."}, more...)...)
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatalf("%s: %v\n%s", attribute, err, out)
	}
	return v
}

// filesOf are the files under a folder of nix/ with this ending.
func filesOf(t *testing.T, folder, ending string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ending) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEveryFileParses(t *testing.T) {
	found := filesOf(t, ".", ".nix")
	if len(found) < 10 {
		t.Fatalf("only %d files found", len(found))
	}
	instantiate(t, append([]string{"--parse"}, found...)...)
}

// TestLib holds the small lib to what nixpkgs' does.
func TestLib(t *testing.T) {
	out := instantiate(t, "--eval", "--strict", "--json", "-E", "import ./lib/test.nix")
	var got struct {
		Cases int      `json:"cases"`
		Wrong []string `json:"wrong"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Cases == 0 || len(got.Wrong) > 0 {
		t.Errorf("of %d cases these are wrong: %q", got.Cases, got.Wrong)
	}
}

// result is what default.nix says of one file of cases.
type result struct {
	Cases int      `json:"cases"`
	Wrong []string `json:"wrong"`
}

func checkResults(t *testing.T, results map[string]result) {
	for _, path := range filesOf(t, "checks/cases", ".nix") {
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".nix"), func(t *testing.T) {
			r := results[name]
			if r.Cases == 0 {
				t.Fatal("it has no case")
			}
			for _, w := range r.Wrong {
				t.Errorf("wrong: %s", w)
			}
		})
	}
}

func TestCases(t *testing.T) {
	checkResults(t, evaluate[map[string]result](t, "results"))
}

// TestCasesWithNixpkgs is the same with the real modules of NixOS around ours.
func TestCasesWithNixpkgs(t *testing.T) {
	path := os.Getenv("NIXPKGS")
	if path == "" {
		t.Skip("NIXPKGS names no nixpkgs")
	}
	checkResults(t, evaluate[map[string]result](t, "results", "--arg", "nixpkgs", path))
}

// TestEveryModuleHasCases: what nobody evaluates could hold anything.
func TestEveryModuleHasCases(t *testing.T) {
	cases := filesOf(t, "checks/cases", ".nix")
	for _, module := range filesOf(t, "modules", ".nix") {
		name := filepath.Base(module)
		if name == "default.nix" {
			continue
		}
		if !slices.ContainsFunc(cases, func(c string) bool { return filepath.Base(c) == name }) {
			t.Errorf("%s has no cases: checks/cases/%s", module, name)
		}
	}
}

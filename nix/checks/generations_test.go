package checks

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// TestGenerationsAreKept: what the module runs keeps as many as it says, of however many,
// and the current one.
func TestGenerationsAreKept(t *testing.T) {
	env, store := real.Require(t, "nix-env"), real.Require(t, "nix-store")
	dir := t.TempDir()
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", dir).Run() })
	put(t, filepath.Join(dir, "conf", "nix.conf"), "build-users-group =\n")
	profile := filepath.Join(dir, "system")
	nix := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "NIX_STORE_DIR="+dir+"/store", "NIX_STATE_DIR="+dir+"/var", "NIX_LOG_DIR="+dir+"/log", "NIX_CONF_DIR="+dir+"/conf")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v", program, strings.Join(args, " "), err)
		}
		return strings.TrimSpace(string(out))
	}
	for n := range 6 {
		put(t, filepath.Join(dir, fmt.Sprint("source", n), "file"), fmt.Sprint(n))
		nix(env, "--profile", profile, "--set", nix(store, "--add", filepath.Join(dir, fmt.Sprint("source", n))))
	}
	prune := []string{"--profile", profile, "--delete-generations", "+3"}
	kept := func(want ...string) {
		t.Helper()
		found, _ := filepath.Glob(profile + "-*-link")
		for i := range found {
			found[i] = strings.TrimSuffix(strings.TrimPrefix(found[i], profile+"-"), "-link")
		}
		if !slices.Equal(found, want) {
			t.Errorf("kept %v, not %v", found, want)
		}
	}
	// Gone back to an old one: it and what is newer stay.
	nix(env, "--profile", profile, "--switch-generation", "4")
	nix(env, prune...)
	kept("2", "3", "4", "5", "6")
	nix(env, "--profile", profile, "--switch-generation", "6")
	nix(env, prune...)
	kept("4", "5", "6")
	nix(env, prune...)
	kept("4", "5", "6")
}

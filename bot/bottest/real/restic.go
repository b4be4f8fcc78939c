package real

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Restics returns every restic that this machine has, by version ("0.14.0"): the
// one in PATH, which is a distribution's and may be years old, and the newer one
// that tools/get-real builds. They differ in what they say and how they end. With
// none of them the test is skipped, or fails if [RequireEnv] is set.
func Restics(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{}
	try := func(program string) {
		out, err := exec.Command(program, "version").Output()
		if words := strings.Fields(string(out)); err == nil && len(words) > 1 && words[0] == "restic" {
			found[words[1]] = program
		}
	}
	if dir, err := CacheDir(); err == nil {
		try(filepath.Join(dir, "restic"))
	}
	if len(found) == 0 {
		try(Require(t, "restic"))
	} else if program, err := Find("restic"); err == nil {
		try(program)
	}
	if len(found) == 0 {
		t.Fatalf("there is a restic that does not tell its version")
	}
	return found
}

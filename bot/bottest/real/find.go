package real

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// RequireEnv is the variable that turns "skipped, for the program is missing"
// into a failure when it is "1". CI sets it.
const RequireEnv = "WATCHSTANDER_REQUIRE_REAL"

// Require returns the absolute path of the first of the named programs that
// this machine has (distributions differ in what they call one). When it has
// none, the test is skipped, or fails if [RequireEnv] is set.
func Require(t testing.TB, name string, otherNames ...string) string {
	t.Helper()
	path, err := Find(name, otherNames...)
	if err == nil {
		return path
	}
	Missing(t, "%v", err)
	return ""
}

// Missing skips a test that this machine cannot hold, or fails it if [RequireEnv]
// is set.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(RequireEnv) == "1" {
		t.Fatalf(format+" (and %s=1 says that it must be there)", append(args, RequireEnv)...)
	}
	t.Skipf(format, args...)
}

// Find looks for a program by each of its names, in PATH and then in
// [CacheDir].
func Find(name string, otherNames ...string) (string, error) {
	names := append([]string{name}, otherNames...)
	for _, n := range names {
		if path, err := exec.LookPath(n); err == nil {
			return filepath.Abs(path)
		}
	}
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	for _, n := range names {
		path := filepath.Join(dir, n)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is neither in PATH nor among the built tools: run `make real` (or tools/get-real) to get it",
		strings.Join(names, " or "))
}

// CacheDir is the folder into which tools/get-real builds what no package
// manager offers.
func CacheDir() (string, error) {
	if base := os.Getenv("XDG_CACHE_HOME"); base != "" {
		return filepath.Join(base, "watchstander", "bin"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the built tools (set HOME or XDG_CACHE_HOME): %w", err)
	}
	return filepath.Join(home, ".cache", "watchstander", "bin"), nil
}

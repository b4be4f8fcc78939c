package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// said runs a command line and gives what it says.
func said(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out.String()
}

func TestVersionAndManual(t *testing.T) {
	want := "watchstander " + version() + "\n"
	for _, arg := range []string{"version", "--version"} {
		if got := said(t, arg); got != want {
			t.Errorf("%s says %q, want %q", arg, got, want)
		}
	}
	if got := said(t, "man"); !strings.Contains(got, ".TH \"WATCHSTANDER\" \"1\"") {
		t.Errorf("man says %.200s", got)
	}
	if got := said(t, "help"); !strings.Contains(got, "Write the manual pages") {
		t.Errorf("help does not tell of man: %s", got)
	}
	dir := filepath.Join(t.TempDir(), "share", "man1")
	if got := said(t, "man", dir); got != "" {
		t.Errorf("man DIRECTORY says %s", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "watchstander-serve.1")); err != nil {
		t.Error(err)
	}
}

package real_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"watchstander/bot/bottest/real"
)

func TestFindLooksIntoTheCache(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", t.TempDir())
	_, err := real.Find("no-such-program", "nor-this-one")
	if err == nil || !strings.Contains(err.Error(), "make real") {
		t.Errorf("the sentence does not say how to get it: %v", err)
	}
	dir, err := real.CacheDir()
	if err != nil || !strings.HasPrefix(dir, cache) {
		t.Fatalf("the cache is %q, %v", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "nor-this-one")
	if err := os.WriteFile(want, []byte("#!"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := real.Find("no-such-program", "nor-this-one"); err != nil || got != want {
		t.Errorf("found %q, %v", got, err)
	}
}

// What is missing skips, or fails when the variable says so.
func TestRequire(t *testing.T) {
	t.Setenv(real.RequireEnv, "")
	inner := &recorder{TB: t}
	inner.call(func() { real.Require(inner, "no-such-program") })
	if !inner.skipped || inner.failed {
		t.Errorf("without the variable: %+v", inner)
	}
	t.Setenv(real.RequireEnv, "1")
	inner = &recorder{TB: t}
	inner.call(func() { real.Require(inner, "no-such-program") })
	if inner.skipped || !inner.failed {
		t.Errorf("with the variable: %+v", inner)
	}
}

// recorder is a testing.TB that writes down how a test would have ended.
type recorder struct {
	testing.TB
	skipped, failed bool
}

type ended struct{}

func (r *recorder) Skip(...any)           { r.skipped = true; panic(ended{}) }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; panic(ended{}) }

func (r *recorder) call(f func()) {
	defer func() {
		if v := recover(); v != nil && v != any(ended{}) {
			panic(v)
		}
	}()
	f()
}

func TestProcessLives(t *testing.T) {
	t.Parallel()
	cat := real.Require(t, "cat")
	fifo := filepath.Join(t.TempDir(), "fifo") // nobody writes to it: cat waits
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := real.StartProcess(t, real.Command{Name: "cat", Path: cat, Args: []string{fifo}})
	if !p.Running() {
		t.Fatal("it does not run")
	}
	p.Kill(t)
	if p.Running() {
		t.Error("it runs after being killed")
	}
	if status, ok := p.Wait(t, soon).(*exec.ExitError); !ok || status.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("it ended by %v", status)
	}
	p.Start(t)
	p.Signal(t, syscall.SIGINT)
	if err := p.Wait(t, soon); err == nil {
		t.Error("an interrupted cat ends well")
	}

	p = real.StartProcess(t, real.Command{Name: "cat", Path: cat, Args: []string{filepath.Join(t.TempDir(), "missing")}})
	if err := p.Wait(t, soon); err == nil || !strings.Contains(p.LogTail(4096), "missing") {
		t.Errorf("it ended by %v and said %q", err, p.LogTail(4096))
	}
	p.Stop(t) // of what has ended already: nothing
}

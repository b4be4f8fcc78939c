package sys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"watchstander/bot/sys"
)

// sh is only in tests: nothing of ours runs a shell.
func sh(script string, c sys.Command) sys.Command {
	c.Argv = []string{"/bin/sh", "-c", script}
	return c
}

func TestRun(t *testing.T) {
	t.Setenv("WATCHSTANDER_SECRET", "inherited")
	for _, tt := range []struct {
		name    string
		command sys.Command
		want    sys.Output
	}{
		{"output and code", sh(`echo out; echo err >&2; exit 4`, sys.Command{}),
			sys.Output{Stdout: []byte("out\n"), Stderr: []byte("err\n"), Exit: 4}},
		{"only the variables that are given", sys.Command{Argv: []string{"/usr/bin/env"}, Env: []string{"A=1", "B=x=y"}},
			sys.Output{Stdout: []byte("A=1\nB=x=y\n")}},
		{"no variables", sys.Command{Argv: []string{"/usr/bin/env"}}, sys.Output{}},
		{"arguments are not words of a shell", sys.Command{Argv: []string{"/bin/echo", "$HOME; ls", "*", ""}},
			sys.Output{Stdout: []byte("$HOME; ls * \n")}},
		{"its input", sys.Command{Argv: []string{"/bin/cat"}, Stdin: []byte("in")}, sys.Output{Stdout: []byte("in")}},
		{"an input that it does not want", sys.Command{Argv: []string{"/bin/true"}, Stdin: make([]byte, 1<<20)}, sys.Output{}},
		{"no input", sys.Command{Argv: []string{"/bin/cat"}}, sys.Output{}},
		{"in the root", sys.Command{Argv: []string{"/bin/pwd"}}, sys.Output{Stdout: []byte("/\n")}},
		{"in a directory", sys.Command{Argv: []string{"/bin/pwd"}, Dir: "/usr"}, sys.Output{Stdout: []byte("/usr\n")}},
		{"ended by a signal", sh(`kill -9 $$`, sys.Command{}), sys.Output{Exit: 137}},
		{"cut", sh(`printf 123456; printf abc >&2`, sys.Command{Most: 5}),
			sys.Output{Stdout: []byte("12345"), Stderr: []byte("abc"), Cut: true}},
		{"not cut", sh(`printf 12345`, sys.Command{Most: 5}), sys.Output{Stdout: []byte("12345")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := sys.Programs{}.Run(t.Context(), tt.command)
			must(t, err)
			if got.Took <= 0 {
				t.Errorf("it took %s", got.Took)
			}
			if !bytes.Equal(got.Stdout, tt.want.Stdout) || !bytes.Equal(got.Stderr, tt.want.Stderr) || got.Exit != tt.want.Exit || got.Cut != tt.want.Cut {
				t.Errorf("got %d %q %q %v, want %+v", got.Exit, got.Stdout, got.Stderr, got.Cut, tt.want)
			}
		})
	}
}

// An output without end neither fills the memory nor stops the program.
func TestRunCutsAndReadsOn(t *testing.T) {
	out, err := sys.Programs{}.Run(t.Context(), sh(`head -c 50000000 /dev/zero; echo done >&2`, sys.Command{Env: []string{"PATH=/usr/bin:/bin"}}))
	must(t, err)
	if len(out.Stdout) != 1<<20 || !out.Cut || string(out.Stderr) != "done\n" {
		t.Errorf("%d bytes, cut %v, %q", len(out.Stdout), out.Cut, out.Stderr)
	}
}

// Whoever takes the output himself gets all of it, however slowly he takes it, and
// is told when he did not.
func TestRunHandsOnItsOutput(t *testing.T) {
	var got bytes.Buffer
	lines := 0
	out, err := sys.Programs{}.Run(t.Context(), sh(`seq 1 200000; echo err >&2; exit 3`, sys.Command{
		Most: 10, Stdout: &got, Line: func(stream, _ string) {
			if stream == "stdout" {
				lines++
			}
		}}))
	must(t, err)
	if n := bytes.Count(got.Bytes(), []byte("\n")); n != 200000 || !bytes.HasSuffix(got.Bytes(), []byte("\n200000\n")) {
		t.Errorf("%d lines came", n)
	}
	if len(out.Stdout) != 0 || out.Cut || lines != 0 || string(out.Stderr) != "err\n" || out.Exit != 3 {
		t.Errorf("beside it there is %+v", out)
	}

	broken := errors.New("full")
	if _, err = (sys.Programs{}).Run(t.Context(), sh(`echo one; trap '' PIPE; sleep 0.1; echo two`, sys.Command{Stdout: failing{broken}})); !errors.Is(err, broken) {
		t.Errorf("a writer that fails: %v", err)
	}
	// A stranger holds the pipe: there could be more.
	if _, err = (sys.Programs{}).Run(t.Context(), sh(`setsid sleep 20 2>/dev/null & echo $! >&2; sleep 0.3; echo one`, sys.Command{Stdout: &got, Line: func(_, pid string) {
		if n, err := strconv.Atoi(pid); err == nil {
			t.Cleanup(func() { _ = syscall.Kill(n, syscall.SIGKILL) })
		}
	}})); !errors.Is(err, exec.ErrWaitDelay) {
		t.Errorf("a pipe that stays open: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestRunRefuses(t *testing.T) {
	plain := t.TempDir() + "/plain"
	must(t, os.WriteFile(plain, nil, 0o644))
	for _, tt := range []struct {
		command sys.Command
		want    error
	}{
		{sys.Command{}, fs.ErrInvalid},
		{sys.Command{Argv: []string{"echo"}}, fs.ErrInvalid},
		{sys.Command{Argv: []string{"./echo"}}, fs.ErrInvalid},
		{sys.Command{Argv: []string{"/bin/../bin/echo"}}, fs.ErrInvalid},
		{sys.Command{Argv: []string{"/bin/echo", "a\x00b"}}, fs.ErrInvalid},
		{sys.Command{Argv: []string{"/bin/echo"}, Env: []string{"sesame"}}, fs.ErrInvalid},
		{sys.Command{Argv: []string{"/bin/echo"}, Env: []string{"=sesame"}}, fs.ErrInvalid},
		{sys.Command{Argv: []string{"/bin/echo"}, Dir: "usr"}, fs.ErrInvalid},
		{sys.Command{Argv: []string{"/nonexistent/program"}}, fs.ErrNotExist},
		{sys.Command{Argv: []string{"/bin/echo"}, Dir: "/nonexistent"}, fs.ErrNotExist},
		{sys.Command{Argv: []string{plain}}, fs.ErrPermission},
	} {
		_, err := sys.Programs{}.Run(t.Context(), tt.command)
		if !errors.Is(err, tt.want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%+v: %v, want %v", tt.command, err, tt.want)
		}
	}
	if _, err := (sys.Programs{}).Run(now(t), sys.Command{Argv: []string{"/bin/true"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
}

// alive tells whether a process runs (a zombie does not).
func alive(t *testing.T, pid string) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(text), ") Z ")
}

func gone(t *testing.T, pid string) {
	t.Helper()
	if _, err := strconv.Atoi(pid); err != nil {
		t.Fatalf("%q is no process number", pid)
	}
	for end := time.Now().Add(10 * time.Second); alive(t, pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %s lives on", pid)
		}
	}
}

func TestRunEndsTheWholeGroup(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		stdout       string // a pattern for fmt.Sscanf that finds the child's number
	}{
		{"who listens", `sleep 1000 & echo $!; wait`, ""},
		{"who does not listen", `trap '' TERM; (trap '' TERM; sleep 1000) & echo $!; while :; do wait; done`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan struct{})
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				<-seen
				cancel(errors.New("people want it to stop"))
			}()
			var once sync.Once
			begin := time.Now()
			out, err := sys.Programs{Grace: 300 * time.Millisecond}.Run(ctx, sh(tt.script, sys.Command{
				Env:  []string{"PATH=/usr/bin:/bin"},
				Line: func(string, string) { once.Do(func() { close(seen) }) },
			}))
			e, ok := errors.AsType[*sys.Unended](err)
			if !ok || e.Alive || !strings.Contains(e.Error(), "people want it to stop") {
				t.Errorf("the error is %v", err)
			}
			// What it said before it was stopped is there.
			gone(t, strings.TrimSpace(string(out.Stdout)))
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// Children hear of the end as the program does, and may tidy up.
func TestRunTellsTheWholeGroup(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, err := sys.Programs{}.Run(ctx, sh(`trap : TERM
(trap 'echo gently; exit' TERM; echo ready; while :; do sleep 0.02; done) &
wait; wait`, sys.Command{
		Env: []string{"PATH=/usr/bin:/bin"},
		Line: func(_, line string) {
			if line == "ready" {
				cancel()
			}
		},
	}))
	if !errors.Is(err, context.Canceled) || string(out.Stdout) != "ready\ngently\n" {
		t.Errorf("%v, %q", err, out.Stdout)
	}
}

func TestRunLimit(t *testing.T) {
	_, err := sys.Programs{}.Run(t.Context(), sys.Command{Argv: []string{"/bin/sleep", "1000"}, Limit: 50 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "/bin/sleep was stopped after ") {
		t.Errorf("the error is %v", err)
	}
}

// What a program leaves behind ends with it, though it holds the output open.
func TestRunLeavesNobodyBehind(t *testing.T) {
	out, err := sys.Programs{}.Run(t.Context(), sh(`sleep 1000 & echo $!`, sys.Command{Env: []string{"PATH=/usr/bin:/bin"}}))
	must(t, err)
	if out.Took > 4*time.Second {
		t.Errorf("it took %s", out.Took)
	}
	gone(t, strings.TrimSpace(string(out.Stdout)))
}

// run is the part of another process: it runs a program, which tells its number.
func run() {
	_, _ = sys.Programs{}.Run(context.Background(), sys.Command{
		Argv: []string{"/bin/sh", "-c", "echo $$; exec /bin/sleep 1000"},
		Line: func(_, line string) { fmt.Println(line) },
	})
}

// A program dies with the process that runs it.
func TestRunDiesWithItsParent(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{part + "=run"}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer cmd.Wait()
	var pid string
	if _, err := fmt.Fscanln(out, &pid); err != nil {
		t.Fatal(err)
	}
	if !alive(t, pid) {
		t.Fatalf("process %s is not there", pid)
	}
	must(t, cmd.Process.Signal(syscall.SIGKILL))
	gone(t, pid)
}

func TestRunTellsLines(t *testing.T) {
	var lines []string
	out, err := sys.Programs{}.Run(t.Context(), sh(`echo one; echo two >&2; printf 'three\r\n\nfive'`, sys.Command{
		Line: func(stream, line string) { lines = append(lines, stream+" "+line) },
	}))
	must(t, err)
	if string(out.Stdout) != "one\nthree\r\n\nfive" {
		t.Errorf("%q", out.Stdout)
	}
	// The streams come side by side; each is in order.
	var stdout, stderr []string
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, "stdout "); ok {
			stdout = append(stdout, rest)
		} else {
			stderr = append(stderr, l)
		}
	}
	if fmt.Sprintf("%q %q", stdout, stderr) != `["one" "three" "" "five"] ["stderr two"]` {
		t.Errorf("%q", lines)
	}
}

// sockets is the part of a unit: it tries to make two sockets and writes what came
// of it.
func sockets(file string) {
	one, err1 := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	two, err2 := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	_, _ = syscall.Close(one), syscall.Close(two)
	_ = os.WriteFile(file, fmt.Appendf(nil, "unix %v, inet %v", err1, err2), 0o600)
}

func TestKernelFiles(t *testing.T) {
	disk := t.TempDir() + "/file"
	must(t, os.WriteFile(disk, nil, 0o600))
	for path, want := range map[string]bool{"/proc/self/comm": true, "/proc/sys/kernel/random/boot_id": true, disk: false} {
		f, err := os.Open(path)
		must(t, err)
		if got := sys.KernelFile(f); got != want {
			t.Errorf("%s: %v", path, got)
		}
		must(t, f.Close())
	}
}

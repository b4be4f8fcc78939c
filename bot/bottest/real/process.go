package real

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTime = 60 * time.Second // how long a program may take until it is ready
	stopTime  = 10 * time.Second // how long it may take to end after SIGTERM
)

// Command says how a [Process] is run.
type Command struct {
	Name string   // what messages call it
	Path string   // absolute; see [Require]
	Args []string // without the program's own name
	Env  []string // nil: the test's own environment
	Dir  string

	// Ready returns nil once the program can be used. nil: at once.
	Ready func(context.Context) error
}

// Process is a program that a test runs, stops or kills, and may start again
// with the same arguments. It is stopped when the test ends. One goroutine at
// a time may use it.
type Process struct {
	command Command
	log     string // path; each start appends

	mu  sync.Mutex
	run *run // the newest start, nil before the first
}

// run is one life of the program.
type run struct {
	process *os.Process
	ended   chan struct{}
	err     error // how it ended; to be read after ended is closed
}

// StartProcess runs a program and waits until it is ready.
func StartProcess(t testing.TB, c Command) *Process {
	t.Helper()
	p := newProcess(t, c)
	p.Start(t)
	return p
}

func newProcess(t testing.TB, c Command) *Process {
	t.Helper()
	if !filepath.IsAbs(c.Path) {
		t.Fatalf("%s: the program's path %q is not absolute: find it with real.Require", c.Name, c.Path)
	}
	log, err := os.CreateTemp(t.ArtifactDir(), c.Name+"-*.log")
	if err != nil {
		t.Fatalf("%s: no file for its log: %v", c.Name, err)
	}
	p := &Process{command: c, log: log.Name()}
	if err := log.Close(); err != nil {
		t.Fatalf("%s: no file for its log: %v", c.Name, err)
	}
	t.Cleanup(func() {
		p.Stop(t)
		if t.Failed() {
			t.Logf("the end of %s's log:\n%s", c.Name, p.LogTail(8<<10))
		}
	})
	return p
}

// Start runs the program, which must not run already, and waits until it is
// ready.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	if p.Running() {
		t.Fatalf("%s runs already: stop it first", p.command.Name)
	}
	r, err := launch(p.command, p.log)
	if err != nil {
		t.Fatalf("%s does not start: %v", p.command.Name, err)
	}
	p.mu.Lock()
	p.run = r
	p.mu.Unlock()
	if p.command.Ready == nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	err = Poll(ctx, func() error {
		select {
		case <-r.ended:
			cancel()
			return fmt.Errorf("it ended (%v)", r.err)
		default:
			return p.command.Ready(ctx)
		}
	})
	if err != nil {
		t.Fatalf("%s is not ready: %v", p.command.Name, err)
	}
}

// launch starts the program. The goroutine that waits for its end is over when
// ended is closed; [Process.Stop] and [Process.Kill] wait for that.
func launch(c Command, logPath string) (*run, error) {
	log, err := os.OpenFile(logPath, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env, cmd.Dir = c.Env, c.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithParent()

	r := &run{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(r.ended)
		// The kernel takes the thread that started a child for its parent (see
		// dieWithParent), so this one must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		r.process = cmd.Process
		started <- err
		if err == nil {
			r.err = cmd.Wait()
		}
	}()
	err = <-started
	_ = log.Close() // the child has its own copy, and only the child writes
	return r, err
}

// Stop asks the program to end (SIGTERM), waits, and kills it when it has not
// ended in ten seconds. Stopping what does not run does nothing.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	r := p.current()
	if r == nil {
		return
	}
	_ = r.process.Signal(syscall.SIGTERM) // it may just have ended
	select {
	case <-r.ended:
	case <-time.After(stopTime):
		t.Logf("%s did not end within %s of SIGTERM and is killed", p.command.Name, stopTime)
		p.Kill(t)
	}
}

// Kill ends the program without any warning (SIGKILL), as a power cut would,
// and waits until it is gone.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	if r := p.current(); r != nil {
		_ = r.process.Kill() // it may just have ended
		<-r.ended
	}
}

// Signal sends a signal to the program, which must run.
func (p *Process) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	r := p.current()
	if r == nil {
		t.Fatalf("%s does not run: nothing to send %v to", p.command.Name, sig)
	}
	if err := r.process.Signal(sig); err != nil {
		t.Fatalf("%v does not reach %s: %v", sig, p.command.Name, err)
	}
}

// Wait waits until the program has ended by itself and returns how: nil for
// exit status 0, otherwise mostly an *exec.ExitError.
func (p *Process) Wait(t testing.TB, within time.Duration) error {
	t.Helper()
	r := p.current()
	if r == nil {
		t.Fatalf("%s was never started", p.command.Name)
	}
	select {
	case <-r.ended:
	case <-time.After(within):
		t.Fatalf("%s still runs after %s", p.command.Name, within)
	}
	return r.err
}

// Running tells whether the program runs now.
func (p *Process) Running() bool {
	r := p.current()
	if r == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

func (p *Process) current() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// LogTail returns the last bytes, at most n, that the program wrote over all
// its lives.
func (p *Process) LogTail(n int64) string {
	f, err := os.Open(p.log)
	if err != nil {
		return "(unreadable: " + err.Error() + ")"
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-n), io.SeekStart)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return "(unreadable: " + err.Error() + ")"
	}
	return string(text)
}

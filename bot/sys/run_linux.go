package sys

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot/sys/internal/output"
)

// Programs is the Runner of this machine.
//
// A program leads a process group of its own, so that it is ended with its
// children: SIGTERM to all of them when the context ends, SIGKILL after Grace.
// What it leaves behind in its group when it ends by itself is killed too; only
// what leaves the group on purpose (a daemon) lives on.
//
// The kernel kills it when this process dies (PR_SET_PDEATHSIG). A run's unit
// would lose it anyway, as systemd ends all that is in the unit; but the agent's
// own looks and plans, and a worker that is run by hand, must not leave a
// program behind that nobody waits for. Nothing that is run so must outlive its
// asker: what must, is a unit (Units.StartTransient).
type Programs struct {
	// Grace is how long a program has between SIGTERM and SIGKILL; 5 s.
	Grace time.Duration
}

var _ Runner = Programs{}

// lastWait bounds each wait that should be over at once: for the kernel to bury
// what was killed, for pipes that strangers hold open, for a listener.
const lastWait = 5 * time.Second

// Run runs the program and waits for it. With an *Unended comes what the program
// had said until then.
func (p Programs) Run(ctx context.Context, c Command) (Output, error) {
	if err := c.Check(); err != nil {
		return Output{}, err
	}
	if c.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Limit)
		defer cancel()
	}
	if ctx.Err() != nil {
		return Output{}, fmt.Errorf("%s was not started: %w", c.Argv[0], context.Cause(ctx))
	}
	collector := output.New(c.Most, c.Line)
	// The context is looked after here, not by the library, which would end the
	// program alone.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.Argv[0], c.Argv[1:]...)
	cmd.Env = append([]string{}, c.Env...) // nil would be this process's own
	cmd.Dir = cmp.Or(c.Dir, "/")
	cmd.Stdout, cmd.Stderr = collector.Stream("stdout"), collector.Stream("stderr")
	var handed gate
	if c.Stdout != nil {
		handed.w, cmd.Stdout = c.Stdout, &handed
	}
	if c.Stdin != nil {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	cmd.WaitDelay = lastWait
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	begun := time.Now()
	r, err := launch(cmd)
	if err != nil {
		collector.Close(0)
		return Output{}, err
	}
	alive := p.attend(ctx, r)
	out := Output{Took: time.Since(begun)}
	if !alive {
		<-r.reaped
		out.Exit = exitCode(cmd)
	}
	out.Stdout, out.Stderr, out.Cut = collector.Close(lastWait)
	refused := handed.close()
	if alive || r.stopped {
		return out, &Unended{Program: c.Argv[0], After: out.Took, Alive: alive, Cause: context.Cause(ctx)}
	}
	if refused != nil {
		return out, fmt.Errorf("%s: its output was not taken: %w", c.Argv[0], refused)
	}
	// A stranger that holds the pipes open is no fault of the program, unless
	// somebody wants all that came through them; and neither is an input that it
	// did not want.
	if _, exited := errors.AsType[*exec.ExitError](r.err); r.err != nil && !exited &&
		(c.Stdout != nil || !errors.Is(r.err, exec.ErrWaitDelay)) && !errors.Is(r.err, syscall.EPIPE) {
		return out, fmt.Errorf("%s: %w", c.Argv[0], r.err)
	}
	return out, nil
}

// gate hands on what is written until it is closed: after Run has returned,
// nobody writes to what belongs to its caller.
type gate struct {
	mu     sync.Mutex
	w      io.Writer
	err    error // the writer's own
	closed bool
}

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return 0, io.ErrClosedPipe
	}
	n, err := g.w.Write(p)
	if err != nil {
		g.err = err
	}
	return n, err
}

// close gives what the writer found wrong. (The program's own end hides it, as a
// rule: it dies of the broken pipe.)
func (g *gate) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return g.err
}

// running is one program on its way.
type running struct {
	pid     int
	ended   chan struct{} // closed when it has ended; its number is not free yet
	group   chan struct{} // closed by attend when nothing more is sent to its group
	reaped  chan struct{} // closed when all is over
	err     error         // to be read after reaped
	stopped bool          // it was told to end
}

// launch starts the program on a thread that lives as long as it does: the kernel
// takes the thread, not the process, for the parent whose death is told.
func launch(cmd *exec.Cmd) (*running, error) {
	r := &running{ended: make(chan struct{}), group: make(chan struct{}), reaped: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(r.reaped)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err != nil {
			started <- err
			return
		}
		r.pid = cmd.Process.Pid
		started <- nil
		// It is looked at without being buried, so that its number, which is that of
		// its group, cannot be another one's when the rest of the group is killed.
		for {
			err := unix.Waitid(unix.P_PID, r.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
		close(r.ended)
		<-r.group
		r.err = cmd.Wait()
	}()
	return r, <-started
}

// attend waits for the program's end, or brings it about. It tells whether the
// program is still there.
func (p Programs) attend(ctx context.Context, r *running) (alive bool) {
	defer close(r.group)
	select {
	case <-r.ended:
	case <-ctx.Done():
		r.stopped = true
		_ = unix.Kill(-r.pid, unix.SIGTERM)
		if !within(cmp.Or(p.Grace, 5*time.Second), r.ended) {
			_ = unix.Kill(-r.pid, unix.SIGKILL)
			if !within(lastWait, r.ended) {
				return true
			}
		}
	}
	_ = unix.Kill(-r.pid, unix.SIGKILL) // what it left behind
	return false
}

func within(d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

func exitCode(cmd *exec.Cmd) int {
	if cmd.ProcessState == nil {
		return -1
	}
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return cmd.ProcessState.ExitCode()
}

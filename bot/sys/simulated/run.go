package simulated

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"watchstander/bot/sys"
	"watchstander/bot/sys/internal/output"
)

// Program is a program of the host: its result is the exit code. It must end soon
// after its context has.
type Program func(context.Context, *Call) int

// Call is one run of a program.
type Call struct {
	// Host is the host as the program sees it, which is a process of its own.
	Host sys.Host
	// Path is where the program is, without links.
	Path           string
	Argv, Env      []string
	Dir            string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// marker stands in the files that programs are on the host, before their name.
const marker = "watchstander-simulated: "

// grace is how long a program may take to end when it was told to, and lastWait
// how long its listener may, as with real ones.
const (
	grace    = 5 * time.Second
	lastWait = 5 * time.Second
)

// Program puts a program at a path of the host, in place of what was there.
func (h *Host) Program(path string, p Program) error {
	h.name(path, p)
	return h.put(path, stub(path), 0o555)
}

// name makes a program known under a name, by which any number of files can stand
// for it.
func (h *Host) name(name string, p Program) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.programs[name] = p
}

// stub is the file that stands for a program.
func stub(name string) string { return "#!/run/current-system/sw/bin/sh\n# " + marker + name + "\n" }

// runner is the host's, for one process.
type runner struct{ p *process }

var _ sys.Runner = runner{}

func (r runner) Run(ctx context.Context, c sys.Command) (sys.Output, error) {
	h := r.p.h
	if err := c.Check(); err != nil {
		return sys.Output{}, err
	}
	if err := r.p.may("fork/exec", c.Argv[0]); err != nil {
		return sys.Output{}, err
	}
	if c.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Limit)
		defer cancel()
	}
	if ctx.Err() != nil {
		return sys.Output{}, fmt.Errorf("%s was not started: %w", c.Argv[0], context.Cause(ctx))
	}
	h.mu.Lock()
	h.runs = append(h.runs, c)
	h.mu.Unlock()
	ctx, stop := r.p.alive(ctx)
	defer stop()
	if slices.Contains(h.o.Real, c.Argv[0]) {
		return h.real(ctx, c)
	}
	if _, err := r.p.tree.Stat(cmp.Or(c.Dir, "/")); err != nil {
		return sys.Output{}, &fs.PathError{Op: "chdir", Path: c.Dir, Err: fs.ErrNotExist}
	}
	path, program, err := h.find(c.Argv[0])
	if err != nil {
		return sys.Output{}, &fs.PathError{Op: "fork/exec", Path: c.Argv[0], Err: err}
	}
	collector := output.New(c.Most, c.Line)
	// Its own process: what it has locked is free when it ends, and it dies with the
	// one that runs it.
	own := h.process(r.p.life, filepath.Base(c.Argv[0]))
	call := &Call{
		Host: own.sys(), Path: path, Argv: slices.Clone(c.Argv), Env: slices.Clone(c.Env), Dir: cmp.Or(c.Dir, "/"),
		Stdin: bytes.NewReader(c.Stdin), Stdout: collector.Stream("stdout"), Stderr: collector.Stream("stderr"),
	}
	pipe := &pipe{to: c.Stdout}
	if c.Stdout != nil {
		call.Stdout = pipe
	}
	begun := time.Now()
	ended := make(chan int, 1)
	if err := h.begin(func() {
		defer own.kill(ErrKilled)
		ended <- program(ctx, call)
	}); err != nil {
		own.kill(err)
		return sys.Output{}, &fs.PathError{Op: "fork/exec", Path: c.Argv[0], Err: err}
	}
	out := sys.Output{}
	stopped, alive := false, false
	select {
	case out.Exit = <-ended:
	case <-ctx.Done():
		stopped = true
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-ended:
		case <-timer.C:
			own.kill(ErrKilled)
			alive = true
		}
	}
	out.Took = time.Since(begun)
	out.Stdout, out.Stderr, out.Cut = collector.Close(lastWait)
	refused := pipe.close()
	if stopped {
		return out, &sys.Unended{Program: c.Argv[0], After: out.Took, Alive: alive, Cause: context.Cause(ctx)}
	}
	if refused != nil {
		return out, fmt.Errorf("%s: its output was not taken: %w", c.Argv[0], refused)
	}
	return out, nil
}

// pipe hands a program's output on to whoever wants all of it, until Run returns.
type pipe struct {
	mu     sync.Mutex
	to     io.Writer
	err    error
	closed bool
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.err != nil {
		return 0, syscall.EPIPE
	}
	n, err := p.to.Write(b)
	p.err = err
	return n, err
}

func (p *pipe) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return p.err
}

// find gives the program that a path of the host stands for.
func (h *Host) find(path string) (at string, p Program, err error) {
	if at, err = h.tree.Resolve(path); err != nil {
		return "", nil, fs.ErrNotExist
	}
	info, err := h.tree.Stat(at)
	if err != nil {
		return "", nil, fs.ErrNotExist
	}
	if info.Mode().Perm()&0o111 == 0 || !info.Mode().IsRegular() {
		return "", nil, fs.ErrPermission
	}
	text, err := h.tree.Read(at, 64<<10)
	if err != nil {
		return "", nil, syscall.ENOEXEC
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if _, name, ok := strings.Cut(lines.Text(), marker); ok {
			h.mu.Lock()
			p := h.programs[name]
			h.mu.Unlock()
			if p != nil {
				return at, p, nil
			}
		}
	}
	return "", nil, syscall.ENOEXEC
}

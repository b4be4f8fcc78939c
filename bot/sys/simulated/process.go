package simulated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"watchstander/bot/sys"
)

// ErrKilled is what a process gets that has been killed, or was there before a
// power loss: it can do nothing any more.
var ErrKilled = errors.New("this process of the simulated host was killed")

// process is one user of the host. Locks are its own, and go with it as the
// kernel's do; files that stand for locks stay behind.
type process struct {
	h    *Host
	pid  int
	comm string
	tree *sys.Tree
	life context.Context
	end  context.CancelCauseFunc

	mu    sync.Mutex
	locks map[*lock]bool
}

type lock struct {
	sys.Lock
	release func() error
}

// Process is a process of the host that a test or the demo plays.
type Process struct{ p *process }

// Start starts one. It lives until it is killed or the power is lost.
func (h *Host) Start(comm string) *Process { return &Process{h.process(h.powered(), comm)} }

// PID is its number.
func (p *Process) PID() int { return p.p.pid }

// Sys is the host as it sees it.
func (p *Process) Sys() sys.Host { return p.p.sys() }

// Kill ends it at once: whatever it does from now on is refused (ErrKilled), and
// so is what it is just waiting for. Its kernel locks are free.
func (p *Process) Kill() { p.p.kill(ErrKilled) }

func (h *Host) powered() context.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.power
}

// process starts one whose life ends with the context.
func (h *Host) process(ctx context.Context, comm string) *process {
	p := &process{h: h, comm: comm, locks: map[*lock]bool{}}
	p.life, p.end = context.WithCancelCause(ctx)
	h.mu.Lock()
	h.lastPID += 7
	p.pid = h.lastPID
	h.processes[p.pid] = p
	ticks := int64(time.Since(h.booted)/(10*time.Millisecond)) + 1
	h.mu.Unlock()
	p.tree = h.tree.As(p.pid)
	dir := fmt.Sprintf("/proc/%d/", p.pid)
	// Without these nobody can tell that it is there, which only its own locks need.
	_ = h.put(dir+"comm", comm+"\n", 0o444)
	_ = h.put(dir+"stat", fmt.Sprintf("%d (%s) S 1 %[1]d %[1]d 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 %[3]d 0 0\n", p.pid, comm, ticks), 0o444)
	return p
}

func (p *process) sys() sys.Host {
	return sys.Host{Name: p.h.o.Name, Files: files{p}, Run: runner{p}, Units: units{p}}
}

// kill ends a process. It may be called again.
func (p *process) kill(cause error) {
	p.end(cause)
	p.mu.Lock()
	locks := slices.Collect(maps.Keys(p.locks))
	p.locks = map[*lock]bool{}
	p.mu.Unlock()
	for _, l := range locks {
		if l.Format == sys.LockFlock || l.Format == sys.LockFcntl {
			_ = l.release()
		}
	}
	p.h.mu.Lock()
	delete(p.h.processes, p.pid)
	p.h.mu.Unlock()
	_ = os.RemoveAll(p.h.tree.Outside(fmt.Sprintf("/proc/%d", p.pid)))
	p.h.tellLocks()
}

// may refuses a process that is no more, and paths that are spoilt.
func (p *process) may(op, path string) error {
	if p.life.Err() != nil {
		return &fs.PathError{Op: op, Path: path, Err: context.Cause(p.life)}
	}
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	if err := p.h.spoilt[path]; err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

// tellLocks writes /proc/locks anew, by which holders are named.
func (h *Host) tellLocks() {
	h.mu.Lock()
	processes := slices.Collect(maps.Values(h.processes))
	h.mu.Unlock()
	var b strings.Builder
	n := 0
	for _, p := range processes {
		p.mu.Lock()
		for l := range p.locks {
			kind := map[sys.LockFormat]string{sys.LockFlock: "FLOCK", sys.LockFcntl: "POSIX"}[l.Format]
			info, err := p.tree.Stat(l.Path)
			if kind == "" || err != nil {
				continue
			}
			if id, ok := deviceAndInode(info.Sys()); ok {
				n++
				fmt.Fprintf(&b, "%d: %s  ADVISORY  WRITE %d %s 0 EOF\n", n, kind, p.pid, id)
			}
		}
		p.mu.Unlock()
	}
	_ = h.put("/proc/locks", b.String(), 0o444)
}

// files are the host's, for one process.
type files struct{ p *process }

var _ sys.Files = files{}

// fresh has a file that is made up as it is read written down first.
func (f files) fresh(op, path string) error {
	if err := f.p.may(op, path); err != nil {
		return err
	}
	f.p.h.refresh(path)
	return nil
}

func (f files) Read(path string, most int64) ([]byte, error) {
	if err := f.fresh("read", path); err != nil {
		return nil, err
	}
	return f.p.tree.Read(path, most)
}

func (f files) Write(path string, data []byte) error {
	if err := f.p.may("write", path); err != nil {
		return err
	}
	real, err := f.p.tree.Resolve(path)
	if err != nil {
		return err
	}
	if name, ok := strings.CutPrefix(real, parameters+"/"); ok && len(data) > 0 {
		if err := f.p.h.writeParameter(name, data); err != nil {
			return &fs.PathError{Op: "write", Path: path, Err: err}
		}
		return nil
	}
	if strings.HasPrefix(real, "/nix/store/") {
		return &fs.PathError{Op: "write", Path: path, Err: syscall.EROFS}
	}
	return f.p.tree.Write(path, data)
}

func (f files) Open(path string) (io.ReadCloser, error) {
	if err := f.fresh("open", path); err != nil {
		return nil, err
	}
	return f.p.tree.Open(path)
}

func (f files) Stat(path string) (fs.FileInfo, error) {
	if err := f.p.may("stat", path); err != nil {
		return nil, err
	}
	return f.p.tree.Stat(path)
}

func (f files) Readlink(path string) (string, error) {
	if err := f.p.may("readlink", path); err != nil {
		return "", err
	}
	return f.p.tree.Readlink(path)
}

func (f files) Resolve(path string) (string, error) {
	if err := f.p.may("resolve", path); err != nil {
		return "", err
	}
	return f.p.tree.Resolve(path)
}

func (f files) List(dir string) ([]fs.DirEntry, error) {
	if err := f.p.may("list", dir); err != nil {
		return nil, err
	}
	return f.p.tree.List(dir)
}

func (f files) Scratch(dir, pattern string) (string, error) {
	if err := f.p.may("scratch", dir); err != nil {
		return "", err
	}
	return f.p.tree.Scratch(dir, pattern)
}

func (f files) Remove(scratch string) error {
	if err := f.p.may("remove", scratch); err != nil {
		return err
	}
	return f.p.tree.Remove(scratch)
}

func (f files) Hold(ctx context.Context, l sys.Lock) (func() error, error) {
	p := f.p
	if err := p.may("lock", l.Path); err != nil {
		return nil, err
	}
	ctx, stop := p.alive(ctx)
	defer stop()
	release, err := p.tree.Hold(ctx, l)
	if err != nil {
		return nil, err
	}
	mine := &lock{Lock: l, release: release}
	p.mu.Lock()
	if p.life.Err() != nil {
		p.mu.Unlock()
		_ = release()
		return nil, p.may("lock", l.Path)
	}
	p.locks[mine] = true
	p.mu.Unlock()
	p.h.tellLocks()
	return func() error {
		if err := p.may("unlock", l.Path); err != nil {
			return err
		}
		p.mu.Lock()
		delete(p.locks, mine)
		p.mu.Unlock()
		defer p.h.tellLocks()
		return release()
	}, nil
}

func (f files) Mounts() ([]sys.Mount, error) {
	if err := f.p.may("read", "/proc/self/mountinfo"); err != nil {
		return nil, err
	}
	return f.p.tree.Mounts()
}

func (f files) Free(path string) (int64, error) {
	if err := f.p.may("statfs", path); err != nil {
		return 0, err
	}
	real, err := f.p.tree.Resolve(path)
	if err != nil {
		return 0, err
	}
	mounts, err := f.p.tree.Mounts()
	if err != nil {
		return 0, err
	}
	m, ok := sys.MountOf(mounts, real)
	if !ok {
		return 0, &fs.PathError{Op: "statfs", Path: path, Err: fs.ErrNotExist}
	}
	f.p.h.mu.Lock()
	defer f.p.h.mu.Unlock()
	return f.p.h.free[m.Target], nil
}

// alive is a context that ends with the process too.
func (p *process) alive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.life, func() { cancel(context.Cause(p.life)) })
	return ctx, func() { stop(); cancel(nil) }
}

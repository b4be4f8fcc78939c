package simulated

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot/sys"
)

// Options describe the host. What is left out is vulcan's.
type Options struct {
	// Dir is an empty directory for the host's tree, the caller's to remove. Without
	// it the host makes its own, in memory where this machine has a place for that (a
	// tree is hundreds of small files), and removes it when it is closed.
	Dir string
	// Name is the host's name.
	Name string
	// RAM is what the kernel has of the host's memory, in bytes; 62.7 of 64 GiB.
	RAM uint64
	// Loader is the boot loader, by its id in nixpkgs: "grub" or "systemd-boot".
	Loader string
	// Generations of the system profile, in any order. The last of them runs and was
	// booted, unless Running and Booted say otherwise.
	Generations     []Generation
	Running, Booted int
	// Units beside those that the running generation has.
	Units []sys.Unit
	// Pools of ZFS; nil is vulcan's, an empty list a host without.
	Pools []Pool
	// Exec is what transient units execute: it is given the host as the unit's process
	// sees it, and its result is the exit code. Without it, the unit's program is one
	// of the simulated ones.
	Exec func(context.Context, sys.Host, sys.Transient) int
	// Real are programs that run for real where this machine has them, by their
	// absolute paths on it ("/usr/bin/restic"). Arguments, variables and inputs that
	// name paths of the tree are given to them as the paths of this machine, and the
	// other way round in what they say.
	Real []string
}

// Host is the simulated host.
type Host struct {
	o    Options
	tree *sys.Tree
	own  bool // the directory is removed at the end

	work sync.WaitGroup // goroutines of units

	// files orders what changes the tree's links together (a switch, a profile).
	files sync.Mutex

	mu        sync.Mutex
	power     context.Context // ends with a power loss
	cut       context.CancelCauseFunc
	processes map[int]*process
	lastPID   int
	booted    time.Time
	units     map[string]*unit
	bus       bool          // systemd can be reached
	lost      chan struct{} // closed when it cannot be reached any more
	programs  map[string]Program
	works     map[string]func(context.Context) error // what units do when they are started
	spoilt    map[string]error
	free      map[string]int64
	log       []Line
	zfs       *module
	pools     []Pool
	systems   map[int]*system    // the profile's, by generation
	stored    map[string]*system // all there are, by store path
	scripts   map[int]Activation
	menu      string // the system that the boot loader starts
	runs      []sys.Command
	closed    bool
}

// Line is one entry of the host's journal.
type Line struct {
	At   time.Time
	Unit string // "" for the kernel
	Text string
	// Invocation is the unit's when the line was written.
	Invocation string
	// Fields are further ones, by their names in the journal ("_UID", "_TRANSPORT",
	// "SYSLOG_IDENTIFIER").
	Fields map[string]string
}

// New makes the host, up and running.
func New(o Options) (*Host, error) {
	o = o.filled()
	own := o.Dir == ""
	if own {
		var err error
		if o.Dir, err = ownDir(); err != nil {
			return nil, err
		}
	}
	h, err := start(o)
	if err != nil {
		if own {
			err = errors.Join(err, os.RemoveAll(o.Dir))
		}
		return nil, err
	}
	h.own = own
	return h, nil
}

func ownDir() (string, error) {
	const pattern = "watchstander-host-"
	if dir, err := os.MkdirTemp("/dev/shm", pattern); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", pattern)
}

func start(o Options) (*Host, error) {
	if entries, err := os.ReadDir(o.Dir); err != nil || len(entries) > 0 {
		return nil, errors.Join(fmt.Errorf("%s is no empty directory", o.Dir), err)
	}
	tree, err := sys.OpenTree(o.Dir)
	if err != nil {
		return nil, err
	}
	h := &Host{
		o: o, tree: tree,
		processes: map[int]*process{}, lastPID: 1000,
		units: map[string]*unit{}, bus: true,
		programs: map[string]Program{}, works: map[string]func(context.Context) error{}, spoilt: map[string]error{}, free: map[string]int64{},
		pools: o.Pools, systems: map[int]*system{}, stored: map[string]*system{}, scripts: map[int]Activation{},
	}
	h.power, h.cut = context.WithCancelCause(context.Background())
	if err := h.build(); err != nil {
		return nil, errors.Join(err, tree.Close())
	}
	return h, nil
}

// Close ends everything that runs on the host, waits for it, and lets go of the
// tree.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	h.mu.Unlock()
	h.end(errors.New("the simulated host was switched off"))
	h.work.Wait()
	err := h.tree.Close()
	if h.own {
		err = errors.Join(err, os.RemoveAll(h.o.Dir))
	}
	return err
}

// begin runs what Close waits for. Once that has begun to wait nothing begins.
func (h *Host) begin(work func()) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrKilled
	}
	h.work.Go(work)
	return nil
}

// Name is the host's name.
func (h *Host) Name() string { return h.o.Name }

// Sys is the host as one new process of it sees it, which lives until the next
// power loss. Everything that is done with it is refused after that.
func (h *Host) Sys() sys.Host { return h.Start("watchstander").Sys() }

// Outside is where a path of the host is on this machine.
func (h *Host) Outside(path string) string { return h.tree.Outside(path) }

// PutFile makes or replaces a file of the host, with its directories.
func (h *Host) PutFile(path, content string) error { return h.put(path, content, 0o644) }

// PutLink makes or replaces a link.
func (h *Host) PutLink(path, to string) error { return h.link(path, to) }

// Spoil makes everything that is done with a path fail; nil mends it.
func (h *Host) Spoil(path string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		delete(h.spoilt, path)
	} else {
		h.spoilt[path] = err
	}
}

// SetFree says how many bytes are free on the mount at target.
func (h *Host) SetFree(target string, bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free[target] = bytes
}

// Journal is what units and the kernel have logged.
func (h *Host) Journal() []Line {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Line(nil), h.log...)
}

// Log adds a line to the journal.
func (h *Host) Log(unit, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logged(unit, format, args...)
}

// logged is Log for who holds the lock.
func (h *Host) logged(unit, format string, args ...any) {
	l := Line{At: time.Now().UTC(), Unit: unit, Text: fmt.Sprintf(format, args...)}
	if u := h.units[unit]; u != nil {
		l.Invocation = u.Invocation
	}
	h.write(l)
}

// Write adds an entry with fields of its own to the journal, now or at its time.
func (h *Host) Write(l Line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.At.IsZero() {
		l.At = time.Now().UTC()
	}
	h.write(l)
}

func (h *Host) write(l Line) {
	const most = 10_000
	if len(h.log) >= most {
		h.log = append(h.log[:0], h.log[most/2:]...)
	}
	// The journal is read in the order of time, whoever wrote when.
	at := len(h.log)
	for at > 0 && l.At.Before(h.log[at-1].At) {
		at--
	}
	h.log = slices.Insert(h.log, at, l)
}

// Ran lists the programs that were run, the oldest first.
func (h *Host) Ran() []sys.Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]sys.Command(nil), h.runs...)
}

// add writes a file of the store, unless it is there: its path says what is in it.
func (h *Host) add(path, content string, mode os.FileMode) error {
	where := h.tree.Outside(path)
	if _, err := os.Lstat(where); err == nil {
		return nil
	}
	err := os.WriteFile(where, []byte(content), mode)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(where), 0o755); err == nil {
			err = os.WriteFile(where, []byte(content), mode)
		}
	}
	return err
}

// addLink is add for a link.
func (h *Host) addLink(path, to string) error {
	where := h.tree.Outside(path)
	err := os.Symlink(to, where)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(where), 0o755); err == nil {
			err = os.Symlink(to, where)
		}
	}
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// put writes a file of the tree so that readers see the old one or the new one.
func (h *Host) put(path, content string, mode os.FileMode) error {
	where := h.tree.Outside(path)
	if err := os.MkdirAll(filepath.Dir(where), 0o755); err != nil {
		return err
	}
	temporary := filepath.Join(filepath.Dir(where), ".new-"+filepath.Base(where))
	if err := os.WriteFile(temporary, []byte(content), mode); err != nil {
		return err
	}
	return os.Rename(temporary, where)
}

// link makes a link so that readers see the old one or the new one. Its time is
// the host's, which may be a fake one.
func (h *Host) link(path, to string) error { return h.linkAt(path, to, time.Now()) }

func (h *Host) linkAt(path, to string, at time.Time) error {
	where := h.tree.Outside(path)
	if err := os.MkdirAll(filepath.Dir(where), 0o755); err != nil {
		return err
	}
	temporary := filepath.Join(filepath.Dir(where), ".new-"+filepath.Base(where))
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(to, temporary); err != nil {
		return err
	}
	if err := setTime(temporary, at); err != nil {
		return err
	}
	return os.Rename(temporary, where)
}

// readlink is a link's text, "" where there is none.
func (h *Host) readlink(path string) string {
	to, err := os.Readlink(h.tree.Outside(path))
	if err != nil {
		return ""
	}
	return to
}

// passes waits, and tells whether the context lived that long.
func passes(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// sentence joins names as the programs of a host do.
func sentence(names []string) string { return strings.Join(names, ", ") }

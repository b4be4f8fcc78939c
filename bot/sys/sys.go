// Package sys is the host as the agent touches it: files below a root, programs
// by their argument vectors, units over D-Bus. Whoever plans, applies or
// verifies an operation, or answers a look, sees the host through a Host alone,
// so that the same code runs on a real host and on the simulated one
// (bot/sys/simulated).
//
// There is no shell, no search path and no inherited environment: a program is
// named by its absolute path, and gets exactly the arguments and variables that
// it is given. Everything is bounded: bytes read, output kept, time.
//
// The real ones: Tree (tree.go, scratch.go, mounts.go; lock.go and pidfile.go take
// the host's locks, lock_owner.go and holder_linux.go tell who has one), Programs
// (run_linux.go) and Systemd (systemd.go, systemd_read.go, systemd_job.go). Real puts
// them together.
//
// Neighbours: integrations/nixos, zfs, restic and units work on it; bot/agent
// starts the units in which runs live; main makes the real one.
package sys

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"
)

// Host is one machine.
type Host struct {
	// Name is the configured one.
	Name  string
	Files Files
	Run   Runner
	Units Units
}

// Files are the host's files. Paths are absolute and clean ("/proc/meminfo"), and
// never lead out of the tree, whatever links say; links, absolute ones too, are
// followed within it. Errors wrap fs.ErrNotExist and its like.
type Files interface {
	// Read gives a whole file of at most most bytes; a longer one is ErrTooLong.
	Read(path string, most int64) ([]byte, error)
	// Write writes an existing file in place, as sysfs and procfs want it, in one
	// write(2). It makes no file.
	Write(path string, data []byte) error
	// Open reads a large file.
	Open(path string) (io.ReadCloser, error)
	Stat(path string) (fs.FileInfo, error)
	// Readlink gives a link's own text.
	Readlink(path string) (string, error)
	// Resolve follows every link to the path of what is really there.
	Resolve(path string) (string, error)
	List(dir string) ([]fs.DirEntry, error)
	// Scratch makes a new directory below dir, mode 0700, and gives its path
	// without links; "*" in the pattern becomes something random. Remove removes
	// one that Scratch made, in this process or an earlier one, with all that is in
	// it; that it is gone already is no error, and anything else is ErrNotScratch.
	Scratch(dir, pattern string) (string, error)
	Remove(scratch string) error
	// Hold takes a lock in the host's own format and holds it until release, which
	// may be called more than once. It tries at least once, and goes on trying for as
	// long as the lock says and the context lives; then it says who has it (*Held).
	Hold(ctx context.Context, l Lock) (release func() error, err error)
	// Mounts lists what is mounted, in the order of /proc/self/mountinfo.
	Mounts() ([]Mount, error)
	// Free tells the bytes that are free for root below path.
	Free(path string) (int64, error)
}

// Lock is a lock that other programs of the host take too.
type Lock struct {
	// Path of the file or directory that stands for it.
	Path string
	// Format is how it is taken.
	Format LockFormat
	// Holder is written into it where the format has a place: "watchstander pln_…".
	Holder string
	// Wait is how long it is waited for; 0 is a single try.
	Wait time.Duration
}

// LockFormat is how a program of the host takes its lock.
type LockFormat string

const (
	// LockFlock is an exclusive flock(2) on the file.
	LockFlock LockFormat = "flock"
	// LockFcntl is an exclusive POSIX record lock on the whole file.
	LockFcntl LockFormat = "fcntl"
	// LockFile is a file made with O_EXCL that holds the holder's process number
	// in its first line; one whose process is gone is stale.
	LockFile LockFormat = "pidfile"
	// LockDir is a directory made with mkdir(2).
	LockDir LockFormat = "directory"
)

// Held is the error of Hold when somebody else has the lock.
type Held struct {
	Path string
	// By is what is known of the holder: "process 4711 (nixos-rebuild)", or "".
	By string
	// Cause is the context's, where that was why it was not waited for any longer.
	Cause error
}

func (h *Held) Unwrap() error { return h.Cause }

func (h *Held) Error() string {
	if h.By == "" {
		return h.Path + " is held by somebody else"
	}
	return h.Path + " is held by " + h.By
}

// Mount is one mounted file system.
type Mount struct {
	Source, Target, Type string
	ReadOnly             bool
}

// Runner runs programs.
type Runner interface {
	// Run waits for the program. A program that ran gives an Output, whatever its
	// exit code; an error means that it was not started, or did not end by itself
	// (its context ended, and it was killed with all its children).
	Run(context.Context, Command) (Output, error)
}

// Command is a program to be run.
type Command struct {
	// Argv: the first is an absolute path.
	Argv []string
	// Env are the only variables it gets, "NAME=value". PATH is not set unless it
	// is here.
	Env []string
	// Stdin, nil for none.
	Stdin []byte
	// Stdout, where it is not nil, takes all that the program says there, as it
	// comes: nothing of it is kept, cut or told by Line. A slow writer holds the
	// program back, and one that fails breaks its pipe.
	Stdout io.Writer
	// Dir is its working directory, "/" when empty.
	Dir string
	// Limit bounds its time; 0 leaves it to the context.
	Limit time.Duration
	// Most bounds what is kept of each of its outputs, in bytes; 0 is 1 MiB. What
	// is longer is read and thrown away, and told as Cut.
	Most int
	// Line is told each line as it comes, where it is not nil: "stdout" or
	// "stderr". Lines longer than 64 KiB come in pieces.
	Line func(stream, line string)
}

// Output is what a program that ended said.
type Output struct {
	Stdout, Stderr []byte
	// Exit is its code; 128 and the signal's number where a signal ended it.
	Exit int
	// Cut: one of the outputs was longer than what was kept.
	Cut  bool
	Took time.Duration
}

// Units are what systemd runs.
type Units interface {
	// List gives the loaded units whose names fit one of the patterns, as systemctl
	// reads them; all without patterns.
	List(ctx context.Context, patterns ...string) ([]Unit, error)
	// Unit gives one, whether it is loaded or not (Load "not-found").
	Unit(ctx context.Context, name string) (Unit, error)
	// Start, Restart and Stop ask for a job and wait for its end; the error names
	// the job's result ("failed", "timeout", "dependency") as a *JobError, or is
	// ErrLost. Of a unit that does not exist it is fs.ErrNotExist. A context that ends
	// ends the waiting, not the job.
	Start(ctx context.Context, name string) error
	Restart(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	// StartTransient makes and starts a unit of its own; one of that name that is
	// there already, failed ones too, is fs.ErrExist. It returns when its program was
	// executed; with a *JobError where it could not be, or has failed at once, and the
	// unit is there then. One that ends well is gone (Load "not-found"); one that
	// failed stays until ResetFailed.
	StartTransient(context.Context, Transient) error
	// ResetFailed lets systemd forget that a unit failed; fs.ErrNotExist where it is
	// not loaded.
	ResetFailed(ctx context.Context, name string) error
}

// Unit is how one unit is.
type Unit struct {
	Name        string
	Description string
	Load        string // loaded, not-found, masked, …
	Active      string // active, inactive, failed, activating, refreshing (since v257), …
	Sub         string // running, exited, dead, auto-restart, …
	// Result is the service's: success, exit-code, signal, oom-kill, …
	Result   string
	Restarts int // NRestarts, since the last start by somebody
	// Type is the service's: simple, oneshot, notify, …
	Type string
	// Since is when it entered its Active state; Started its last start, of a service
	// that of its main process.
	Since   time.Time
	Started time.Time
	MainPID int
	// ExitCode is that of the last main process; 128 and the signal's number where a
	// signal ended it, 0 while it runs.
	ExitCode int
	// Memory is in bytes, -1 where it is not counted.
	Memory int64
	// Fragment is the path of its unit file.
	Fragment string
	// Invocation changes with each start.
	Invocation string
}

// Fine tells whether the unit does what it is for: it runs, or it is a oneshot
// that went through.
func (u Unit) Fine() bool {
	switch u.Active {
	case "active", "reloading", "refreshing": // as `systemctl is-active` has it
		return true
	case "inactive":
		return u.Result == "" || u.Result == "success"
	}
	return false
}

// JobError is how a job of systemd ended that did not end well.
type JobError struct {
	Unit   string
	Result string // failed, timeout, dependency, canceled, skipped, invalid, …
}

func (e *JobError) Error() string { return e.Unit + ": the job's result is " + e.Result }

// ErrLost is the error of Start and its like when systemd cannot be asked any more
// while the job runs: what became of the job is unknown.
var ErrLost = errors.New("the connection to systemd was lost, and what became of the job is unknown")

// Transient is a unit that is made for one run: a service of Type=exec.
type Transient struct {
	Name        string // "watchstander-rollback-K7QF2M.service"
	Description string
	// Argv: the first is an absolute path.
	Argv []string
	Env  []string
	// Network: it may reach the network. Without it, it and all that it runs are alone
	// with Unix sockets, and cannot look at the host's network either: what activates a
	// system must have it.
	Network bool
	// Devices: it may use the host's devices. Without it, it and all that it runs have
	// /dev/null and its like alone: what installs a boot loader, or speaks to ZFS, must
	// have it.
	Devices bool
	// Limit is RuntimeMaxSec; 0 is none. StopLimit is TimeoutStopSec, how long it has
	// to end after it was told to stop, before it is killed; 0 is systemd's own, 90 s
	// where nobody set another.
	Limit, StopLimit time.Duration
	// Writable are the paths that it may write, where it may not write everything; nil
	// is everything. They must exist. With them it gets a /tmp of its own, unless that
	// is among them, and what it mounts nobody else sees.
	Writable []string
}

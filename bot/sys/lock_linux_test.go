package sys_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot/sys"
)

// hold is the part of another process, which takes a lock in one of the host's
// ways and keeps it.
func hold(how, path string) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err == nil {
		switch how {
		case "flock":
			err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		case "posix":
			err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		case "ofd":
			err = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		}
	}
	if err != nil {
		say(err.Error())
	}
	say("held")
}

// another starts another process that holds the lock until let is called.
func another(t *testing.T, how, path string) (pid int, let func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], how, path)
	cmd.Env = []string{part + "=hold"}
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	let = sync.OnceFunc(func() { in.Close(); cmd.Wait() })
	t.Cleanup(let)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return cmd.Process.Pid, let
}

// now is a context that is over: one try is made in any case.
// A pipe in a lock's place, or without an end what should be a number, holds nobody
// up for longer than their patience.
func TestWhatIsNoLockIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	must(t, syscall.Mkfifo(dir+"/file", 0o600))
	must(t, os.Mkdir(dir+"/dir", 0o700))
	must(t, syscall.Mkfifo(dir+"/dir/pid", 0o600))
	tree, err := sys.OpenTree("/")
	must(t, err)
	defer tree.Close()
	for path, format := range map[string]sys.LockFormat{dir + "/file": sys.LockFile, dir + "/dir": sys.LockDir} {
		done := make(chan error, 1)
		go func() {
			release, err := tree.Hold(t.Context(), sys.Lock{Path: path, Format: format})
			if err == nil {
				err = errors.Join(errors.New("it was taken"), release())
			}
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || strings.Contains(err.Error(), "it was taken") {
				t.Errorf("%s: %v", format, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: it is waited for", format)
		}
	}
}

func now(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func held(t *testing.T, err error) *sys.Held {
	t.Helper()
	h, ok := errors.AsType[*sys.Held](err)
	if !ok {
		t.Fatalf("it is not held: %v", err)
	}
	return h
}

// On this machine itself, so that holders can be named.
func TestLocksOfOtherProcesses(t *testing.T) {
	tree, err := sys.OpenTree("/")
	must(t, err)
	t.Cleanup(func() { tree.Close() })
	for _, tt := range []struct {
		how    string
		format sys.LockFormat
	}{
		{"flock", sys.LockFlock},
		{"posix", sys.LockFcntl},
		{"ofd", sys.LockFcntl},
	} {
		t.Run(tt.how, func(t *testing.T) {
			t.Parallel()
			lock := sys.Lock{Path: t.TempDir() + "/build.lock", Format: tt.format}
			pid, let := another(t, tt.how, lock.Path)
			_, err := tree.Hold(now(t), lock)
			h := held(t, err)
			if want := fmt.Sprintf("process %d (sys.test)", pid); h.By != want {
				t.Errorf("held by %q, want %q", h.By, want)
			}
			if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), lock.Path+" is held by process ") {
				t.Errorf("the error is %v", err)
			}

			// Waiting for it: the other one ends meanwhile.
			waited := make(chan error)
			lock.Wait = time.Minute
			go func() {
				release, err := tree.Hold(t.Context(), lock)
				if err == nil {
					err = release()
				}
				waited <- err
			}()
			let()
			if err := <-waited; err != nil {
				t.Errorf("after it was let go: %v", err)
			}
		})
	}
}

// What is held here stops others, and a second time within this process too.
func TestLocksHold(t *testing.T) {
	tree, err := sys.OpenTree("/")
	must(t, err)
	t.Cleanup(func() { tree.Close() })
	for _, format := range []sys.LockFormat{sys.LockFlock, sys.LockFcntl, sys.LockFile, sys.LockDir} {
		t.Run(string(format), func(t *testing.T) {
			lock := sys.Lock{Path: t.TempDir() + "/build.lock", Format: format, Holder: "watchstander pln_1\n"}
			release, err := tree.Hold(now(t), lock) // one try is made in any case
			must(t, err)

			_, err = tree.Hold(now(t), lock)
			by := held(t, err).By
			switch me := fmt.Sprintf("process %d (sys.test)", os.Getpid()); {
			case format == sys.LockFile || format == sys.LockDir:
				if by != me+": watchstander pln_1" {
					t.Errorf("held by %q", by)
				}
			case format == sys.LockFlock && by != me, format == sys.LockFcntl && by != "this very process":
				t.Errorf("held by %q", by)
			}
			f, err := os.OpenFile(lock.Path, os.O_RDWR, 0)
			if format != sys.LockDir {
				must(t, err)
				defer f.Close()
			}
			switch format {
			case sys.LockFlock:
				if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
					t.Errorf("another one's flock: %v", err)
				}
			case sys.LockFcntl:
				// Closing another descriptor of the file would lose a POSIX lock.
				g, err := os.Open(lock.Path)
				must(t, err)
				must(t, g.Close())
				if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); !errors.Is(err, unix.EAGAIN) {
					t.Errorf("another one's POSIX lock: %v", err)
				}
			case sys.LockFile:
				text, err := os.ReadFile(lock.Path)
				if want := fmt.Sprintf("%d\nwatchstander pln_1\n", os.Getpid()); !strings.HasPrefix(string(text), want) || err != nil {
					t.Errorf("it holds %q, %v", text, err)
				}
			case sys.LockDir:
				if err := os.Mkdir(lock.Path, 0o755); !errors.Is(err, fs.ErrExist) {
					t.Errorf("another one's mkdir: %v", err)
				}
			}
			must(t, release())
			must(t, release()) // again
			release2, err := tree.Hold(now(t), lock)
			must(t, err)
			must(t, release()) // of the first must not free the second
			_, err = tree.Hold(now(t), lock)
			held(t, err)
			must(t, release2())
			left, err := os.ReadDir(lock.Path[:len(lock.Path)-len("/build.lock")])
			must(t, err)
			for _, e := range left {
				if format == sys.LockFile || format == sys.LockDir || e.Name() != "build.lock" {
					t.Errorf("%s is left", e.Name())
				}
			}
		})
	}
}

// Ten at once: never two have it.
func TestLocksExclude(t *testing.T) {
	tree, err := sys.OpenTree("/")
	must(t, err)
	t.Cleanup(func() { tree.Close() })
	for _, format := range []sys.LockFormat{sys.LockFlock, sys.LockFcntl, sys.LockFile, sys.LockDir} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			lock := sys.Lock{Path: t.TempDir() + "/lock", Format: format, Wait: 20 * time.Second}
			// A left-over of a process of ours that is gone, which all find at once.
			const gone = "1999999999\nwatchstander pln_0\nwatchstander life=X boot=- start=5\n"
			switch format {
			case sys.LockFile:
				must(t, os.WriteFile(lock.Path, []byte(gone), 0o644))
			case sys.LockDir:
				must(t, os.Mkdir(lock.Path, 0o755))
				must(t, os.WriteFile(lock.Path+"/pid", []byte(gone), 0o644))
			}
			var inside, times atomic.Int32
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					release, err := tree.Hold(t.Context(), lock)
					if err != nil {
						t.Error(err)
						return
					}
					if inside.Add(1) != 1 {
						t.Error("two have it")
					}
					times.Add(1)
					inside.Add(-1)
					if err := release(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if times.Load() != 10 {
				t.Errorf("%d had it", times.Load())
			}
		})
	}
}

// What a lock makes can be opened by the others who take it, whatever umask the
// agent's unit has.
func TestLocksAreOpenToAll(t *testing.T) {
	tree := plant(t, map[string]string{"run/": ""})
	defer syscall.Umask(syscall.Umask(0o077))
	for format, want := range map[sys.LockFormat]map[string]fs.FileMode{
		sys.LockFlock: {"/run/flock": 0o644},
		sys.LockFcntl: {"/run/fcntl": 0o644},
		sys.LockFile:  {"/run/pidfile": 0o644},
		sys.LockDir:   {"/run/directory": 0o755 | fs.ModeDir, "/run/directory/pid": 0o644},
	} {
		release, err := tree.Hold(now(t), sys.Lock{Path: "/run/" + string(format), Format: format})
		must(t, err)
		for path, mode := range want {
			info, err := tree.Stat(path)
			must(t, err)
			if info.Mode() != mode {
				t.Errorf("%s has mode %s, want %s", path, info.Mode(), mode)
			}
		}
		must(t, release())
	}
	// What others have made keeps the mode that they chose.
	must(t, os.WriteFile(tree.Outside("/run/theirs"), nil, 0o600))
	release, err := tree.Hold(now(t), sys.Lock{Path: "/run/theirs", Format: sys.LockFlock})
	must(t, err)
	must(t, release())
	if info, err := tree.Stat("/run/theirs"); err != nil || info.Mode() != 0o600 {
		t.Errorf("another one's lock has mode %v, %v", info.Mode(), err)
	}
}

// A link in a lock's place does not choose where root makes a file.
func TestLocksMakeNothingThroughLinks(t *testing.T) {
	for _, format := range []sys.LockFormat{sys.LockFlock, sys.LockFcntl, sys.LockFile, sys.LockDir} {
		for _, target := range []string{"../etc/planted", "/etc/planted"} {
			t.Run(string(format)+" "+target, func(t *testing.T) {
				tree := plant(t, map[string]string{"etc/": "", "tmp/lock ->": target})
				release, err := tree.Hold(now(t), sys.Lock{Path: "/tmp/lock", Format: format})
				if err == nil {
					t.Errorf("it was taken, and released with %v", release())
				}
				if format == sys.LockFlock || format == sys.LockFcntl {
					if !errors.Is(err, fs.ErrInvalid) {
						t.Errorf("the error is %v", err)
					}
				}
				left, err := os.ReadDir(tree.Outside("/etc"))
				must(t, err)
				if len(left) > 0 {
					t.Errorf("%s was made", left[0].Name())
				}
			})
		}
	}
}

// A file that was replaced while its lock was waited for is not mistaken for the
// one that others look at.
func TestFlockOfReplacedFile(t *testing.T) {
	tree := plant(t, map[string]string{"lock": ""})
	path := tree.Outside("/lock")
	old, err := os.Open(path)
	must(t, err)
	defer old.Close()
	must(t, unix.Flock(int(old.Fd()), unix.LOCK_EX))
	synctest.Test(t, func(t *testing.T) {
		got := make(chan func() error, 1)
		go func() {
			release, err := tree.Hold(t.Context(), sys.Lock{Path: "/lock", Format: sys.LockFlock, Wait: time.Minute})
			if err != nil {
				t.Error(err)
			}
			got <- release
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		if len(got) > 0 {
			t.Fatal("it was not held")
		}
		must(t, os.Remove(path))
		must(t, os.WriteFile(path, nil, 0o644))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(got) == 0 {
			t.Fatal("the new file's lock was not taken")
		}
		release := <-got
		fresh, err := os.Open(path)
		must(t, err)
		defer fresh.Close()
		if err := unix.Flock(int(fresh.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			t.Errorf("the lock is not on the new file: %v", err)
		}
		must(t, release())
	})
}

// The moment between opening and locking cannot be met; what is asked then can.
func TestLockedFileIsStillThere(t *testing.T) {
	tree := plant(t, map[string]string{"lock": ""})
	f, err := os.Open(tree.Outside("/lock"))
	must(t, err)
	defer f.Close()
	is := func(want bool) {
		t.Helper()
		if got, err := tree.IsAt(f, "lock"); got != want || err != nil {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	is(true)
	must(t, os.Remove(tree.Outside("/lock")))
	is(false)
	must(t, os.WriteFile(tree.Outside("/lock"), nil, 0o644))
	is(false)
}

func TestHoldRefuses(t *testing.T) {
	tree := plant(t, map[string]string{"run/": "", "run/dir/": ""})
	for _, l := range []sys.Lock{
		{Path: "/run/lock", Format: "dotlock"},
		{Path: "run/lock", Format: sys.LockFlock},
		{Path: "/", Format: sys.LockFile},
	} {
		if _, err := tree.Hold(t.Context(), l); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%+v: %v", l, err)
		}
	}
	for _, f := range []sys.LockFormat{sys.LockFlock, sys.LockFcntl, sys.LockFile, sys.LockDir} {
		if _, err := tree.Hold(t.Context(), sys.Lock{Path: "/none/lock", Format: f}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s below nothing: %v", f, err)
		}
	}
	if _, err := tree.Hold(t.Context(), sys.Lock{Path: "/run/dir", Format: sys.LockFcntl}); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a record lock on a directory: %v", err)
	}
	release, err := tree.Hold(t.Context(), sys.Lock{Path: "/run/dir", Format: sys.LockFlock})
	must(t, err)
	must(t, release())
}

// The wait ends after its time, or with its context.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree := plant(t, map[string]string{"lock": "4711\n"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for _, tt := range []struct {
			ctx        context.Context
			wait, took time.Duration
			cause      error
		}{
			{t.Context(), 0, 0, nil},
			{t.Context(), time.Hour, time.Hour, nil},
			{ctx, 100 * time.Hour, 0, context.DeadlineExceeded},
		} {
			begin := time.Now()
			_, err := tree.Hold(tt.ctx, sys.Lock{Path: "/lock", Format: sys.LockFile, Wait: tt.wait})
			if h := held(t, err); !errors.Is(h.Cause, tt.cause) || h.By != "process 4711" || time.Since(begin) != tt.took {
				t.Errorf("waiting %s: %v after %s", tt.wait, err, time.Since(begin))
			}
		}
	})
}

var _ io.Closer = (*sys.Tree)(nil)

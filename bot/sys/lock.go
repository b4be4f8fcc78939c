package sys

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// How often a lock that somebody else has is tried again: what is short is seen
// soon, what is long is not asked for all the time. None of the formats can be
// waited for in the kernel and given up when a context ends.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// errBusy is how one try says that somebody else has the lock.
var errBusy = errors.New("somebody else has it")

// Hold takes a lock. It tries at least once, and again until Lock.Wait or the
// context is over. Where the context was what ended the wait, the *Held wraps its
// reason.
//
// The lock's file is made where a program of the host would make it too (flock
// and fcntl), and never removed, since a third one may hold it open. What is made
// has mode 0644, a directory 0755, whatever this process's umask says: the others
// who take the lock must be able to open it. Nothing is made through a link.
//
//   - flock: an exclusive flock(2), freed by the kernel when this process ends.
//   - fcntl: an open file description lock (F_OFD_SETLK) on the whole file. It
//     conflicts with the POSIX record locks that other programs take, in both
//     directions. A POSIX lock itself would be shared by all of this process, and
//     lost as soon as any part of it closes any descriptor of the file.
//   - pidfile: the file appears with its content at once (link(2)). One whose
//     process is gone is removed. A process that began after the file was
//     written may have got its number from the true holder; where the file is
//     ours we know, elsewhere it counts as the holder, and is told as doubtful.
//   - directory: with a file "pid" in it, of the same content. One that others
//     made is never removed, since nothing tells whether it is stale.
func (t *Tree) Hold(ctx context.Context, l Lock) (func() error, error) {
	var try func(Lock) (release func() error, by string, err error)
	switch l.Format {
	case LockFlock, LockFcntl:
		try = t.tryKernel
	case LockFile:
		try = t.tryPidfile
	case LockDir:
		try = t.tryDirectory
	default:
		return nil, fail("lock", l.Path, fmt.Errorf("%w: there is no format %q", fs.ErrInvalid, l.Format))
	}
	if err := clean("lock", l.Path); err != nil {
		return nil, err
	}
	end := time.Now().Add(l.Wait)
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		release, by, err := try(l)
		switch {
		case err == nil:
			return once(release), nil
		case !errors.Is(err, errBusy):
			return nil, err
		}
		left := time.Until(end)
		if left <= 0 || !passes(ctx, min(pause, left)) {
			if by == "" {
				by = t.kernelHolder(l)
			}
			return nil, &Held{Path: l.Path, By: by, Cause: context.Cause(ctx)}
		}
	}
}

// passes waits, and tells whether the context lived that long.
func passes(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once makes a release that may be called again, and says the same each time.
func once(release func() error) func() error { return sync.OnceValue(release) }

// tryKernel takes the locks that the kernel keeps.
func (t *Tree) tryKernel(l Lock) (func() error, string, error) {
	for range maxHops {
		f, rel, err := t.openLock(l)
		if errors.Is(err, errTaken) {
			continue
		}
		if err != nil {
			return nil, "", fail("lock", l.Path, err)
		}
		if err := lockFile(f, l.Format); err != nil {
			_ = f.Close()
			if errors.Is(err, errBusy) {
				return nil, "", err
			}
			return nil, "", fail("lock", l.Path, err)
		}
		// Whoever had it may have removed or replaced the file: then this lock is
		// on something that nobody else will look at.
		there, err := t.isAt(f, rel)
		if there {
			return f.Close, "", nil
		}
		_ = f.Close()
		if err != nil {
			return nil, "", fail("lock", l.Path, err)
		}
	}
	return nil, "", errBusy
}

// isAt tells whether an open file is the one that a path leads to.
func (t *Tree) isAt(f *os.File, rel string) (bool, error) {
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := t.root.Stat(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, there), err
}

// errTaken is how openLock says that what it looked at came or went meanwhile.
var errTaken = errors.New("it came or went meanwhile")

// openLock opens the file of a lock, and makes it where it is missing. It is told
// where the file is, without links.
func (t *Tree) openLock(l Lock) (f *os.File, rel string, err error) {
	rel, err = t.walk("lock", l.Path)
	if err == nil {
		if f, err = t.openThere(rel, l.Format); errors.Is(err, fs.ErrNotExist) {
			err = errTaken
		}
		return f, rel, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	if rel, err = t.parent("lock", l.Path); err != nil {
		return nil, "", err
	}
	// With O_EXCL no link is followed, so that nobody who may write the directory
	// chooses where root makes a file.
	f, err = t.root.OpenFile(rel, os.O_RDWR|os.O_CREATE|os.O_EXCL|nonblock, lockMode)
	if errors.Is(err, fs.ErrExist) {
		if info, err := t.root.Lstat(rel); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return nil, "", fmt.Errorf("%w: it is a link to what is not there", fs.ErrInvalid)
		}
		return nil, "", errTaken // somebody else has made it
	}
	if err != nil {
		return nil, "", err
	}
	if err := f.Chmod(lockMode); err != nil {
		return nil, "", errors.Join(err, f.Close())
	}
	return f, rel, nil
}

// lockMode and lockDirMode are what others need to open a lock's file, too, and to
// look into its directory. The umask of an agent or a run would take it away.
const (
	lockMode    fs.FileMode = 0o644
	lockDirMode fs.FileMode = 0o755
)

// openThere opens a lock's file that is there. Without O_CREATE the kernel lets
// root open what is another one's in a sticky directory (fs.protected_regular).
func (t *Tree) openThere(rel string, format LockFormat) (*os.File, error) {
	if format != LockFlock {
		return t.pinned(rel, os.O_RDWR, regular)
	}
	f, err := t.pinned(rel, os.O_RDWR, lockable)
	if err != nil {
		// A directory, or a file that may only be read, can be flocked as well.
		if r, readErr := t.pinned(rel, os.O_RDONLY, lockable); readErr == nil {
			return r, nil
		}
	}
	return f, err
}

// lockable refuses what is neither a regular file nor a directory.
func lockable(info fs.FileInfo) error {
	if info.IsDir() {
		return nil
	}
	return regular(info)
}

package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"watchstander/bot"
	"watchstander/bot/fsync"
)

// openFile opens and locks the file, with a mode that keeps others out.
func openFile(path string) (_ *os.File, made bool, err error) {
	const flags = os.O_RDWR | os.O_APPEND | unix.O_NOFOLLOW
	f, err := os.OpenFile(path, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		made = true
		f, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, false, fmt.Errorf("journal: %w", err)
	}
	fail := func(err error) (*os.File, bool, error) { return nil, false, errors.Join(err, f.Close()) }
	info, err := f.Stat()
	if err != nil {
		return fail(fmt.Errorf("journal: %w", err))
	}
	if !info.Mode().IsRegular() {
		return fail(bot.Errorf(bot.CodeInvalid, "The journal %s is no regular file.", path))
	}
	if mode := info.Mode().Perm(); mode&^0o640 != 0 {
		if err := f.Chmod(mode & 0o640); err != nil {
			return fail(fmt.Errorf("journal: %w", err))
		}
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return fail(bot.Errorf(bot.CodeConflict, "Another program writes the journal %s; stop it first.", path))
	case err != nil:
		return fail(fmt.Errorf("lock journal %s: %w", path, err))
	}
	return f, made, nil
}

// begin reads what is there, and puts aside what a crash left.
func (j *File) begin(made bool) error {
	if made {
		if err := fsync.Dir(filepath.Dir(j.path)); err != nil {
			return err
		}
	}
	info, err := j.f.Stat()
	if err != nil {
		return err
	}
	whole, err := wholeLines(j.f, info.Size())
	if err != nil {
		return err
	}
	j.head, err = Verify(entriesOf(io.NewSectionReader(j.f, 0, whole)), Head{})
	broken, ok := errors.AsType[*Broken](err)
	if err != nil && !ok {
		return err
	}
	if ok && broken.Fault == FaultUnreadable {
		if start, torn, err := j.halfLine(whole); err != nil {
			return err
		} else if torn {
			whole, ok = start, false
		}
	}
	j.size = whole
	if ok {
		j.dead = broken
		return nil
	}
	if whole < info.Size() {
		return j.putAside(whole, info.Size())
	}
	return nil
}

// halfLine tells whether the last line alone is broken, and is no JSON: the file's
// length reached the disk, and its bytes did not. start is where it begins.
func (j *File) halfLine(whole int64) (start int64, torn bool, err error) {
	if start, err = wholeLines(j.f, whole-1); err != nil || whole-start > MaxLine {
		return 0, false, err
	}
	line := make([]byte, whole-start)
	if _, err := j.f.ReadAt(line, start); err != nil {
		return 0, false, err
	}
	if json.Valid(line) {
		return 0, false, nil
	}
	_, err = Verify(entriesOf(io.NewSectionReader(j.f, 0, start)), Head{})
	return start, err == nil, nil
}

// wholeLines is the length of the file up to its last line break.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 4096)
	for end := size; end > 0; {
		n := min(end, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], end-n); err != nil {
			return 0, err
		}
		for i := n - 1; i >= 0; i-- {
			if buf[i] == '\n' {
				return end - n + i + 1, nil
			}
		}
		end -= n
	}
	return 0, nil
}

// putAside moves what follows the last whole line into a file of its own. It is
// on the disk there before it is gone here.
func (j *File) putAside(from, to int64) error {
	dir, base := filepath.Split(j.path)
	aside, err := os.CreateTemp(filepath.Clean(dir+"."), fmt.Sprintf("%s.torn-%d-*", base, j.head.Seq+1)) // mode 0600
	if err != nil {
		return fmt.Errorf("keep a torn line: %w", err)
	}
	_, err = io.Copy(aside, io.NewSectionReader(j.f, from, to-from))
	if err = errors.Join(err, aside.Sync(), aside.Close(), fsync.Dir(filepath.Dir(j.path))); err != nil {
		return fmt.Errorf("keep a torn line: %w", err)
	}
	if err := errors.Join(j.f.Truncate(from), j.f.Sync()); err != nil {
		return fmt.Errorf("take a torn line out: %w", err)
	}
	j.torn = &Torn{Path: aside.Name(), Bytes: to - from}
	return nil
}

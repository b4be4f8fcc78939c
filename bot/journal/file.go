package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"watchstander/bot"
)

// File is a journal in a file, open for appending: one line for each entry. The
// file is locked, so that there is one writer. It is safe for concurrent use.
type File struct {
	path   string
	redact func(string) string

	mu   sync.Mutex
	f    *os.File
	head Head
	size int64 // of what is known to be whole
	torn *Torn
	dead error // why nothing can be appended any more
}

// Torn is a last line that a crash left without its end. Whoever opened the file
// should say so in an entry.
type Torn struct {
	// Path of the file that keeps it.
	Path string
	// Bytes is its length.
	Bytes int64
}

// OpenFile opens the journal at path, and makes one (mode 0600) where there is
// none. It reads all of it.
//
// What a crash in the middle of Append leaves (a last line without its end, or
// one that is no JSON) is moved to a file of its own beside the journal: see
// File.Torn. A journal that is broken in any other way gives a *Broken and a File that can be
// read and must be closed, but takes no entries. A *bot.Error says that another
// program has it open.
func OpenFile(path string, redact func(string) string) (*File, error) {
	if redact == nil {
		return nil, errors.New("journal: no redactor")
	}
	f, made, err := openFile(path)
	if err != nil {
		return nil, err
	}
	j := &File{path: path, redact: redact, f: f}
	if err := j.begin(made); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), f.Close())
	}
	if j.dead != nil {
		return j, j.dead
	}
	return j, nil
}

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
		if err := syncDir(filepath.Dir(j.path)); err != nil {
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
	j.head, err = Verify(lines(io.NewSectionReader(j.f, 0, whole)), Head{})
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
	_, err = Verify(lines(io.NewSectionReader(j.f, 0, start)), Head{})
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
	if err = errors.Join(err, aside.Sync(), aside.Close(), syncDir(filepath.Dir(j.path))); err != nil {
		return fmt.Errorf("keep a torn line: %w", err)
	}
	if err := errors.Join(j.f.Truncate(from), j.f.Sync()); err != nil {
		return fmt.Errorf("take a torn line out: %w", err)
	}
	j.torn = &Torn{Path: aside.Name(), Bytes: to - from}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Torn is what was put aside when the file was opened, nil for nothing.
func (j *File) Torn() *Torn { return j.torn }

// Head is where the journal ends now: all before it is on the disk.
func (j *File) Head() Head {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.head
}

// Append seals the entry and writes it. When it returns without an error, the
// entry is on the disk.
func (j *File) Append(e Entry) (Head, error) { return j.AppendAll(e) }

// AppendAll writes several entries with one wait for the disk: all of them, or
// none that is known of.
//
// An error after which it is not known what is on the disk (of the disk itself,
// or because somebody else changed, moved or removed the file) ends the File:
// nothing can be appended until it has been opened again.
func (j *File) AppendAll(entries ...Entry) (Head, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dead != nil {
		return j.head, fmt.Errorf("journal %s takes no entries: %w", j.path, j.dead)
	}
	head := j.head
	var text []byte
	for _, e := range entries {
		sealed, err := Seal(head, e, j.redact)
		if err != nil {
			return j.head, err
		}
		line, err := Encode(sealed)
		if err != nil {
			return j.head, err
		}
		head = sealed.Head()
		text = append(append(text, line...), '\n')
	}
	if len(text) == 0 {
		return j.head, nil
	}
	if err := j.write(text); err != nil {
		return j.head, fmt.Errorf("journal %s: %w", j.path, err)
	}
	j.head, j.size = head, j.size+int64(len(text))
	return j.head, nil
}

func (j *File) write(text []byte) error {
	if err := j.untouched(); err != nil {
		j.dead = err
		return err
	}
	if _, err := j.f.Write(text); err != nil {
		// What was written of it goes again, and with it all doubt; a full disk is
		// no reason to end the journal.
		if undo := errors.Join(j.f.Truncate(j.size), j.f.Sync()); undo != nil {
			j.dead = errors.Join(err, undo)
		}
		return err
	}
	if err := j.f.Sync(); err != nil {
		j.dead = err // after a failed fsync the kernel no longer knows either
		return err
	}
	return nil
}

// untouched looks whether the file is still the one at path, and as long as it
// was left.
func (j *File) untouched() error {
	here, err := j.f.Stat()
	if err != nil {
		return err
	}
	there, err := os.Lstat(j.path)
	if err != nil {
		return fmt.Errorf("it is gone from its place: %w", err)
	}
	if !os.SameFile(here, there) {
		return errors.New("another file is in its place")
	}
	if here.Size() != j.size {
		return fmt.Errorf("somebody else changed it: it is %d bytes long, and was left with %d", here.Size(), j.size)
	}
	return nil
}

// Entries reads what was appended when the reading begins, from the entry after
// a number on. Verify checks it; a line that cannot be read is a *Broken, and the
// reading goes on behind it for whoever wants to.
func (j *File) Entries(after int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		j.mu.Lock()
		size := j.size
		if j.dead != nil {
			if info, err := j.f.Stat(); err == nil {
				size = info.Size()
			}
		}
		j.mu.Unlock()
		for e, err := range lines(io.NewSectionReader(j.f, 0, size)) {
			if err == nil && e.Seq <= after {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Close ends the file and lets go of its lock.
func (j *File) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dead == nil {
		j.dead = fs.ErrClosed
	}
	return j.f.Close()
}

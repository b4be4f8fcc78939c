package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"sync"
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
		for e, err := range entriesOf(io.NewSectionReader(j.f, 0, size)) {
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

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Rehearsal is what a rehearsed restore of the state found.
type Rehearsal struct {
	Bytes            int64 // of the copy
	Threads, Journal int64 // rows that were read back from it
}

// ErrNoRoom is Rehearse's where the disk has no room for a copy: nothing was written.
var ErrNoRoom = errors.New("there is not enough room beside the state for a copy of it")

// rehearsalMargin is how much must be left on the disk beside a copy, in bytes: the state
// itself must be able to grow.
const rehearsalMargin = 64 << 20

// Rehearse does with the state what a restore would: it writes a copy of this moment
// beside it, opens that, has SQLite look through all of it, and reads it back. The copy
// is gone when it returns. An error says that the copy could not be made or is not whole;
// ErrNoRoom and those of the context say nothing of the state.
func (s *Store) Rehearse(ctx context.Context) (r Rehearsal, err error) {
	defer func() {
		// SQLite's own word for a context that ended is "interrupted".
		if ended := context.Cause(ctx); err != nil && ended != nil {
			err = errors.Join(ended, err)
		}
	}()
	if err := s.roomForCopy(); err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(s.path), rehearsalPrefix(s.path))
	if err != nil {
		return r, fmt.Errorf("state: rehearse: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "state.db")
	// A connection of its own: those that read may not do even this.
	own, err := readOnly(s.path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	if _, err := own.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return r, fmt.Errorf("state: copy: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return r, fmt.Errorf("state: copy: %w", err)
	}
	r.Bytes = info.Size()
	db, err := readOnly(path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var found string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&found); err != nil {
		return r, fmt.Errorf("state: look through the copy: %w", err)
	}
	if found != "ok" {
		return r, fmt.Errorf("state: the copy is not whole: %s", found)
	}
	if err := db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM threads), (SELECT COUNT(*) FROM journal)`).Scan(&r.Threads, &r.Journal); err != nil {
		return r, fmt.Errorf("state: read the copy back: %w", err)
	}
	return r, nil
}

// roomForCopy looks whether a copy of the state fits beside it.
func (s *Store) roomForCopy() error {
	var size int64
	for _, file := range []string{s.path, s.path + "-wal"} {
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) && file != s.path {
			continue
		}
		if err != nil {
			return fmt.Errorf("state: rehearse: %w", err)
		}
		size += info.Size()
	}
	free, err := s.free(filepath.Dir(s.path))
	if err != nil {
		return fmt.Errorf("state: rehearse: free space: %w", err)
	}
	if need := size + rehearsalMargin; free < need {
		return fmt.Errorf("%w: it takes %d bytes, and %d are free", ErrNoRoom, need, free)
	}
	return nil
}

// freeSpace is how many bytes whoever is not root may write beside what is in a directory.
func freeSpace(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(min(st.Bavail, math.MaxInt64/uint64(st.Bsize))) * st.Bsize, nil
}

// rehearsalPrefix begins the name of the directory of a copy; several states may lie in
// one directory.
func rehearsalPrefix(path string) string { return "rehearsal-" + filepath.Base(path) + "-" }

// dropRehearsals removes copies that a rehearsal left which was killed. Whoever holds the
// state's lock makes none meanwhile. What cannot be removed takes up room and does nothing
// else, and Rehearse looks how much of that is left: it is no reason not to open the state.
func dropRehearsals(path string) {
	list, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range list {
		rest, named := strings.CutPrefix(e.Name(), "rehearsal-")
		// Without the state's name they were made before two states could lie together.
		ours := strings.HasPrefix(e.Name(), rehearsalPrefix(path)) || strings.Trim(rest, "0123456789") == ""
		if e.IsDir() && named && ours {
			_ = os.RemoveAll(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
}

// readOnly opens a file of SQLite in a way in which nothing can be written to it.
func readOnly(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro")
	if err != nil {
		return nil, fmt.Errorf("state: open for reading: %w", err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

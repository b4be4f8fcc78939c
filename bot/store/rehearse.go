package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// Rehearsal is what a rehearsed restore of the state found.
type Rehearsal struct {
	Bytes            int64 // of the copy
	Threads, Journal int64 // rows that were read back from it
}

// Rehearse does with the state what a restore would: it writes a copy of this moment
// beside it, opens that, has SQLite look through all of it, and reads it back. The copy
// is gone when it returns. An error says that the copy could not be made or is not whole.
func (s *Store) Rehearse(ctx context.Context) (r Rehearsal, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(s.path), "rehearsal-")
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

// readOnly opens a file of SQLite in a way in which nothing can be written to it.
func readOnly(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro")
	if err != nil {
		return nil, fmt.Errorf("state: open for reading: %w", err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// Package store keeps the state: what happened, what is to be said, and how far
// it got. It holds no rule of its own; bot/flow decides inside its transactions.
//
// SQLite is embedded. One connection writes, in immediate transactions that are
// durable when Update returns; a few read. The statements are portable SQL with
// numbered placeholders, and the tables live in migrations/, so that PostgreSQL
// can be put beneath the same queries.
//
// Neighbours: bot/flow is the only one that writes; main opens and closes it.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"watchstander/bot"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// Options say how a Store is opened. The zero value is right for a service.
type Options struct {
	// Unsafe leaves out the waits for the disk: for tests and for the demo,
	// whose state need not survive a power cut.
	Unsafe bool
	// Before runs before each writing transaction and may refuse it; After runs
	// after each commit. Crash tests cut the process's life at these points.
	Before func() error
	After  func()
	// Redact hides secrets in what is journaled. Without it nothing can be.
	Redact func(string) string
}

// Store is an open state. It is safe for concurrent use.
type Store struct {
	path    string
	options Options
	write   *sql.DB
	read    *sql.DB
	lock    *os.File
	// writing holds one while somebody writes: one transaction at a time, in order of
	// arrival. It is no mutex, so that whoever waits can be called off, and so that time
	// goes on in a test's bubble while SQLite waits for a reader that holds its lock for a
	// moment.
	writing chan struct{}
	mark    atomic.Int64
	// free is how many bytes a directory has room for.
	free func(dir string) (int64, error)
}

// Open opens the state at path, makes it where there is none (mode 0600), and
// brings its tables up to date. A state written by a newer version, or that
// another process has open, is refused.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	held, err := lock(path)
	if err != nil {
		return nil, err
	}
	dropRehearsals(path)
	s, err := openLocked(ctx, path, o)
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	s.lock = held
	return s, nil
}

func openLocked(ctx context.Context, path string, o Options) (*Store, error) {
	s := &Store{path: path, writing: make(chan struct{}, 1), options: o, free: freeSpace}
	var err error
	if s.write, err = open(path, o, "immediate", 1); err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("bring state %s up to date: %w", path, err), s.write.Close())
	}
	if s.read, err = open(path, o, "deferred", 4); err != nil {
		return nil, errors.Join(fmt.Errorf("open state %s for reading: %w", path, err), s.write.Close())
	}
	var mark sql.NullInt64
	if err := s.write.QueryRowContext(ctx, `SELECT MAX(mark) FROM episodes`).Scan(&mark); err != nil {
		return nil, errors.Join(fmt.Errorf("read state %s: %w", path, err), s.closeFiles())
	}
	s.mark.Store(mark.Int64)
	return s, nil
}

// prepareFile makes the file with a mode that keeps others out before SQLite
// opens it: SQLite gives its side files (-wal, -shm) the mode of the main one.
func prepareFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		}
	}
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

func open(path string, o Options, lock string, conns int) (*sql.DB, error) {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout(5000)")
	q.Add("_pragma", "journal_mode(WAL)")
	if o.Unsafe {
		q.Add("_pragma", "synchronous(OFF)")
	} else {
		q.Add("_pragma", "synchronous(FULL)")
	}
	q.Set("_txlock", lock)
	if lock == "deferred" {
		q.Add("_pragma", "query_only(1)")
	}
	connector, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(keeping{connector})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxLifetime(0)
	return db, nil
}

func (s *Store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.write, dir, goose.WithVerbose(false))
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > target {
		return bot.Errorf(bot.CodeConflict,
			"The state was written by a newer watchstander (tables %d, this one knows %d); start that one.%s", current, target, insteadOf(s.path, target))
	}
	if current > 0 && current < target {
		if err := s.keepFormer(ctx, current); err != nil {
			return err
		}
	}
	_, err = p.Up(ctx)
	return err
}

// Inspect looks at the state at path without changing it: the version of its
// tables, and the newest that this program knows. The error wraps
// fs.ErrNotExist where there is no state yet.
func Inspect(ctx context.Context, path string) (tables, known int64, err error) {
	entries, err := migrations.ReadDir("migrations/sqlite")
	if err != nil {
		return 0, 0, err
	}
	for _, e := range entries {
		v, err := goose.NumericComponent(e.Name())
		if err != nil {
			return 0, 0, err
		}
		known = max(known, v)
	}
	if _, err := os.Stat(path); err != nil {
		return 0, known, err
	}
	db, err := open(path, Options{}, "deferred", 1)
	if err != nil {
		return 0, known, err
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&tables); err != nil {
		return 0, known, fmt.Errorf("the file is no state of watchstander: %w", err)
	}
	return tables, known, nil
}

// OpenReadOnly opens the state at path for reading, while a bot runs on it or not. It
// takes no lock, changes nothing and brings no tables up to date: a state of
// other tables than this program knows is a *bot.Error. Update fails.
func OpenReadOnly(ctx context.Context, path string) (*Store, error) {
	tables, known, err := Inspect(ctx, path)
	if err != nil {
		return nil, err
	}
	if tables != known {
		return nil, bot.Errorf(bot.CodeConflict, "The state %s has the tables %d, and this watchstander knows %d; look at it with the one that runs on it.", path, tables, known)
	}
	read, err := open(path, Options{}, "deferred", 1)
	if err != nil {
		return nil, fmt.Errorf("open state %s for reading: %w", path, err)
	}
	return &Store{path: path, writing: make(chan struct{}, 1), read: read, free: freeSpace}, nil
}

// Close waits for running transactions and closes the files.
func (s *Store) Close() error {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	if s.write == nil {
		return s.read.Close()
	}
	return errors.Join(s.closeFiles(), s.lock.Close())
}

func (s *Store) closeFiles() error { return errors.Join(s.read.Close(), s.write.Close()) }

// Mark is the newest committed value of the change counter. An answer from
// outside that was asked for at this mark knows nothing of later rows.
func (s *Store) Mark() int64 { return s.mark.Load() }

// Update runs f in one writing transaction. When it returns nil, all that f did
// is on the disk; otherwise nothing of it is. f touches only the transaction,
// and can be run again.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return fmt.Errorf("state: %w", ctx.Err())
	}
	if s.write == nil {
		return errors.New("state: it is open for reading alone")
	}
	if s.options.Before != nil {
		if err := s.options.Before(); err != nil {
			return err
		}
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	mark := s.mark.Load() + 1
	t := &Tx{ctx: ctx, q: tx, mark: mark, redact: s.options.Redact}
	if err := f(t); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if t.changed == 0 {
		// Nothing was written, as by most polls: the disk need not turn.
		return tx.Rollback()
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("state: commit: %w", err)
	}
	s.mark.Store(mark)
	if s.options.After != nil {
		s.options.After()
	}
	return nil
}

// View runs f in one reading transaction, which sees one moment of the state.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	err = f(&Tx{ctx: ctx, q: tx, mark: s.mark.Load()})
	if rerr := tx.Rollback(); rerr != nil && err == nil && !errors.Is(rerr, sql.ErrTxDone) {
		err = rerr
	}
	return err
}

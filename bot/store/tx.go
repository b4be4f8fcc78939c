package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Tx is one transaction. Its methods return errors of the database alone;
// "there is none" is an ok of false.
type Tx struct {
	ctx  context.Context
	q    *sql.Tx
	mark int64
	// changed counts the rows written.
	changed int64
	// redact is Options.Redact.
	redact func(string) string
}

// Mark is the change counter that this transaction's rows will carry.
func (t *Tx) Mark() int64 { return t.mark }

// Nested runs f so that its failure undoes only what f did: webhooks that share
// a commit do not share their faults.
func (t *Tx) Nested(f func() error) error {
	point := func(statement string) error {
		if _, err := t.q.ExecContext(t.ctx, statement); err != nil {
			return fmt.Errorf("state: %w", err)
		}
		return nil
	}
	if err := point(`SAVEPOINT nested`); err != nil {
		return err
	}
	if err := f(); err != nil {
		return errors.Join(err, point(`ROLLBACK TO nested`), point(`RELEASE nested`))
	}
	return point(`RELEASE nested`)
}

func (t *Tx) exec(query string, args ...any) error {
	_, err := t.count(query, args...)
	return err
}

// count runs a statement and tells how many rows it changed.
func (t *Tx) count(query string, args ...any) (int64, error) {
	r, err := t.q.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("state: %w", err)
	}
	n, err := r.RowsAffected()
	t.changed += n
	return n, err
}

// scanner is a row or rows.
type scanner interface{ Scan(...any) error }

// one reads a single row; ok is false when there is none.
func one[T any](t *Tx, scan func(scanner) (T, error), query string, args ...any) (v T, ok bool, err error) {
	v, err = scan(t.q.QueryRowContext(t.ctx, query, args...))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		var zero T
		return zero, false, nil
	case err != nil:
		return v, false, fmt.Errorf("state: %w", err)
	}
	return v, true, nil
}

// all reads every row.
func all[T any](t *Tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.q.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return out, nil
}

func number(row scanner) (n int64, err error) {
	err = row.Scan(&n)
	return n, err
}

// millis is a time as the state holds it: UTC milliseconds, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

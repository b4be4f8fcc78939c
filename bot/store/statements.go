package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// keptStatements bounds how many prepared statements a connection keeps; there
// are some eighty in this package.
const keptStatements = 256

// keeping is a connector whose connections keep their prepared statements:
// parsing SQL was a third of what the state cost. database/sql's own Stmt is no
// way to it: made outside a transaction it asks for a second connection, which a
// state with one writer does not have.
type keeping struct{ driver.Connector }

// sqliteConn is what SQLite's driver offers of a connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// Connect implements driver.Connector.
func (k keeping) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's connection %T lacks what is needed to keep statements", c), c.Close())
	}
	return &keepingConn{sqliteConn: inner, idle: map[string]driver.Stmt{}}, nil
}

// keepingConn is one connection; database/sql lets one goroutine at a time use
// it. A statement in use (its rows are being read) is not in idle, so that the
// same text can be run a second time meanwhile.
type keepingConn struct {
	sqliteConn
	idle map[string]driver.Stmt
}

func (c *keepingConn) take(ctx context.Context, query string) (driver.Stmt, error) {
	if s, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return s, nil
	}
	return c.PrepareContext(ctx, query)
}

func (c *keepingConn) put(query string, s driver.Stmt) error {
	if c.idle[query] != nil || len(c.idle) >= keptStatements {
		return s.Close()
	}
	c.idle[query] = s
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *keepingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.(driver.StmtExecContext).ExecContext(ctx, args)
	if perr := c.put(query, s); err == nil {
		err = perr
	}
	return r, err
}

// QueryContext implements driver.QueryerContext.
func (c *keepingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, errors.Join(err, c.put(query, s))
	}
	return &keepingRows{Rows: r, done: func() error { return c.put(query, s) }}, nil
}

// Close implements driver.Conn.
func (c *keepingConn) Close() error {
	var errs []error
	for _, s := range c.idle {
		errs = append(errs, s.Close())
	}
	clear(c.idle)
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// keepingRows gives its statement back when it has been read.
type keepingRows struct {
	driver.Rows
	done func() error
}

// Close implements driver.Rows.
func (r *keepingRows) Close() error {
	err := r.Rows.Close()
	if r.done != nil {
		err = errors.Join(err, r.done())
		r.done = nil
	}
	return err
}

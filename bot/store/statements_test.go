package store

import (
	"database/sql/driver"
	"testing"
)

// kept looks at how many statements the writing connection keeps.
func kept(t *testing.T, s *Store) (n int) {
	t.Helper()
	c, err := s.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Raw(func(c any) error { n = len(c.(*keepingConn).idle); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStatementsAreKept(t *testing.T) {
	s, _ := fresh(t)
	put := func() { update(t, s, func(tx *Tx) error { return tx.PutMeta("a", "b") }) }
	put()
	first := kept(t, s)
	put()
	if again := kept(t, s); first == 0 || again != first {
		t.Errorf("after one use %d are kept, after two %d", first, again)
	}
}

// A statement whose rows are still being read is not run a second time; the
// inner one is prepared anew.
func TestAStatementInUseIsLeftAlone(t *testing.T) {
	s, _ := fresh(t)
	update(t, s, func(tx *Tx) error {
		if err := tx.PutMeta("a", "1"); err != nil {
			return err
		}
		return tx.PutMeta("b", "2")
	})
	const query = `SELECT name FROM meta WHERE name IN ('a', 'b') ORDER BY name`
	read := func(inner func()) (names string) {
		err := s.View(t.Context(), func(tx *Tx) error {
			rows, err := tx.q.QueryContext(t.Context(), query)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					return err
				}
				names += name
				if inner != nil {
					again, _, err := one(tx, func(row scanner) (s string, err error) { err = row.Scan(&s); return s, err }, query)
					if err != nil || again != "a" {
						t.Errorf("inside: %q, %v", again, err)
					}
				}
			}
			return rows.Err()
		})
		if err != nil {
			t.Error(err)
		}
		return names
	}
	for range 2 {
		if names := read(func() {}); names != "ab" {
			t.Errorf("the outer rows are %q", names)
		}
		if names := read(nil); names != "ab" {
			t.Errorf("the rows are %q", names)
		}
	}
}

// What failed once (a key that is there already) can be run again.
func TestAStatementThatFailedIsUsedAgain(t *testing.T) {
	s, _ := fresh(t)
	insert := func(name string) error {
		return s.Update(t.Context(), func(tx *Tx) error { return tx.exec(`INSERT INTO meta (name, value) VALUES ($1, '')`, name) })
	}
	if err := insert("a"); err != nil {
		t.Fatal(err)
	}
	if err := insert("a"); err == nil {
		t.Error("the same key went in twice")
	}
	if err := insert("b"); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

func TestNoMoreThanTheBoundIsKept(t *testing.T) {
	c := &keepingConn{idle: map[string]driver.Stmt{}}
	closed := 0
	for i := range keptStatements + 5 {
		if err := c.put(placeholder(i), closing{n: &closed}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.idle) != keptStatements || closed != 5 {
		t.Errorf("%d are kept, %d were closed", len(c.idle), closed)
	}
}

type closing struct {
	driver.Stmt
	n *int
}

func (c closing) Close() error { *c.n++; return nil }

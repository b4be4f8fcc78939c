package bottest

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// moments tells which commits of a story are worth a crash: those that changed
// anything but when a heartbeat was last heard. A story of a day has thousands of
// the others, and a crash after one of them is a crash after the next.
type moments struct {
	db   *sql.DB
	last uint64
}

func openMoments(dir string) (*moments, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "state.db")+"?_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &moments{db: db}, nil
}

// changed looks at the committed state: is it another than at the last look?
func (m *moments) changed(ctx context.Context) (bool, error) {
	tables, err := m.column(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('heartbeats', 'goose_db_version') AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	if err != nil {
		return false, err
	}
	h := fnv.New64a()
	for _, table := range tables {
		columns, err := m.column(ctx, `SELECT name FROM pragma_table_info($1)`, table)
		if err != nil {
			return false, err
		}
		rows, err := m.column(ctx, `SELECT `+`quote(`+strings.Join(columns, `) || ',' || quote(`)+`) FROM `+table+` ORDER BY 1`)
		if err != nil {
			return false, err
		}
		fmt.Fprintln(h, table, rows)
	}
	sum := h.Sum64()
	changed := sum != m.last
	m.last = sum
	return changed, nil
}

func (m *moments) column(ctx context.Context, query string, args ...any) (out []string, err error) {
	rows, err := m.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

package restic

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// node is one regular file of a snapshot.
type node struct {
	snapshot int // its place among those that are listed
	path     string
	size     int64
	mtime    time.Time
	ctime    time.Time
}

// listed counts what a listing told.
type listed struct {
	// files can be named; unnamed cannot: restic's JSON has no way to write a name
	// that is no UTF-8.
	files, unnamed int64
	// odd lines are none that is known.
	odd int64
}

// list tells the regular files of one snapshot, one after the other. It keeps
// nothing of them.
func (c *client) list(ctx context.Context, id string, tell func(node)) (listed, error) {
	var n listed
	lines := &lineWriter{line: func(line string) { n.take(line, tell) }}
	_, err := c.run(ctx, call{args: []string{"ls", "--json", "--no-lock"}, names: []string{id}, out: lines})
	lines.close()
	if err == nil && n.odd > 0 {
		err = &Fault{Kind: Unreadable, Text: "its listing has " + thousands(n.odd) + " lines that are none"}
	}
	return n, err
}

func (n *listed) take(line string, tell func(node)) {
	if strings.TrimSpace(line) == "" {
		return
	}
	var m struct {
		Struct string    `json:"struct_type"` // "message_type" only since 0.17
		Type   string    `json:"type"`
		Path   string    `json:"path"`
		Size   int64     `json:"size"`
		MTime  time.Time `json:"mtime"`
		CTime  time.Time `json:"ctime"`
	}
	switch err := json.Unmarshal([]byte(line), &m); {
	case err != nil, m.Struct == "":
		n.odd++
	case m.Struct != "node" || m.Type != "file":
	case strings.ContainsRune(m.Path, utf8.RuneError):
		n.unnamed++
	case !strings.HasPrefix(m.Path, "/") || m.Size < 0 || strings.ContainsRune(m.Path, 0):
		n.odd++
	default:
		n.files++
		tell(node{path: m.Path, size: m.Size, mtime: m.MTime, ctime: m.CTime})
	}
}

package restic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// noon is when tests without a real restic take place.
var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// toldRunner is a Runner that answers as restic would, for tests in which what counts is
// what is made of it.
type toldRunner struct {
	mu        sync.Mutex
	snapshots map[string][]host.Snapshot // by location
	fail      map[string]sys.Output      // by location
	hang      map[string]bool
	calls     []string
	// logged are what units say into the journal, and logFails what journalctl does
	// instead of telling; logs are its calls.
	logged   []string
	logFails error
	logs     [][]string
}

func (r *toldRunner) Run(ctx context.Context, c sys.Command) (sys.Output, error) {
	if filepath.Base(c.Argv[0]) == "journalctl" {
		return r.journalctl(c.Argv)
	}
	var location string
	for _, v := range c.Env {
		if l, ok := strings.CutPrefix(v, "RESTIC_REPOSITORY="); ok {
			location = l
		}
	}
	r.mu.Lock()
	r.calls = append(r.calls, location+" "+c.Argv[1])
	list, out, hangs := r.snapshots[location], r.fail[location], r.hang[location]
	r.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return sys.Output{}, &sys.Unended{Program: c.Argv[0], After: time.Second, Cause: context.Cause(ctx)}
	}
	if out.Exit != 0 {
		return out, nil
	}
	type summary struct {
		Bytes int64  `json:"total_bytes_processed"`
		Files *int64 `json:"total_files_processed,omitempty"`
	}
	type snapshot struct {
		ID       string    `json:"id"`
		Time     time.Time `json:"time"`
		Host     string    `json:"hostname"`
		Paths    []string  `json:"paths"`
		Excludes []string  `json:"excludes"`
		Summary  *summary  `json:"summary,omitempty"`
	}
	all := []snapshot{}
	for _, s := range list {
		n := snapshot{s.ID, s.At, s.Host, s.Paths, s.Excludes, nil}
		if s.Size != nil {
			n.Summary = &summary{int64(*s.Size), s.Files}
		}
		all = append(all, n)
	}
	text, err := json.Marshal(all)
	return sys.Output{Stdout: text}, err
}

func (r *toldRunner) journalctl(argv []string) (sys.Output, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, argv)
	var out bytes.Buffer
	for _, text := range r.logged {
		if err := json.NewEncoder(&out).Encode(map[string]string{"MESSAGE": text}); err != nil {
			return sys.Output{}, err
		}
	}
	return sys.Output{Stdout: out.Bytes()}, r.logFails
}

func (r *toldRunner) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls)
}

// id is a snapshot's.
func id(n int) string { return fmt.Sprintf("%064x", n) }

func snapshotOf(n int, age time.Duration, paths ...string) host.Snapshot {
	return host.Snapshot{ID: id(n), At: noon.Add(-age), Host: "vulcan", Paths: paths}
}

// holding is a snapshot of which restic recorded how much it holds.
func holding(s host.Snapshot, files int64, size host.Bytes) host.Snapshot {
	s.Files, s.Size = &files, &size
	return s
}

// desk is a host with repositories that only talk.
type desk struct {
	*Backups
	run   *toldRunner
	units *units
	files *files
	dir   string
	clock time.Time
}

func newDesk(t *testing.T, c Config) *desk {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	tree, err := sys.OpenTree("/")
	must(t, err)
	t.Cleanup(func() { _ = tree.Close() })
	d := &desk{
		run:   &toldRunner{snapshots: map[string][]host.Snapshot{}, fail: map[string]sys.Output{}, hang: map[string]bool{}},
		units: &units{}, files: &files{Tree: tree}, dir: dir, clock: noon,
	}
	c.Program, c.State = filepath.Join(dir, "restic"), filepath.Join(dir, "state")
	must(t, os.WriteFile(c.Program, nil, 0o755))
	d.Backups, err = New(sys.Host{Name: "vulcan", Files: d.files, Run: d.run, Units: d.units}, c)
	must(t, err)
	d.now, d.lateLog = func() time.Time { return d.clock }, time.Millisecond
	return d
}

// verified puts a good report down.
func (d *desk) verified(t testing.TB, repository string, age time.Duration, change func(*host.Verification)) {
	t.Helper()
	v := host.Verification{
		Repository: repository, Week: "2026-W48", Part: "5/12", Began: d.clock.Add(-age - time.Hour), Ended: d.clock.Add(-age), Restic: "0.18.1",
		Structure: host.Judgement{State: "ok", Text: "structure ok"},
		Data:      host.Judgement{State: "ok", Text: "data part 5/12: 1,234 packs read, 0 errors"},
		Drill:     host.Judgement{State: "ok", Text: "40 files (1.2 GiB) restored and compared with the live file, 0 differ"},
		PacksRead: 1234, Packs: 14000,
	}
	if change != nil {
		change(&v)
	}
	r := d.named(repository)
	must(t, d.putReport(r, d.place(r), v))
}

// named is the repository of a name; one without a place where there is none.
func (b *Backups) named(name string) *Repository {
	for i := range b.c.Repositories {
		if r := &b.c.Repositories[i]; r.Name == name {
			return r
		}
	}
	return &Repository{Name: name}
}

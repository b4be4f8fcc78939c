package nixos_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot/sys"
)

// fakeFiles is a tree in memory, with links as they are on a NixOS host.
type fakeFiles struct {
	mu    sync.Mutex
	nodes map[string]node
	// holder of the build lock, "" for nobody; held is ours.
	holder string
	// refused are paths of which nobody is told anything.
	refused map[string]bool
	held    bool
	takes   int
}

type node struct {
	mode  fs.FileMode
	data  string // a link's text, or a file's
	mtime time.Time
}

func newFiles() *fakeFiles {
	return &fakeFiles{nodes: map[string]node{"/": {mode: fs.ModeDir}}}
}

func (f *fakeFiles) put(p string, n node) {
	for d := path.Dir(p); d != "/"; d = path.Dir(d) {
		if _, there := f.nodes[d]; !there {
			f.nodes[d] = node{mode: fs.ModeDir}
		}
	}
	f.nodes[p] = n
}

func (f *fakeFiles) file(p, data string) { f.put(p, node{data: data}) }
func (f *fakeFiles) link(p, to string)   { f.put(p, node{mode: fs.ModeSymlink, data: to}) }

func (f *fakeFiles) delete(p string) {
	maps.DeleteFunc(f.nodes, func(k string, _ node) bool { return k == p || strings.HasPrefix(k, p+"/") })
}

// find follows links; the last one too, unless nofollow.
func (f *fakeFiles) find(p string, nofollow bool) (string, node, error) {
	missing := &fs.PathError{Op: "open", Path: p, Err: fs.ErrNotExist}
	at, hops := "/", 0
	rest := strings.Split(strings.Trim(p, "/"), "/")
	for len(rest) > 0 {
		next := path.Join(at, rest[0])
		rest = rest[1:]
		n, ok := f.nodes[next]
		if !ok {
			return "", node{}, missing
		}
		if n.mode&fs.ModeSymlink == 0 || nofollow && len(rest) == 0 {
			at = next
			continue
		}
		if hops++; hops > 20 {
			return "", node{}, missing
		}
		to := n.data
		if !path.IsAbs(to) {
			to = path.Join(at, to)
		}
		at, rest = "/", append(strings.Split(strings.Trim(to, "/"), "/"), rest...)
	}
	return at, f.nodes[at], nil
}

func (f *fakeFiles) Read(p string, most int64) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, n, err := f.find(p, false)
	if err == nil && n.mode.IsDir() {
		err = &fs.PathError{Op: "read", Path: p, Err: fs.ErrInvalid}
	}
	if err == nil && int64(len(n.data)) > most {
		err = fmt.Errorf("%s is too long", p)
	}
	return []byte(n.data), err
}

func (f *fakeFiles) Resolve(p string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, _, err := f.find(p, false)
	return at, err
}

func (f *fakeFiles) Readlink(p string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, n, err := f.find(p, true)
	if err == nil && n.mode&fs.ModeSymlink == 0 {
		err = &fs.PathError{Op: "readlink", Path: p, Err: fs.ErrInvalid}
	}
	return n.data, err
}

func (f *fakeFiles) Stat(p string) (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused[p] {
		return nil, &fs.PathError{Op: "stat", Path: p, Err: fs.ErrPermission}
	}
	at, n, err := f.find(p, false)
	return entry{path.Base(at), n}, err
}

func (f *fakeFiles) List(dir string) ([]fs.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, n, err := f.find(dir, false)
	if err != nil {
		return nil, err
	}
	if !n.mode.IsDir() {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: fs.ErrInvalid}
	}
	var out []fs.DirEntry
	for _, p := range slices.Sorted(maps.Keys(f.nodes)) {
		if p != "/" && path.Dir(p) == at {
			out = append(out, entry{path.Base(p), f.nodes[p]})
		}
	}
	return out, nil
}

func (f *fakeFiles) Hold(ctx context.Context, l sys.Lock) (func() error, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for end := time.Now().Add(l.Wait); f.holder != ""; {
		if !time.Now().Before(end) {
			return nil, &sys.Held{Path: l.Path, By: f.holder}
		}
		f.mu.Unlock()
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		f.mu.Lock()
		if ctx.Err() != nil {
			return nil, &sys.Held{Path: l.Path, By: f.holder, Cause: context.Cause(ctx)}
		}
	}
	f.takes++
	f.held, f.holder = true, l.Holder
	return func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.held, f.holder = false, ""
		return nil
	}, nil
}

func (f *fakeFiles) Open(p string) (io.ReadCloser, error) {
	data, err := f.Read(p, 1<<20)
	return io.NopCloser(bytes.NewReader(data)), err
}
func (f *fakeFiles) Write(string, []byte) error             { return fs.ErrPermission }
func (f *fakeFiles) Scratch(string, string) (string, error) { return "", fs.ErrPermission }
func (f *fakeFiles) Remove(string) error                    { return fs.ErrPermission }
func (f *fakeFiles) Mounts() ([]sys.Mount, error)           { return nil, nil }
func (f *fakeFiles) Free(string) (int64, error)             { return 0, fs.ErrPermission }

type entry struct {
	name string
	node
}

func (e entry) Name() string               { return e.name }
func (e entry) Size() int64                { return int64(len(e.data)) }
func (e entry) Mode() fs.FileMode          { return e.mode }
func (e entry) ModTime() time.Time         { return e.mtime }
func (e entry) IsDir() bool                { return e.mode.IsDir() }
func (e entry) Sys() any                   { return nil }
func (e entry) Type() fs.FileMode          { return e.mode.Type() }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }

// fakeUnits are what systemd would tell.
type fakeUnits struct {
	sys.Units // what is not asked here
	mu        sync.Mutex
	all       map[string]sys.Unit
	err       error
}

func (u *fakeUnits) set(us ...sys.Unit) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, unit := range us {
		u.all[unit.Name] = unit
	}
}

func (u *fakeUnits) List(context.Context, ...string) ([]sys.Unit, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return nil, u.err
	}
	return slices.Collect(maps.Values(u.all)), nil
}

func (u *fakeUnits) Unit(_ context.Context, name string) (sys.Unit, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if found, ok := u.all[name]; ok {
		return found, u.err
	}
	return sys.Unit{Name: name, Load: "not-found", Active: "inactive", Sub: "dead"}, u.err
}

// service is one that runs.
func service(name string) sys.Unit {
	return sys.Unit{Name: name, Load: "loaded", Active: "active", Sub: "running", Result: "success", Type: "simple", Memory: -1}
}

// fakeWork keeps what a run notes and says.
type fakeWork struct {
	notes map[string]string
	lines []string
	// by is when it must have begun; without one there is a day for it.
	by       time.Time
	stopping chan struct{}
}

func (w *fakeWork) Stopping() <-chan struct{} { return w.stopping }
func (w *fakeWork) BeginBy() time.Time {
	if w.by.IsZero() {
		return time.Now().Add(24 * time.Hour)
	}
	return w.by
}

func (w *fakeWork) Say(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}
func (w *fakeWork) Noted(name string) string { return w.notes[name] }
func (w *fakeWork) Dir() string              { return "/nowhere" }
func (w *fakeWork) Note(name, value string) error {
	w.notes[name] = value
	return nil
}

package restic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// each runs a test with every restic that there is.
func each(t *testing.T, test func(t *testing.T, b *bench)) {
	for version, program := range real.Restics(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			test(t, newBench(t, version, program))
		})
	}
}

// one runs a test with one of them, where their differences do not matter.
func one(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Parallel()
	all := real.Restics(t)
	for _, version := range slices.Sorted(maps.Keys(all))[:1] {
		test(t, newBench(t, version, all[version]))
	}
}

// bench is a host in a temporary directory: data, a scratch place that is said to
// be a mount, and real repositories.
type bench struct {
	version, program string
	dir, data        string
	password         string
	files            *files
	units            *units
	config           Config
	now              time.Time // the real one where it is zero
}

func newBench(t *testing.T, version, program string) *bench {
	t.Helper()
	// The paths must be without links, as those of the scratch place are asked to be.
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	tree, err := sys.OpenTree("/")
	must(t, err)
	t.Cleanup(func() { _ = tree.Close() })
	b := &bench{
		version: version, program: program, dir: dir, data: filepath.Join(dir, "data"),
		password: filepath.Join(dir, "password"), units: &units{},
	}
	scratch := filepath.Join(dir, "scratch")
	b.files = &files{Tree: tree, mounts: []sys.Mount{
		{Source: "rpool/root", Target: "/", Type: "zfs"}, {Source: "tmpfs", Target: scratch, Type: "tmpfs"},
	}}
	must(t, os.MkdirAll(b.data, 0o755))
	must(t, os.Mkdir(scratch, 0o700))
	b.write(t, b.password, "correct horse\n")
	b.config = Config{
		Program: program, State: filepath.Join(dir, "state"), Scratch: scratch,
		Datasets: []Dataset{{Name: "data", Paths: []string{b.data}, Medium: "tank"}},
		// One part: whatever is damaged is in it.
		Parts: 1, DrillBytes: 4 * host.MiB, LockWait: 2 * time.Second,
	}
	return b
}

func (b *bench) write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// noise is what compresses badly, the same for one name.
func noise(name string, n int) string {
	x := uint64(len(name) + 1)
	for _, c := range []byte(name) {
		x = x*1099511628211 ^ uint64(c)
	}
	out := make([]byte, n)
	for i := range out {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		out[i] = byte(x >> 32)
	}
	return string(out)
}

// restic runs restic as its owner does, with nothing of ours.
func (b *bench) restic(t testing.TB, repository string, args ...string) string {
	t.Helper()
	cmd := exec.Command(b.program, args...)
	cmd.Env = []string{"RESTIC_REPOSITORY=" + b.place(repository), "RESTIC_PASSWORD_FILE=" + b.password, "RESTIC_CACHE_DIR=" + filepath.Join(b.dir, "own-cache")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("restic %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (b *bench) place(repository string) string {
	return filepath.Join(b.dir, "repositories", repository)
}

// repository makes one and configures it.
func (b *bench) repository(t testing.TB, name string) *Repository {
	t.Helper()
	b.create(t, name)
	b.config.Repositories = append(b.config.Repositories, Repository{
		Name: name, Location: b.place(name), PasswordFile: b.password, Host: "vulcan", OffSite: true,
	})
	return &b.config.Repositories[len(b.config.Repositories)-1]
}

func (b *bench) backup(t testing.TB, repository string, args ...string) {
	t.Helper()
	b.restic(t, repository, append([]string{"backup", "--host=vulcan"}, append(args, b.data)...)...)
}

func (b *bench) host() sys.Host {
	return sys.Host{Name: "vulcan", Files: b.files, Run: sys.Programs{Grace: time.Second}, Units: b.units}
}

func (b *bench) backups(t testing.TB) *Backups {
	t.Helper()
	out, err := New(b.host(), b.config)
	must(t, err)
	out.now = func() time.Time {
		if b.now.IsZero() {
			return time.Now()
		}
		return b.now
	}
	return out
}

// do plans, applies and verifies, and gives the readings by what they are of.
func do(t testing.TB, o bot.Operation, args bot.Arguments) (map[string]bot.Reading, *work) {
	t.Helper()
	p := planned(t, o, args)
	w := newWork(t)
	if err := o.Apply(t.Context(), p, w); err != nil {
		t.Fatalf("apply: %v", err)
	}
	return readings(t, o, p, w), w
}

func planned(t testing.TB, o bot.Operation, args bot.Arguments) bot.Plan {
	t.Helper()
	args, err := o.Parse(t.Context(), args)
	must(t, err)
	d, err := o.Plan(t.Context(), args)
	must(t, err)
	return bot.Plan{ID: "pln_TEST", Host: "vulcan", Operation: o.Name(), Arguments: args, Draft: d}
}

func readings(t testing.TB, o bot.Operation, p bot.Plan, w *work) map[string]bot.Reading {
	t.Helper()
	list, err := o.Verify(t.Context(), p, w)
	must(t, err)
	out := map[string]bot.Reading{}
	for _, r := range list {
		t.Logf("%s: %s %s (%s)", r.What, r.State, r.Value, r.Note)
		out[r.What] = r
	}
	return out
}

func operation(t testing.TB, b *Backups, name bot.OperationName) bot.Operation {
	t.Helper()
	for _, o := range b.Operations() {
		if o.Name() == name {
			return o
		}
	}
	t.Fatalf("there is no operation %s", name)
	return nil
}

// clean fails the test when something is left in the scratch place.
func (b *bench) clean(t testing.TB) {
	t.Helper()
	entries, err := os.ReadDir(b.config.Scratch)
	must(t, err)
	for _, e := range entries {
		t.Errorf("the scratch place still has %s", e.Name())
	}
}

// want checks a reading: its state, and that its words have all the parts.
func want(t testing.TB, r bot.Reading, state bot.ReadingState, parts ...string) {
	t.Helper()
	if r.State != state {
		t.Errorf("%s is %s, want %s: %s (%s)", r.What, r.State, state, r.Value, r.Note)
	}
	for _, p := range parts {
		if !strings.Contains(r.Value+"\n"+r.Note, p) {
			t.Errorf("%s says %q (%q), and not %q", r.What, r.Value, r.Note, p)
		}
	}
}

// files are the real ones, but for the mounts and the room.
type files struct {
	*sys.Tree
	mounts []sys.Mount
	free   *int64
}

func (f *files) Mounts() ([]sys.Mount, error) { return f.mounts, nil }

func (f *files) Free(p string) (int64, error) {
	if f.free != nil {
		return *f.free, nil
	}
	return 100 << 30, nil
}

// units is a systemd that knows what a test tells it.
type units struct {
	mu     sync.Mutex
	known  map[string]sys.Unit
	start  func(name string) error
	broken error
}

func (u *units) Unit(_ context.Context, name string) (sys.Unit, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.broken != nil {
		return sys.Unit{}, u.broken
	}
	if k, ok := u.known[name]; ok {
		return k, nil
	}
	return sys.Unit{Name: name, Load: "not-found", Active: "inactive"}, nil
}

func (u *units) set(k sys.Unit) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known == nil {
		u.known = map[string]sys.Unit{}
	}
	u.known[k.Name] = k
}

func (u *units) Start(_ context.Context, name string) error { return u.start(name) }

var errNotHere = errors.New("no test wants this")

func (u *units) List(context.Context, ...string) ([]sys.Unit, error) { return nil, errNotHere }
func (u *units) Restart(context.Context, string) error               { return errNotHere }
func (u *units) Stop(context.Context, string) error                  { return errNotHere }
func (u *units) StartTransient(context.Context, sys.Transient) error { return errNotHere }
func (u *units) ResetFailed(context.Context, string) error           { return errNotHere }

// work remembers what a run said and noted.
type work struct {
	mu    sync.Mutex
	dir   string
	lines []string
	notes map[string]string
}

func newWork(t testing.TB) *work { return &work{dir: t.TempDir(), notes: map[string]string{}} }

func (w *work) Say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

func (w *work) Note(name, value string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes[name] = value
	return nil
}

func (w *work) Noted(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.notes[name]
}

func (w *work) Dir() string             { return w.dir }
func (*work) BeginBy() time.Time        { return time.Now().Add(time.Hour) }
func (*work) Stopping() <-chan struct{} { return nil }

func (w *work) said(part string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.lines, func(l string) bool { return strings.Contains(l, part) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pack finds the largest pack of a repository, which holds data.
func (b *bench) pack(t testing.TB, repository string) string {
	t.Helper()
	var best string
	var size int64
	must(t, filepath.WalkDir(filepath.Join(b.place(repository), "data"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			best, size = p, info.Size()
		}
		return err
	}))
	return best
}

// flip turns one bit of a file over.
func flip(t testing.TB, path string, at int) {
	t.Helper()
	must(t, os.Chmod(path, 0o600))
	data, err := os.ReadFile(path)
	must(t, err)
	changed := bytes.Clone(data)
	changed[at] ^= 1
	must(t, os.WriteFile(path, changed, 0o600))
}

package units

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
	"watchstander/bot/sys"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a file, a link or a directory of the machine.
type node struct {
	text, link string
	mod        time.Time
}

// machine is a host of files, units and programs.
type machine struct {
	sys.Files            // what is not needed panics
	mu        sync.Mutex // of the units, which may change while somebody looks
	files     map[string]node
	units     map[string]*sys.Unit
	programs  map[string]sys.Output
	ran       []string
	mute      error // what systemd says instead of answering
	deaf      error // what it says when it is to forget
	// restart is what Restart does; nil starts the unit anew.
	restart func(u *sys.Unit) error
}

var noon = time.Date(2026, 1, 14, 12, 0, 0, 0, time.UTC)

// vulcan has nginx, on the lists, with a helper that requires it.
func vulcan() *machine {
	m := &machine{programs: map[string]sys.Output{}, units: map[string]*sys.Unit{}, files: map[string]node{
		"/etc/systemd/system/nginx.service":               {link: "/nix/store/aaa-unit-nginx.service/nginx.service"},
		"/nix/store/aaa-unit-nginx.service/nginx.service": {text: "[Service]"},
		"/proc/1": {}, "/proc/812": {}, "/proc/913": {},
	}}
	m.add(sys.Unit{Name: "nginx.service", Description: "Nginx Web Server", Type: "notify", MainPID: 812, Invocation: "aaaa", Memory: 52428800,
		Fragment: "/etc/systemd/system/nginx.service", Started: noon.Add(-48 * time.Hour), Since: noon.Add(-48 * time.Hour)})
	m.add(sys.Unit{Name: "php.service", Type: "simple", MainPID: 77, Invocation: "bbbb", Started: noon.Add(-48 * time.Hour), Memory: -1})
	m.show("nginx.service", map[string]string{"RequiredBy": "php.service gone.service", "TriggeredBy": "nginx.socket"})
	m.show("gone.service php.service", map[string]string{"Id": "gone.service", "ActiveState": "inactive", "RequiredBy": "far.service"}, map[string]string{"Id": "php.service", "RequiredBy": "nginx.service"})
	return m
}

func (m *machine) add(u sys.Unit) {
	u.Load, u.Active, u.Sub, u.Result = "loaded", "active", "running", "success"
	m.units[u.Name] = &u
}

const (
	bin       = "/run/current-system/sw/bin/"
	askShow   = bin + "systemctl show --no-pager --property=Id,ActiveState,NeedDaemonReload,TriggeredBy,Triggers,RequiredBy,RequisiteOf,BoundBy,ConsistsOf,PropagatesStopTo,Conflicts,ConflictedBy -- "
	askLog    = bin + "journalctl --output=json --no-pager --quiet --reverse --unit=%s --lines=%d --output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_PID"
	askBoots  = bin + "journalctl --no-pager --quiet --list-boots --output=json"
	askStarts = bin + "journalctl --output=json --no-pager --quiet --reverse --since=@%d --lines=1000 --output-fields=MESSAGE_ID,UNIT,INVOCATION_ID _PID=1 MESSAGE_ID=39f53479d3a045ac8e11786248231fbf MESSAGE_ID=5eb03494b6584870a536b337290809b3"
	askPulls  = bin + "journalctl --output=json --no-pager --quiet --reverse --lines=1000 --output-fields=PODMAN_NAME,PODMAN_ID,_UID PODMAN_EVENT=pull PODMAN_TYPE=image"
	askPodman = bin + "journalctl --output=json --no-pager --quiet --reverse --lines=1 --output-fields=PODMAN_TYPE _UID=0 PODMAN_TYPE=container PODMAN_TYPE=image PODMAN_TYPE=network PODMAN_TYPE=pod PODMAN_TYPE=system PODMAN_TYPE=volume"
)

// backwards is what journalctl says of lines that were written in this order.
func backwards(lines ...string) sys.Output {
	lines = slices.Clone(lines)
	slices.Reverse(lines)
	return sys.Output{Stdout: []byte(strings.Join(lines, "\n") + "\n")}
}

// show has systemctl tell the properties of units.
func (m *machine) show(names string, blocks ...map[string]string) {
	var out []string
	for _, b := range blocks {
		all := map[string]string{"Id": names, "ActiveState": "active", "NeedDaemonReload": "no", "TriggeredBy": "", "Triggers": "", "RequiredBy": "", "RequisiteOf": "", "BoundBy": "", "ConsistsOf": "", "PropagatesStopTo": "", "Conflicts": "", "ConflictedBy": ""}
		maps.Copy(all, b)
		text := ""
		for _, n := range slices.Sorted(maps.Keys(all)) {
			text += n + "=" + all[n] + "\n"
		}
		out = append(out, text)
	}
	m.programs[askShow+names] = sys.Output{Stdout: []byte(strings.Join(out, "\n"))}
}

func (m *machine) keeper(t *testing.T, o Options) *Keeper {
	t.Helper()
	if o.Restartable == nil {
		o.Restartable = []string{"nginx"}
	}
	if o.Logged == nil {
		o.Logged = []string{"nginx.service"}
	}
	k, err := New(sys.Host{Name: "vulcan", Files: m, Run: m, Units: manager{machine: m}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (m *machine) Run(_ context.Context, c sys.Command) (sys.Output, error) {
	argv := strings.Join(c.Argv, " ")
	m.ran = append(m.ran, argv)
	out, ok := m.programs[argv]
	if !ok {
		return sys.Output{}, &fs.PathError{Op: "fork/exec", Path: c.Argv[0], Err: fs.ErrNotExist}
	}
	return out, nil
}

// Files.

func (m *machine) find(p string) (node, error) {
	n, ok := m.files[p]
	if !ok {
		return n, &fs.PathError{Op: "open", Path: p, Err: fs.ErrNotExist}
	}
	return n, nil
}

func (m *machine) Read(p string, _ int64) ([]byte, error) {
	n, err := m.find(p)
	return []byte(n.text), err
}

func (m *machine) Stat(p string) (fs.FileInfo, error) {
	n, err := m.find(p)
	return info{path.Base(p), n}, err
}

func (m *machine) Readlink(p string) (string, error) {
	n, err := m.find(p)
	return n.link, err
}

func (m *machine) Resolve(p string) (string, error) {
	n, err := m.find(p)
	if err == nil && n.link != "" {
		return m.Resolve(n.link)
	}
	return p, err
}

func (m *machine) List(dir string) ([]fs.DirEntry, error) {
	var out []fs.DirEntry
	for _, p := range slices.Sorted(maps.Keys(m.files)) {
		if path.Dir(p) == dir {
			out = append(out, fs.FileInfoToDirEntry(info{path.Base(p), m.files[p]}))
		}
	}
	if out == nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	return out, nil
}

type info struct {
	name string
	n    node
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(len(i.n.text)) }
func (i info) Mode() fs.FileMode  { return 0o644 }
func (i info) ModTime() time.Time { return i.n.mod }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }

// manager is the machine's systemd.
type manager struct {
	sys.Units
	machine *machine
}

func (s manager) Unit(ctx context.Context, name string) (sys.Unit, error) {
	if err := ctx.Err(); err != nil {
		return sys.Unit{}, err
	}
	return s.machine.unit(name)
}

func (s manager) List(_ context.Context, patterns ...string) ([]sys.Unit, error) {
	return s.machine.list(patterns...)
}

func (s manager) Restart(_ context.Context, name string) error {
	m, u := s.machine, s.machine.units[name]
	if m.restart != nil {
		return m.restart(u)
	}
	m.anew(u)
	return nil
}

func (s manager) ResetFailed(_ context.Context, name string) error {
	if s.machine.deaf != nil {
		return s.machine.deaf
	}
	if u := s.machine.units[name]; u.Active == "failed" {
		u.Active, u.Sub = "inactive", "dead"
	}
	return nil
}

func (m *machine) unit(name string) (sys.Unit, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mute != nil {
		return sys.Unit{}, m.mute
	}
	u, ok := m.units[name]
	if !ok {
		return sys.Unit{Name: name, Load: "not-found", Active: "inactive", Sub: "dead", Memory: -1}, nil
	}
	return *u, nil
}

// list gives names and states alone, as systemd's own list does.
func (m *machine) list(patterns ...string) ([]sys.Unit, error) {
	if m.mute != nil {
		return nil, m.mute
	}
	var out []sys.Unit
	for _, n := range slices.Sorted(maps.Keys(m.units)) {
		for _, p := range patterns {
			if ok, _ := path.Match(p, n); ok {
				u := m.units[n]
				out = append(out, sys.Unit{Name: u.Name, Load: u.Load, Active: u.Active, Sub: u.Sub})
			}
		}
	}
	return out, nil
}

func (m *machine) anew(u *sys.Unit) {
	u.Invocation, u.MainPID, u.Started, u.Since = "cccc", 913, time.Now(), time.Now()
}

// work remembers what a run says and notes.
type work struct {
	said  []string
	notes map[string]string
}

func newWork() *work { return &work{notes: map[string]string{}} }

func (w *work) Say(format string, args ...any) { w.said = append(w.said, fmt.Sprintf(format, args...)) }
func (w *work) Note(name, value string) error  { w.notes[name] = value; return nil }
func (w *work) Noted(name string) string       { return w.notes[name] }
func (w *work) Dir() string                    { return "/nowhere" }
func (*work) BeginBy() time.Time               { return time.Now().Add(time.Hour) }
func (*work) Stopping() <-chan struct{}        { return nil }

// at runs a test at noon, on fake time.
func at(t *testing.T, f func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		f(t)
	})
}

// look asks a look, over the wire.
func look[T any](t *testing.T, k *Keeper, name string, args bot.Arguments) (T, error) {
	t.Helper()
	var out T
	for _, l := range k.Looks() {
		if l.Name != name {
			continue
		}
		got, err := l.Run(t.Context(), args)
		if err != nil {
			return out, err
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		return out, json.Unmarshal(b, &out)
	}
	t.Fatalf("there is no look %s", name)
	return out, nil
}

func wantError(t *testing.T, err error, code bot.Code, parts ...string) {
	t.Helper()
	e, ok := errors.AsType[*bot.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("%v is no error of the code %s", err, code)
	}
	for _, p := range parts {
		if !strings.Contains(e.Message, p) {
			t.Errorf("%q lacks %q", e.Message, p)
		}
	}
}

func tell(rs []bot.Reading) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", r.State, r.What, r.Value, r.Note)
	}
	return b.String()
}

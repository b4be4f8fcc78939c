package zfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// module is ZFS' kernel module as far as the ARC's limits go: what arc.c does with
// a write, told here once more and apart from the package's own model.
type module struct {
	cMin, cMax, paramMin, paramMax, allmem uint64
	// history are the limits after each write.
	history []string
	// deaf modules take every write and obey none.
	deaf bool
}

func (m *module) write(param string, v uint64) {
	switch param {
	case "zfs_arc_min":
		m.paramMin = v
	case "zfs_arc_max":
		m.paramMax = v
	}
	if !m.deaf {
		if m.paramMin != 0 && m.paramMin != m.cMin && m.paramMin >= 2<<24 && m.paramMin <= m.cMax {
			m.cMin = m.paramMin
		}
		if m.paramMax != 0 && m.paramMax != m.cMax && m.paramMax >= 64<<20 && m.paramMax < m.allmem && m.paramMax > m.cMin {
			m.cMax = m.paramMax
		}
	}
	m.history = append(m.history, fmt.Sprintf("%s=%d: %d-%d", param, v, m.cMin, m.cMax))
}

// machine is a host of files, a module and programs.
type machine struct {
	sys.Files // what is not needed panics
	mod       *module
	stats     map[string]string // arcstats beside the limits: "type value"
	files     map[string]string
	refuse    map[string]error // writes that fail
	programs  map[string]sys.Output
	ran       []string
	// read is called before arcstats are read, the how manieth time.
	read  func(n int)
	reads int
}

const gib = 1 << 30

// vulcan is as in the plan: 64 GiB, of which the kernel sees a little less, and
// ZFS' own defaults.
func vulcan() *machine {
	return &machine{
		mod: &module{cMin: 2 * gib, cMax: 48 * gib, allmem: 67321872384},
		stats: map[string]string{
			"size": "4 30064771072", "c": "4 51539607552", "hits": "4 980000", "iohits": "4 5000", "misses": "4 15000",
			"memory_throttle_count": "4 0", "memory_all_bytes": "4 67321872384", "memory_available_bytes": "3 4294967296",
			"arc_meta_used": "4 3221225472", "mru_ghost_hits": "4 100", "mfu_ghost_hits": "4 50",
			"demand_data_hits": "4 900000", "demand_data_iohits": "4 4000", "demand_data_misses": "4 10000",
		},
		files: map[string]string{
			"/proc/meminfo":              "MemTotal:       65744016 kB\nMemFree:         1048576 kB\nMemAvailable:   20971520 kB\nHugePages_Total:       0\n",
			"/etc/modprobe.d/nixos.conf": "# boot.extraModprobeConfig\noptions kvm nested=1\n",
		},
		refuse: map[string]error{}, programs: map[string]sys.Output{},
	}
}

func (m *machine) host() sys.Host { return sys.Host{Name: "vulcan", Files: m, Run: m} }

func (m *machine) Read(path string, most int64) ([]byte, error) {
	text, ok := m.files[path]
	switch {
	case ok:
	case path == arcstats && m.mod != nil:
		m.reads++
		if m.read != nil {
			m.read(m.reads)
		}
		text = m.arcstats()
	case path == "/sys/module/zfs/parameters/zfs_arc_min" && m.mod != nil:
		text = strconv.FormatUint(m.mod.paramMin, 10) + "\n"
	case path == "/sys/module/zfs/parameters/zfs_arc_max" && m.mod != nil:
		text = strconv.FormatUint(m.mod.paramMax, 10) + "\n"
	default:
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if int64(len(text)) > most {
		return nil, errors.New("too long")
	}
	return []byte(text), nil
}

func (m *machine) arcstats() string {
	var b strings.Builder
	b.WriteString("9 1 0x01 147 39984 8211213 9712331212\nname                            type data\n")
	for _, n := range slices.Sorted(maps.Keys(m.stats)) {
		fmt.Fprintf(&b, "%-31s %s\n", n, m.stats[n])
	}
	fmt.Fprintf(&b, "c_min 4 %d\nc_max 4 %d\n", m.mod.cMin, m.mod.cMax)
	return b.String()
}

func (m *machine) Write(path string, data []byte) error {
	if err := m.refuse[path]; err != nil {
		return err
	}
	param, ok := strings.CutPrefix(path, "/sys/module/zfs/parameters/")
	v, err := strconv.ParseUint(string(data), 10, 64)
	if !ok || err != nil {
		return fmt.Errorf("nothing writes %q to %s", data, path)
	}
	m.mod.write(param, v)
	return nil
}

// Run knows programs by their whole command lines.
func (m *machine) Run(_ context.Context, c sys.Command) (sys.Output, error) {
	argv := strings.Join(c.Argv, " ")
	m.ran = append(m.ran, argv)
	out, ok := m.programs[argv]
	if !ok {
		return sys.Output{}, &fs.PathError{Op: "fork/exec", Path: c.Argv[0], Err: fs.ErrNotExist}
	}
	return out, nil
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

func sizes(max, min string) bot.Arguments {
	a := bot.Arguments{}
	if max != "" {
		a[host.ARCMax] = []string{max}
	}
	if min != "" {
		a[host.ARCMin] = []string{min}
	}
	return a
}

// agreed plans as the agent does.
func agreed(t *testing.T, op ARCSet, args bot.Arguments) bot.Plan {
	t.Helper()
	args, err := op.Parse(t.Context(), args)
	if err != nil {
		t.Fatal(err)
	}
	d, err := op.Plan(t.Context(), args)
	if err != nil {
		t.Fatal(err)
	}
	return bot.Plan{Arguments: args, Draft: d}
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

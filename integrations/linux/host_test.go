package linux

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
	"watchstander/bot/bottest/golden"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rooms answers statfs from a fixture's table.
type rooms struct {
	answers map[string]func() (Room, error)
	// release ends what hangs.
	release chan struct{}

	mu    sync.Mutex
	asked map[string]int
}

func readRooms(t *testing.T, path string) *rooms {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := &rooms{answers: map[string]func() (Room, error){}, asked: map[string]int{}, release: make(chan struct{})}
	s := bufio.NewScanner(f)
	for s.Scan() {
		field := strings.Fields(s.Text())
		if len(field) == 0 || field[0] == "#" {
			continue
		}
		point := unescape(field[0])
		switch {
		case field[1] == "hang":
			r.answers[point] = func() (Room, error) { <-r.release; return Room{}, syscall.ESTALE }
		case field[1] == "eacces":
			r.answers[point] = func() (Room, error) {
				return Room{}, &fs.PathError{Op: "statfs", Path: point, Err: syscall.EACCES}
			}
		case field[1] == "eio":
			r.answers[point] = func() (Room, error) { return Room{}, &fs.PathError{Op: "statfs", Path: point, Err: syscall.EIO} }
		case len(field) == 6:
			var n [5]uint64
			for i := range n {
				if n[i], err = strconv.ParseUint(field[i+1], 10, 64); err != nil {
					t.Fatal(err)
				}
			}
			r.answers[point] = func() (Room, error) { return Room{n[0], n[1], n[2], n[3], n[4]}, nil }
		default:
			t.Fatalf("%s: %q", path, s.Text())
		}
	}
	return r
}

func (r *rooms) statfs(path string) (Room, error) {
	r.mu.Lock()
	r.asked[path]++
	answer := r.answers[path]
	r.mu.Unlock()
	if answer == nil {
		return Room{}, fmt.Errorf("the fixture does not expect a question about %q", path)
	}
	return answer()
}

func (r *rooms) count(path string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[path]
}

func fixture(t *testing.T, name string) (Options, *rooms) {
	dir := filepath.Join("testdata", name)
	r := readRooms(t, filepath.Join(dir, "rooms"))
	return Options{
		Host: name, Proc: filepath.Join(dir, "proc"), Sys: filepath.Join(dir, "sys"), Fstab: filepath.Join(dir, "fstab"), Statfs: r.statfs,
	}, r
}

func tell(rs []bot.Reading) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%-8s %s", r.State, strings.TrimSpace(r.What+" "+r.Value))
		if r.Note != "" {
			fmt.Fprintf(&b, " (%s)", r.Note)
		}
		if r.Unit != "" {
			fmt.Fprintf(&b, " = %.4g %s", r.Figure, r.Unit)
		}
		fmt.Fprintf(&b, " [%s]\n", r.Source)
	}
	return b.String()
}

// Each made-up host reads as its file readings says.
func TestHosts(t *testing.T) {
	for _, name := range []string{"vulcan", "container", "full", "garbage"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, r := fixture(t, name)
				p := New(o)
				begin := time.Now()
				got := p.Read(t.Context())
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("it took %s", took)
				}
				check(t, name, got)
				golden.Check(t, filepath.Join("testdata", name, "readings"), tell(got))
				close(r.release)
				synctest.Wait()
			})
		})
	}
}

// check is what holds for every reading.
func check(t *testing.T, host string, rs []bot.Reading) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range rs {
		if r.Host != host || r.What == "" || r.Source == "" || r.At.IsZero() || r.At.Location() != time.UTC {
			t.Errorf("something is missing in %+v", r)
		}
		if seen[r.What] {
			t.Errorf("two readings of %s", r.What)
		}
		seen[r.What] = true
		switch {
		case r.State == bot.OK && r.Value == "", r.State == bot.NotOK && (r.Value == "" || r.Note == ""), r.State == bot.Unknown && r.Note == "":
			t.Errorf("%s does not say why: %+v", r.What, r)
		case r.State != bot.OK && r.State != bot.NotOK && r.State != bot.Unknown:
			t.Errorf("%s has no state", r.What)
		}
		for _, s := range []string{r.What, r.Value, r.Note, r.Source} {
			if len(s) > 1000 || strings.ContainsAny(s, "\n\x1b\x00") {
				t.Errorf("not fit to be shown: %q", s)
			}
		}
	}
}

// Nothing is there to be read: everything is unknown, and says so.
func TestNothingThere(t *testing.T) {
	for _, proc := range []string{t.TempDir(), "/nonexistent/proc", "testdata/full/rooms"} {
		got := New(Options{Host: "x", Proc: proc, Sys: proc}).Read(t.Context())
		check(t, "x", got)
		want := map[string]bool{"load": true, "memory": true, "swap": true, "disk mounts": true, "uptime": true}
		for _, r := range got {
			if r.State != bot.Unknown {
				t.Errorf("%+v", r)
			}
			delete(want, r.What)
		}
		if len(want) > 0 {
			t.Errorf("%s: nothing is said of %v", proc, want)
		}
		if _, _, err := Boot(proc); err == nil {
			t.Errorf("%s has a boot id", proc)
		}
	}
}

// The machine that runs the test.
func TestRealHost(t *testing.T) {
	if _, err := os.Stat("/proc/self/mountinfo"); err != nil {
		t.Skip("no Linux here")
	}
	p := New(Options{Host: "here"})
	got := p.Read(t.Context())
	check(t, "here", got)
	t.Logf("\n%s", tell(got))
	for _, r := range got {
		switch r.What {
		case "load", "memory", "swap", "uptime":
			if r.State == bot.Unknown {
				t.Errorf("%+v", r)
			}
		}
	}
	id, at, err := Boot("")
	if err != nil || len(id) != 36 || at.IsZero() || at.After(time.Now()) {
		t.Errorf("Boot: %q %s %v", id, at, err)
	}
}

func TestName(t *testing.T) {
	if got := New(Options{Host: "vulcan"}).Name(); got != "host vulcan" {
		t.Error(got)
	}
	if got := New(Options{}).Name(); got != "host" {
		t.Error(got)
	}
}

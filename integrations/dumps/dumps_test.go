package dumps

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
)

const (
	day  = 24 * time.Hour
	mark = "--\n-- PostgreSQL database dump complete\n--\n\n"
	// Since August 2025 there is a line behind it.
	restricted = mark + "\\unrestrict 5Yc0u3Zk8sJ1QmTgE2bNwR7hXvLpAd9oFiKyVxCtUzSlMqGjHeBnDrWaPfO6I4w\n\n"
)

// files are a host's, in memory.
type files struct {
	sys.Files // what is not needed panics
	m         fstest.MapFS
	opened    int
	refused   error
}

func (f *files) List(dir string) ([]fs.DirEntry, error) {
	if f.refused != nil {
		return nil, f.refused
	}
	return f.m.ReadDir(strings.TrimPrefix(dir, "/"))
}
func (f *files) Stat(p string) (fs.FileInfo, error) { return f.m.Stat(strings.TrimPrefix(p, "/")) }
func (f *files) Open(p string) (io.ReadCloser, error) {
	f.opened++
	return f.m.Open(strings.TrimPrefix(p, "/"))
}

func (f *files) put(at string, age time.Duration, data []byte) {
	f.m[strings.TrimPrefix(at, "/")] = &fstest.MapFile{Data: data, ModTime: time.Now().Add(-age), Mode: 0o600}
}

func packed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.Bytes()
}

// sql is a dump that hardly can be packed.
func sql(end string) string {
	var b strings.Builder
	b.WriteString("--\n-- PostgreSQL database dump\n--\n")
	for i := range 4_000 {
		fmt.Fprintf(&b, "INSERT INTO t VALUES (%d, '%x');\n", i, i*i*2654435761)
	}
	return b.String() + end
}

func told(r bot.Reading) string {
	return fmt.Sprintf("%s | %s | %s | %s | %.0f %s", r.State, r.What, r.Value, r.Note, r.Figure/3600, r.Unit)
}

func TestDumps(t *testing.T) {
	whole := sql(mark)
	cut := func(b []byte, n int) []byte { return b[:len(b)-n] }
	torn := packed(whole)
	torn[len(torn)/2] ^= 0xff
	flipped := packed(whole)
	flipped[len(flipped)-6] ^= 0xff // of the checksum
	for name, c := range map[string]struct {
		data []byte
		age  time.Duration
		want string
	}{
		"plain":                {[]byte(whole), 6 * time.Hour, "ok | dump all | 180.9 KiB, 6 h ago, whole |  | 6 s"},
		"plain, restricted":    {[]byte(sql(restricted)), 6 * time.Hour, "ok | dump all | 181 KiB, 6 h ago, whole |  | 6 s"},
		"packed":               {packed(sql(restricted)), 6 * time.Hour, "ok | dump all | SIZE, 6 h ago, whole |  | 6 s"},
		"MariaDB":              {packed(sql("-- Dump completed on 2026-11-28  2:00:01\n")), time.Hour, "ok | dump all | SIZE, 1 h ago, whole |  | 1 s"},
		"old":                  {packed(whole), 27 * time.Hour, "not ok | dump all | SIZE, 1 d 3 h ago, whole | more than 1 d 2 h old | 27 s"},
		"small":                {packed(mark), time.Hour, "not ok | dump all | SIZE, 1 h ago, whole | smaller than 10 KiB | 1 s"},
		"empty":                {nil, time.Hour, "not ok | dump all | 0 B, 1 h ago | smaller than 10 KiB; it is empty | 1 s"},
		"stopped":              {packed(sql("")), time.Hour, "not ok | dump all | SIZE, 1 h ago | the mark of a complete dump is not at its end | 1 s"},
		"mark too early":       {[]byte(mark + sql("")), time.Hour, "not ok | dump all | 180.9 KiB, 1 h ago | the mark of a complete dump is not at its end | 1 s"},
		"cut":                  {cut(packed(whole), 20), time.Hour, "not ok | dump all | SIZE, 1 h ago | it cannot be unpacked to its end | 1 s"},
		"no checksum":          {cut(packed(whole), 4), time.Hour, "not ok | dump all | SIZE, 1 h ago | it cannot be unpacked to its end | 1 s"},
		"wrong checksum":       {flipped, time.Hour, "not ok | dump all | SIZE, 1 h ago | it cannot be unpacked to its end | 1 s"},
		"torn":                 {torn, time.Hour, "not ok | dump all | SIZE, 1 h ago | it cannot be unpacked"},
		"of the future":        {[]byte(whole), -3 * time.Hour, "unknown | dump all | 180.9 KiB, dated in the future, whole | how old it is is unknown: its time is 3 h ahead of the clock | 0 "},
		"small, of the future": {packed(mark), -3 * time.Hour, "not ok | dump all | SIZE, dated in the future, whole | smaller than 10 KiB; how old it is is unknown: its time is"},
		"own format":           {append([]byte("PGDMP\x01\x0e"), make([]byte, 20<<10)...), time.Hour, "unknown | dump all | 20 KiB, 1 h ago | whether it is whole is unknown: pg_dump's own format has no mark at its end; pg_restore --list reads it | 1 s"},
		"zstd":                 {append([]byte{0x28, 0xb5, 0x2f, 0xfd}, make([]byte, 20<<10)...), 30 * time.Hour, "not ok | dump all | 20 KiB, 1 d 6 h ago | more than 1 d 2 h old; whether it is whole is unknown: it is packed with another program"},
	} {
		f := &files{m: fstest.MapFS{}}
		f.put("/var/backup/all.sql", c.age, c.data)
		p := New(sys.Host{Name: "vulcan", Files: f}, []Dump{{"all", "/var/backup/all.sql", 26 * time.Hour, 10 << 10}})
		got := told(p.Read(t.Context())[0])
		if strings.Contains(c.want, "SIZE") { // gzip's may differ with its version
			at := strings.Index(got, "| dump all | ") + len("| dump all | ")
			got = got[:at] + "SIZE" + got[strings.Index(got, ", "):]
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s\ngot  %s\nwant %s", name, got, c.want)
		}
		// It is not read again, and the same is said.
		if again := told(p.Read(t.Context())[0]); f.opened != 1 || !strings.HasPrefix(again, got[:8]) {
			t.Errorf("%s: it was opened %d times, then %s", name, f.opened, again)
		}
		f.put("/var/backup/all.sql", 0, packed(sql(mark)))
		if again := told(p.Read(t.Context())[0]); f.opened != 2 || !strings.HasPrefix(again, "ok | ") {
			t.Errorf("%s: after a new one: opened %d times, %s", name, f.opened, again)
		}
	}
}

func TestWhichFile(t *testing.T) {
	f := &files{m: fstest.MapFS{}}
	f.put("/d/a-1.sql", 50*time.Hour, []byte(sql("")))
	f.put("/d/a-2.sql", 2*time.Hour, []byte(sql(mark)))
	f.put("/d/a-3.sql.in-progress", 0, []byte(sql("")))
	f.put("/d/b.sql", time.Hour, []byte(sql("")))
	f.m["d/a-9.sql"] = &fstest.MapFile{Mode: fs.ModeDir}
	p := New(sys.Host{Name: "vulcan", Files: f}, []Dump{{"a", "/d/a-*.sql", day, 1}, {"c", "/d/c*.sql", day, 1}, {"gone", path.Join("/e", "x.sql"), day, 1}})
	rs := p.Read(t.Context())
	for i, want := range []string{"ok | dump a | 180.9 KiB, 2 h ago, whole |  | 2 s", "not ok | dump c | none | no such file is there | 0 ", "not ok | dump gone | none | no such file is there | 0 "} {
		if got := told(rs[i]); got != want || rs[i].Host != "vulcan" || rs[i].Source == "" || rs[i].At.IsZero() {
			t.Errorf("got %s", got)
		}
	}
	if rs[0].Source != "/d/a-2.sql" || p.Name() != "dumps vulcan" {
		t.Errorf("%+v", rs[0])
	}
	f.refused = errors.New("no")
	if got := told(p.Read(t.Context())[0]); got != "unknown | dump a |  | it cannot be read | 0 " {
		t.Error(got)
	}
}

// What is not read to its end in time is unknown, and read when there is time.
func TestNotEnoughTime(t *testing.T) {
	f := &files{m: fstest.MapFS{}}
	f.put("/d/a.sql", 2*time.Hour, []byte(sql(mark)))
	p := New(sys.Host{Name: "vulcan", Files: f}, []Dump{{"a", "/d/a.sql", day, 1}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := told(p.Read(ctx)[0]); got != "unknown | dump a | 180.9 KiB, 2 h ago | whether it is whole is unknown: there was not enough time to read it to its end | 2 s" {
		t.Error(got)
	}
	if got := told(p.Read(t.Context())[0]); !strings.HasPrefix(got, "ok | ") {
		t.Error(got)
	}
}

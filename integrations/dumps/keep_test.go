package dumps

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"watchstander/bot/sys"
)

// disk gives what is read of each file slowly: so much in a second.
type disk struct {
	files
	perSecond int
	taken     atomic.Int64
	opens     atomic.Int32
	mu        sync.Mutex // files change while they are read
}

func (d *disk) List(dir string) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files.List(dir)
}

func (d *disk) Stat(p string) (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files.Stat(p)
}

func (d *disk) put(at string, age time.Duration, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files.put(at, age, data)
}

func (d *disk) Open(p string) (io.ReadCloser, error) {
	d.opens.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	f, err := d.m.Open(strings.TrimPrefix(p, "/"))
	if err != nil {
		return nil, err
	}
	return &slowly{f, d}, nil
}

type slowly struct {
	io.ReadCloser
	d *disk
}

func (s *slowly) Read(b []byte) (int, error) {
	if s.d.perSecond > 0 {
		time.Sleep(time.Second)
		b = b[:min(len(b), s.d.perSecond)]
	}
	n, err := s.ReadCloser.Read(b)
	s.d.taken.Add(int64(n))
	return n, err
}

// kept runs Keep beside a test, in its bubble.
func kept(t *testing.T, d *disk, dumps ...Dump) (p *Probe, stop func()) {
	t.Helper()
	p = New(sys.Host{Name: "vulcan", Files: d}, dumps)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { p.Keep(ctx) })
	synctest.Wait()
	return p, func() { cancel(); all.Wait() }
}

// ask has the time that a probe has.
func ask(t *testing.T, p *Probe) (told string, took time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	rs := p.Read(ctx)
	return string(rs[0].State) + " | " + rs[0].Note, time.Since(began)
}

// A dump that takes longer than a question has is read once, beside the questions, and is
// whole in the end; until then nobody waits long, and is told how far it is.
func TestALargeDumpIsReadOnBesideTheQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{files: files{m: fstest.MapFS{}}, perSecond: 4 << 10}
		d.put("/d/a.sql", time.Hour, []byte(sql(mark))) // of some 180 KiB: 46 s
		p, stop := kept(t, d, Dump{"a", "/d/a.sql", day, 1})
		defer stop()
		for range 3 {
			if got, took := ask(t, p); !strings.HasPrefix(got, "unknown | whether it is whole is unknown: ") || !strings.HasSuffix(got, " KiB of 180.9 KiB are read so far") || took != patience {
				t.Errorf("%s after %s", got, took)
			}
			time.Sleep(5 * time.Second)
		}
		time.Sleep(time.Minute)
		for range 2 {
			if got, took := ask(t, p); got != "ok | " || took != 0 {
				t.Errorf("%s after %s", got, took)
			}
		}
		if d.opens.Load() != 1 {
			t.Errorf("it was opened %d times", d.opens.Load())
		}
	})
}

// A newer dump takes the place of one that is being read, and one that changes meanwhile
// is not judged by what it was.
func TestADumpThatIsReplacedWhileItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{files: files{m: fstest.MapFS{}}, perSecond: 4 << 10}
		d.put("/d/a-1.sql", time.Hour, []byte(sql("")))
		p, stop := kept(t, d, Dump{"a", "/d/a-*.sql", day, 1})
		defer stop()
		ask(t, p)
		d.put("/d/a-2.sql", time.Minute, []byte(sql(mark)))
		ask(t, p)
		time.Sleep(5 * time.Second)
		if taken := d.taken.Load(); taken > 60<<10 {
			t.Errorf("%d bytes were read: the old one is read on", taken)
		}
		time.Sleep(time.Minute)
		if got, _ := ask(t, p); got != "ok | " || d.opens.Load() != 2 {
			t.Errorf("%s, opened %d times", got, d.opens.Load())
		}
		d.put("/d/a-2.sql", time.Second, []byte(sql(mark)))
		ask(t, p)
		d.put("/d/a-2.sql", 0, []byte(sql("")))
		time.Sleep(time.Minute)
		p.mu.Lock()
		v := p.read["a"]
		p.mu.Unlock()
		if v.of.made > time.Now().Add(-90*time.Second).UnixNano() {
			t.Errorf("%+v", v)
		}
		ask(t, p)
		time.Sleep(time.Minute)
		if got, _ := ask(t, p); !strings.HasPrefix(got, "not ok | the mark of a complete dump is not at its end") {
			t.Error(got)
		}
	})
}

// However quick the disk, reading leaves it some rest; and it ends with its context.
func TestDumpsAreReadAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{files: files{m: fstest.MapFS{}}}
		d.put("/d/a.sql", time.Hour, append(bytes.Repeat([]byte("--\n"), 4<<20), mark...))
		p, stop := kept(t, d, Dump{"a", "/d/a.sql", day, 1})
		defer stop()
		if p.rate != pace {
			t.Errorf("%v", p.rate)
		}
		const rate = 4 << 20
		p.rate = rate
		if got, _ := ask(t, p); !strings.HasPrefix(got, "unknown | ") {
			t.Error(got)
		}
		if now := d.taken.Load() / int64(patience/time.Second); now > rate*11/10 {
			t.Errorf("%d bytes a second", now)
		}
		stop()
		// Nobody reads beside the questions any more: they do it themselves.
		d.put("/d/a.sql", time.Minute, []byte(sql(mark)))
		if got, took := ask(t, p); got != "ok | " || took != 0 {
			t.Errorf("%s after %s", got, took)
		}
	})
}

package dumps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"

	"watchstander/bot/host"
)

// A dump of many gigabytes is not read to its end in the time that a probe has, and what
// it took would be lost. So files are read beside the questions (Keep), one at a time and
// at a bounded rate, each once for as long as it stays what it is.

const (
	// pace is how many bytes a second are read of the disk: databases work meanwhile.
	pace = 64 << 20
	// patience is how long a question waits for what is read. Small dumps are done then.
	patience = 2 * time.Second
)

// identity is by what a file is known again.
type identity struct {
	file  string
	inode uint64 // 0 where there is none
	size  int64
	made  int64 // nanoseconds since 1970
}

func identityOf(file string, info fs.FileInfo) identity {
	out := identity{file: file, size: info.Size(), made: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		out.inode = st.Ino
	}
	return out
}

// job is a file that is to be read to its end, or is being read.
type job struct {
	dump string
	of   identity
	done chan struct{} // closed when nobody works at it any more
	// Under the probe's lock: how much was read, and why there is no verdict, nil where
	// there is one or it is under way.
	read int64
	err  error
}

// errChanged is told of a file that became another one under the reader.
var errChanged = errors.New("it changed while it was read")

// Keep reads the files that questions want to know about, until the context is over. While
// nobody does, each question reads by itself, for as long as it has.
func (p *Probe) Keep(ctx context.Context) {
	p.mu.Lock()
	p.kept = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.kept = false
		for name, j := range p.jobs {
			delete(p.jobs, name)
			close(j.done)
		}
		p.mu.Unlock()
	}()
	for {
		if j := p.next(); j != nil {
			p.work(ctx, j)
		} else {
			select {
			case <-p.wake:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// next is the job that comes first in the order of the dumps.
func (p *Probe) next() *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.dumps {
		if j := p.jobs[d.Name]; j != nil {
			return j
		}
	}
	return nil
}

// work does a job, unless a newer file takes its place or the context ends.
func (p *Probe) work(ctx context.Context, j *job) {
	v, err := p.readThrough(ctx, j)
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jobs[j.dump] != j {
		return // whoever put another in its place has closed it
	}
	delete(p.jobs, j.dump)
	if j.err = err; err == nil {
		p.read[j.dump] = v
	}
	close(j.done)
}

// readThrough reads a job's file to its end. Its error says why there is no verdict.
func (p *Probe) readThrough(ctx context.Context, j *job) (verdict, error) {
	f, err := p.h.Files.Open(j.of.file)
	if err != nil {
		return verdict{}, errCannotOpen
	}
	defer f.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	found := whole(ctx, &paced{r: f, rate: p.rate, began: time.Now(), ctx: ctx, read: func(n int64) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if j.read = n; p.jobs[j.dump] != j {
			cancel(errChanged)
		}
	}})
	if err := context.Cause(ctx); err != nil {
		return verdict{}, err
	}
	if info, err := p.h.Files.Stat(j.of.file); err != nil || identityOf(j.of.file, info) != j.of {
		return verdict{}, errChanged
	}
	return verdict{j.of, found}, nil
}

// paced reads no faster than its rate, from its beginning on.
type paced struct {
	r     io.Reader
	ctx   context.Context
	rate  float64 // bytes a second
	began time.Time
	n     int64
	read  func(n int64) // is told how much there was
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.n += int64(n)
	p.read(p.n)
	early := time.Duration(float64(p.n)/p.rate*float64(time.Second)) - time.Since(p.began)
	if early < 10*time.Millisecond || err != nil {
		return n, err
	}
	timer := time.NewTimer(early)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
	}
	return n, nil
}

// ask has a file be read, and waits until a moment for what comes of it. Known is false
// where nobody keeps reading.
func (p *Probe) ask(ctx context.Context, dump string, of identity, until time.Time) (err error, kept bool) {
	p.mu.Lock()
	if !p.kept {
		p.mu.Unlock()
		return nil, false
	}
	j := p.jobs[dump]
	if j == nil || j.of != of {
		if j != nil {
			close(j.done)
		}
		j = &job{dump: dump, of: of, done: make(chan struct{})}
		p.jobs[dump] = j
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
	p.mu.Unlock()
	timer := time.NewTimer(max(0, time.Until(until)))
	defer timer.Stop()
	select {
	case <-j.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, known := p.read[dump]; known && v.of == of {
		return v.err, true
	}
	if j.err != nil {
		return j.err, true
	}
	return fmt.Errorf("%s of %s are read so far", host.Bytes(j.read), host.Bytes(of.size)), true
}

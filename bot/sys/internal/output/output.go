// Package output keeps what a program writes, up to a bound, and tells its lines
// as they come. The Runner of bot/sys and that of the simulation share it, so that
// both cut and split alike.
package output

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Default is how many bytes are kept of a stream, if nobody says otherwise.
	Default = 1 << 20
	// LongestLine is told in one piece.
	LongestLine = 64 << 10
	// waiting is how many lines may wait for whoever is told. What comes when that
	// many wait is left out of the telling (it is kept all the same).
	waiting = 4096
	// waitingBytes is how long all those lines may be together: that many of the
	// longest would be 256 MiB.
	waitingBytes = 4 << 20
)

// Collector takes both streams of one program. Nothing that it does blocks the
// program: not a slow listener, and not an output without end.
type Collector struct {
	most int
	tell func(stream, line string)

	mu      sync.Mutex
	streams map[string]*stream

	lines chan line
	queue atomic.Int64 // the bytes of the lines that wait
	quit  chan struct{}
	told  chan struct{} // closed when the listener's goroutine has ended
}

type line struct{ stream, text string }

type stream struct {
	kept    []byte
	cut     bool
	partial []byte // the line that has not ended yet
}

// New makes a collector that keeps most bytes of each stream (0: Default). tell
// may be nil; it is called by one goroutine, which Close ends.
func New(most int, tell func(stream, line string)) *Collector {
	if most <= 0 {
		most = Default
	}
	c := &Collector{
		most: most, tell: tell,
		streams: map[string]*stream{"stdout": {}, "stderr": {}},
	}
	if tell != nil {
		c.lines, c.quit, c.told = make(chan line, waiting), make(chan struct{}), make(chan struct{})
		go c.telling(c.lines)
	}
	return c
}

func (c *Collector) telling(lines <-chan line) {
	defer close(c.told)
	for l := range lines {
		c.queue.Add(-int64(len(l.text)))
		select {
		case <-c.quit:
			return
		default:
			c.tell(l.stream, l.text)
		}
	}
}

// Stream is the writer of "stdout" or "stderr". It never fails.
func (c *Collector) Stream(name string) io.Writer { return writer{c, name} }

type writer struct {
	c    *Collector
	name string
}

func (w writer) Write(p []byte) (int, error) {
	c := w.c
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[w.name]
	fits := min(len(p), c.most-len(s.kept))
	s.kept = append(s.kept, p[:fits]...)
	s.cut = s.cut || fits < len(p)
	if c.lines == nil {
		return len(p), nil
	}
	for rest := p; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		piece := rest
		if end >= 0 {
			piece = rest[:end]
		}
		if room := LongestLine - len(s.partial); len(piece) > room {
			c.say(w.name, append(s.partial, piece[:room]...))
			s.partial, rest = s.partial[:0], rest[room:]
			continue
		}
		s.partial = append(s.partial, piece...)
		rest = rest[len(piece):]
		if end >= 0 {
			c.say(w.name, s.partial)
			s.partial, rest = s.partial[:0], rest[1:]
		}
	}
	return len(p), nil
}

// say queues a line, or leaves it out. There is one at a time.
func (c *Collector) say(name string, text []byte) {
	text = bytes.TrimSuffix(text, []byte("\r"))
	if c.queue.Load()+int64(len(text)) > waitingBytes {
		return
	}
	c.queue.Add(int64(len(text))) // before the listener can take it away again
	select {
	case c.lines <- line{name, string(text)}:
	default:
		c.queue.Add(-int64(len(text)))
	}
}

// Close tells what has not been told, for at most the given time, and gives what
// was kept. When it has returned, no further line is told; one that the listener
// is still busy with after that time is its own affair. Writes after Close are
// lost.
func (c *Collector) Close(within time.Duration) (stdout, stderr []byte, cut bool) {
	c.mu.Lock()
	if c.lines != nil {
		for _, name := range []string{"stdout", "stderr"} {
			if s := c.streams[name]; len(s.partial) > 0 {
				c.say(name, s.partial)
				s.partial = nil
			}
		}
		close(c.lines)
		c.lines = nil
	}
	out, err := c.streams["stdout"], c.streams["stderr"]
	stdout, stderr, cut = bytes.Clone(out.kept), bytes.Clone(err.kept), out.cut || err.cut
	c.mu.Unlock()
	if c.told != nil {
		timer := time.NewTimer(within)
		defer timer.Stop()
		select {
		case <-c.told:
		case <-timer.C:
			close(c.quit)
		}
	}
	return stdout, stderr, cut
}

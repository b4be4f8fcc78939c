// Package dumps looks at the dumps of databases that lie on a host as files: how old the
// newest of each is, how large, and whether it is whole. That the program which made it
// ended well says nothing of that.
//
// New makes the probe of one host; it runs in the agent, and touches the host through a
// sys.Host alone. whole.go reads a dump to its end. The package is a leaf.
package dumps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// Dump is what one database leaves.
type Dump struct {
	Name string
	// Files is an absolute path; its last part may be a pattern, as path.Match has
	// them, of which the newest file counts.
	Files string
	// MaxAge is how old it may be, and MinSize how many bytes it must have.
	MaxAge  time.Duration
	MinSize int64
}

// Probe reads the dumps of a host.
type Probe struct {
	h     sys.Host
	dumps []Dump

	mu   sync.Mutex
	read map[string]verdict // by dump, of the file that was read through last
}

// verdict is what was found in a file.
type verdict struct {
	file string
	made time.Time
	size int64
	err  error // nil: it is whole
}

var _ bot.Probe = (*Probe)(nil)

// New makes the probe. It touches nothing yet.
func New(h sys.Host, dumps []Dump) *Probe {
	return &Probe{h: h, dumps: dumps, read: map[string]verdict{}}
}

// Name is "dumps" and the host's name.
func (p *Probe) Name() string { return strings.TrimSpace("dumps " + p.h.Name) }

// Tells are what its readings are called (bot/probing, Teller).
func (p *Probe) Tells() (out []string) {
	for _, d := range p.dumps {
		out = append(out, "dump "+d.Name)
	}
	return out
}

// Read gives a reading for each dump, "dump NAME", whose figure is its age. A file is
// read to its end once, and again only when it became another; one for which there is
// not enough time is unknown.
func (p *Probe) Read(ctx context.Context) []bot.Reading {
	out := make([]bot.Reading, len(p.dumps))
	slots := make(chan struct{}, 2)
	var all sync.WaitGroup
	at := time.Now().UTC().Truncate(time.Millisecond)
	for i, d := range p.dumps {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			out[i] = p.dump(ctx, d, at)
			out[i].Host, out[i].What, out[i].At = p.h.Name, "dump "+d.Name, at
		})
	}
	all.Wait()
	return out
}

func (p *Probe) dump(ctx context.Context, d Dump, at time.Time) bot.Reading {
	r := bot.Reading{Source: line(d.Files), State: bot.OK}
	file, info, err := p.newest(d)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.State, r.Value, r.Note = bot.NotOK, "none", "no such file is there"
		return r
	case err != nil:
		r.State, r.Note = bot.Unknown, "it cannot be read"
		return r
	}
	r.Source = line(file)
	age := at.Sub(info.ModTime())
	r.Value = fmt.Sprintf("%s, %s ago", host.Bytes(info.Size()), phrase.Duration(max(0, age)))
	r = r.With(age.Seconds(), bot.FigureSeconds)
	var why []string
	if age > d.MaxAge {
		why = append(why, "more than "+phrase.Duration(d.MaxAge)+" old")
	}
	if info.Size() < d.MinSize {
		why = append(why, fmt.Sprintf("smaller than %s", host.Bytes(d.MinSize)))
	}
	doubt := p.verdict(ctx, d, file, info)
	if doubt == nil {
		r.Value += ", whole"
	} else if b, is := errors.AsType[broken](doubt); is {
		why, doubt = append(why, b.Error()), nil
	}
	if len(why) > 0 {
		r.State = bot.NotOK
	} else if doubt != nil {
		r.State = bot.Unknown
	}
	if doubt != nil {
		why = append(why, "whether it is whole is unknown: "+line(doubt.Error()))
	}
	r.Note = strings.Join(why, "; ")
	return r
}

// newest finds the dump's newest file.
func (p *Probe) newest(d Dump) (file string, info fs.FileInfo, err error) {
	dir, pattern := path.Split(d.Files)
	list, err := p.h.Files.List(path.Clean(dir))
	if err != nil {
		return "", nil, err
	}
	for _, e := range list {
		if ok, err := path.Match(pattern, e.Name()); err != nil || !ok && e.Name() != pattern {
			continue
		}
		at := path.Join(dir, e.Name())
		i, err := p.h.Files.Stat(at)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went away meanwhile
		}
		if err != nil {
			return "", nil, err
		}
		if i.Mode().IsRegular() && (info == nil || i.ModTime().After(info.ModTime())) {
			file, info = at, i
		}
	}
	if info == nil {
		return "", nil, fs.ErrNotExist
	}
	return file, info, nil
}

// verdict reads a file to its end, unless that was done.
func (p *Probe) verdict(ctx context.Context, d Dump, file string, info fs.FileInfo) error {
	p.mu.Lock()
	v, known := p.read[d.Name]
	p.mu.Unlock()
	if known && v.file == file && v.size == info.Size() && v.made.Equal(info.ModTime()) {
		return v.err
	}
	f, err := p.h.Files.Open(file)
	if err != nil {
		return errors.New("it cannot be opened")
	}
	defer f.Close()
	err = whole(ctx, f)
	if ctx.Err() != nil {
		return errors.New("there was not enough time to read it to its end")
	}
	p.mu.Lock()
	p.read[d.Name] = verdict{file, info.ModTime(), info.Size(), err}
	p.mu.Unlock()
	return err
}

// longest is how many characters of others' words are repeated.
const longest = 200

func line(s string) string { return clean.Line(s, longest) }

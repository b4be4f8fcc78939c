// Package dumps looks at the dumps of databases that lie on a host as files: how old the
// newest of each is, how large, and whether it is whole. That the program which made it
// ended well says nothing of that.
//
// New makes the probe of one host; it runs in the agent, and touches the host through a
// sys.Host alone. keep.go has large ones read beside the questions, whole.go reads a dump to its end. The package is a leaf.
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
	kept bool               // Keep runs
	jobs map[string]*job    // by dump, what is to be read
	wake chan struct{}      // there is a new job
	rate float64            // of reading, in bytes a second
}

// verdict is what was found in a file.
type verdict struct {
	of  identity
	err error // nil: it is whole
}

var _ bot.Probe = (*Probe)(nil)

// New makes the probe. It touches nothing yet.
func New(h sys.Host, dumps []Dump) *Probe {
	return &Probe{h: h, dumps: dumps, read: map[string]verdict{}, jobs: map[string]*job{}, wake: make(chan struct{}, 1), rate: pace}
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
// read to its end once, and again only when it became another; until it was, whether it is
// whole is unknown.
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
	var why, doubts []string
	if age < -clockError {
		r.Value = fmt.Sprintf("%s, dated in the future", host.Bytes(info.Size()))
		doubts = append(doubts, "how old it is is unknown: its time is "+phrase.Duration(-age)+" ahead of the clock")
	} else {
		r.Value = fmt.Sprintf("%s, %s ago", host.Bytes(info.Size()), phrase.Duration(max(0, age)))
		r = r.With(max(0, age.Seconds()), bot.FigureSeconds)
	}
	if age > d.MaxAge {
		why = append(why, "more than "+phrase.Duration(d.MaxAge)+" old")
	}
	if info.Size() < d.MinSize {
		why = append(why, fmt.Sprintf("smaller than %s", host.Bytes(d.MinSize)))
	}
	err = p.verdict(ctx, d, identityOf(file, info), at.Add(patience))
	b, is := errors.AsType[broken](err)
	switch {
	case err == nil:
		r.Value += ", whole"
	case is:
		why = append(why, b.Error())
	default:
		doubts = append(doubts, "whether it is whole is unknown: "+line(err.Error()))
	}
	if len(why) > 0 {
		r.State = bot.NotOK
	} else if len(doubts) > 0 {
		r.State = bot.Unknown
	}
	r.Note = strings.Join(append(why, doubts...), "; ")
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

// clockError is how far ahead of the clock a file's time may be.
const clockError = time.Minute

var errCannotOpen = errors.New("it cannot be opened")

// verdict has a file read to its end, unless that was done: beside the questions, for which
// it waits until a moment, or where nobody does that by itself.
func (p *Probe) verdict(ctx context.Context, d Dump, of identity, until time.Time) error {
	p.mu.Lock()
	v, known := p.read[d.Name]
	p.mu.Unlock()
	if known && v.of == of {
		return v.err
	}
	if err, kept := p.ask(ctx, d.Name, of, until); kept {
		return err
	}
	f, err := p.h.Files.Open(of.file)
	if err != nil {
		return errCannotOpen
	}
	defer f.Close()
	err = whole(ctx, f)
	if ctx.Err() != nil {
		return errors.New("there was not enough time to read it to its end")
	}
	p.mu.Lock()
	p.read[d.Name] = verdict{of, err}
	p.mu.Unlock()
	return err
}

// longest is how many characters of others' words are repeated.
const longest = 200

func line(s string) string { return clean.Line(s, longest) }

// Package documents tells how old what people rely on at night is: runbooks, a plan for
// recovery, a list of who to call. A text that nobody has looked at for a year is no proof
// that it still tells the truth.
//
// New makes the probe of one host; it runs in the agent, and touches the host through a
// sys.Host alone. How old a file is tells, in this order, a line in it that says when it was
// reviewed (review.go), the newest commit that changed it (git.go), or its own time. The
// package is a leaf.
package documents

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// Document is one text, or several that are looked after together.
type Document struct {
	Name string
	// Files are absolute paths; the last part of each may be a pattern, as path.Match has
	// them.
	Files []string
	// WorkTree is the git work tree that the files belong to; "" where their own times count.
	WorkTree string
	// MaxAge is how old the oldest may be.
	MaxAge time.Duration
}

// Options are what the probe leans on.
type Options struct {
	// Git is the program, an absolute path; that of /run/current-system.
	Git       string
	Documents []Document
}

// mostFiles is how many files of a document are looked at.
const mostFiles = 100

// Probe reads the documents of a host.
type Probe struct {
	h sys.Host
	o Options

	mu      sync.Mutex
	commits map[commitOf]time.Time // zero: no commit has it
}

var _ bot.Probe = (*Probe)(nil)

// New makes the probe. It touches nothing yet.
func New(h sys.Host, o Options) *Probe {
	o.Git = cmp.Or(o.Git, "/run/current-system/sw/bin/git")
	return &Probe{h: h, o: o, commits: map[commitOf]time.Time{}}
}

// Name is "documents" and the host's name.
func (p *Probe) Name() string { return strings.TrimSpace("documents " + p.h.Name) }

// Tells are what its readings are called (bot/probing, Teller).
func (p *Probe) Tells() (out []string) {
	for _, d := range p.o.Documents {
		out = append(out, "document "+d.Name)
	}
	return out
}

// Read gives a reading for each document, "document NAME", whose figure is the age of the
// oldest of its files. What there was not enough time for is unknown, and goes on with the
// next question.
func (p *Probe) Read(ctx context.Context) []bot.Reading {
	at := time.Now().UTC().Truncate(time.Millisecond)
	out := make([]bot.Reading, 0, len(p.o.Documents))
	trees := map[string]tree{}
	for _, d := range p.o.Documents {
		if _, asked := trees[d.WorkTree]; !asked && d.WorkTree != "" {
			trees[d.WorkTree] = p.tree(ctx, d.WorkTree)
		}
		r := p.document(ctx, d, trees[d.WorkTree], at)
		r.Host, r.What, r.At = p.h.Name, "document "+d.Name, at
		out = append(out, r)
	}
	return out
}

// aged is one file with how old it is.
type aged struct {
	name string
	at   time.Time
	how  string // "reviewed", "last changed"
	err  error  // it is not known
}

func (p *Probe) document(ctx context.Context, d Document, t tree, at time.Time) bot.Reading {
	r := bot.Reading{Source: line(strings.Join(d.Files, ", ")), State: bot.OK}
	files, missing, err := p.files(d)
	if err != nil {
		r.State, r.Note = bot.Unknown, "they cannot be listed"
		return r
	}
	var why []string
	judge := func(s bot.ReadingState, text string) {
		why = append(why, text)
		if s == bot.NotOK || r.State == bot.OK {
			r.State = s
		}
	}
	if len(missing) > 0 {
		judge(bot.NotOK, "not there: "+phrase.Some(missing, mostNamed))
	}
	if more := len(files) - mostFiles; more > 0 {
		files = files[:mostFiles]
		judge(bot.Unknown, phrase.Count(more, "file is", "files are")+" not looked at")
	}
	var oldest *aged
	var unknown []string
	for _, f := range files {
		x := p.age(ctx, d, t, f, at)
		if x.err != nil {
			unknown = append(unknown, line(x.name)+" ("+x.err.Error()+")")
		} else if oldest == nil || x.at.Before(oldest.at) {
			oldest = &x
		}
	}
	if oldest != nil {
		age := max(0, at.Sub(oldest.at))
		head := ""
		if len(files) > 1 {
			head = phrase.Count(len(files), "file", "files") + "; the oldest, " + line(oldest.name) + ", "
		}
		if r.Value = head + "was " + oldest.how + " " + ago(age); head == "" {
			r.Value = oldest.how + " " + ago(age)
		}
		r = r.With(age.Seconds(), bot.FigureSeconds)
		if age > d.MaxAge {
			judge(bot.NotOK, "that is more than "+phrase.Duration(d.MaxAge)+": read it against what is, and mend it or renew its line `reviewed: "+at.Format(time.DateOnly)+"`")
		}
	}
	if len(unknown) > 0 {
		judge(bot.Unknown, "not known of: "+phrase.Some(unknown, mostNamed))
	}
	r.Note = strings.Join(why, "; ")
	return r
}

// ago is an age in whole days.
func ago(d time.Duration) string {
	if d < 24*time.Hour {
		return "today"
	}
	return phrase.Duration(d.Truncate(24*time.Hour)) + " ago"
}

// files lists those of a document, and the paths and patterns of which there is none.
func (p *Probe) files(d Document) (files, missing []string, err error) {
	for _, at := range d.Files {
		dir, pattern := path.Split(at)
		list, err := p.h.Files.List(path.Clean(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		found := false
		for _, e := range list {
			if ok, err := path.Match(pattern, e.Name()); (err != nil || !ok) && e.Name() != pattern {
				continue
			}
			file := path.Join(dir, e.Name())
			info, err := p.h.Files.Stat(file)
			if err != nil || !info.Mode().IsRegular() {
				continue // went away meanwhile, or is no file
			}
			if found = true; !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
		if !found {
			missing = append(missing, line(at))
		}
	}
	slices.Sort(files)
	return files, missing, nil
}

// age finds how old a file is.
func (p *Probe) age(ctx context.Context, d Document, t tree, file string, now time.Time) aged {
	x := aged{name: path.Base(file), how: "reviewed"}
	at, said, err := p.reviewed(file)
	switch {
	case err != nil:
		x.err = err
		return x
	case said && at.After(now.Add(24*time.Hour)): // a day, since it has no zone
		x.err = errors.New("it was reviewed on a day to come, it says")
		return x
	case said:
		x.at = at
		return x
	}
	x.how = "last changed"
	if d.WorkTree == "" {
		info, err := p.h.Files.Stat(file)
		if err != nil {
			x.err = errors.New("it cannot be read")
			return x
		}
		x.at, x.how = info.ModTime(), "last written"
		return x
	}
	x.at, x.err = p.changed(ctx, t, d.WorkTree, file)
	return x
}

// longest is how many characters of others' words are repeated.
const longest = 100

// mostNamed is how many files a reading names.
const mostNamed = 3

func line(s string) string { return clean.Line(s, longest) }

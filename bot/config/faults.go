package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// Fault is one thing that is wrong, in words that say what to write instead.
type Fault struct {
	File string
	// Line and Column count from 1, columns in characters; 0 when the file as a
	// whole is meant.
	Line, Column int
	// Field is the path of what is wrong ("routes[2].match[0]", counted from 0);
	// "" for the file as a whole.
	Field string
	// Message holds no secret and no value of a key that might hold one.
	Message string
}

// String is "config.yaml:31:7: routes[2].match[0]: what is wrong".
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	b.WriteString(": ")
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Faults are all faults of one file, in its order, and of files that it names. Every
// error of this package but a secret's is one.
type Faults []Fault

// Error lists the faults, one on a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, x := range f {
		lines[i] = x.String()
	}
	return strings.Join(lines, "\n")
}

func (f Faults) sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return f
}

// place is where something stands: in the file, and in its structure.
type place struct {
	line, column int
	field        string
}

// key is the place of a key of the mapping that stands here, for what is
// missing in it.
func (p place) key(name string) place {
	p.field = join(p.field, name)
	return p
}

// at is where a key stands, or where it would stand had it been given.
func (p place) at(key string, g given[string]) place {
	if g.set {
		return g.place
	}
	return p.key(key)
}

// stand lets a struct of keys.go be told its place.
func (p *place) stand(at place) { *p = at }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// judge collects what is wrong.
type judge struct {
	file     string
	faults   Faults
	warnings Faults
	// strange are the paths of mappings with a key that is not known: it may be
	// the very key that seems to be missing.
	strange map[string]bool
	// places are where everything stands, by its path.
	places map[string]place
	// example is a file that shows all keys, and instead what to say of keys that
	// people try.
	example string
	instead map[string]advice

	matcherCache map[string]labels.Matchers
}

func newJudge(file, example string, instead map[string]advice) judge {
	return judge{file: file, example: example, instead: instead, strange: map[string]bool{}, places: map[string]place{}, matcherCache: map[string]labels.Matchers{}}
}

func (j *judge) fault(at place, format string, args ...any) {
	j.faults = append(j.faults, j.made(at, format, args...))
}

func (j *judge) warn(at place, format string, args ...any) {
	j.warnings = append(j.warnings, j.made(at, format, args...))
}

func (j *judge) made(at place, format string, args ...any) Fault {
	return Fault{File: j.file, Line: at.line, Column: at.column, Field: at.field, Message: fmt.Sprintf(format, args...)}
}

// short quotes what the file says, cut so that a fault stays one line.
func short(s string) string {
	const most = 60
	r := []rune(s)
	if len(r) > most {
		return fmt.Sprintf("%q…", string(r[:most]))
	}
	return fmt.Sprintf("%q", s)
}

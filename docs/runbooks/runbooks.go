// Package runbooks holds what to do, one Markdown file for each thing that an
// operator meets: a command, a task of a checklist, an alert. The files are in the
// binary, so that they can be read in the chat when nothing else answers, and they
// read as well in a browser or an editor.
//
// # The one form
//
// A file is called as the runbook is (small letters, dashes): zfs-status.md. It has a
// title, then at most two lines that say what else leads here, then these sections, all
// of them, in this order:
//
//	# ZFS pools
//
//	Commands: `zfs status`
//
//	Alerts: `ZFSPoolDegraded`, `ZFSScrubOverdue`
//
//	## Meaning     what is told, and which figure says what
//	## Impact      what it does to people and data, and how soon
//	## Look        how to find out more, without changing anything
//	## Act         what to do, and what never to do
//	## Undo        how to take it back, or that nothing can
//	## Escalate    whom to call, when, and with what in hand
//
// A fenced block marked `bot` holds lines that people type to the bot, one command each;
// the tests of the commands package parse every one with the real table. Blocks marked
// `sh` are for the host's shell, as root; `nix` and `text` are shown as they are. Words
// in capitals (UNIT, PLAN, DATASET) are to be filled in. A link to another runbook has
// that one's name for its text: [zfs-arc](zfs-arc.md).
//
// parse.go reads the form and refuses everything else, message.go makes a message of it.
// Neighbours: commands has `runbook`, which shows them; bot has the words that they are
// made of. The Markdown itself is read by github.com/yuin/goldmark.
package runbooks

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"unicode"
)

//go:embed *.md
var files embed.FS

// shelf is all runbooks, found by every name that leads to one.
type shelf struct {
	all   []Runbook // by name
	named map[string]int
}

// load reads the files once. They are part of the binary: a fault in one of them is a
// fault of the build, which every test of this package finds.
var load = sync.OnceValue(func() shelf {
	s, err := read(files)
	if err != nil {
		panic("runbooks: " + err.Error())
	}
	return s
})

// read makes a shelf of a folder's files.
func read(dir fs.FS) (shelf, error) {
	names, err := fs.Glob(dir, "*.md")
	if err != nil {
		return shelf{}, err
	}
	s := shelf{named: map[string]int{}}
	slices.Sort(names)
	for _, file := range names {
		text, err := fs.ReadFile(dir, file)
		if err != nil {
			return shelf{}, err
		}
		r, err := parse(strings.TrimSuffix(file, ".md"), text)
		if err != nil {
			return shelf{}, fmt.Errorf("%s: %w", file, err)
		}
		s.all = append(s.all, r)
	}
	for i, r := range s.all {
		for _, name := range slices.Concat([]string{r.Name}, r.Commands, r.Alerts) {
			if other, taken := s.named[key(name)]; taken && other != i {
				return shelf{}, fmt.Errorf("%q leads to both %s and %s", name, s.all[other].Name, r.Name)
			}
			s.named[key(name)] = i
		}
	}
	return s, nil
}

// key is what counts of a name: its letters and digits, so that `backup verify`,
// backup-verify and BackupVerify are one.
func key(name string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, name)
}

// Same tells whether two names are one, as far as runbooks are found by them.
func Same(a, b string) bool { return key(a) == key(b) && key(a) != "" }

// Names are all runbooks' names, sorted.
func Names() []string {
	all := load().all
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = r.Name
	}
	return out
}

// All are the runbooks, sorted by name. The caller must not change them.
func All() []Runbook { return slices.Clone(load().all) }

// Find gives the runbook of a name: its own, that of a command, or of an alert that
// leads to it. Case, blanks, dashes and points do not count.
func Find(name string) (Runbook, bool) {
	s := load()
	if i, ok := s.named[key(name)]; ok {
		return s.all[i], true
	}
	return Runbook{}, false
}

// ForCommand gives the runbook of a command: its own, else that of the command which it
// is a variant of (`schedule pause` has that of `schedule`).
func ForCommand(name string) (Runbook, bool) {
	for words := strings.Fields(name); len(words) > 0; words = words[:len(words)-1] {
		if r, ok := Find(strings.Join(words, " ")); ok {
			return r, true
		}
	}
	return Runbook{}, false
}

// Like names the runbooks that have a word in their names, for people who know a part of
// one: "zfs" gives zfs-arc and zfs-status. A word of fewer than three letters gives none.
func Like(word string) []string {
	const least = 3
	k := key(word)
	if len(k) < least {
		return nil
	}
	var out []string
	for _, r := range load().all {
		if strings.Contains(key(r.Name), k) {
			out = append(out, r.Name)
		}
	}
	return out
}

package nixos

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// tree is what a system's unit directory has: what systemd should know, and what
// it should run, while that system runs.
type tree struct {
	files  map[string]bool
	wanted map[string]bool
	err    error // it could not be read
}

// generated is where systemd's generators put units: those of /etc/fstab, with what
// wants them to be mounted.
const generated = "/run/systemd/generator"

// treeOf reads a system's, and what was generated for what runs now.
func (n *NixOS) treeOf(at string) tree {
	files, err := n.unitFiles(at)
	t := tree{files: map[string]bool{}, wanted: map[string]bool{}, err: err}
	dirs, err := n.o.Host.Files.List(generated)
	for _, d := range dirs {
		if ext := path.Ext(d.Name()); ext != ".wants" && ext != ".requires" && ext != ".upholds" {
			continue
		}
		units, err := n.o.Host.Files.List(path.Join(generated, d.Name()))
		for _, u := range units {
			t.wanted[u.Name()] = true
		}
		t.err = errors.Join(t.err, err)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.err = errors.Join(t.err, err)
	}
	for file := range files {
		switch dir, name := path.Split(file); {
		case dir == "":
			t.files[name] = true
		case path.Ext(path.Clean(dir)) != ".d":
			t.wanted[name] = true
		}
	}
	return t
}

// has tells whether a unit has a file, one of a template its template's.
func (t tree) has(name string) bool {
	if t.files[name] {
		return true
	}
	prefix, _, instance := strings.Cut(name, "@")
	return instance && t.files[prefix+"@"+path.Ext(name)]
}

// Why a unit that does nothing counts as fine all the same. It is told.
const (
	whyGone   = "no longer there, and no part of what runs now"
	whyMasked = "masked"
	whyEnded  = "ran before, and ended well"
	whyRanNow = "was active before, was run anew, and ended well"
	whyIdle   = "was active before, is not any more, and need not be"
)

// idle judges a unit that was fine before, is inactive, and did not fail. That it
// is gone, or ended, is no failure where the system that runs now does not have it,
// or does not want it to run: services that are started on demand end by themselves,
// and what is mounted on demand is unmounted. Of what was active it is told.
func (w watch) idle(u sys.Unit, was role) finding {
	did, is := "was active", "is not"
	if was == ran {
		did, is = "ran", "does not run"
	}
	// A oneshot that stays active once it has run may not do so in what runs now. One
	// that did not run is off: so a firewall is.
	again := u.Type == "oneshot" && !w.since.IsZero() && u.Started.After(w.since)
	switch {
	case u.Load == "masked":
		return finding{fine, whyMasked}
	case u.Load == "not-found" && w.tree.err != nil:
		return finding{pending, "it is no longer there, and whether it should be cannot be read"}
	case u.Load == "not-found" && w.tree.has(u.Name):
		return finding{failing, "systemd does not know it, though what runs now has its file"}
	case u.Load == "not-found":
		return finding{fine, whyGone}
	case was == idle:
		return finding{}
	case u.Load != "loaded":
		return finding{failing, "it " + did + ", and systemd cannot load it (" + tame(u.Load) + ")"}
	case was == ran && u.Type == "oneshot":
		return finding{}
	case again:
		return finding{fine, whyRanNow}
	case slices.Contains(w.touched, u.Name):
		return finding{failing, "it " + did + ", was started anew by the switch, and " + is}
	case w.tree.err != nil:
		return finding{pending, "it " + did + " and " + is + " any more, and whether it should cannot be read"}
	case w.tree.wanted[u.Name]:
		return finding{pending, "it " + did + ", what runs now wants it to, and it " + is}
	case was == ran:
		return finding{fine, whyEnded}
	}
	return finding{fine, whyIdle}
}

// idlers name the units of both looks that count as fine and do nothing any more,
// and count them.
func idlers(a, b sample) (text string, count int) {
	named := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(b.units)) {
		if f := b.units[name]; f.health == fine && f.why != "" && a.units[name].health == fine {
			named[f.why] = append(named[f.why], name)
			count++
		}
	}
	const most = 10
	for _, why := range slices.Sorted(maps.Keys(named)) {
		text += "; " + why + ": " + phrase.Some(named[why], most)
	}
	return text, count
}

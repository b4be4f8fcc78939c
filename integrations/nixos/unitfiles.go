package nixos

import (
	"errors"
	"path"
	"regexp"
	"slices"

	"watchstander/bot/host"
	"watchstander/bot/sys"
)

func isUnit(s string) bool { return sys.CheckUnitName(s) == nil }

// unitDir has a system's unit files, each a link to where its text is.
const unitDir = "etc/systemd/system"

// mostUnitFiles is how many of one system are compared. Whoever proposes one may make as
// many as they like.
const mostUnitFiles = 20_000

var errTooMany = errors.New("these are too many unit files")

// unitFiles maps each file below a system's unit directory, those in the directories
// of drop-ins and of wants too, to the store path that it is.
func (n *NixOS) unitFiles(at string) (map[string]string, error) {
	root := path.Join(at, unitDir)
	entries, err := n.o.Host.Files.List(root)
	if err != nil {
		return nil, err
	}
	if len(entries) > mostUnitFiles {
		return nil, errTooMany
	}
	found := map[string]string{}
	for _, e := range entries {
		name := e.Name()
		if !isDropIns(name) {
			found[name] = n.resolved(root, name)
			continue
		}
		inner, err := n.o.Host.Files.List(path.Join(root, name))
		if err != nil {
			return nil, err
		}
		for _, i := range inner {
			file := path.Join(name, i.Name())
			found[file] = n.resolved(root, file)
		}
		if len(found) > mostUnitFiles {
			return nil, errTooMany
		}
	}
	return found, nil
}

var dropIns = regexp.MustCompile(`\.(d|wants|requires|upholds)$`)

func isDropIns(name string) bool { return dropIns.MatchString(name) }

// unitOf is the unit that a file below the unit directory belongs to: itself, the
// one that a drop-in changes, or the one that is wanted.
func unitOf(file string) string {
	dir, name := path.Split(file)
	switch dir = path.Clean(dir); {
	case dir == ".":
		return name
	case path.Ext(dir) == ".d":
		return dir[:len(dir)-len(".d")]
	}
	return name
}

// unitChanges compares the unit files of two systems. In a NixOS system every one
// is a link into the store, so that the same target is the same text.
func unitChanges(from, to system) host.UnitChanges {
	a, err := from.by.unitFiles(from.StorePath)
	if err != nil {
		return host.UnitChanges{Unknown: "the unit files of one system cannot be read"}
	}
	b, err := to.by.unitFiles(to.StorePath)
	if err != nil {
		return host.UnitChanges{Unknown: "the unit files of one system cannot be read"}
	}
	var c host.UnitChanges
	add := func(to *[]string, file string) {
		if u := tame(unitOf(file)); !slices.Contains(*to, u) {
			*to = append(*to, u)
		}
	}
	for file, was := range a {
		switch is, both := b[file]; {
		case both && is == was:
		case both, unitOf(file) != file:
			add(&c.Changed, file)
		default:
			add(&c.Removed, file)
		}
	}
	for file := range b {
		switch _, both := a[file]; {
		case both:
		case unitOf(file) != file:
			add(&c.Changed, file)
		default:
			add(&c.Added, file)
		}
	}
	// A unit that came or went with its drop-ins did not change beside that.
	c.Changed = slices.DeleteFunc(c.Changed, func(u string) bool {
		return slices.Contains(c.Added, u) || slices.Contains(c.Removed, u)
	})
	for _, l := range [][]string{c.Added, c.Removed, c.Changed} {
		slices.Sort(l)
	}
	return c
}

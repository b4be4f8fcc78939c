package nixos

import (
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/host"
)

// switchProgram is what activates a system, below its top level.
const switchProgram = "bin/switch-to-configuration"

// needed are the parts without which a system cannot be activated, or started
// after it was.
var needed = []string{switchProgram, "activate", "init", "kernel", "initrd", "etc", "sw"}

// system is one NixOS system as its files tell it. What could not be read is empty.
type system struct {
	host.Generation
	// kernel, initrd and modules are store paths.
	kernel, initrd, modules string
	// parameters of the kernel, and whether they are known.
	parameters      string
	parametersKnown bool
	// interface of its init; "" unknown.
	initInterface string
	// inhibitors are what must not change under a running system.
	inhibitors map[string]string
	mark       *Mark
	markWhy    string // where mark is nil
	loaderWhy  string // where Loader is ""
	// by is how its files are read.
	by *NixOS
}

// system reads the one at a store path.
func (n *NixOS) system(at string) system {
	s := system{Generation: host.Generation{StorePath: at}, by: n}
	s.Missing = n.missing(at)
	s.NixOSVersion = n.word(path.Join(at, "nixos-version"))
	s.initInterface = n.word(path.Join(at, "init-interface-version"))
	s.kernel, s.initrd, s.modules = n.resolved(at, "kernel"), n.resolved(at, "initrd"), n.resolved(at, "kernel-modules")
	if p, err := n.o.Host.Files.Read(path.Join(at, "kernel-params"), 64<<10); err == nil {
		s.parameters, s.parametersKnown = strings.Join(strings.Fields(string(p)), " "), true
	}
	if dirs, err := n.o.Host.Files.List(path.Join(at, "kernel-modules/lib/modules")); err == nil && len(dirs) == 1 {
		s.Kernel = tame(dirs[0].Name())
	}
	s.Revision = n.revision(at)
	s.mark, s.markWhy = n.mark(at)
	s.Loader, s.loaderWhy = n.loader(at, s.mark)
	if m := s.mark; m != nil {
		s.StateVersion, s.Secrets = m.StateVersion, m.Secrets
		if m.Bot != nil {
			s.Bot, s.Schema = m.Bot.Version, m.Bot.Schema
		}
	}
	if data, err := n.o.Host.Files.Read(path.Join(at, "switch-inhibitors"), 64<<10); err == nil {
		_ = json.Unmarshal(data, &s.inhibitors) // the former format, a list, says nothing here
	}
	for name := range n.specialisations(at) {
		s.Specialisations = append(s.Specialisations, tame(name))
	}
	slices.Sort(s.Specialisations)
	return s
}

// missing are the parts that a system lacks.
func (n *NixOS) missing(at string) (parts []string) {
	for _, part := range needed {
		if _, err := n.o.Host.Files.Stat(path.Join(at, part)); err != nil {
			parts = append(parts, part)
		}
	}
	return parts
}

// whole are the generations that lack nothing, the newest first; of those with one
// system only the newest counts.
func (n *NixOS) whole(s state) (numbers []int) {
	seen := map[string]bool{}
	for _, l := range s.links {
		if !seen[l.target] && len(n.missing(l.target)) == 0 {
			seen[l.target] = true
			numbers = append(numbers, l.number)
		}
	}
	return numbers
}

// specialisations are a system's, each with its store path.
func (n *NixOS) specialisations(at string) map[string]string {
	dir := path.Join(at, "specialisation")
	entries, err := n.o.Host.Files.List(dir)
	if err != nil {
		return nil
	}
	found := map[string]string{}
	for _, e := range entries {
		if p := n.resolved(dir, e.Name()); p != "" {
			found[e.Name()] = p
		}
	}
	return found
}

// word reads a file that holds one short line.
func (n *NixOS) word(file string) string {
	data, err := n.o.Host.Files.Read(file, 4<<10)
	if err != nil {
		return ""
	}
	return tame(strings.TrimSpace(string(data)))
}

// resolved follows all links of a system's part, "" where it is not there.
func (n *NixOS) resolved(at, part string) string {
	p, err := n.o.Host.Files.Resolve(path.Join(at, part))
	if err != nil {
		return ""
	}
	return p
}

// revision is the commit of a system's configuration. Its nixos-version is a script
// that holds it as JSON; reading it does without running a program of an old
// system.
func (n *NixOS) revision(at string) string {
	script, err := n.o.Host.Files.Read(path.Join(at, "sw/bin/nixos-version"), 64<<10)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(script)) {
		var v struct {
			Revision string `json:"configurationRevision"`
		}
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &v) == nil && v.Revision != "" {
			return tame(v.Revision)
		}
	}
	return ""
}

// running reads what runs, or was booted, by one of the links in /run.
func (n *NixOS) running(link string) (string, error) {
	p, err := n.o.Host.Files.Resolve(link)
	if err != nil {
		return "", bot.Errorf(bot.CodeUnavailable, "%s cannot be read on %s; is it a NixOS host?", link, n.o.Host.Name).Because(err)
	}
	return p, nil
}

// bootID changes with each start of the host.
func (n *NixOS) bootID() (string, error) {
	id := n.word(bootIDFile)
	if id == "" {
		return "", bot.Errorf(bot.CodeUnavailable, "The boot id of %s cannot be read.", n.o.Host.Name).Because(errors.New(bootIDFile))
	}
	return id, nil
}

// bootParts tells which parts of what the loader loads are another in b than in a;
// unknown are those that cannot be compared.
func bootParts(a, b system) (d host.Diff, unknown []string) {
	differ := func(name, x, y string) bool {
		if x == "" || y == "" {
			unknown = append(unknown, name)
			return false
		}
		return x != y
	}
	d.Kernel = differ("kernel", a.kernel, b.kernel)
	d.Initrd = differ("initrd", a.initrd, b.initrd)
	d.Modules = differ("kernel modules", a.modules, b.modules)
	if a.parametersKnown && b.parametersKnown {
		d.Parameters = a.parameters != b.parameters
	} else {
		unknown = append(unknown, "kernel parameters")
	}
	return d, unknown
}

// inhibited are what a running system must not have changed under it, but would
// by switching from a to b: nixpkgs' own check refuses these.
func inhibited(a, b system) []string {
	var found []string
	for k, v := range a.inhibitors {
		if other, both := b.inhibitors[k]; both && other != v {
			found = append(found, tame(k))
		}
	}
	slices.Sort(found)
	return found
}

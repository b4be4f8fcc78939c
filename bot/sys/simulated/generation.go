package simulated

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	profiles = "/nix/var/nix/profiles"
	profile  = profiles + "/system"
	store    = "/nix/store"
)

// Generation is one of the system profile, and the system that it keeps.
type Generation struct {
	Number int
	// Age is how long before the host was made it was built.
	Age time.Duration
	// NixOS is its version, Revision its configuration's commit.
	NixOS, Revision string
	// Kernel is its version; Initrd tells one from another of the same kernel.
	Kernel, Initrd string
	// Parameters of the kernel.
	Parameters string
	// Packages are what its closure holds beside kernel and units.
	Packages map[string]Package
	// Units are its unit files, each with its text. What differs in the text is what
	// a switch restarts; X-RestartIfChanged, X-ReloadIfChanged and X-StopIfChanged are
	// obeyed. A unit whose text says WantedBy= is started.
	Units map[string]string
	// Loader is the boot loader that it installs; "" is the host's.
	Loader string
	// StateVersion, Secrets and Bot are what its mark says (etc/watchstander/host.json).
	StateVersion, Secrets string
	Bot                   *Bot
	// Unmarked generations have no mark.
	Unmarked bool
	// Init is its init's interface; "systemd 2".
	Init string
	// Missing are parts of its top level that are not there ("initrd").
	Missing []string
}

// Package is one name in a closure.
type Package struct {
	Version string
	Size    int64 // bytes
}

// Bot is the bot that a system brings, and the newest state that it reads.
type Bot struct {
	Version string `json:"version"`
	Schema  int    `json:"schema"`
}

// system is a generation's system in the store.
type system struct {
	Generation
	top   string            // its store path
	units map[string]string // store paths of its unit files
}

// storePath is a path as Nix makes them: what is another has another hash.
func storePath(name string, content ...string) string {
	const letters = "0123456789abcdfghijklmnpqrsvwxyz"
	sum := sha256.Sum256([]byte(name + "\x00" + strings.Join(content, "\x00")))
	hash := make([]byte, 32)
	for i := range hash {
		hash[i] = letters[sum[i]%32]
	}
	return store + "/" + string(hash) + "-" + name
}

// installer is the program by which nixpkgs installs each boot loader.
var installers = map[string]string{"grub": "install-grub.sh", "systemd-boot": "install-systemd-boot.sh"}

// realise builds a generation's system in the store.
func (h *Host) realise(g Generation) (*system, error) {
	s := &system{Generation: g, units: map[string]string{}}
	if s.Loader == "" {
		s.Loader = h.o.Loader
	}
	if s.Init == "" {
		s.Init = "systemd 2"
	}
	var failed error
	put := func(at, content string) {
		if failed == nil {
			failed = h.add(at, content, 0o444)
		}
	}
	link := func(at, to string) {
		if failed == nil {
			failed = h.addLink(at, to)
		}
	}
	text, err := json.Marshal(g)
	if err != nil {
		return nil, err
	}
	s.top = storePath("nixos-system-"+h.o.Name+"-"+g.NixOS, string(text))

	// The unit files, each in a store path of its own.
	for _, name := range slices.Sorted(maps.Keys(g.Units)) {
		dir := storePath("unit-"+name, g.Units[name])
		s.units[name] = dir + "/" + name
		put(s.units[name], g.Units[name])
	}
	unitDir := storePath("system-units", fmt.Sprint(s.units))
	etc := storePath("etc", unitDir, string(text)) + "/etc"
	put(unitDir+"/-.slice", "[Unit]\nDescription=Root Slice\n")
	for name, at := range s.units {
		link(unitDir+"/"+name, at)
		if strings.Contains(g.Units[name], "WantedBy=multi-user.target") {
			link(unitDir+"/multi-user.target.wants/"+name, "../"+name)
		}
	}
	link(etc+"/systemd/system", unitDir)
	put(etc+"/os-release", fmt.Sprintf("ID=nixos\nNAME=NixOS\nVERSION_ID=\"%s\"\nBUILD_ID=\"%s\"\n", release(g.NixOS), g.NixOS))
	put(etc+"/modprobe.d/nixos.conf", h.modprobe())
	if !g.Unmarked {
		mark, err := json.Marshal(map[string]any{
			"version": 1, "host": h.o.Name, "state_version": g.StateVersion, "loader": s.Loader, "secrets": g.Secrets, "bot": g.Bot,
		})
		if err != nil {
			return nil, err
		}
		put(etc+"/watchstander/host.json", string(mark)+"\n")
	}
	kernel := storePath("linux-"+g.Kernel, g.Kernel)
	initrd := storePath("initrd-linux-"+g.Kernel, g.Kernel, g.Initrd)
	modules := storePath("kernel-modules", g.Kernel)
	put(kernel+"/bzImage", "")
	put(initrd+"/initrd", "")
	put(modules+"/lib/modules/"+g.Kernel+"/modules.dep", "")
	sw := storePath("system-path", string(text))
	if failed == nil {
		failed = h.programsOf(sw, g)
	}

	parts := map[string]func(at string){
		"nixos-version":          func(at string) { put(at, g.NixOS) },
		"init-interface-version": func(at string) { put(at, s.Init) },
		"system":                 func(at string) { put(at, "x86_64-linux") },
		"kernel":                 func(at string) { link(at, kernel+"/bzImage") },
		"initrd":                 func(at string) { link(at, initrd+"/initrd") },
		"kernel-modules":         func(at string) { link(at, modules) },
		"kernel-params":          func(at string) { put(at, g.Parameters) },
		"init":                   func(at string) { put(at, "#!/bin/sh\n# the stage 2 of "+s.top+"\n") },
		"activate":               func(at string) { put(at, "#!/bin/sh\n# the activation of "+s.top+"\n") },
		"etc":                    func(at string) { link(at, etc) },
		"sw":                     func(at string) { link(at, sw) },
		"bin/switch-to-configuration": func(at string) {
			if failed == nil {
				failed = h.add(at, s.switcher(), 0o555)
			}
		},
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if !slices.Contains(g.Missing, name) {
			parts[name](path.Join(s.top, name))
		}
	}
	return s, failed
}

func release(nixos string) string {
	parts := strings.SplitN(nixos, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// switcher is the wrapper around switch-to-configuration, by which the boot loader
// of a system can be told.
func (s *system) switcher() string {
	var b strings.Builder
	b.WriteString("#!" + storePath("bash-5.3") + "/bin/bash -e\n# " + marker + "switch-to-configuration\n")
	fmt.Fprintf(&b, "export OUT='%s'\nexport TOPLEVEL='%s'\nexport DISTRO_ID='nixos'\n", s.top, s.top)
	if i := installers[s.Loader]; i != "" {
		fmt.Fprintf(&b, "export INSTALL_BOOTLOADER='%s'\n", storePath(i))
	}
	fmt.Fprintf(&b, "exec -a \"$0\" \"%s/bin/switch-to-configuration\" \"$@\"\n", storePath("switch-to-configuration-0.1.0"))
	return b.String()
}

// programsOf puts a system's programs into its path.
func (h *Host) programsOf(sw string, g Generation) error {
	for _, name := range []string{"nix", "nix-env", "nix-store", "zpool", "zfs", "systemctl", "journalctl"} {
		if h.o.Pools != nil && len(h.o.Pools) == 0 && strings.HasPrefix(name, "z") {
			continue
		}
		if err := h.add(sw+"/bin/"+name, stub(name), 0o555); err != nil {
			return err
		}
	}
	// A script, which holds its answer.
	version := fmt.Sprintf(`#!/bin/sh
# %snixos-version
case "$1" in
  --json)
    cat <<EOF
{"configurationRevision":"%s","nixosVersion":"%s","nixpkgsRevision":"%s"}
EOF
    ;;
  *)
    echo "%s (Yarara)"
    ;;
esac
`, marker, g.Revision, g.NixOS, g.Revision, g.NixOS)
	return h.add(sw+"/bin/nixos-version", version, 0o555)
}

// modprobe is the configuration with which the ZFS module is loaded.
func (h *Host) modprobe() string {
	return "# made by boot.extraModprobeConfig\noptions kvm nested=1\n"
}

// keep puts a system into the profile.
func (h *Host) keep(s *system, at time.Time) error {
	h.mu.Lock()
	h.systems[s.Number], h.stored[s.top] = s, s
	h.mu.Unlock()
	return h.linkAt(fmt.Sprintf("%s-%d-link", profile, s.Number), s.top, at)
}

// AddGeneration builds a generation, and makes it the profile's, as a build does
// before it is switched to.
func (h *Host) AddGeneration(g Generation) error {
	h.files.Lock()
	defer h.files.Unlock()
	s, err := h.realise(g)
	if err != nil {
		return err
	}
	if err := h.keep(s, time.Now().Add(-g.Age)); err != nil {
		return err
	}
	return h.link(profile, fmt.Sprintf("system-%d-link", g.Number))
}

// Proposed is the link that leads to a system which is proposed.
const Proposed = "/var/lib/watchstander-updates/proposed"

// Propose builds a system that is no generation, and leaves it as a proposal. Its number
// is that by which Script knows it.
func (h *Host) Propose(g Generation) (top string, err error) {
	h.files.Lock()
	defer h.files.Unlock()
	s, err := h.realise(g)
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	h.stored[s.top] = s
	h.mu.Unlock()
	return s.top, h.link(Proposed, s.top)
}

// ForgetGeneration removes a generation from the profile, as garbage collection
// does; with its system, if collect says so.
func (h *Host) ForgetGeneration(number int, collect bool) error {
	h.files.Lock()
	defer h.files.Unlock()
	h.mu.Lock()
	s := h.systems[number]
	delete(h.systems, number)
	if s != nil && collect {
		delete(h.stored, s.top)
	}
	h.mu.Unlock()
	if s == nil {
		return fmt.Errorf("there is no generation %d", number)
	}
	if err := h.remove(fmt.Sprintf("%s-%d-link", profile, number)); err != nil || !collect {
		return err
	}
	return h.remove(s.top)
}

// Toplevel is the store path of a generation's system, "" for none.
func (h *Host) Toplevel(number int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.systems[number]; s != nil {
		return s.top
	}
	return ""
}

// systemAt finds the system at a store path; nil for none.
func (h *Host) systemAt(top string) *system {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stored[top]
}

// Running is the number of the generation that runs, 0 for none of the profile.
func (h *Host) Running() int { return h.numberOf("/run/current-system") }

// Booted is the one that was booted.
func (h *Host) Booted() int { return h.numberOf("/run/booted-system") }

// Default is the one that the profile points at.
func (h *Host) Default() int { return h.numberOf(profile) }

// NextBoot is the one that the boot loader would start.
func (h *Host) NextBoot() int {
	h.mu.Lock()
	menu := h.menu
	h.mu.Unlock()
	return h.kept(menu)
}

func (h *Host) numberOf(link string) int {
	top, err := h.tree.Resolve(link)
	if err != nil {
		return 0
	}
	return h.kept(top)
}

// kept is the number under which the profile keeps a system, 0 where it does not.
func (h *Host) kept(top string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n, s := range h.systems {
		if s.top == top {
			return n
		}
	}
	return 0
}

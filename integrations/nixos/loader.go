package nixos

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// installers are the programs by which nixpkgs' modules install a boot loader, each
// with the loader's id there (system.boot.loader.id).
var installers = map[string]string{
	"install-grub.sh":          "grub",
	"install-systemd-boot.sh":  "systemd-boot",
	"extlinux-conf-builder.sh": "generic-extlinux-compatible",
	"install-extlinux-conf.sh": "generic-extlinux-compatible",
	"init-script-builder.sh":   "init-script",
}

// installerNamed finds the store path of what switch-to-configuration installs the
// loader with: its wrapper exports it, and the former Perl program calls it.
var installerNamed = regexp.MustCompile(`(?:INSTALL_BOOTLOADER['" ]*[= ]|system\()\s*["']*\S*/[0-9a-z]{32}-([0-9A-Za-z+._?=-]+)`)

// installerOf tells by a system's switch-to-configuration which loader it installs,
// "" when it cannot be told.
func installerOf(script []byte) string {
	var found []string
	for _, m := range installerNamed.FindAllSubmatch(script, -1) {
		if kind := installers[string(m[1])]; kind != "" && !slices.Contains(found, kind) {
			found = append(found, kind)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// loader tells the kind of boot loader that a system installs: by its installer and
// by its mark. Where these contradict each other the reason says so, and the kind
// is "".
func (n *NixOS) loader(system string, m *Mark) (kind, why string) {
	const most = 1 << 20
	script, err := n.o.Host.Files.Read(path.Join(system, switchProgram), most)
	installed := ""
	if err == nil {
		installed = installerOf(script)
	}
	switch {
	case m != nil && installed != "" && m.Loader != installed:
		return "", "its mark says " + m.Loader + ", and its installer is that of " + installed
	case m != nil:
		return m.Loader, ""
	case installed != "":
		return installed, ""
	}
	return "", "neither a mark nor its installer tells it"
}

// bootDefault finds the system that the loader would start by itself, or says why
// that is unknown.
func (n *NixOS) bootDefault(kind string) (system, source, why string) {
	const most = 4 << 20
	switch kind {
	case "grub":
		source = n.o.GrubConfig
		menu, err := n.o.Host.Files.Read(source, most)
		if err != nil {
			return "", source, "GRUB's menu cannot be read"
		}
		if env, err := n.o.Host.Files.Read(path.Join(path.Dir(source), "grubenv"), most); err == nil && chosenOnce(string(env)) {
			return "", source, "GRUB was told to start another entry once"
		}
		system, why = grubDefault(string(menu), n.o.Store)
	case "systemd-boot":
		source = n.o.LoaderConfig
		conf, err := n.o.Host.Files.Read(source, most)
		if err != nil {
			return "", source, "systemd-boot's configuration cannot be read"
		}
		entry := loaderDefault(string(conf))
		if entry == "" {
			return "", source, "systemd-boot's configuration names no single default"
		}
		source = path.Join(path.Dir(n.o.LoaderConfig), "entries", entry)
		data, err := n.o.Host.Files.Read(source, most)
		if err != nil {
			return "", source, "the default entry cannot be read"
		}
		if system = initOf(string(data), n.o.Store); system == "" {
			why = "the default entry names no system"
		}
	default:
		return "", "", "where this boot loader keeps its default is not known to me"
	}
	return system, source, why
}

// chosenOnce: grub-reboot left an entry that is started the next time only.
func chosenOnce(env string) bool {
	for line := range strings.Lines(env) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "saved_entry="); ok && v != "" {
			return true
		}
	}
	return false
}

// grubDefault reads the menu as nixpkgs writes it: `set default=N`, and the Nth
// entry's kernel line with init=SYSTEM/init.
func grubDefault(menu, store string) (system, why string) {
	chosen, depth, entry := "", 0, -1
	var entries []string // each top-level entry's lines; "" for a submenu
	for line := range strings.Lines(menu) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "set default="); ok && depth == 0 && !strings.Contains(v, "$") {
			chosen = strings.Trim(v, `"'`)
		}
		opens := strings.HasSuffix(line, "{") && !strings.HasSuffix(line, "${")
		if depth == 0 && opens {
			switch {
			case strings.HasPrefix(line, "menuentry "):
				entries = append(entries, "\n")
				entry = len(entries) - 1
			case strings.HasPrefix(line, "submenu "):
				entries, entry = append(entries, ""), -1
			default:
				entry = -1
			}
		} else if depth == 1 && entry >= 0 {
			entries[entry] += line + "\n"
		}
		switch {
		case opens:
			depth++
		case line == "}":
			depth = max(0, depth-1)
		}
	}
	index, err := strconv.Atoi(chosen)
	switch {
	case chosen == "":
		return "", "GRUB's menu names no default"
	case err != nil || index < 0 || index >= len(entries):
		return "", "GRUB's default is chosen in a way that I cannot follow"
	case entries[index] == "":
		return "", "GRUB's default is a submenu"
	}
	if system = initOf(entries[index], store); system == "" {
		return "", "GRUB's default entry names no system"
	}
	return system, ""
}

// initOf finds the system of a kernel's command line: init=SYSTEM/init.
func initOf(entry, store string) string {
	for word := range strings.FieldsSeq(entry) {
		at, ok := strings.CutPrefix(word, "init=")
		if !ok {
			continue
		}
		if system, ok := strings.CutSuffix(at, "/init"); ok && isStorePath(system, store) {
			return system
		}
	}
	return ""
}

// loaderDefault is the entry that systemd-boot's configuration names, "" where it
// is a pattern or none.
func loaderDefault(conf string) string {
	for line := range strings.Lines(conf) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "default" {
			if name := f[1]; strings.HasSuffix(name, ".conf") && !strings.ContainsAny(name, "/*?[") {
				return name
			}
			return ""
		}
	}
	return ""
}

var storeName = regexp.MustCompile(`^[0-9a-z]{32}-[0-9A-Za-z+._?=-]{1,211}$`)

// isStorePath: a path right below the store, and nothing beneath it.
func isStorePath(p, store string) bool {
	name, ok := strings.CutPrefix(p, store+"/")
	return ok && storeName.MatchString(name)
}

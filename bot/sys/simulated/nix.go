package simulated

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (h *Host) remove(path string) error { return os.RemoveAll(h.tree.Outside(path)) }

// nixEnv is `nix-env -p PROFILE` with --switch-generation, --set, --list-generations and
// --delete-generations.
func (h *Host) nixEnv(_ context.Context, c *Call) int {
	args := c.Argv[1:]
	if len(args) < 3 || args[0] != "-p" && args[0] != "--profile" || args[1] != profile {
		return c.fail("error: the simulated nix-env knows the profile " + profile + " alone")
	}
	h.files.Lock()
	defer h.files.Unlock()
	switch args[2] {
	case "--switch-generation", "-G":
		if len(args) != 4 {
			return c.fail("error: exactly one argument expected")
		}
		n, err := strconv.Atoi(args[3])
		if err != nil {
			return c.fail("error: expected a generation number")
		}
		if h.readlink(fmt.Sprintf("%s-%d-link", profile, n)) == "" {
			return c.fail(fmt.Sprintf("error: profile version %d does not exist", n))
		}
		fmt.Fprintf(c.Stderr, "switching profile from version %d to %d\n", h.pointed(), n)
		if err := h.link(profile, fmt.Sprintf("system-%d-link", n)); err != nil {
			return c.fail("error: " + err.Error())
		}
		return 0
	case "--set":
		if len(args) != 4 {
			return c.fail("error: exactly one argument expected")
		}
		s := h.systemAt(args[3])
		if s == nil {
			return c.fail("error: path '" + args[3] + "' is not valid")
		}
		// What the newest one holds already makes no new one.
		numbers := h.numbers()
		n := 0
		if len(numbers) > 0 {
			n = numbers[len(numbers)-1]
		}
		if n == 0 || h.Toplevel(n) != s.top {
			n++
			s.Number = n
			if err := h.keep(s, time.Now()); err != nil {
				return c.fail("error: " + err.Error())
			}
		}
		if err := h.link(profile, fmt.Sprintf("system-%d-link", n)); err != nil {
			return c.fail("error: " + err.Error())
		}
		return 0
	case "--list-generations":
		for _, n := range h.numbers() {
			info, err := os.Lstat(h.tree.Outside(fmt.Sprintf("%s-%d-link", profile, n)))
			if err != nil {
				continue
			}
			current := ""
			if n == h.pointed() {
				current = "(current)"
			}
			fmt.Fprintf(c.Stdout, "%4d   %s   %s\n", n, info.ModTime().UTC().Format("2006-01-02 15:04:05"), current)
		}
		return 0
	case "--delete-generations":
		for _, a := range args[3:] {
			n, err := strconv.Atoi(a)
			switch {
			case err != nil:
				return c.fail("error: the simulated nix-env deletes generations by their numbers alone")
			case n == h.pointed():
				return c.fail(fmt.Sprintf("error: cannot delete current version of profile '%s'", profile))
			}
			fmt.Fprintf(c.Stderr, "removing profile version %d\n", n)
			if err := h.remove(fmt.Sprintf("%s-%d-link", profile, n)); err != nil {
				return c.fail("error: " + err.Error())
			}
			h.mu.Lock()
			delete(h.systems, n)
			h.mu.Unlock()
		}
		return 0
	}
	return c.fail("error: unrecognised flag '" + args[2] + "'")
}

func (c *Call) fail(text string) int {
	fmt.Fprintln(c.Stderr, text)
	return 1
}

// pointed is the number that the profile points at, whether it exists or not.
func (h *Host) pointed() int {
	var n int
	if _, err := fmt.Sscanf(h.readlink(profile), "system-%d-link", &n); err != nil {
		return 0
	}
	return n
}

func (h *Host) numbers() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.systems))
}

// nix is `nix store diff-closures A B`, `nix path-info --closure-size PATH`, the
// same with --recursive, and no more. It is still called experimental, and refuses whoever does not say so.
func (h *Host) nix(_ context.Context, c *Call) int {
	args, asked := []string{}, false
	for i := 1; i < len(c.Argv); i++ {
		switch a := c.Argv[i]; a {
		case "--extra-experimental-features", "--experimental-features":
			if i++; i < len(c.Argv) {
				asked = asked || strings.Contains(c.Argv[i], "nix-command")
			}
		case "--offline", "--":
		default:
			args = append(args, a)
		}
	}
	if !asked {
		return c.fail("error: experimental Nix feature 'nix-command' is disabled; add '--extra-experimental-features nix-command' to enable it")
	}
	switch {
	case len(args) == 4 && args[0] == "store" && args[1] == "diff-closures":
		a, b := h.closure(args[2]), h.closure(args[3])
		for i, s := range []map[string]Package{a, b} {
			if s == nil {
				return c.fail("error: path '" + args[2+i] + "' is not valid")
			}
		}
		diffClosures(c, a, b)
		return 0
	case len(args) == 3 && args[0] == "path-info" && args[1] == "--recursive":
		if h.closure(args[2]) == nil {
			return c.fail("error: path '" + args[2] + "' is not valid")
		}
		// Which of them it needs is not simulated.
		entries, err := os.ReadDir(h.tree.Outside("/nix/store"))
		if err != nil {
			return c.fail("error: " + err.Error())
		}
		for _, e := range entries {
			fmt.Fprintln(c.Stdout, "/nix/store/"+e.Name())
		}
		return 0
	case len(args) == 3 && args[0] == "path-info" && args[1] == "--closure-size":
		packages := h.closure(args[2])
		if packages == nil {
			return c.fail("error: path '" + args[2] + "' is not valid")
		}
		var size int64 = 2_400_000_000
		for _, p := range packages {
			size += p.Size
		}
		fmt.Fprintf(c.Stdout, "%s\t%12d\n", args[2], size)
		return 0
	}
	return c.fail("error: the simulated nix does not know this: " + strings.Join(args, " "))
}

// closure is what a system needs, by name; nil for what is no system.
func (h *Host) closure(path string) map[string]Package {
	top, err := h.tree.Resolve(path)
	if err != nil {
		return nil
	}
	s := h.systemAt(top)
	if s == nil {
		return nil
	}
	all := maps.Clone(s.Packages)
	if all == nil {
		all = map[string]Package{}
	}
	all["linux"] = Package{Version: s.Kernel, Size: 160 * mib}
	all["initrd-linux"] = Package{Version: s.Kernel, Size: 32 * mib}
	return all
}

// diffClosures prints what nix prints: versions that differ, and sizes that differ
// by 8 KiB or more.
func diffClosures(c *Call, a, b map[string]Package) {
	names := map[string]bool{}
	for _, m := range []map[string]Package{a, b} {
		for n := range m {
			names[n] = true
		}
	}
	version := func(p Package, there bool) string {
		switch {
		case !there:
			return "∅"
		case p.Version == "":
			return "ε"
		}
		return p.Version
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		x, inA := a[n]
		y, inB := b[n]
		var parts []string
		if inA != inB || x.Version != y.Version {
			parts = append(parts, version(x, inA)+" → "+version(y, inB))
		}
		if d := y.Size - x.Size; d >= 8192 || d <= -8192 {
			parts = append(parts, sizeOf(d))
		}
		if len(parts) > 0 {
			fmt.Fprintf(c.Stdout, "%s: %s\n", n, strings.Join(parts, ", "))
		}
	}
}

func sizeOf(bytes int64) string {
	v, unit := float64(bytes)/1024, "KiB"
	for _, next := range []string{"MiB", "GiB"} {
		if v < 1024 && v > -1024 {
			break
		}
		v, unit = v/1024, next
	}
	return fmt.Sprintf("%+.1f %s", v, unit)
}

// nixStore is `nix-store --realise PATH --add-root LINK`, by which a path is kept.
func (h *Host) nixStore(_ context.Context, c *Call) int {
	var path, root string
	for i := 1; i < len(c.Argv); i++ {
		switch a := c.Argv[i]; {
		case a == "--realise" || a == "-r" || a == "--indirect" || a == "--":
		case a == "--add-root" && i+1 < len(c.Argv):
			i++
			root = c.Argv[i]
		case strings.HasPrefix(a, store+"/"):
			path = a
		default:
			return c.fail("error: the simulated nix-store does not know '" + a + "'")
		}
	}
	if _, err := h.tree.Stat(path); path == "" || err != nil {
		return c.fail("error: path '" + path + "' is not valid")
	}
	if root == "" {
		fmt.Fprintln(c.Stdout, path)
		return 0
	}
	if err := errors.Join(h.link(root, path), h.link("/nix/var/nix/gcroots/auto/"+storePath(root)[len(store)+1:][:32], root)); err != nil {
		return c.fail("error: " + err.Error())
	}
	fmt.Fprintln(c.Stdout, root)
	return 0
}

// nixosVersion is the script of that name of the system that it lies in.
func (h *Host) nixosVersion(_ context.Context, c *Call) int {
	text, err := h.tree.Read(c.Path, 64<<10)
	if err != nil {
		return c.fail(err.Error())
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if len(c.Argv) > 1 && c.Argv[1] == "--json" {
			if strings.HasPrefix(line, "{") {
				fmt.Fprintln(c.Stdout, line)
			}
		} else if rest, ok := strings.CutPrefix(line, "echo "); ok {
			fmt.Fprintln(c.Stdout, strings.Trim(rest, `"`))
		}
	}
	return 0
}

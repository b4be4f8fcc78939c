package nixos

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// nix is how the newer command line is called: it must be asked for where it is
// still called experimental, and is never to reach out.
func (n *NixOS) nix(args ...string) []string {
	return append([]string{n.o.Nix, "--extra-experimental-features", "nix-command", "--offline"}, args...)
}

// packages asks Nix what differs between two closures.
func (n *NixOS) packages(ctx context.Context, from, to string) ([]host.PackageChange, error) {
	if from == to {
		return nil, nil
	}
	out, err := n.ask(ctx, n.nix("store", "diff-closures", "--", from, to))
	if err != nil {
		return nil, err
	}
	return parseClosures(out)
}

// closure is the size of all that a system needs, -1 where it is unknown.
func (n *NixOS) closure(ctx context.Context, at string) host.Bytes {
	out, err := n.ask(ctx, n.nix("path-info", "--closure-size", "--", at))
	if err != nil {
		return -1
	}
	// "PATH SIZE", in columns.
	f := strings.Fields(out)
	if len(f) != 2 || f[0] != at {
		return -1
	}
	bytes, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil || bytes < 0 {
		return -1
	}
	return host.Bytes(bytes)
}

// ask runs a program that only tells something. Its words on stderr are the cause
// of an error, and no more.
func (n *NixOS) ask(ctx context.Context, argv []string) (string, error) {
	const most = 8 << 20
	out, err := n.o.Host.Run.Run(ctx, sys.Command{Argv: argv, Env: []string{"NO_COLOR=1"}, Limit: n.o.LookLimit, Most: most})
	switch {
	case err != nil:
		return "", err
	case out.Exit != 0:
		return "", fmt.Errorf("%s ended with %d: %s", argv[0], out.Exit, tame(strings.TrimSpace(string(out.Stderr))))
	case out.Cut:
		return "", fmt.Errorf("%s told more than %d bytes", argv[0], most)
	}
	return string(out.Stdout), nil
}

// colours are what Nix writes around sizes, to terminals and, in some versions, to
// everything.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// parseClosures reads what `nix store diff-closures` prints:
//
//	linux: 6.18.16 → 6.18.17, -434.2 KiB
//	zoxide: ∅ → 0.9.8, +1.2 MiB
//	source: ε → ∅
//	firefox: +9.3 KiB
//
// A line of any other form is an error: whoever agrees to a plan must see all of
// what differs.
func parseClosures(text string) ([]host.PackageChange, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("nix store diff-closures: no UTF-8")
	}
	var changes []host.PackageChange
	for line := range strings.Lines(colours.ReplaceAllString(text, "")) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		c, ok := parseClosure(line)
		if !ok {
			return nil, fmt.Errorf("nix store diff-closures: the line %q has an unknown form", tame(line))
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func parseClosure(line string) (c host.PackageChange, ok bool) {
	name, rest, ok := strings.Cut(line, ": ")
	if !ok || !storeWord(name) {
		return c, false
	}
	c.Name = name
	before, after, versions := strings.Cut(rest, " → ")
	if !versions {
		c.Bytes, ok = parseSize(rest)
		return c, ok
	}
	if c.Before, ok = parseVersions(strings.Split(before, ", ")); !ok {
		return c, false
	}
	parts := strings.Split(after, ", ")
	if last := len(parts) - 1; last > 0 {
		if bytes, is := parseSize(parts[last]); is {
			c.Bytes, parts = bytes, parts[:last]
		}
	}
	c.After, ok = parseVersions(parts)
	return c, ok && len(c.Before)+len(c.After) > 0
}

// parseVersions reads "∅" (none), or versions, of which "ε" is the empty one.
func parseVersions(parts []string) ([]string, bool) {
	if len(parts) == 1 && parts[0] == "∅" {
		return nil, true
	}
	out := make([]string, 0, len(parts))
	for _, v := range parts {
		switch {
		case v == "ε":
			out = append(out, "")
		case storeWord(v):
			out = append(out, v)
		default:
			return nil, false
		}
	}
	return out, true
}

// storeWord: the characters that names in the store have.
func storeWord(s string) bool {
	if s == "" || len(s) > 211 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("+-._?=", c) >= 0:
		default:
			return false
		}
	}
	return true
}

var sizeUnits = []string{"B", "KiB", "MiB", "GiB", "TiB"}

// parseSize reads "-434.2 KiB", "+1.2 MiB", "1.2 MiB".
func parseSize(s string) (host.Bytes, bool) {
	number, unit, ok := strings.Cut(s, " ")
	if !ok || number == "" || strings.Trim(number, "+-.0123456789") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, false
	}
	for _, u := range sizeUnits {
		if u == unit {
			if math.Abs(v) > math.MaxInt64/2 {
				return 0, false
			}
			return host.Bytes(math.Round(v)), true
		}
		v *= 1024
	}
	return 0, false
}

package nixos

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"watchstander/bot/host"
)

// goesBack tells whether a package's newest version becomes an older one. One that
// goes away or comes along does not go back, and versions that cannot be ordered
// do: people must look.
func goesBack(c host.PackageChange) bool {
	if len(c.Before) == 0 || len(c.After) == 0 {
		return false
	}
	return compareVersions(slices.MaxFunc(c.After, compareVersions), slices.MaxFunc(c.Before, compareVersions)) <= 0
}

// compareVersions orders versions as Nix does: component by component, where a
// component is a run of digits or of other characters, parted by dots and dashes;
// "pre" comes before all else, words come before numbers.
func compareVersions(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a = component(a)
		y, b = component(b)
		if c := compareComponents(x, y); c != 0 {
			return c
		}
	}
	return 0
}

func component(s string) (first, rest string) {
	s = strings.TrimLeft(s, ".-")
	if s == "" {
		return "", ""
	}
	digits := unicode.IsDigit(rune(s[0]))
	end := strings.IndexFunc(s, func(r rune) bool { return r == '.' || r == '-' || unicode.IsDigit(r) != digits })
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:]
}

func compareComponents(x, y string) int {
	if x == y {
		return 0
	}
	n, errX := strconv.ParseUint(x, 10, 63)
	m, errY := strconv.ParseUint(y, 10, 63)
	switch {
	case errX == nil && errY == nil:
		return int(min(max(int64(n)-int64(m), -1), 1))
	case x == "" && errY == nil:
		return -1
	case y == "" && errX == nil:
		return 1
	case x == "pre":
		return -1
	case y == "pre":
		return 1
	case errX == nil:
		return 1
	case errY == nil:
		return -1
	}
	return strings.Compare(x, y)
}

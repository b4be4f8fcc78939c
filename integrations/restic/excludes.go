package restic

import (
	"path/filepath"
	"slices"
	"strings"
)

// pattern is one exclude pattern of restic, in its components. A pattern without a
// leading "/" fits at any depth, "**" any number of components, and what fits a
// directory leaves out all that is in it.
type pattern struct {
	text     string
	absolute bool
	parts    []string
}

func parsePattern(text string) pattern {
	clean := filepath.Clean(text)
	p := pattern{text: text, absolute: strings.HasPrefix(clean, "/")}
	p.parts = components(clean)
	return p
}

func components(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// takes tells whether a path is left out by the pattern as a whole: that it, or a
// directory above it, fits.
func (p pattern) takes(path string) bool {
	parts := components(path)
	for end := range len(parts) {
		for start := range end + 1 {
			if start > 0 && p.absolute {
				break
			}
			if fitsAll(p.parts, parts[start:end+1]) {
				return true
			}
		}
	}
	return len(p.parts) == 0 && p.absolute // "/"
}

// reaches tells whether the pattern may leave out something below a path, while
// the path itself stays.
func (p pattern) reaches(path string) bool {
	if !p.absolute {
		return true
	}
	return mayContinue(p.parts, components(path))
}

// fitsAll tells whether components fit a pattern from end to end. A component
// that is no pattern ("[") is taken literally, for restic refuses it anyway.
func fitsAll(pattern, parts []string) bool {
	if len(pattern) == 0 {
		return len(parts) == 0
	}
	if pattern[0] == "**" {
		for i := range len(parts) + 1 {
			if fitsAll(pattern[1:], parts[i:]) {
				return true
			}
		}
		return false
	}
	return len(parts) > 0 && fits(pattern[0], parts[0]) && fitsAll(pattern[1:], parts[1:])
}

// mayContinue tells whether something below the components can fit.
func mayContinue(pattern, parts []string) bool {
	switch {
	case len(pattern) == 0:
		return false
	case pattern[0] == "**", len(parts) == 0:
		return true
	}
	return fits(pattern[0], parts[0]) && mayContinue(pattern[1:], parts[1:])
}

func fits(pattern, name string) bool {
	ok, err := filepath.Match(pattern, name)
	return err == nil && ok || pattern == name
}

// coverage is how far a snapshot holds one path.
type coverage struct {
	// whole: it holds the path, but for uncovered; part: only something below it.
	whole, part bool
	// by is the pattern that leaves the whole path out, "" for none.
	by        string
	uncovered []string
	// inverted: there are patterns that take in again what others leave out ("!"),
	// so that uncovered may be too much.
	inverted bool
}

// cover works out how far paths that are backed up, without what the patterns
// leave out, hold one path. It judges by names alone: what lay there is another
// question.
func cover(path string, backedUp, patterns []string) coverage {
	var c coverage
	var inner []string
	for _, p := range backedUp {
		p = filepath.Clean(p)
		switch {
		case !strings.HasPrefix(p, "/"):
		case below(path, p):
			c.whole = true
		case below(p, path):
			inner = append(inner, p)
		}
	}
	if !c.whole {
		if c.part = len(inner) > 0; c.part {
			c.uncovered = []string{path + " but for " + strings.Join(inner, ", ")}
		}
		return c
	}
	for _, text := range patterns {
		if strings.HasPrefix(text, "!") {
			c.inverted = true
			continue
		}
		switch p := parsePattern(text); {
		case p.takes(path):
			c.by = text
		case p.reaches(path) && !slices.Contains(c.uncovered, text):
			c.uncovered = append(c.uncovered, text)
		}
	}
	return c
}

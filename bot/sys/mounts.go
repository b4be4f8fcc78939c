package sys

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var errFigures = errors.New("the file system gives figures that cannot be")

// mostMounts bounds the text of mountinfo: a host with thousands of containers
// stays below it.
const mostMounts = 16 << 20

// Mounts reads the mount points that this process sees. They are the host's own,
// unless its unit hides some.
func (t *Tree) Mounts() ([]Mount, error) {
	const source = "/proc/self/mountinfo"
	text, err := t.Read(source, mostMounts)
	if err != nil {
		return nil, err
	}
	mounts, err := ParseMounts(string(text))
	return mounts, fail("read", source, err)
}

// ParseMounts reads the text of a mountinfo (proc_pid_mountinfo(5)).
func ParseMounts(text string) ([]Mount, error) {
	var mounts []Mount
	var alone []bool  // read-only as a mount, on a file system that is not
	confined := false // all that we see is read-only for us alone (ProtectSystem=strict)
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(line, "\n")
		// Behind six fields come any number of optional ones, and " - " ends them.
		// Blanks in names are written in octal.
		before, after, found := strings.Cut(line, " - ")
		fields, rest := strings.Split(before, " "), strings.Split(after, " ")
		if !found || len(fields) < 6 || len(rest) < 2 {
			return nil, fmt.Errorf("line %d of the mounts is none: %.80q", n, line)
		}
		m := Mount{Target: octal(fields[4]), Type: rest[0], Source: octal(rest[1])}
		readOnly := func(options string) bool { return slices.Contains(strings.Split(options, ","), "ro") }
		// The mount may be writable on a file system that is not.
		m.ReadOnly = len(rest) > 2 && readOnly(rest[2])
		own := readOnly(fields[5]) && !m.ReadOnly
		if m.Target == "/" {
			confined = own
		}
		mounts, alone = append(mounts, m), append(alone, own)
	}
	for i := range mounts {
		// What is said of every mount says nothing of one.
		mounts[i].ReadOnly = mounts[i].ReadOnly || alone[i] && !confined
	}
	return mounts, nil
}

// octal turns "\040" and its like back to what they stand for.
func octal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			v := 0
			for _, c := range []byte(s[i+1 : i+4]) {
				if c < '0' || c > '7' {
					v = -1
					break
				}
				v = v*8 + int(c-'0')
			}
			if v >= 0 && v <= 0xFF {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// MountOf gives the mount that a path without links lies on: the last one of
// those with the longest target, since it covers the others.
func MountOf(mounts []Mount, path string) (Mount, bool) {
	var best Mount
	found := false
	for _, m := range mounts {
		if below(path, m.Target) && (!found || cmp.Compare(len(m.Target), len(best.Target)) >= 0) {
			best, found = m, true
		}
	}
	return best, found
}

// below tells whether a path is a directory or lies in it.
func below(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

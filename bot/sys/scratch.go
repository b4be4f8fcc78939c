package sys

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"syscall"
)

// A scratch directory is known by its name, so that one that was left by a crash
// can be removed later by another process; there is no mark inside it, where it
// would lie among what is compared.
const scratchPrefix = "watchstander-scratch-"

var (
	scratchName    = regexp.MustCompile(`^` + scratchPrefix + `[A-Za-z0-9._-]*[0-9a-f]{24}[A-Za-z0-9._-]*$`)
	scratchPattern = regexp.MustCompile(`^[A-Za-z0-9._-]*\*?[A-Za-z0-9._-]*$`)
)

// ErrNotScratch is what Remove says of what Scratch did not make.
var ErrNotScratch = errors.New("it is no scratch directory, and is not removed")

// Scratch makes a new directory. Its name begins with "watchstander-scratch-",
// and holds the pattern with something random instead of its "*" (or behind it).
func (t *Tree) Scratch(dir, pattern string) (string, error) {
	if len(pattern) > 100 || !scratchPattern.MatchString(pattern) {
		return "", fail("scratch", path.Join(dir, pattern), fs.ErrInvalid)
	}
	rel, err := t.walk("scratch", dir)
	if err != nil {
		return "", err
	}
	var random [12]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	before, after, _ := strings.Cut(pattern, "*")
	name := scratchPrefix + before + hex.EncodeToString(random[:]) + after
	if err := t.root.Mkdir(path.Join(rel, name), 0o700); err != nil {
		return "", fail("scratch", path.Join(dir, name), err)
	}
	return path.Join("/", rel, name), nil
}

// Remove removes a directory that Scratch has made, in this process or in one
// before. One that is gone already is no error. What is not ours, or has
// something mounted in it, is left as it is (ErrNotScratch).
func (t *Tree) Remove(scratch string) error {
	if err := clean("remove", scratch); err != nil {
		return err
	}
	if !scratchName.MatchString(path.Base(scratch)) {
		return fail("remove", scratch, ErrNotScratch)
	}
	rel, err := t.parent("remove", scratch)
	if err != nil {
		return err
	}
	info, err := t.root.Lstat(rel)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fail("remove", scratch, err)
	case !info.IsDir():
		return fail("remove", scratch, fmt.Errorf("%w: it is no directory", ErrNotScratch))
	case info.Mode().Perm()&0o022 != 0 || !ours(info):
		return fail("remove", scratch, fmt.Errorf("%w: others could have made it", ErrNotScratch))
	}
	// A removal would go on into whatever is mounted there.
	mounts, err := t.Mounts()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, m := range mounts {
		if below(m.Target, path.Join("/", rel)) {
			return fail("remove", scratch, fmt.Errorf("%w: %s is mounted in it", ErrNotScratch, m.Source))
		}
	}
	return fail("remove", scratch, t.root.RemoveAll(rel))
}

// ours tells whether a file belongs to whom this process runs as.
func ours(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}

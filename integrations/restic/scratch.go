package restic

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// scratchMark begins the names of our directories in the scratch place, after
// what sys.Files.Scratch puts before them.
const scratchMark = "restic-"

// scratchSpare must stay free beside what is restored: restic keeps metadata
// there while it checks.
const scratchSpare = 256 * host.MiB

// scratch looks whether files may be restored into the scratch place. Paths are
// those that are backed up. It gives what it found, for people, or a *bot.Error
// that says what is wrong.
//
// A mount of its own is asked for, since files that come back by the gigabyte
// must not fill what the host needs, and since whatever lies on a backed-up
// place, or below a snapshot, would be kept for good.
func (b *Backups) scratch(locations []string) (string, error) {
	s := b.c.Scratch
	if s == "" {
		return "", bot.Errorf(bot.CodeConflict, "There is no scratch place in the agent's configuration, so no file can be restored to be compared.")
	}
	wrong := func(format string, args ...any) *bot.Error {
		return bot.Errorf(bot.CodeConflict, "The scratch place "+s+" "+format, args...)
	}
	real, err := b.h.Files.Resolve(s)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", wrong("does not exist.").Because(err)
	case err != nil:
		return "", wrong("cannot be looked at.").Because(err)
	case real != s:
		return "", wrong("leads through a link to %s; configure that itself.", real)
	}
	mounts, err := b.h.Files.Mounts()
	if err != nil {
		return "", bot.Errorf(bot.CodeUnavailable, "The host's mounts cannot be listed.").Because(err)
	}
	var mount *sys.Mount
	for i := range mounts {
		if mounts[i].Target == s {
			mount = &mounts[i] // the last one covers the others
		}
	}
	switch {
	case mount == nil:
		return "", wrong("is not a mount of its own: nothing is mounted there.")
	case mount.ReadOnly:
		return "", wrong("is mounted read-only.")
	}
	if err := b.outside(s, locations); err != nil {
		return "", err
	}
	if mount.Type == "zfs" {
		if taken, err := b.h.Files.List(path.Join(s, ".zfs", "snapshot")); err == nil && len(taken) > 0 {
			return "", wrong("has snapshots (%s, …): what is restored there would be kept. Exclude its dataset from them, and destroy those.", taken[0].Name())
		}
	}
	free, err := b.h.Files.Free(s)
	if err != nil {
		return "", wrong("does not tell how much room it has.").Because(err)
	}
	if need := b.c.DrillBytes + scratchSpare; host.Bytes(free) < need {
		return "", wrong("has %s free, and a drill needs %s.", host.Bytes(free), need)
	}
	return fmt.Sprintf("%s on %s, %s free", clean.Line(mount.Type, 40), clean.Line(mount.Source, 100), host.Bytes(free)), nil
}

// outside looks whether a place lies below one that is backed up, above one, or
// in a repository.
func (b *Backups) outside(s string, locations []string) error {
	for _, p := range b.backedUp() {
		switch {
		case below(p, s):
			return bot.Errorf(bot.CodeConflict, "The scratch place %s holds %s, which is backed up.", s, p)
		case below(s, p) && !b.leftOut(s):
			return bot.Errorf(bot.CodeConflict, "The scratch place %s lies below %s, which is backed up, and no repository's `exclude` names it in full.", s, p)
		}
	}
	for _, l := range locations {
		if below(s, l) || below(l, s) {
			return bot.Errorf(bot.CodeConflict, "The scratch place %s and a repository lie within each other.", s)
		}
	}
	return nil
}

// backedUp are all paths that are known to be backed up: those of the datasets,
// and those of the snapshots that were seen last.
func (b *Backups) backedUp() []string {
	var paths []string
	for _, d := range b.c.Datasets {
		paths = append(paths, d.Paths...)
	}
	for _, r := range b.c.Repositories {
		f, _ := b.facts(&r)
		for _, s := range f.Snapshots {
			if s.Host != r.Host {
				continue
			}
			for _, p := range s.Paths {
				if strings.HasPrefix(p, "/") {
					paths = append(paths, filepath.Clean(p))
				}
			}
		}
	}
	return paths
}

// leftOut tells whether every repository leaves a path out by name. (One could
// be backed up by another repository than the one that excludes it.)
func (b *Backups) leftOut(p string) bool {
	for _, r := range b.c.Repositories {
		named := false
		for _, e := range r.Exclude {
			named = named || strings.HasPrefix(e, "/") && !strings.ContainsAny(e, `*?[\`) && below(p, filepath.Clean(e))
		}
		if !named {
			return false
		}
	}
	return true
}

// below tells whether a clean path is dir or lies in it.
func below(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// sweep removes what earlier runs left in the scratch place: one that was killed
// could not. Only one verification runs at a time (verifyLock), so that none of it
// is in use.
func (b *Backups) sweep() (removed int, err error) {
	if b.c.Scratch == "" {
		return 0, nil
	}
	entries, err := b.h.Files.List(b.c.Scratch)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, e := range entries {
		if !e.IsDir() || !strings.Contains(e.Name(), "scratch-"+scratchMark) {
			continue
		}
		if err := b.h.Files.Remove(path.Join(b.c.Scratch, e.Name())); err != nil {
			failed = append(failed, err)
			continue
		}
		removed++
	}
	return removed, errors.Join(failed...)
}

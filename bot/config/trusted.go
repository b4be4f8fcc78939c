package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Trusted tells whether nobody but root can have chosen what stands in the file:
// it, every directory above it, and every link on the way belong to root, and
// neither a group nor others may write them. A directory with the sticky bit
// (/nix/store, /tmp) may be written by others, since they cannot put something
// else in the place of what is root's there. The error says what is wrong, and
// names the file or directory.
func Trusted(path string) error { return TrustedOf(0)(path) }

// TrustedDirectory tells the same of a directory in which programs are looked for:
// nobody but root can have chosen what is in it. Its own sticky bit is no excuse, as
// others could still add a program under a new name.
func TrustedDirectory(path string) error { return TrustedDirectoryOf(0)(path) }

// TrustedDirectoryOf is TrustedDirectory with more owners than root.
func TrustedDirectoryOf(owners ...int) func(path string) error {
	owners = append([]int{0}, owners...)
	return func(path string) error {
		w := walk{owners: owners, directories: true}
		return w.file(path)
	}
}

// TrustedOf is Trusted with more owners than root, for tests and for a program
// that looks at the files of its own user.
func TrustedOf(owners ...int) func(path string) error {
	owners = append([]int{0}, owners...)
	return func(path string) error {
		w := walk{owners: owners}
		return w.file(path)
	}
}

// mostLinks is what the kernel follows, too.
const mostLinks = 40

type walk struct {
	owners []int
	links  int
	// directories: at the end of the path stands one.
	directories bool
}

// file looks at everything from the root directory on. Links are followed as the
// kernel follows them, so that each directory is looked at in which somebody could
// exchange a name.
func (w *walk) file(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s is no absolute path", path)
	}
	here := "/"
	sticky, err := w.directory(here)
	if err != nil {
		return err
	}
	rest := steps(path)
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		next := filepath.Join(here, name) // ".." goes up from where the links have led
		info, err := os.Lstat(next)
		if err != nil {
			return fmt.Errorf("%s %s", next, reason(err))
		}
		if err := w.owner(next, info, sticky); err != nil {
			return err
		}
		switch {
		case info.Mode().Type() == fs.ModeSymlink:
			if w.links++; w.links > mostLinks {
				return fmt.Errorf("%s: too many links", path)
			}
			target, err := os.Readlink(next)
			if err != nil {
				return fmt.Errorf("%s %s", next, reason(err))
			}
			if filepath.IsAbs(target) {
				here = "/"
			}
			rest = slices.Concat(steps(target), rest)
		case info.IsDir():
			here = next
		case len(rest) > 0 || w.directories:
			return fmt.Errorf("%s is no directory", next)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is no regular file", next)
		case info.Mode().Perm()&0o022 != 0:
			return fmt.Errorf("%s has mode %04o, so that others than its owner may write it: take that right away (chmod go-w)", next, info.Mode().Perm())
		default:
			return nil
		}
		if sticky, err = w.directory(here); err != nil {
			return err
		}
	}
	switch {
	case !w.directories:
		return fmt.Errorf("%s is no regular file", path)
	case sticky:
		return fmt.Errorf("anybody may put files into the directory %s: take that right away (chmod go-w)", here)
	}
	return nil
}

// directory tells of one whether others may put names into it, which its sticky
// bit must then keep from exchanging names of others.
func (w *walk) directory(path string) (sticky bool, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return false, fmt.Errorf("%s %s", path, reason(err))
	}
	open := info.Mode().Perm()&0o022 != 0
	switch {
	case !open:
		return false, w.owner(path, info, false)
	case info.Mode()&fs.ModeSticky != 0:
		return true, w.owner(path, info, false)
	}
	return false, fmt.Errorf("the directory %s has mode %04o, so that others than its owner may put other files there: take that right away (chmod go-w)", path, info.Mode().Perm())
}

func (w *walk) owner(path string, info fs.FileInfo, sticky bool) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("this system does not tell who owns " + path)
	}
	if !slices.Contains(w.owners, int(stat.Uid)) {
		why := "belongs to the user"
		if sticky {
			why = "lies where anybody may put files, and belongs to the user"
		}
		return fmt.Errorf("%s %s %d: it must be root's", path, why, stat.Uid)
	}
	return nil
}

// steps are the names that a path goes through; "." goes nowhere.
func steps(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(n string) bool { return n == "" || n == "." })
}

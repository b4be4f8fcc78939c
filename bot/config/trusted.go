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

// TrustedOf is Trusted with more owners than root, for tests and for a program
// that looks at the files of its own user.
func TrustedOf(owners ...int) func(path string) error {
	owners = append([]int{0}, owners...)
	return func(path string) error {
		w := walk{owners: owners}
		regular, _, err := w.follow(path)
		if err == nil && !regular {
			err = fmt.Errorf("%s is no regular file", path)
		}
		return err
	}
}

// TrustedDirectory is TrustedOf for a directory in which nobody but its owners may put
// anything. Here the sticky bit does not help: it keeps others from taking away what is
// there, not from being the first to put something there. One that is not there yet is
// as good as the nearest one above it that is.
func TrustedDirectory(path string, owners ...int) error {
	if filepath.Clean(path) != path {
		return fmt.Errorf("%s is not written plainly", path)
	}
	if err := TrustedPrograms(path, owners...); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// TrustedPrograms is TrustedDirectory for one that must be there, and in which programs
// are looked for.
func TrustedPrograms(path string, owners ...int) error {
	w := walk{owners: append([]int{0}, owners...)}
	regular, sticky, err := w.follow(path)
	switch {
	case err != nil:
		return err
	case regular:
		return fmt.Errorf("%s is no directory", path)
	case sticky:
		return fmt.Errorf("anybody may put files into %s", path)
	}
	return nil
}

// TrustedState is TrustedDirectory for one that others may not look into, either.
func TrustedState(path string, owners ...int) error {
	if err := TrustedDirectory(path, owners...); err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unseen{path, err}
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("the directory %s has mode %04o, so that others may enter it: chmod it to 0700, after a look at who was there", path, info.Mode().Perm())
	}
	return nil
}

// mostLinks is what the kernel follows, too.
const mostLinks = 40

type walk struct {
	owners []int
	links  int
}

// follow looks at everything from the root directory on. Links are followed as the
// kernel follows them, so that each directory is looked at in which somebody could
// exchange a name. It ends at a regular file, or at a directory, and tells of that
// whether others may put names into it.
func (w *walk) follow(path string) (regular, sticky bool, err error) {
	if !filepath.IsAbs(path) {
		return false, false, fmt.Errorf("%s is no absolute path", path)
	}
	here := "/"
	if sticky, err = w.directory(here); err != nil {
		return false, false, err
	}
	rest := steps(path)
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		next := filepath.Join(here, name) // ".." goes up from where the links have led
		info, err := os.Lstat(next)
		if err != nil {
			return false, false, unseen{next, err}
		}
		if err := w.owner(next, info, sticky); err != nil {
			return false, false, err
		}
		switch {
		case info.Mode().Type() == fs.ModeSymlink:
			if w.links++; w.links > mostLinks {
				return false, false, fmt.Errorf("%s: too many links", path)
			}
			target, err := os.Readlink(next)
			if err != nil {
				return false, false, unseen{next, err}
			}
			if filepath.IsAbs(target) {
				here = "/"
			}
			rest = slices.Concat(steps(target), rest)
		case info.IsDir():
			here = next
		case len(rest) > 0:
			return false, false, fmt.Errorf("%s is no directory", next)
		case !info.Mode().IsRegular():
			return false, false, fmt.Errorf("%s is no regular file", next)
		case info.Mode().Perm()&0o022 != 0:
			return false, false, fmt.Errorf("%s has mode %04o, so that others than its owner may write it: take that right away (chmod go-w)", next, info.Mode().Perm())
		default:
			return true, false, nil
		}
		if sticky, err = w.directory(here); err != nil {
			return false, false, err
		}
	}
	return false, sticky, nil
}

// directory tells of one whether others may put names into it, which its sticky
// bit must then keep from exchanging names of others.
func (w *walk) directory(path string) (sticky bool, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return false, unseen{path, err}
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

// unseen is what could not be looked at, and why.
type unseen struct {
	path string
	why  error
}

func (u unseen) Error() string { return u.path + " " + reason(u.why) }
func (u unseen) Unwrap() error { return u.why }

// steps are the names that a path goes through; "." goes nowhere.
func steps(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(n string) bool { return n == "" || n == "." })
}

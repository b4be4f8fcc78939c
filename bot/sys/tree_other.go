//go:build !linux

package sys

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// On a developer's machine only trees of tests and of the simulation are
// touched: their files have content of their own.
func kernelFile(*os.File) bool { return false }

// Free is asked of Linux alone.
func (t *Tree) Free(p string) (int64, error) {
	return 0, fail("statfs", p, errors.ErrUnsupported)
}

// pinned opens what a path leads to, if may has nothing against it. Elsewhere than
// on Linux there is no holding without opening; trees there hold no devices.
func (t *Tree) pinned(rel string, flag int, may func(fs.FileInfo) error) (*os.File, error) {
	f, err := t.root.OpenFile(rel, flag|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = may(info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

//go:build !linux

package sys

import (
	"errors"
	"os"
)

// On a developer's machine only trees of tests and of the simulation are
// touched: their files have content of their own.
func kernelFile(*os.File) bool { return false }

// Free is asked of Linux alone.
func (t *Tree) Free(p string) (int64, error) {
	return 0, fail("statfs", p, errors.ErrUnsupported)
}

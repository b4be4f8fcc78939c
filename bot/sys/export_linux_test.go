package sys

import (
	"io/fs"
	"os"
)

// KernelFile is kernelFile, and IsAt Tree.isAt, for their tests.
var KernelFile = kernelFile

func (t *Tree) IsAt(f *os.File, rel string) (bool, error) { return t.isAt(f, rel) }

// Pinned is Tree.pinned of a regular file, with something that may happen after the
// look.
func (t *Tree) Pinned(rel string, then func()) (*os.File, error) {
	return t.pinned(rel, os.O_RDONLY, func(info fs.FileInfo) error {
		if then != nil {
			then()
		}
		return regular(info)
	})
}

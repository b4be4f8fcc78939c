package sys

import "os"

// KernelFile is kernelFile, and IsAt Tree.isAt, for their tests.
var KernelFile = kernelFile

func (t *Tree) IsAt(f *os.File, rel string) (bool, error) { return t.isAt(f, rel) }

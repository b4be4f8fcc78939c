//go:build !linux

package sys

import (
	"errors"
	"os"
	"syscall"
)

const nonblock = syscall.O_NONBLOCK

func lockFile(f *os.File, format LockFormat) error {
	if format != LockFlock {
		return errors.ErrUnsupported
	}
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errBusy
	}
	return err
}

func (t *Tree) kernelHolder(Lock) string { return "" }

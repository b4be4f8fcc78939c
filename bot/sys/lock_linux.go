package sys

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const nonblock = unix.O_NONBLOCK

// lockFile takes the lock at once, or is errBusy. Closing the file frees it.
func lockFile(f *os.File, format LockFormat) error {
	return control(f, func(fd int) error {
		if format == LockFlock {
			return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		}
		return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart})
	})
}

func control(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) {
		for {
			if failed = do(int(fd)); !errors.Is(failed, unix.EINTR) {
				return
			}
		}
	}); err != nil {
		return err
	}
	if errors.Is(failed, unix.EAGAIN) || errors.Is(failed, unix.EACCES) {
		return errBusy
	}
	return failed
}

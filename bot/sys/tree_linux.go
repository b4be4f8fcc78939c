package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// kernelFile tells whether a file is a way to speak to the kernel, rather than
// one with content of its own.
func kernelFile(f *os.File) bool {
	s, err := statfs(f)
	if err != nil {
		return false
	}
	switch uint32(s.Type) {
	case unix.SYSFS_MAGIC, unix.PROC_SUPER_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC,
		unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC, unix.SECURITYFS_MAGIC:
		return true
	}
	return false
}

func statfs(f *os.File) (unix.Statfs_t, error) {
	var s unix.Statfs_t
	conn, err := f.SyscallConn()
	if err != nil {
		return s, err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) {
		for {
			if failed = unix.Fstatfs(int(fd), &s); failed != unix.EINTR {
				return
			}
		}
	}); err != nil {
		return s, err
	}
	return s, failed
}

// Free asks the file system that holds the path, in bytes; the reserve for root
// is counted as free.
func (t *Tree) Free(p string) (int64, error) {
	rel, err := t.walk("statfs", p)
	if err != nil {
		return 0, err
	}
	f, err := t.root.OpenFile(rel, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, fail("statfs", p, err)
	}
	defer f.Close()
	s, err := statfs(f)
	if err != nil {
		return 0, fail("statfs", p, err)
	}
	block := s.Frsize
	if block <= 0 {
		block = s.Bsize
	}
	free := int64(s.Bfree) * block
	if free < 0 || block > 0 && free/block != int64(s.Bfree) {
		return 0, fail("statfs", p, errFigures)
	}
	return free, nil
}

package sys

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

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

// pinned opens what a path without links leads to, if may has nothing against it.
//
// It is held first without being opened (O_PATH): no driver hears of that, nobody
// is waited for, and whatever is put into its place from then on is another one.
// What may has seen is then opened by way of /proc/self/fd, and nothing else can be.
func (t *Tree) pinned(rel string, flag int, may func(fs.FileInfo) error) (*os.File, error) {
	pin, err := t.root.OpenFile(rel, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer pin.Close()
	held, err := pin.Stat()
	if err != nil {
		return nil, err
	}
	if err := may(held); err != nil { // a link that came meanwhile is refused, too
		return nil, err
	}
	conn, err := pin.SyscallConn()
	if err != nil {
		return nil, err
	}
	var f *os.File
	var failed error
	if err := conn.Control(func(fd uintptr) {
		f, failed = os.OpenFile("/proc/self/fd/"+strconv.Itoa(int(fd)), flag|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	}); err != nil {
		return nil, err
	}
	if errors.Is(failed, fs.ErrNotExist) {
		if _, err := os.Stat("/proc/self/fd"); err != nil {
			return nil, errors.New("without /proc nothing is opened") // or it would count as missing
		}
	}
	if failed != nil {
		return nil, failed
	}
	got, err := f.Stat()
	if err == nil && !os.SameFile(held, got) {
		err = errors.New("it is another one by now")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

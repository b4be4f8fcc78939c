package linux

import (
	"io/fs"
	"syscall"
)

// statfs asks the kernel. It blocks for as long as the filesystem does.
func statfs(path string) (Room, error) {
	var s syscall.Statfs_t
	for {
		err := syscall.Statfs(path, &s)
		if err == nil {
			break
		}
		if err != syscall.EINTR {
			return Room{}, &fs.PathError{Op: "statfs", Path: path, Err: err}
		}
	}
	block := uint64(s.Frsize)
	if s.Frsize <= 0 {
		block = uint64(s.Bsize)
	}
	return Room{
		Size:      s.Blocks * block,
		Free:      s.Bfree * block,
		Available: s.Bavail * block,
		Files:     s.Files,
		FilesFree: s.Ffree,
	}, nil
}

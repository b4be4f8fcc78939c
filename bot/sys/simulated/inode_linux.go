package simulated

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// deviceAndInode is how /proc/locks names a file.
func deviceAndInode(s any) (string, bool) {
	st, ok := s.(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino), true
}

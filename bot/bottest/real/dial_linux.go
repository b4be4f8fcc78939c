package real

import (
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// DialAs connects to a Unix socket as another user, which only root can: a thread of
// its own takes the user's number, connects, and ends. What the kernel notes is who
// called connect(2).
func DialAs(uid int, path string) (net.Conn, error) {
	type made struct {
		fd  int
		err error
	}
	out := make(chan made)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		id := uintptr(uid)
		for _, call := range [][4]uintptr{{unix.SYS_SETGROUPS}, {unix.SYS_SETRESGID, id, id, id}, {unix.SYS_SETRESUID, id, id, id}} {
			if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
				out <- made{err: errno}
				return
			}
		}
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		}
		out <- made{fd, err}
	}()
	m := <-out
	if m.err != nil {
		return nil, m.err
	}
	f := os.NewFile(uintptr(m.fd), path)
	defer f.Close()
	return net.FileConn(f)
}

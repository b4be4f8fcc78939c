package agent

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// dialAs connects as another user: a thread of its own takes the user's number,
// connects, and ends. What the kernel notes is who called connect(2).
func dialAs(t *testing.T, uid int, path string) (net.Conn, error) {
	t.Helper()
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

// The kernel, and nobody else, says who connects.
func TestPeersByTheKernel(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	s := opened(t, newWorld(t), func(s *Server) { s.o.Peer = peerUID })
	for path, mode := range map[string]os.FileMode{filepath.Dir(s.bot): 0o755, s.bot: 0o666, s.human: 0o666} {
		s.ok(os.Chmod(path, mode)) // what keeps others out here is who they are
	}
	s.proposed()
	for _, c := range []struct {
		uid          int
		socket, want string
	}{
		{botUID, s.bot, `"proposals":[`},
		{1003, s.bot, "not for you"},
		{0, s.bot, "not for you"},
		{1003, s.human, `"proposals":[`},
		{4711, s.human, "User 4711 is nobody"},
		{0, s.human, `"proposals":[`},
	} {
		conn, err := dialAs(t, c.uid, c.socket)
		s.ok(err)
		_, err = fmt.Fprintf(conn, "POST /v1/proposals HTTP/1.0\r\nHost: agent\r\nX-Uid: 0\r\nContent-Length: 11\r\n\r\n{\"stamp\":0}")
		s.ok(err)
		var b strings.Builder
		if _, err := io.Copy(&b, conn); err != nil {
			t.Errorf("user %d: %v", c.uid, err)
		}
		_ = conn.Close()
		if !strings.Contains(b.String(), c.want) {
			t.Errorf("user %d at %s: %.300s", c.uid, c.socket, b.String())
		}
	}
	s.ok(os.Chmod(s.bot, 0o600))
	if _, err := dialAs(t, 1003, s.bot); err == nil {
		t.Error("another user connects to the bot's socket")
	}
}

package agent

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// peerUID asks the kernel who is at the other end of a Unix socket: who it was
// when the connection was made.
func peerUID(c net.Conn) (int, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return 0, errNoPeer
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var inner error
	err = raw.Control(func(fd uintptr) { cred, inner = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(err, inner); err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}

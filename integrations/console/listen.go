package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot"
)

// socketMode: the group that the service runs with may open the socket. Who of
// it may read the conversation, and do what, is decided by who they are.
const socketMode = 0o660

// door is the listening socket.
type door struct {
	l   net.Listener
	c   *Chat
	own os.FileInfo // the file that we made, nil for a socket given by systemd
}

// open gives nil when there is nothing to listen at.
func (c *Chat) open(ctx context.Context) (*door, error) {
	if c.o.Listener != nil {
		if _, ok := c.o.Listener.(*net.UnixListener); !ok {
			return nil, fmt.Errorf("console: the socket it was given is no Unix socket but %T", c.o.Listener)
		}
		return &door{l: c.o.Listener, c: c}, nil
	}
	if c.o.Socket == "" {
		return nil, nil
	}
	dir := filepath.Dir(c.o.Socket)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("console: the socket's folder: %w", err)
	}
	release, err := alone(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("console: the socket's folder %s: %w", dir, err)
	}
	defer release()
	if err := removeStale(ctx, c.o.Socket); err != nil {
		return nil, err
	}
	// The mode of the nameless socket is the upper bound of the file's mode, so
	// that at no moment anybody else can open it.
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var merr error
		err := raw.Control(func(fd uintptr) { merr = unix.Fchmod(int(fd), socketMode) })
		return errors.Join(err, merr)
	}}
	l, err := config.Listen(ctx, "unix", c.o.Socket)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	d := &door{l: l, c: c}
	if err := os.Chmod(c.o.Socket, socketMode); err != nil {
		d.close()
		return nil, fmt.Errorf("console: the socket's mode: %w", err)
	}
	if d.own, err = os.Lstat(c.o.Socket); err != nil {
		d.close()
		return nil, fmt.Errorf("console: %w", err)
	}
	return d, nil
}

// alone keeps other bots from looking at a folder's sockets until release. Between its
// making and its listening a bot's socket looks like one that a killed bot left, and
// would be removed; two that find the same old one would remove each other's.
func alone(ctx context.Context, dir string) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	const patience, again = 10 * time.Second, 10 * time.Millisecond
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("another process holds it"))
	defer cancel()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, err
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		}
	}
}

// removeStale removes what a killed bot left: a socket at which nobody answers.
// All else stays and is a fault.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("console: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("console: %s is no socket; it is left alone", path)
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("console: another process answers at %s", path)
	case errors.Is(err, unix.ECONNREFUSED):
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return fmt.Errorf("console: nobody knows whether %s is in use: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// close removes the socket, if it is still ours.
func (d *door) close() {
	if d.own == nil {
		if d.c.o.Listener == nil {
			d.l.Close()
		}
		return
	}
	if now, err := os.Lstat(d.c.o.Socket); err == nil && os.SameFile(now, d.own) {
		if err := os.Remove(d.c.o.Socket); err != nil {
			d.c.log.Warn("the console's socket stays behind", "err", err)
		}
	}
	d.l.Close()
}

// accept hands over connections until ctx ends.
func (d *door) accept(ctx context.Context, to chan<- attaching) error {
	u := d.l.(*net.UnixListener)
	if err := u.SetDeadline(time.Time{}); err != nil {
		return err
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(ended); _ = u.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() {
			<-ended // a given listener may be used again, without that deadline
		}
	}()
	for {
		conn, err := u.AcceptUnix()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			// Too many open files, as a rule: it passes.
			d.c.log.Warn("a console cannot be accepted", "err", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return nil
			}
			continue
		}
		user, err := peer(conn)
		if err != nil {
			d.c.log.Warn("a console is turned away: nobody tells whose it is", "err", err)
			conn.Close()
			continue
		}
		select {
		case to <- attaching{conn, user}:
		case <-ctx.Done():
			conn.Close()
			return nil
		}
	}
}

// peer asks the kernel who opened the other end.
func peer(conn *net.UnixConn) (bot.UserID, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return "", err
	}
	var cred *unix.Ucred
	var cerr error
	if err := raw.Control(func(fd uintptr) {
		cred, cerr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || cerr != nil {
		return "", errors.Join(err, cerr)
	}
	return UserOf(cred.Uid), nil
}

// UserOf is the account of the host's user with this number.
func UserOf(uid uint32) bot.UserID { return bot.UserID(fmt.Sprintf("uid:%d", uid)) }

package agent

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

	"github.com/coreos/go-systemd/v22/activation"

	"watchstander/bot"
)

// Names of the sockets that systemd hands over (FileDescriptorName=).
const (
	socketBot   = "agent"
	socketHuman = "approve"
)

// Sockets are where an agent listens: for the bot, and for people on the host.
type Sockets struct{ Bot, Human net.Listener }

// ListenOptions say where an agent listens that systemd hands no sockets to.
type ListenOptions struct {
	Bot, Human string // paths
	// Owner is the bot's user, -1 to leave the socket to root.
	Owner int
}

// Listen takes the sockets that systemd hands over by name, and makes those that
// it does not: the bot's for its user alone, the people's for everybody, since who
// may do what is told by who they are.
func Listen(ctx context.Context, o ListenOptions) (Sockets, error) {
	given, err := activation.ListenersWithNames()
	if err != nil {
		return Sockets{}, fmt.Errorf("sockets of systemd: %w", err)
	}
	var s Sockets
	for name, into := range map[string]*net.Listener{socketBot: &s.Bot, socketHuman: &s.Human} {
		switch ls := given[name]; {
		case len(ls) == 1 && ls[0].Addr().Network() == "unix":
			*into = ls[0]
		case len(ls) > 0:
			return Sockets{}, bot.Errorf(bot.CodeInvalid, "systemd hands over %d sockets named %s; it must be one, and a Unix socket.", len(ls), name)
		}
		delete(given, name)
	}
	if len(given) > 0 {
		return Sockets{}, bot.Errorf(bot.CodeInvalid, "systemd hands over sockets that are not called %s or %s (FileDescriptorName=).", socketBot, socketHuman)
	}
	if s.Bot == nil {
		if s.Bot, err = listen(ctx, o.Bot, 0o600, o.Owner); err != nil {
			return Sockets{}, errors.Join(err, closed(s.Human))
		}
	}
	if s.Human == nil {
		if s.Human, err = listen(ctx, o.Human, 0o666, -1); err != nil {
			return Sockets{}, errors.Join(err, closed(s.Bot))
		}
	}
	return s, nil
}

func closed(l net.Listener) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

// listen makes a socket. Until its owner is set nobody but the agent's own user can
// connect, whatever the umask lets through.
func listen(ctx context.Context, path string, mode os.FileMode, owner int) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := clear(ctx, path); err != nil {
		return nil, err
	}
	old := syscall.Umask(0o177)
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, err
	}
	if owner >= 0 {
		err = os.Chown(path, owner, -1)
	}
	if err = errors.Join(err, os.Chmod(path, mode)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// clear removes a socket that an agent left which is no more.
func clear(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return bot.Errorf(bot.CodeInvalid, "%s is no socket, and is left alone: move it away.", path)
	}
	dialer := net.Dialer{Timeout: 3 * time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(bot.Errorf(bot.CodeConflict, "Another agent listens at %s.", path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

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
	// Trust tells whether nobody else can put anything into a directory, or exchange it;
	// nil is not to ask, where nothing is at stake.
	Trust func(dir string) error
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
		if s.Bot, err = o.listen(ctx, o.Bot, 0o600, o.Owner); err != nil {
			return Sockets{}, errors.Join(err, closed(s.Human))
		}
	}
	if s.Human == nil {
		if s.Human, err = o.listen(ctx, o.Human, 0o666, -1); err != nil {
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

// listen makes a socket. It has its mode from its making on, and until its owner is
// set nobody but the agent's own user can connect to the bot's, whatever the umask
// lets through. Nothing is changed by following a name: in a directory of others it
// could have become a link to something else.
func (o ListenOptions) listen(ctx context.Context, path string, mode os.FileMode, owner int) (net.Listener, error) {
	if err := o.room(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := clear(ctx, path); err != nil {
		return nil, err
	}
	old := syscall.Umask(int(0o777 &^ mode.Perm()))
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, err
	}
	if owner >= 0 {
		if err := os.Lchown(path, owner, -1); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// room makes the socket's directory, and refuses one in which others could put a
// socket of their own where people look for the agent's. It is looked at before and
// after it is made.
func (o ListenOptions) room(dir string) error {
	trusted := func() error {
		if o.Trust == nil {
			return nil
		}
		abs, err := filepath.Abs(dir)
		if err == nil {
			err = o.Trust(abs)
		}
		if err != nil {
			return bot.Errorf(bot.CodeInvalid, "No socket is made where others could exchange it: %s.", err)
		}
		return nil
	}
	if err := trusted(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return trusted()
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

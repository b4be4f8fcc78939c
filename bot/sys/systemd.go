package sys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// Conn is what Systemd needs of a connection to systemd. go-systemd's own
// connection has it; tests bring a fake.
type Conn interface {
	Connected() bool
	Close()
	SystemStateContext(context.Context) (*dbus.Property, error)
	ListUnitsByPatternsContext(ctx context.Context, states, patterns []string) ([]dbus.UnitStatus, error)
	GetUnitPropertiesContext(ctx context.Context, unit string) (map[string]any, error)
	GetUnitTypePropertiesContext(ctx context.Context, unit, unitType string) (map[string]any, error)
	StartUnitContext(ctx context.Context, name, mode string, result chan<- string) (int, error)
	RestartUnitContext(ctx context.Context, name, mode string, result chan<- string) (int, error)
	StopUnitContext(ctx context.Context, name, mode string, result chan<- string) (int, error)
	StartTransientUnitContext(ctx context.Context, name, mode string, properties []dbus.Property, result chan<- string) (int, error)
	ResetFailedUnitContext(ctx context.Context, name string) error
}

var _ Conn = (*dbus.Conn)(nil)

// SystemdOptions may be left empty.
type SystemdOptions struct {
	// Dial connects to systemd: by default over the system bus, or as root, where
	// there is no bus, to systemd itself. The connection must end with the context.
	Dial func(context.Context) (Conn, error)
	// Timeout bounds connecting, and each question; 20 s, since systemd answers
	// nobody while it reads its units anew.
	Timeout time.Duration
	// Ping is how often systemd is asked whether it is still there while a job is
	// waited for; 15 s.
	Ping time.Duration
}

// Systemd is the Units of this machine, over D-Bus. It may be used by several at
// once.
//
// Each operation has a connection of its own, which is closed after it: they are
// rare, and a kept one would have to survive restarts of the bus, which a switch
// to another generation may bring about. Whatever the bus does, no operation hangs:
// connecting and each question are bounded, and who waits for a job hears of a
// connection that is lost, or of a systemd that is silent (ErrLost).
type Systemd struct {
	o     SystemdOptions
	dials chan struct{} // those that are under way
}

var _ Units = (*Systemd)(nil)

// NewSystemd makes it. It connects to nothing yet.
func NewSystemd(o SystemdOptions) *Systemd {
	if o.Dial == nil {
		o.Dial = func(ctx context.Context) (Conn, error) { return dialSystemd(ctx, "") }
	}
	o.Timeout = cmp.Or(o.Timeout, 20*time.Second)
	o.Ping = cmp.Or(o.Ping, 15*time.Second)
	return &Systemd{o: o, dials: make(chan struct{}, 32)}
}

// DialSystemd gives a Dial for a bus at another address ("unix:path=/…").
func DialSystemd(address string) func(context.Context) (Conn, error) {
	return func(ctx context.Context) (Conn, error) { return dialSystemd(ctx, address) }
}

func dialSystemd(ctx context.Context, address string) (Conn, error) {
	if address != "" {
		return dbus.NewConnection(func() (*godbus.Conn, error) {
			conn, err := godbus.Dial(address, godbus.WithContext(ctx))
			if err != nil {
				return nil, err
			}
			// The number, not the name of the user: names are looked up elsewhere.
			if err := conn.Auth([]godbus.Auth{godbus.AuthExternal(strconv.Itoa(os.Getuid()))}); err == nil {
				if err = conn.Hello(); err == nil {
					return conn, nil
				}
			}
			_ = conn.Close()
			return nil, errors.Join(err, errors.New("the bus at "+address+" does not greet"))
		})
	}
	conn, err := dbus.NewSystemConnectionContext(ctx)
	if err == nil {
		return conn, nil
	}
	if os.Geteuid() == 0 {
		if conn, err := dbus.NewSystemdConnectionContext(ctx); err == nil {
			return conn, nil
		}
	}
	// Why the bus failed is the reason that counts.
	return nil, err
}

// talk is one connection, for one operation.
type talk struct {
	Conn
	ctx   context.Context // of the whole operation
	end   context.CancelFunc
	limit time.Duration // of each question
}

// with connects, has do talk, and closes the connection.
func (s *Systemd) with(ctx context.Context, do func(*talk) error) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	conn, err := s.connect(ctx)
	if err != nil {
		return fmt.Errorf("systemd cannot be reached: %w", err)
	}
	defer conn.Close()
	return do(&talk{Conn: conn, ctx: ctx, end: end, limit: s.o.Timeout})
}

// connect dials beside its caller: connecting to a socket whose owner hangs cannot
// be given up by a context.
func (s *Systemd) connect(ctx context.Context) (Conn, error) {
	select {
	case s.dials <- struct{}{}:
	default:
		return nil, fmt.Errorf("%d earlier attempts to connect are still stuck", cap(s.dials))
	}
	type answer struct {
		conn Conn
		err  error
	}
	answers, given := make(chan answer), make(chan struct{})
	defer close(given)
	go func() {
		defer func() { <-s.dials }()
		conn, err := s.o.Dial(ctx)
		select {
		case answers <- answer{conn, err}:
		case <-given:
			if err == nil {
				conn.Close()
			}
		}
	}()
	timer := time.NewTimer(s.o.Timeout)
	defer timer.Stop()
	select {
	case a := <-answers:
		return a.conn, a.err
	case <-timer.C:
		return nil, fmt.Errorf("no connection within %s: %w", s.o.Timeout, context.DeadlineExceeded)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// ask bounds one question. Where not even its sending ends, the whole connection
// does.
func (t *talk) ask(question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(t.ctx, t.limit)
	defer cancel()
	stuck := time.AfterFunc(t.limit+time.Second, t.end)
	defer stuck.Stop()
	return question(ctx)
}

// told gives an error of the bus about a unit the meaning that programs can tell.
func told(unit string, err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[godbus.Error](err)
	if !ok {
		return fmt.Errorf("%s: %w", unit, err)
	}
	var means error
	switch e.Name {
	case "org.freedesktop.systemd1.NoSuchUnit":
		means = fs.ErrNotExist
	case "org.freedesktop.systemd1.UnitExists":
		means = fs.ErrExist
	case "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
		"org.freedesktop.systemd1.UnitMasked":
		means = fs.ErrPermission
	case "org.freedesktop.systemd1.JobTypeNotApplicable", "org.freedesktop.systemd1.OnlyByDependency":
		means = errors.ErrUnsupported
	case "org.freedesktop.DBus.Error.InvalidArgs":
		means = fs.ErrInvalid
	default:
		return fmt.Errorf("%s: %w", unit, err)
	}
	return fmt.Errorf("%s: %w (%w)", unit, means, err)
}

// state reads the Manager's SystemState.
func (t *talk) state() (state string, err error) {
	err = t.ask(func(ctx context.Context) error {
		p, err := t.SystemStateContext(ctx)
		if err == nil && p != nil {
			state, _ = p.Value.Value().(string)
		}
		return err
	})
	if err == nil && state == "" {
		err = errors.New("systemd tells no state of the system")
	}
	return state, err
}

// ResetFailed has systemd forget that a unit failed.
func (s *Systemd) ResetFailed(ctx context.Context, name string) error {
	if err := CheckUnitName(name); err != nil {
		return err
	}
	return s.with(ctx, func(t *talk) error {
		return told(name, t.ask(func(ctx context.Context) error { return t.ResetFailedUnitContext(ctx, name) }))
	})
}

package sys

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// replace is how systemctl asks for jobs: a queued one that is in the way is
// replaced.
const replace = "replace"

// Start starts a unit.
func (s *Systemd) Start(ctx context.Context, name string) error {
	return s.job(ctx, name, Conn.StartUnitContext)
}

// Restart stops and starts a unit, or starts it where it did not run.
func (s *Systemd) Restart(ctx context.Context, name string) error {
	return s.job(ctx, name, Conn.RestartUnitContext)
}

// Stop stops a unit.
func (s *Systemd) Stop(ctx context.Context, name string) error {
	return s.job(ctx, name, Conn.StopUnitContext)
}

func (s *Systemd) job(ctx context.Context, name string, ask func(c Conn, ctx context.Context, name, mode string, result chan<- string) (int, error)) error {
	if err := CheckUnitName(name); err != nil {
		return err
	}
	return s.wait(ctx, name, func(ctx context.Context, c Conn, result chan<- string) error {
		_, err := ask(c, ctx, name, replace, result)
		return err
	})
}

// look is how often a connection is looked at while a job runs.
const look = 250 * time.Millisecond

// wait asks for a job and waits for its end. Nobody but its context bounds that:
// how long a unit may take is the unit's own affair.
func (s *Systemd) wait(ctx context.Context, name string, ask func(context.Context, Conn, chan<- string) error) error {
	return s.with(ctx, func(t *talk) error {
		result := make(chan string, 1)
		if err := t.ask(func(ctx context.Context) error { return ask(ctx, t.Conn, result) }); err != nil {
			if !answered(err) {
				// Whether the question arrived is as unknown as what came of it.
				return fmt.Errorf("%s: %w (%w)", name, ErrLost, err)
			}
			return told(name, err)
		}
		asked, silent := time.Now(), 0
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		for {
			select {
			case r := <-result:
				return jobResult(name, r)
			case <-ctx.Done():
				return notOver(ctx, name)
			case <-ticker.C:
			}
			if time.Since(asked) >= s.o.Ping && t.Connected() {
				if _, err := t.state(); err != nil && ctx.Err() == nil {
					silent++
				} else {
					silent = 0
				}
				asked = time.Now()
			}
			// Twice, since a reload of all units can take long on a large host.
			if !t.Connected() || silent >= 2 {
				select {
				case r := <-result: // it was told with its last breath
					return jobResult(name, r)
				default:
				}
				if ctx.Err() != nil { // which has closed the connection
					return notOver(ctx, name)
				}
				return fmt.Errorf("%s: %w", name, ErrLost)
			}
		}
	})
}

// answered tells whether an error is systemd's own answer, by which nothing was
// begun. The bus has errors that say only that there was none: systemd may have taken
// the question, and gone away or been silent since.
func answered(err error) bool {
	e, ok := errors.AsType[godbus.Error](err)
	if !ok {
		return false
	}
	switch e.Name {
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout", "org.freedesktop.DBus.Error.TimedOut", "org.freedesktop.DBus.Error.Disconnected":
		return false
	}
	return true
}

func notOver(ctx context.Context, name string) error {
	return fmt.Errorf("the job of %s is not over yet: %w", name, context.Cause(ctx))
}

func jobResult(name, result string) error {
	if result == "done" {
		return nil
	}
	return &JobError{Unit: name, Result: result}
}

// StartTransient starts a unit of its own, and returns when systemd has executed
// its program. A *JobError says that it could not, or that the program has failed
// by then, which systemd does not tell apart here; the unit is there, failed, and
// its exit code tells (203: no program, 226: no such place to write to).
//
// How the unit ended can be learnt afterwards: one that failed stays loaded, with
// its exit code, until ResetFailed (CollectMode=inactive, which is systemd's own
// default); one that ended well is unloaded, and its Load is "not-found". While a
// failed one is there, the system counts as degraded, and its name is taken.
//
// Nothing ties it to the units of the bot or the agent: what a switch to another
// generation does to these does not touch it. switch-to-configuration looks at
// units that have a file below /etc/systemd/system alone, and the file of this one
// is in /run/systemd/transient; so it needs no X-RestartIfChanged. It has no
// default dependencies, which would order it after basic.target and stop it with
// sysinit.target; shutdown alone stops it.
//
// A stop tells its program alone, which ends what it runs, or lets it come to its end;
// what is left when it has ended, or its time to stop is over, is killed
// (KillMode=mixed). It is not started again when it fails.
func (s *Systemd) StartTransient(ctx context.Context, t Transient) error {
	if err := t.Check(); err != nil {
		return err
	}
	return s.wait(ctx, t.Name, func(ctx context.Context, c Conn, result chan<- string) error {
		_, err := c.StartTransientUnitContext(ctx, t.Name, "fail", t.properties(), result)
		return err
	})
}

// properties are the unit's, as systemd.service(5) and systemd.exec(5) name them.
func (t Transient) properties() []dbus.Property {
	var ps []dbus.Property
	add := func(name string, value any) {
		ps = append(ps, dbus.Property{Name: name, Value: godbus.MakeVariant(value)})
	}
	// systemd puts variables in for "$NAME" in arguments; "$$" is a dollar.
	argv := []string{t.Argv[0]}
	for _, a := range t.Argv[1:] {
		argv = append(argv, strings.ReplaceAll(a, "$", "$$"))
	}
	add("Description", t.Description)
	add("Type", "exec")
	// The flag's name in go-systemd says the opposite of what systemd does with it:
	// true is the "-" of unit files, which makes a failure a success.
	ps = append(ps, dbus.PropExecStart(argv, false))
	if len(t.Env) > 0 {
		add("Environment", t.Env)
	}
	add("WorkingDirectory", "/")
	add("UMask", uint32(0o077))
	add("CollectMode", "inactive")
	add("KillMode", "mixed")
	add("Restart", "no")
	add("DefaultDependencies", false)
	add("Conflicts", []string{"shutdown.target"})
	add("Before", []string{"shutdown.target"})
	if t.Limit > 0 {
		add("RuntimeMaxUSec", uint64(t.Limit/time.Microsecond))
	}
	if t.StopLimit > 0 {
		add("TimeoutStopUSec", uint64(t.StopLimit/time.Microsecond))
	}
	if !t.Network {
		add("PrivateNetwork", true)
		add("RestrictAddressFamilies", struct {
			Allow    bool
			Families []string
		}{true, []string{"AF_UNIX"}})
	}
	if !t.Devices {
		add("DevicePolicy", "closed")
	}
	if t.Writable != nil {
		add("ProtectSystem", "strict")
		add("ReadWritePaths", t.Writable)
		private := true
		for _, p := range t.Writable {
			private = private && !below(p, "/tmp") && !below(p, "/var/tmp") && !below("/tmp", p) && !below("/var/tmp", p)
		}
		add("PrivateTmp", private)
	}
	return ps
}

package sys_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
	"watchstander/bot/sys"
)

// realUnits are what the systemd of the tests knows.
var realUnits = map[string]string{
	"sleeps.service":   service("Sleeps", "ExecStart=/bin/sleep 1000", "ExecReload=/bin/true"),
	"plain.service":    service("Cannot reload", "ExecStart=/bin/sleep 1000"),
	"once.service":     service("Does its work", "Type=oneshot", "ExecStart=/bin/true"),
	"stays.service":    service("Did its work", "Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/true"),
	"bad.service":      service("Fails", "Type=oneshot", "ExecStart=/bin/sh -c 'exit 3'"),
	"killed.service":   service("Is killed", "ExecStart=/bin/sh -c 'kill -9 $$$$'"),
	"late.service":     service("Is never ready", "Type=notify", "TimeoutStartSec=1", "ExecStart=/bin/sleep 1000"),
	"slow.service":     service("Takes long", "Type=oneshot", "ExecStart=/bin/sleep 1000"),
	"needs.service":    "[Unit]\nDefaultDependencies=no\nRequires=bad.service\nAfter=bad.service\n[Service]\nExecStart=/bin/sleep 1000\n",
	"loop.service":     "[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=50ms\n",
	"alias.target":     "[Unit]\nDescription=A target\nDefaultDependencies=no\n",
	`od-\x2dd.service`: service("Has an odd name", "ExecStart=/bin/sleep 1000"),
}

func service(description string, lines ...string) string {
	return "[Unit]\nDescription=" + description + "\nDefaultDependencies=no\n[Service]\n" + strings.Join(lines, "\n") + "\n"
}

func realSystemd(t *testing.T) (*real.Systemd, *sys.Systemd) {
	t.Helper()
	d := real.StartSystemd(t, realUnits)
	return d, sys.NewSystemd(sys.SystemdOptions{Dial: sys.DialSystemd(d.Address)})
}

// await looks at a unit until it is as it should be.
func await(t *testing.T, u sys.Units, name string, is func(sys.Unit) bool) (last sys.Unit) {
	t.Helper()
	real.Eventually(t, 20*time.Second, name+" comes to be as it should", func() (err error) {
		if last, err = u.Unit(t.Context(), name); err == nil && !is(last) {
			err = fmt.Errorf("it is %+v", last)
		}
		return err
	})
	return last
}

func TestRealUnits(t *testing.T) {
	_, u := realSystemd(t)
	ctx := t.Context()
	begin := time.Now()

	if got, err := u.Unit(ctx, "nothing.service"); err != nil || got.Load != "not-found" || got.Active != "inactive" || got.Memory != -1 || got.Name != "nothing.service" {
		t.Errorf("%+v, %v", got, err)
	}

	must(t, u.Start(ctx, "sleeps.service"))
	s, err := u.Unit(ctx, "sleeps.service")
	must(t, err)
	if s.Description != "Sleeps" || s.Load != "loaded" || s.Active != "active" || s.Sub != "running" || s.Result != "success" || s.Type != "simple" || !s.Fine() {
		t.Errorf("%+v", s)
	}
	if s.MainPID == 0 || len(s.Invocation) != 32 || !strings.HasSuffix(s.Fragment, "/sleeps.service") || s.Restarts != 0 || s.ExitCode != 0 {
		t.Errorf("%+v", s)
	}
	for what, at := range map[string]time.Time{"since": s.Since, "started": s.Started} {
		if at.Before(begin.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) || at.Location() != time.UTC {
			t.Errorf("%s is %s", what, at)
		}
	}
	must(t, u.Restart(ctx, "sleeps.service"))
	again, err := u.Unit(ctx, "sleeps.service")
	must(t, err)
	if again.Invocation == s.Invocation || again.MainPID == s.MainPID || !again.Started.After(s.Started) {
		t.Errorf("it was %+v, it is %+v", s, again)
	}
	must(t, u.Stop(ctx, "sleeps.service"))
	if s, err = u.Unit(ctx, "sleeps.service"); err != nil || s.Active != "inactive" || s.MainPID != 0 {
		t.Errorf("%+v, %v", s, err)
	}

	// How jobs end.
	for _, tt := range []struct {
		do                 func(context.Context, string) error
		name, job          string
		active, unitResult string
		exit               int
	}{
		{u.Start, "once.service", "", "inactive", "success", 0},
		{u.Start, "stays.service", "", "active", "success", 0},
		{u.Start, "bad.service", "failed", "failed", "exit-code", 3},
		{u.Restart, "late.service", "failed", "failed", "timeout", 128 + 15},
		{u.Start, "needs.service", "dependency", "inactive", "success", 0},
		{u.Start, `od-\x2dd.service`, "", "active", "success", 0},
	} {
		err := tt.do(ctx, tt.name)
		e, isJob := errors.AsType[*sys.JobError](err)
		if tt.job == "" && err != nil || tt.job != "" && (!isJob || e.Result != tt.job || e.Unit != tt.name) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.job)
		}
		is, err := u.Unit(ctx, tt.name)
		if err != nil || is.Active != tt.active || is.Result != tt.unitResult || is.ExitCode != tt.exit || is.Fine() != (tt.active != "failed") {
			t.Errorf("%s is %+v, %v", tt.name, is, err)
		}
	}
	must(t, u.Start(ctx, "killed.service")) // it was started; that it died is another thing
	await(t, u, "killed.service", func(k sys.Unit) bool { return k.Active == "failed" && k.Result == "signal" && k.ExitCode == 137 })
	must(t, u.Start(ctx, "loop.service"))
	await(t, u, "loop.service", func(l sys.Unit) bool { return l.Restarts >= 2 && l.Result == "exit-code" && l.ExitCode == 1 })
	must(t, u.Stop(ctx, "loop.service"))

	must(t, u.ResetFailed(ctx, "bad.service"))
	if b, err := u.Unit(ctx, "bad.service"); err != nil || b.Active != "inactive" {
		t.Errorf("%+v, %v", b, err)
	}

	list, err := u.List(ctx, "s*.service", "alias.*", `od-\x2d*`)
	must(t, err)
	var got []string
	for _, l := range list {
		got = append(got, l.Name+" "+l.Active)
	}
	if s := strings.Join(got, ", "); s != `od-\x2dd.service active, stays.service active` {
		t.Errorf("the list is %s", s) // what is not loaded is not in it
	}
	all, err := u.List(ctx)
	if err != nil || len(all) < 10 {
		t.Errorf("%d units, %v", len(all), err)
	}
	for _, l := range all {
		if l.Load == "not-found" || l.Name == "" || l.Active == "" {
			t.Errorf("the list has %+v", l)
		}
	}

	// Errors that programs can tell.
	for _, tt := range []struct {
		name string
		do   func(context.Context, string) error
		unit string
		want error
	}{
		{"start of none", u.Start, "nothing.service", fs.ErrNotExist},
		{"restart of none", u.Restart, "nothing.service", fs.ErrNotExist},
		{"reset of none", u.ResetFailed, "nothing.service", fs.ErrNotExist},
		{"a pattern", u.Start, "s*.service", fs.ErrInvalid},
		{"an option", u.Stop, "--all", fs.ErrInvalid},
		{"a path", u.Restart, "/etc/passwd", fs.ErrInvalid},
	} {
		if err := tt.do(ctx, tt.unit); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}

	// Who no longer waits does not stop the job.
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := u.Start(short, "slow.service"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a job that takes long: %v", err)
	}
	if is, err := u.Unit(ctx, "slow.service"); err != nil || is.Active != "activating" {
		t.Errorf("%+v, %v", is, err)
	}
	must(t, u.Stop(ctx, "slow.service"))
}

// The bus dies while a job is waited for, and comes back: nobody hangs, and nobody
// is told that it went well.
func TestRealBusDies(t *testing.T) {
	d, u := realSystemd(t)
	waiting := make(chan error, 1)
	go func() { waiting <- u.Start(t.Context(), "slow.service") }()
	await(t, u, "slow.service", func(s sys.Unit) bool { return s.Active == "activating" })
	bus, err := u.Unit(t.Context(), d.Bus)
	must(t, err)
	killInside(t, d, bus.MainPID)
	select {
	case err := <-waiting:
		if !errors.Is(err, sys.ErrLost) {
			t.Errorf("it was told %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it still waits")
	}
	// systemd starts the bus again when somebody knocks, and has gone on with the job.
	await(t, u, "slow.service", func(s sys.Unit) bool { return s.Active == "activating" })

	d.Kill(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := u.List(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("without a systemd: %v", err)
	}
}

// killInside kills a process by the number that it has in the namespace of that
// systemd.
func killInside(t *testing.T, d *real.Systemd, pid int) {
	t.Helper()
	u := sys.NewSystemd(sys.SystemdOptions{Dial: sys.DialSystemd(d.Address)})
	// A killer needs no answer, which could not arrive.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_ = u.StartTransient(ctx, sys.Transient{Name: "killer.service", Argv: []string{"/bin/kill", "-9", fmt.Sprint(pid)}})
}

// A socket that nobody answers at: every operation ends in its time.
func TestSilentBus(t *testing.T) {
	path := filepath.Join(shortDir(t), "bus")
	listener, err := net.Listen("unix", path)
	must(t, err)
	defer listener.Close()
	u := sys.NewSystemd(sys.SystemdOptions{Dial: sys.DialSystemd("unix:path=" + path), Timeout: 200 * time.Millisecond})
	for _, do := range []func() error{
		func() error { _, err := u.List(t.Context()); return err },
		func() error { _, err := u.Unit(t.Context(), "x.service"); return err },
		func() error { return u.Restart(t.Context(), "x.service") },
		func() error {
			return u.StartTransient(t.Context(), sys.Transient{Name: "x.service", Argv: []string{"/bin/true"}})
		},
	} {
		begin := time.Now()
		if err := do(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
	}
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ws")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

const worker = "watchstander-test-K7QF2M.service"

func TestRealTransient(t *testing.T) {
	_, u := realSystemd(t)
	ctx := t.Context()
	dir := shortDir(t)
	// Each unit writes what it sees into a file.
	script := func(name, text string) (tr sys.Transient, out string) {
		out = filepath.Join(dir, name)
		return sys.Transient{
			Name: worker, Description: "Tries " + name,
			Argv: []string{"/bin/sh", "-c", text + "\n", "sh", out, "$HOME ${A} %n $$", `quo"te\`}, Env: []string{"A=b c", "B=%h $A \"x\"\nnew"},
		}, out
	}
	gone := func(u sys.Unit) bool { return u.Load == "not-found" }

	t.Run("ends well and is gone", func(t *testing.T) {
		tr, out := script("args", `printf '%s|' "$2" "$3" "$A" "$B" "$(pwd)" "$(umask)" >"$1"`)
		must(t, u.StartTransient(ctx, tr))
		await(t, u, worker, gone)
		if got, err := os.ReadFile(out); string(got) != "$HOME ${A} %n $$|quo\"te\\|b c|%h $A \"x\"\nnew|/|0077|" || err != nil {
			t.Errorf("it saw %q, %v", got, err)
		}
	})
	t.Run("fails and stays", func(t *testing.T) {
		tr, _ := script("fails", `sleep 0.3; exit 7`)
		must(t, u.StartTransient(ctx, tr)) // its program was executed
		f := await(t, u, worker, func(f sys.Unit) bool { return f.Active == "failed" })
		if f.ExitCode != 7 || f.Result != "exit-code" || f.Description != "Tries fails" || f.Type != "exec" || f.Fragment != "/run/systemd/transient/"+worker {
			t.Errorf("%+v", f)
		}
		if err := u.StartTransient(ctx, tr); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a second of its name: %v", err)
		}
		must(t, u.ResetFailed(ctx, worker))
		await(t, u, worker, gone)
	})
	t.Run("has no program", func(t *testing.T) {
		err := u.StartTransient(ctx, sys.Transient{Name: worker, Argv: []string{"/nonexistent/watchstander"}})
		if e, ok := errors.AsType[*sys.JobError](err); !ok || e.Result != "failed" {
			t.Errorf("%v", err)
		}
		f := await(t, u, worker, func(f sys.Unit) bool { return f.Active == "failed" })
		if f.ExitCode != 203 {
			t.Errorf("%+v", f)
		}
		must(t, u.ResetFailed(ctx, worker))
	})
	t.Run("is stopped with its children", func(t *testing.T) {
		tr, out := script("children", `sleep 1000 & echo $! >"$1"; wait`)
		must(t, u.StartTransient(ctx, tr))
		real.Eventually(t, 10*time.Second, "it is at work", func() error {
			if text, err := os.ReadFile(out); err != nil || len(text) == 0 {
				return errors.New("nothing was written")
			}
			return nil
		})
		must(t, u.Stop(ctx, worker))
		await(t, u, worker, gone)
	})
	t.Run("what it runs comes to its end when it is stopped", func(t *testing.T) {
		// The shell waits for its child, which a signal to all of them would end.
		tr, out := script("ends", `trap : TERM; (sleep 1; echo well >>"$1") & echo begun >"$1"; wait; wait`)
		tr.StopLimit = time.Minute
		must(t, u.StartTransient(ctx, tr))
		real.Eventually(t, 10*time.Second, "it is at work", func() error {
			if text, err := os.ReadFile(out); err != nil || len(text) == 0 {
				return errors.New("nothing was written")
			}
			return nil
		})
		must(t, u.Stop(ctx, worker))
		await(t, u, worker, gone)
		if got, err := os.ReadFile(out); string(got) != "begun\nwell\n" || err != nil {
			t.Errorf("it came to %q, %v", got, err)
		}
	})
	t.Run("its time to stop is over", func(t *testing.T) {
		tr, out := script("stops", `trap "" TERM; echo begun >"$1"; sleep 1000`)
		tr.StopLimit = 300 * time.Millisecond
		must(t, u.StartTransient(ctx, tr))
		real.Eventually(t, 10*time.Second, "it is at work", func() error {
			if text, err := os.ReadFile(out); err != nil || len(text) == 0 {
				return errors.New("nothing was written")
			}
			return nil
		})
		began := time.Now()
		must(t, u.Stop(ctx, worker))
		f := await(t, u, worker, func(f sys.Unit) bool { return f.Active == "failed" })
		if f.Result != "timeout" || time.Since(began) > 30*time.Second {
			t.Errorf("after %s: %+v", time.Since(began), f)
		}
		must(t, u.ResetFailed(ctx, worker))
	})
	t.Run("its time is over", func(t *testing.T) {
		tr, _ := script("limit", `exec sleep 1000`)
		tr.Limit = 300 * time.Millisecond
		must(t, u.StartTransient(ctx, tr))
		f := await(t, u, worker, func(f sys.Unit) bool { return f.Active == "failed" })
		if f.Result != "timeout" {
			t.Errorf("%+v", f)
		}
		must(t, u.ResetFailed(ctx, worker))
	})
	t.Run("without the network", func(t *testing.T) {
		for _, network := range []bool{false, true} {
			// Whoever shares the network of the first process sees the same of it.
			tr, out := script(fmt.Sprintf("network-%v", network), `readlink /proc/self/ns/net /proc/1/ns/net >"$1"`)
			tr.Network = network
			must(t, u.StartTransient(ctx, tr))
			await(t, u, worker, gone)
			got, err := os.ReadFile(out)
			must(t, err)
			if f := strings.Fields(string(got)); len(f) != 2 || (f[0] == f[1]) != network {
				t.Errorf("with network %v it sees %q", network, got)
			}
		}
		// And no socket but Unix ones can be made.
		tr, out := script("sockets", `exec "$SELF" socket "$1"`)
		tr.Env = []string{"SELF=" + os.Args[0], part + "=socket"}
		must(t, u.StartTransient(ctx, tr))
		await(t, u, worker, gone)
		if got, err := os.ReadFile(out); string(got) != "unix <nil>, inet address family not supported by protocol" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("without devices", func(t *testing.T) {
		if f, err := os.Open("/dev/kmsg"); err != nil {
			t.Skip("this machine lets nobody open its kernel's log: ", err)
		} else {
			must(t, f.Close())
		}
		for _, devices := range []bool{false, true} {
			tr, out := script(fmt.Sprintf("devices-%v", devices), `true </dev/null; (true </dev/kmsg) 2>/dev/null && echo opened >"$1" || echo refused >"$1"`)
			tr.Devices = devices
			must(t, u.StartTransient(ctx, tr))
			await(t, u, worker, gone)
			want := map[bool]string{false: "refused\n", true: "opened\n"}[devices]
			if got, err := os.ReadFile(out); string(got) != want || err != nil {
				t.Errorf("with devices %v, the kernel's log was %q, %v", devices, got, err)
			}
		}
	})
	t.Run("writes only where it may", func(t *testing.T) {
		var other string
		tr, out := script("writable", `touch "$OTHER/x" /etc/watchstander-test 2>/dev/null; ls -d "$OTHER" "$OTHER/x" /etc/watchstander-test >"$1" 2>/dev/null; true`)
		other, err := os.MkdirTemp("/var", "ws")
		must(t, err)
		defer os.RemoveAll(other)
		tr.Env = []string{"OTHER=" + other, "PATH=/usr/bin:/bin"}
		tr.Writable = []string{dir}
		must(t, u.StartTransient(ctx, tr))
		await(t, u, worker, gone)
		if got, err := os.ReadFile(out); string(got) != other+"\n" || err != nil {
			t.Errorf("it could write %q, %v", got, err)
		}
		tr.Writable = []string{"/nonexistent/state"}
		err = u.StartTransient(ctx, tr)
		if e, ok := errors.AsType[*sys.JobError](err); !ok || e.Result != "failed" {
			t.Errorf("a place that is not there: %v", err)
		}
		must(t, u.ResetFailed(ctx, worker))
	})
	t.Run("is refused", func(t *testing.T) {
		if err := u.StartTransient(ctx, sys.Transient{Name: "sleeps.service", Argv: []string{"/bin/true"}}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("the name of a unit of the host: %v", err)
		}
		if err := u.StartTransient(ctx, sys.Transient{Name: "x.service", Argv: []string{"true"}}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%v", err)
		}
	})
}

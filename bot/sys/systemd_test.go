package sys_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"watchstander/bot/sys"
)

// fakeConn is a connection on fake time.
type fakeConn struct {
	sys.Conn // what is not needed panics

	units map[string]map[string]any // what all have
	typed map[string]map[string]any
	err   error         // of every question
	job   func() string // the result, after as long as it takes; "" is none ever
	// silent and cut are when it says nothing any more, and when it is gone.
	silent, cut time.Duration

	since      time.Time
	ctx        context.Context
	closed     bool
	properties []dbus.Property
}

func (f *fakeConn) dial(ctx context.Context) (sys.Conn, error) {
	f.since, f.ctx, f.closed = time.Now(), ctx, false
	return f, nil
}

func (f *fakeConn) Close() { f.closed = true }
func (f *fakeConn) Connected() bool {
	return f.ctx.Err() == nil && (f.cut == 0 || time.Since(f.since) < f.cut)
}

// answer waits where it is silent.
func (f *fakeConn) answer(ctx context.Context) error {
	if f.silent > 0 && time.Since(f.since) >= f.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.err
}

func (f *fakeConn) SystemStateContext(ctx context.Context) (*dbus.Property, error) {
	return &dbus.Property{Value: godbus.MakeVariant("running")}, f.answer(ctx)
}

func (f *fakeConn) ListUnitsByPatternsContext(ctx context.Context, _, _ []string) (list []dbus.UnitStatus, _ error) {
	for name := range f.units {
		list = append(list, dbus.UnitStatus{Name: name, LoadState: "loaded"})
	}
	return append(list, dbus.UnitStatus{Name: "referred.target", LoadState: "not-found"}), f.answer(ctx)
}

func (f *fakeConn) GetUnitPropertiesContext(ctx context.Context, unit string) (map[string]any, error) {
	return f.units[unit], f.answer(ctx)
}

func (f *fakeConn) GetUnitTypePropertiesContext(ctx context.Context, unit, kind string) (map[string]any, error) {
	if want := map[string]string{"service": "Service", "timer": "Timer"}[unit[strings.LastIndexByte(unit, '.')+1:]]; kind != want {
		return nil, fmt.Errorf("%s was asked as a %s", unit, kind)
	}
	return f.typed[unit], f.answer(ctx)
}

func (f *fakeConn) RestartUnitContext(ctx context.Context, _, mode string, result chan<- string) (int, error) {
	if mode != "replace" {
		return 0, fmt.Errorf("the mode is %s", mode)
	}
	if err := f.answer(ctx); err != nil {
		return 0, err
	}
	if f.job != nil {
		go func() {
			if r := f.job(); r != "" {
				result <- r
			}
		}()
	}
	return 1, nil
}

func (f *fakeConn) StartTransientUnitContext(ctx context.Context, _, _ string, ps []dbus.Property, result chan<- string) (int, error) {
	f.properties = ps
	result <- "done"
	return 1, f.answer(ctx)
}

func after(d time.Duration, result string) func() string {
	return func() string { time.Sleep(d); return result }
}

func busError(name string) error { return godbus.Error{Name: name, Body: []any{"what systemd says"}} }

func TestJobsEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		conn *fakeConn
		want error
		text string
		took time.Duration
	}{
		{"well", &fakeConn{job: after(3*time.Second, "done")}, nil, "", 3 * time.Second},
		{"badly", &fakeConn{job: after(time.Hour, "timeout")}, nil, "x.service: the job's result is timeout", time.Hour},
		{"never, with the connection gone", &fakeConn{cut: 10 * time.Second}, sys.ErrLost, "", 10 * time.Second},
		{"with the connection, but told", &fakeConn{cut: 10 * time.Second, job: after(10*time.Second-time.Millisecond, "failed")}, nil, "the job's result is failed", 10*time.Second - time.Millisecond},
		// Two questions, each 20 s, after 15 s of silence each.
		{"never, and systemd says nothing any more", &fakeConn{silent: time.Second}, sys.ErrLost, "", 70 * time.Second},
		{"after a while in which systemd says nothing", &fakeConn{silent: 10 * time.Second, job: after(30*time.Second, "done")}, nil, "", 35 * time.Second},
		{"before it begins, with a reason", &fakeConn{err: busError("org.freedesktop.systemd1.NoSuchUnit")}, fs.ErrNotExist, "x.service: file does not exist (what systemd says)", 0},
		{"forbidden", &fakeConn{err: busError("org.freedesktop.DBus.Error.AccessDenied")}, fs.ErrPermission, "what systemd says", 0},
		{"masked", &fakeConn{err: busError("org.freedesktop.systemd1.UnitMasked")}, fs.ErrPermission, "what systemd says", 0},
		{"another reason", &fakeConn{err: busError("org.freedesktop.systemd1.TransactionIsDestructive")}, nil, "x.service: what systemd says", 0},
		{"before it is known whether it began", &fakeConn{err: godbus.ErrClosed}, sys.ErrLost, "", 0},
		{"the bus waited in vain", &fakeConn{err: busError("org.freedesktop.DBus.Error.NoReply")}, sys.ErrLost, "", 0},
		{"the bus timed out", &fakeConn{err: busError("org.freedesktop.DBus.Error.Timeout")}, sys.ErrLost, "", 0},
		{"the bus timed out in other words", &fakeConn{err: busError("org.freedesktop.DBus.Error.TimedOut")}, sys.ErrLost, "", 0},
		{"the bus lost systemd", &fakeConn{err: busError("org.freedesktop.DBus.Error.Disconnected")}, sys.ErrLost, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := sys.NewSystemd(sys.SystemdOptions{Dial: tt.conn.dial})
				begin := time.Now()
				err := u.Restart(t.Context(), "x.service")
				if (err == nil) != (tt.want == nil && tt.text == "") || tt.want != nil && !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%v, want %v %q", err, tt.want, tt.text)
				}
				// The connection is looked at every quarter of a second.
				if took := time.Since(begin); took < tt.took || took > tt.took+500*time.Millisecond {
					t.Errorf("it took %s, want %s", took, tt.took)
				}
				if !tt.conn.closed {
					t.Error("the connection was left open")
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c := &fakeConn{silent: time.Nanosecond}
		u := sys.NewSystemd(sys.SystemdOptions{Dial: func(ctx context.Context) (sys.Conn, error) {
			defer time.Sleep(time.Second)
			return c.dial(ctx)
		}})
		begin := time.Now()
		if err := u.Restart(t.Context(), "x.service"); !errors.Is(err, sys.ErrLost) || time.Since(begin) != 21*time.Second {
			t.Errorf("asked in silence: %v after %s", err, time.Since(begin))
		}
	})
}

// Connecting that hangs holds up nobody for longer than its time, and is not done
// again and again for ever.
func TestConnectingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		conns := make(chan *fakeConn, 100)
		u := sys.NewSystemd(sys.SystemdOptions{Dial: func(ctx context.Context) (sys.Conn, error) {
			<-free
			c := &fakeConn{}
			conns <- c
			return c.dial(ctx)
		}})
		begin := time.Now()
		for range 32 {
			if _, err := u.Unit(t.Context(), "x.service"); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != 32*20*time.Second {
			t.Errorf("it took %s", took)
		}
		if _, err := u.Unit(t.Context(), "x.service"); err == nil || !strings.Contains(err.Error(), "32 earlier attempts to connect are still stuck") {
			t.Error(err)
		}
		close(free)
		synctest.Wait()
		if len(conns) != 32 {
			t.Errorf("%d connections", len(conns))
		}
		for range len(conns) {
			if c := <-conns; !c.closed {
				t.Error("what came too late was left open")
			}
		}
		if _, err := u.Unit(t.Context(), "x.service"); err != nil {
			t.Errorf("when it is free again: %v", err)
		}
	})
}

func TestWhatUnitsTell(t *testing.T) {
	const micro = uint64(1767225600_000000) // 2026-01-01
	at := func(s int) time.Time { return time.Unix(1767225600+int64(s), 0).UTC() }
	all := func(active, sub string) map[string]any {
		return map[string]any{
			"Description": "D", "LoadState": "loaded", "ActiveState": active, "SubState": sub, "FragmentPath": "/f",
			"InvocationID": []byte{0xAB, 0xCD}, "StateChangeTimestamp": micro + 9_000000,
			"InactiveExitTimestamp": micro + 1_000000, "ActiveEnterTimestamp": micro + 2_000000,
			"ActiveExitTimestamp": micro + 3_000000, "InactiveEnterTimestamp": micro + 4_000000,
		}
	}
	service := map[string]any{
		"Result": "exit-code", "Type": "notify", "NRestarts": uint32(3), "MainPID": uint32(4711), "ExecMainStatus": int32(9), "ExecMainCode": int32(2),
		"ExecMainStartTimestamp": micro + 5_000000, "MemoryCurrent": uint64(1 << 20),
	}
	conn := &fakeConn{
		units: map[string]map[string]any{
			"a.service": all("active", "running"), "b.service": all("failed", "failed"), "c.timer": all("activating", "x"), "d.target": all("deactivating", "x"),
			"e.service": {"LoadState": "loaded", "ActiveState": 7, "InvocationID": "no bytes", "StateChangeTimestamp": uint64(1 << 60)},
			"f.service": {"LoadState": "not-found"},
		},
		typed: map[string]map[string]any{
			"a.service": service, "b.service": {"ExecMainCode": int32(1), "ExecMainStatus": int32(3), "MemoryCurrent": ^uint64(0)},
			"c.timer": {"Result": "resources"}, "e.service": {"NRestarts": "many", "MemoryCurrent": "much"},
		},
	}
	u := sys.NewSystemd(sys.SystemdOptions{Dial: conn.dial})
	got, err := u.List(t.Context())
	must(t, err)
	common := sys.Unit{Description: "D", Load: "loaded", Fragment: "/f", Invocation: "abcd", Memory: -1}
	with := func(change func(*sys.Unit)) sys.Unit { v := common; change(&v); return v }
	want := []sys.Unit{
		with(func(v *sys.Unit) {
			v.Name, v.Active, v.Sub, v.Since, v.Started = "a.service", "active", "running", at(2), at(5)
			v.Result, v.Type, v.Restarts, v.MainPID, v.ExitCode, v.Memory = "exit-code", "notify", 3, 4711, 137, 1<<20
		}),
		with(func(v *sys.Unit) {
			v.Name, v.Active, v.Sub, v.Since, v.Started, v.ExitCode = "b.service", "failed", "failed", at(4), at(1), 3
		}),
		with(func(v *sys.Unit) {
			v.Name, v.Active, v.Sub, v.Since, v.Started, v.Result = "c.timer", "activating", "x", at(1), at(1), "resources"
		}),
		with(func(v *sys.Unit) {
			v.Name, v.Active, v.Sub, v.Since, v.Started = "d.target", "deactivating", "x", at(3), at(1)
		}),
		{Name: "e.service", Load: "loaded", Memory: -1},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
	conn.err = errors.New("no")
	if _, err := u.List(t.Context()); err == nil {
		t.Error("a list without an error")
	}
}

func TestTransientProperties(t *testing.T) {
	tell := func(t *testing.T, tr sys.Transient) map[string]string {
		t.Helper()
		conn := &fakeConn{}
		tr.Name = "x.service"
		must(t, sys.NewSystemd(sys.SystemdOptions{Dial: conn.dial}).StartTransient(t.Context(), tr))
		got := map[string]string{}
		for _, p := range conn.properties {
			got[p.Name] = fmt.Sprint(p.Value.Value())
		}
		return got
	}
	got := tell(t, sys.Transient{Argv: []string{"/a$b", "$c", "d"}, Limit: 90 * time.Second, StopLimit: 12 * time.Minute, Writable: []string{"/var/lib/x", "/tankard"}})
	for name, want := range map[string]string{
		"ExecStart": "[{/a$b [/a$b $$c d] false}]", "RuntimeMaxUSec": "90000000", "TimeoutStopUSec": "720000000", "KillMode": "mixed", "PrivateNetwork": "true", "RestrictAddressFamilies": "{true [AF_UNIX]}",
		"ProtectSystem": "strict", "ReadWritePaths": "[/var/lib/x /tankard]", "PrivateTmp": "true", "CollectMode": "inactive",
		"DefaultDependencies": "false", "Type": "exec", "Restart": "no", "DevicePolicy": "closed",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	got = tell(t, sys.Transient{Argv: []string{"/a"}, Network: true, Devices: true})
	for _, name := range []string{"DevicePolicy", "RuntimeMaxUSec", "TimeoutStopUSec", "PrivateNetwork", "RestrictAddressFamilies", "ProtectSystem", "ReadWritePaths", "PrivateTmp", "Environment"} {
		if v, there := got[name]; there {
			t.Errorf("%s is %q", name, v)
		}
	}
	if got := tell(t, sys.Transient{Argv: []string{"/a"}, Writable: []string{"/tmp/scratch"}}); got["PrivateTmp"] != "false" {
		t.Error("it would not see what it may write")
	}
	if got := tell(t, sys.Transient{Argv: []string{"/a"}, Writable: []string{}}); got["ProtectSystem"] != "strict" {
		t.Error("nothing to write is not everything")
	}
}

func TestUnitNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"nginx.service": true, "getty@tty1.service": true, `dev-disk-by\x2duuid.swap`: true, "-.mount": true, "a.b.timer": true, "x:y_z.scope": true,
		"": false, "nginx": false, ".service": false, "@x.service": false, "a b.service": false, "a*.service": false, "a/b.service": false,
		"../x.service": false, "--now": false, "x.conf": false, "ü.service": false, "a\n.service": false,
		strings.Repeat("x", 247) + ".service": true, strings.Repeat("x", 248) + ".service": false,
	} {
		if err := sys.CheckUnitName(name); (err == nil) != ok || err != nil && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestFine(t *testing.T) {
	for _, tt := range []struct {
		active, result string
		want           bool
	}{
		{"active", "success", true}, {"reloading", "success", true}, {"refreshing", "success", true}, {"inactive", "success", true}, {"inactive", "", true},
		{"inactive", "exit-code", false}, {"failed", "success", false}, {"activating", "success", false}, {"deactivating", "", false}, {"", "", false},
	} {
		if got := (sys.Unit{Active: tt.active, Result: tt.result}).Fine(); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

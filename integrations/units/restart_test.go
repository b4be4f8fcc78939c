package units

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
)

func agreed(t *testing.T, op bot.Operation, name string) bot.Plan {
	t.Helper()
	args, err := op.Parse(t.Context(), unit(name))
	if err != nil {
		t.Fatal(err)
	}
	d, err := op.Plan(t.Context(), args)
	if err != nil {
		t.Fatal(err)
	}
	return bot.Plan{Arguments: args, Draft: d}
}

func TestParse(t *testing.T) {
	op := vulcan().keeper(t, Options{}).Restart()
	for _, name := range []string{"nginx", "nginx.service"} {
		args, err := op.Parse(t.Context(), unit(name))
		if err != nil || len(args) != 1 || args.One("unit") != "nginx.service" {
			t.Errorf("%v: %v", args, err)
		}
	}
	for _, name := range []string{"php", "nginx-proxy", "nginx.socket", "NGINX", "sshd"} {
		_, err := op.Parse(t.Context(), unit(name))
		wantError(t, err, bot.CodeForbidden, "is not on the list of what may be restarted on vulcan: nginx.")
	}
	for _, args := range []bot.Arguments{nil, {"unit": {"nginx", "php"}}, {"unit": {"nginx"}, "force": {"yes"}}, unit("*"), unit("-H x"), unit("nginx;reboot")} {
		_, err := op.Parse(t.Context(), args)
		wantError(t, err, bot.CodeInvalid)
	}
}

func TestPlan(t *testing.T) {
	m := vulcan()
	p := agreed(t, m.keeper(t, Options{}).Restart(), "nginx")
	d := p.Draft
	if d.Summary != "restart nginx.service on vulcan" || d.Steps[0] != "have systemd restart nginx.service, which restarts 1 other unit too" ||
		!strings.HasPrefix(d.Steps[1], "look at it 5 s later and 10 s later") || !strings.HasPrefix(d.Undo, "A restart cannot be undone") || d.Limit != 300 {
		t.Errorf("%+v", d)
	}
	if want := []bot.Fact{{Name: "invocation", Value: "aaaa"}, {Name: "unit file", Value: "/nix/store/aaa-unit-nginx.service/nginx.service"}}; !slices.Equal(d.Bound, want) {
		t.Errorf("%+v", d.Bound)
	}
	if want := []bot.Fact{{Name: "restarts with it", Value: "php.service"}, {Name: "state", Value: "active (running)"}}; !slices.Equal(d.Observed, want) {
		t.Errorf("%+v", d.Observed)
	}
	want := []bot.Condition{
		{Text: "it runs now", Found: "active (running), main process 812", State: bot.OK},
		{Text: "nothing else stops or restarts with it", Found: "these restart: php.service", State: bot.NotOK},
		{Text: "systemd has read the unit file that is there now", Found: "it has", State: bot.OK},
	}
	if !slices.Equal(d.Conditions, want) {
		t.Errorf("%+v", d.Conditions)
	}
}

func TestPlanOtherwise(t *testing.T) {
	m := vulcan()
	u := m.units["nginx.service"]
	u.Active, u.Sub, u.Result, u.MainPID, u.Restarts = "failed", "failed", "oom-kill", 0, 3
	m.show("nginx.service", map[string]string{"NeedDaemonReload": "yes"})
	op := m.keeper(t, Options{}).Restart()
	d := agreed(t, op, "nginx").Draft
	want := []bot.Condition{
		{Text: "it runs now", Found: "failed (failed), ended last with oom-kill, restarted by systemd 3 times; the restart starts it", State: bot.NotOK},
		{Text: "nothing else stops or restarts with it", Found: "nothing does", State: bot.OK},
		{Text: "systemd has read the unit file that is there now", Found: "it has not: the restart uses the older one", State: bot.NotOK},
	}
	if !slices.Equal(d.Conditions, want) || d.Steps[0] != "have systemd forget that nginx.service failed, and restart it" {
		t.Errorf("%+v", d)
	}
	delete(m.programs, askShow+"nginx.service")
	d = agreed(t, op, "nginx").Draft
	if c := d.Conditions[1]; len(d.Conditions) != 2 || c.State != bot.Unknown || d.Observed[0].Value != "unknown" {
		t.Errorf("%+v", d)
	}
}

// What has failed is started whatever systemd counted; where it does not forget, the
// restart is tried all the same.
func TestRestartOfWhatFailed(t *testing.T) {
	for _, deaf := range []error{nil, sys.ErrLost} {
		at(t, func(t *testing.T) {
			m := vulcan()
			m.show("nginx.service", nil)
			m.deaf = deaf
			u := m.units["nginx.service"]
			u.Active, u.Sub, u.Result, u.MainPID = "failed", "failed", "exit-code", 0
			op := m.keeper(t, Options{}).Restart()
			p, w := agreed(t, op, "nginx"), newWork()
			m.restart = func(u *sys.Unit) error {
				if deaf == nil && u.Active == "failed" {
					t.Error("it was not forgotten that it failed")
				}
				m.anew(u)
				return nil
			}
			if err := op.Apply(t.Context(), p, w); err != nil {
				t.Fatal(err)
			}
			want := "had systemd forget that nginx.service failed"
			if deaf != nil {
				want = "systemd does not forget that nginx.service failed: "
			}
			if len(w.said) != 3 || !strings.HasPrefix(w.said[0], want) {
				t.Errorf("%q", w.said)
			}
		})
	}
}

// What is just being refreshed runs, and stops with it like any other.
func TestPlanFollowsWhatIsRefreshed(t *testing.T) {
	m := vulcan()
	m.show("gone.service php.service", map[string]string{"Id": "gone.service", "ActiveState": "inactive"}, map[string]string{"Id": "php.service", "ActiveState": "refreshing"})
	d := agreed(t, m.keeper(t, Options{}).Restart(), "nginx").Draft
	if d.Observed[0].Value != "php.service" {
		t.Errorf("%+v", d.Observed)
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*machine)
		code   bot.Code
		part   string
	}{
		{"gone", func(m *machine) { delete(m.units, "nginx.service") }, bot.CodeNotFound, "There is no unit nginx.service"},
		{"masked", func(m *machine) { m.units["nginx.service"].Load = "masked" }, bot.CodeConflict, "systemd says that it is masked"},
		{"transient", func(m *machine) { m.units["nginx.service"].Fragment = "" }, bot.CodeConflict, "has no unit file"},
		{"its file is gone", func(m *machine) { delete(m.files, "/nix/store/aaa-unit-nginx.service/nginx.service") }, bot.CodeUnavailable, "cannot be found"},
		{"the host hangs on it", func(m *machine) {
			m.show("nginx.service", map[string]string{"ConsistsOf": "php.service"})
			m.show("php.service", map[string]string{"BoundBy": "multi-user.target"})
			m.show("multi-user.target", nil)
		}, bot.CodeConflict, "multi-user.target would stop or restart with nginx.service"},
		{"a mount hangs on it", func(m *machine) {
			m.show("nginx.service", map[string]string{"RequisiteOf": "mnt-nas.mount"})
			m.show("mnt-nas.mount", nil)
		}, bot.CodeConflict, "mnt-nas.mount would stop"},
		{"too many", func(m *machine) {
			m.show("nginx.service", map[string]string{"RequiredBy": strings.Repeat("x", 3) + " " + strings.Join(numbered(mostFollowers), " ")})
		}, bot.CodeConflict, "More than 100 units"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := vulcan()
			c.change(m)
			_, err := m.keeper(t, Options{}).Restart().Plan(t.Context(), bot.Arguments{"unit": {"nginx.service"}})
			wantError(t, err, c.code, c.part)
		})
	}
	_, err := vulcan().keeper(t, Options{}).Restart().Plan(t.Context(), bot.Arguments{"unit": {"php.service"}})
	wantError(t, err, bot.CodeForbidden, "not on the list")
}

func numbered(n int) (out []string) {
	for i := range n {
		out = append(out, "u"+strings.Repeat("i", i)+".service")
	}
	return out
}

func TestRun(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		op := m.keeper(t, Options{}).Restart()
		p, w := agreed(t, op, "nginx"), newWork()
		time.Sleep(time.Hour) // somebody had to agree
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		rs, err := op.Verify(t.Context(), p, w)
		if err != nil || time.Since(began) != 10*time.Second {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
		if got, want := tell(rs), `ok | nginx.service after 5 s | active (running), main process 913 | 
ok | unit nginx.service | active (running), main process 913, after 10 s | 
ok | php.service, which restarts with it | active (running), main process 77 | 
`; got != want {
			t.Errorf("got\n%s", got)
		}
		if _, ok := bot.Operation(op).(bot.Undoer); ok {
			t.Error("a restart cannot be undone")
		}
	})
}

// Exit codes and jobs that ended well prove nothing.
func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name    string
		restart func(*machine, *sys.Unit)
		later   func(*machine, *sys.Unit) // between the two looks
		want    string
	}{
		{"nothing happened", func(*machine, *sys.Unit) {}, nil, `not ok | nginx.service after 5 s | active (running), main process 812 | it is the same start as before; its last start is not later than the order
not ok | unit nginx.service | active (running), main process 812, after 10 s | it is the same start as before; its last start is not later than the order
`},
		{"it fell over", func(m *machine, u *sys.Unit) { m.anew(u) }, func(_ *machine, u *sys.Unit) {
			u.Active, u.Sub, u.MainPID, u.Result = "failed", "failed", 0, "exit-code"
		}, `ok | nginx.service after 5 s | active (running), main process 913 | 
not ok | unit nginx.service | failed (failed), ended last with exit-code, after 10 s | it does not run; it did not stay up: its main process was 913 before
`},
		{"it loops", func(m *machine, u *sys.Unit) {
			m.anew(u)
			u.Active, u.Sub, u.MainPID = "activating", "auto-restart", 0
		}, func(_ *machine, u *sys.Unit) { u.Active, u.Sub, u.MainPID, u.Restarts = "active", "running", 913, 2 },
			`not ok | nginx.service after 5 s | activating (auto-restart) | it ended, and systemd starts it again
not ok | unit nginx.service | active (running), main process 913, restarted by systemd 2 times, after 10 s | it did not stay up: its main process was 0 before
`},
		{"its process is no more", func(m *machine, u *sys.Unit) { m.anew(u); u.MainPID = 4711 }, nil, `not ok | nginx.service after 5 s | active (running), main process 4711 | its main process is gone
not ok | unit nginx.service | active (running), main process 4711, after 10 s | its main process is gone
`},
		{"no process is known", func(m *machine, u *sys.Unit) { m.anew(u); u.MainPID = 0 }, nil, `not ok | nginx.service after 5 s | active (running) | it has no main process
not ok | unit nginx.service | active (running), after 10 s | it has no main process
`},
		{"as some daemons fork", func(m *machine, u *sys.Unit) { m.anew(u); u.MainPID, u.Type = 0, "forking" }, nil, `ok | nginx.service after 5 s | active (running) | 
ok | unit nginx.service | active (running), after 10 s | 
`},
		{"a oneshot went through", func(m *machine, u *sys.Unit) {
			m.anew(u)
			u.MainPID, u.Type, u.Active, u.Sub = 0, "oneshot", "inactive", "dead"
		}, nil, `ok | nginx.service after 5 s | inactive (dead) | 
ok | unit nginx.service | inactive (dead), after 10 s | 
`},
		{"a oneshot failed", func(m *machine, u *sys.Unit) {
			m.anew(u)
			u.MainPID, u.Type, u.Active, u.Sub, u.Result = 0, "oneshot", "failed", "failed", "exit-code"
		}, nil, `not ok | nginx.service after 5 s | failed (failed), ended last with exit-code | it did not go through
not ok | unit nginx.service | failed (failed), ended last with exit-code, after 10 s | it did not go through
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			at(t, func(t *testing.T) {
				m := vulcan()
				m.show("nginx.service", nil)
				m.restart = func(u *sys.Unit) error { c.restart(m, u); return nil }
				op := m.keeper(t, Options{}).Restart()
				p, w := agreed(t, op, "nginx"), newWork()
				if err := op.Apply(t.Context(), p, w); err != nil {
					t.Fatal(err)
				}
				if c.later != nil {
					time.AfterFunc(7*time.Second, func() {
						m.mu.Lock()
						defer m.mu.Unlock()
						c.later(m, m.units["nginx.service"])
					})
				}
				rs, err := op.Verify(t.Context(), p, w)
				if err != nil || tell(rs) != c.want {
					t.Errorf("%v: got\n%s", err, tell(rs))
				}
			})
		})
	}
}

// What is no service has no main process, and is well without.
func TestTimer(t *testing.T) {
	at(t, func(t *testing.T) {
		const name = "backup.timer"
		m := vulcan()
		m.files["/etc/systemd/system/"+name] = node{text: "[Timer]"}
		m.add(sys.Unit{Name: name, Fragment: "/etc/systemd/system/" + name, Invocation: "eeee", Memory: -1, Started: noon.Add(-48 * time.Hour)})
		m.show(name, nil)
		m.restart = func(u *sys.Unit) error { m.anew(u); u.Sub, u.MainPID = "waiting", 0; return nil }
		op := m.keeper(t, Options{Restartable: []string{name}}).Restart()
		p, w := agreed(t, op, name), newWork()
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		rs, err := op.Verify(t.Context(), p, w)
		if want := "ok | backup.timer after 5 s | active (waiting) | \nok | unit backup.timer | active (waiting), after 10 s | \n"; err != nil || tell(rs) != want {
			t.Errorf("%v: got\n%s", err, tell(rs))
		}
	})
}

func TestRunFails(t *testing.T) {
	m := vulcan()
	op := m.keeper(t, Options{}).Restart()
	p, w := agreed(t, op, "nginx"), newWork()
	m.restart = func(u *sys.Unit) error { return &sys.JobError{Unit: u.Name, Result: "timeout"} }
	wantError(t, op.Apply(t.Context(), p, w), bot.CodeUnavailable, "its job ended as timeout")
	m.restart = func(*sys.Unit) error { return errors.New("bus gone") }
	wantError(t, op.Apply(t.Context(), p, w), bot.CodeUnavailable, "systemd did not restart nginx.service")

	m.units["nginx.service"].Invocation = "dddd"
	m.restart = func(*sys.Unit) error { t.Error("it was restarted again"); return nil }
	wantError(t, op.Apply(t.Context(), p, w), bot.CodeConflict, "was restarted by somebody since", "Nothing was done")

	_, err := op.Verify(t.Context(), p, newWork())
	wantError(t, err, bot.CodeInternal, "nothing proves it")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = op.Verify(ctx, p, w)
	wantError(t, err, bot.CodeUnavailable, "The time was over")
}

// Where systemd does not tell what became of the restart, the unit itself is looked
// at: a new start is evidence, and without one nobody knows.
func TestRunOfWhichNothingIsHeard(t *testing.T) {
	lost := fmt.Errorf("nginx.service: %w", sys.ErrLost)
	for _, c := range []struct {
		name  string
		limit time.Duration                                    // of Apply; 0 for none
		stop  time.Duration                                    // when it is told to stop; 0 for never
		job   func(context.Context, *machine, *sys.Unit) error // what Restart does
		later func(*machine, *sys.Unit)                        // 28 s on
		took  time.Duration
		want  []string // of the error; none for success
	}{
		{"it was done", 0, 0, func(_ context.Context, m *machine, u *sys.Unit) error { m.anew(u); return lost }, nil, 0, nil},
		{"it is done later", 0, 0, func(context.Context, *machine, *sys.Unit) error { return lost }, func(m *machine, u *sys.Unit) { m.anew(u) }, 30 * time.Second, nil},
		{"it comes up later", 0, 0, func(_ context.Context, m *machine, u *sys.Unit) error {
			m.anew(u)
			u.Active = "activating"
			return lost
		},
			func(_ *machine, u *sys.Unit) { u.Active = "active" }, 30 * time.Second, nil},
		{"nothing is seen", 0, 0, func(context.Context, *machine, *sys.Unit) error { return lost }, nil, 2 * time.Minute,
			[]string{"Whether nginx.service was restarted is unknown: systemd did not tell what became of it. It was last seen as active (running), main process 812, of the same start as before; a restart may still be under way."}},
		{"nobody can look", 0, 0, func(_ context.Context, m *machine, _ *sys.Unit) error { m.mute = errors.New("no bus"); return lost }, nil, 2 * time.Minute,
			[]string{"Whether nginx.service was restarted is unknown", "it cannot be looked at: systemd does not answer on vulcan."}},
		{"the time is over", time.Minute, 0, waits, nil, time.Minute, []string{"Whether nginx.service was restarted is unknown", "last seen as active (running), main process 812"}},
		{"the time is over, and it was done", time.Minute, 0, waits, func(m *machine, u *sys.Unit) { m.anew(u) }, time.Minute, nil},
		{"the time is over while nothing is heard", time.Minute, 0, func(context.Context, *machine, *sys.Unit) error { return lost }, nil, time.Minute, []string{"is unknown"}},
		{"it is told to stop", 0, time.Minute, waits, nil, time.Minute, []string{"Whether nginx.service was restarted is unknown"}},
		{"it is told to stop, and it was done", 0, time.Minute, waits, func(m *machine, u *sys.Unit) { m.anew(u) }, time.Minute,
			[]string{"nginx.service was started anew, and is active (running), main process 913; whether it stays up was not looked at."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at(t, func(t *testing.T) {
				m := vulcan()
				m.show("nginx.service", nil)
				op := m.keeper(t, Options{}).Restart()
				p, w := agreed(t, op, "nginx"), newWork()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.limit > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.limit)
					defer cancel()
				}
				if c.stop > 0 {
					time.AfterFunc(c.stop, cancel)
				}
				m.restart = func(u *sys.Unit) error { return c.job(ctx, m, u) }
				if c.later != nil {
					time.AfterFunc(28*time.Second, func() {
						m.mu.Lock()
						defer m.mu.Unlock()
						c.later(m, m.units["nginx.service"])
					})
				}
				began := time.Now()
				err := op.Apply(ctx, p, w)
				if took := time.Since(began); took != c.took {
					t.Errorf("it took %s", took)
				}
				if len(c.want) > 0 {
					wantError(t, err, bot.CodeUnavailable, c.want...)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				rs, err := op.Verify(t.Context(), p, w)
				if err != nil || !strings.Contains(tell(rs), "ok | unit nginx.service | active (running), main process 913, after 10 s | \n") {
					t.Errorf("%v: got\n%s", err, tell(rs))
				}
			})
		})
	}
}

// waits is a job that is not over when its asker has no more time.
func waits(ctx context.Context, _ *machine, u *sys.Unit) error {
	<-ctx.Done()
	return fmt.Errorf("the job of %s is not over yet: %w", u.Name, ctx.Err())
}

// A unit that restarts with it and does not come back is a failure.
func TestFollowerLost(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		m.restart = func(u *sys.Unit) error { m.anew(u); m.units["php.service"].Active = "inactive"; return nil }
		op := m.keeper(t, Options{Settle: time.Second}).Restart()
		p, w := agreed(t, op, "nginx"), newWork()
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		rs, err := op.Verify(t.Context(), p, w)
		if err != nil || !strings.Contains(tell(rs), "not ok | php.service, which restarts with it | inactive (running), main process 77 | it was active before\n") {
			t.Errorf("%v: got\n%s", err, tell(rs))
		}
	})
}

// What the probe calls a unit is what a restart's verification calls it, so that
// the one can follow the other.
func TestProbeOfWhatMayBeRestarted(t *testing.T) {
	m := vulcan()
	m.add(sys.Unit{Name: "web.service", Type: "simple", MainPID: 99})
	m.add(sys.Unit{Name: "dump.service", Type: "oneshot"})
	m.add(sys.Unit{Name: "loop.service", Type: "simple"})
	m.units["web.service"].Active, m.units["web.service"].Sub = "inactive", "dead"
	m.units["dump.service"].Active, m.units["dump.service"].Sub = "inactive", "dead"
	m.units["loop.service"].Active, m.units["loop.service"].Sub = "activating", "auto-restart"
	p := m.keeper(t, Options{Restartable: []string{"nginx", "web", "dump", "gone", "loop"}}).Probe()
	if got, want := tell(p.Read(t.Context())), `ok | failed units | none | 
ok | flapping units | none | 
ok | unit dump.service | inactive (dead) | it has not run since the host was started
unknown | unit gone.service |  | There is no unit gone.service on vulcan.
not ok | unit loop.service | activating (auto-restart) | it may be restarted, and does not run
ok | unit nginx.service | active (running), main process 812 | 
not ok | unit web.service | inactive (dead), main process 99 | it may be restarted, and does not run
`; got != want {
		t.Errorf("got\n%s", got)
	}
	m.mute = errors.New("no bus")
	for _, r := range p.Read(t.Context()) {
		if r.State != bot.Unknown || r.Host != "vulcan" || r.At.IsZero() {
			t.Errorf("%+v", r)
		}
	}
}

package simulated_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

func names(units []sys.Unit) []string {
	var out []string
	for _, u := range units {
		out = append(out, u.Name)
	}
	return out
}

func TestUnits(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		ctx := t.Context()
		list, err := s.Units.List(ctx, "restic-backups-*.service", "step-c?.service")
		must(t, err)
		same(t, "the list", names(list), "restic-backups-home.service", "restic-backups-tank.service", "step-ca.service")
		if list[0].Type != "oneshot" || !list[0].Fine() || list[2].MainPID == 0 || list[2].Memory <= 0 || list[2].Fragment == "" {
			t.Errorf("%+v", list)
		}
		if all, err := s.Units.List(ctx); err != nil || len(all) < 20 {
			t.Errorf("%d units, %v", len(all), err)
		}
		if u, err := s.Units.Unit(ctx, "nothing.service"); u.Load != "not-found" || u.Memory != -1 || err != nil {
			t.Errorf("%+v, %v", u, err)
		}
		for _, name := range []string{"nginx", "", "--now", "ngin*.service", "a b.service"} {
			if _, err := s.Units.Unit(ctx, name); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
		h.Fail("nginx.service", "oom-kill")
		if u := h.Unit("nginx.service"); u.Fine() || u.ExitCode != 137 || u.MainPID != 0 {
			t.Errorf("%+v", u)
		}
		must(t, s.Units.ResetFailed(ctx, "nginx.service"))
		must(t, s.Units.Start(ctx, "nginx.service"))
		if u := h.Unit("nginx.service"); !u.Fine() || u.Active != "active" || !u.Started.Equal(time.Now()) {
			t.Errorf("%+v", u)
		}
		must(t, s.Units.Stop(ctx, "nginx.service"))
		if u := h.Unit("nginx.service"); u.Active != "inactive" || u.Sub != "dead" {
			t.Errorf("%+v", u)
		}

		h.Flap("postgresql.service", 10*time.Second)
		time.Sleep(26 * time.Second)
		if u := h.Unit("postgresql.service"); u.Restarts != 2 || u.Active != "activating" || u.Sub != "auto-restart" || u.Fine() {
			t.Errorf("%+v", u)
		}
		h.Mend("postgresql.service")
		time.Sleep(time.Minute)
		if u := h.Unit("postgresql.service"); u.Restarts != 2 || u.Active != "active" {
			t.Errorf("%+v", u)
		}
		h.Busy("postgresqlBackup.service", time.Hour)
		if u := h.Unit("postgresqlBackup.service"); u.Active != "activating" || u.Sub != "start" {
			t.Errorf("%+v", u)
		}
		time.Sleep(time.Hour)
		if u := h.Unit("postgresqlBackup.service"); u.Active != "inactive" || !u.Fine() {
			t.Errorf("%+v", u)
		}
	})
}

func TestJobs(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		result := func(err error) string {
			if e, ok := errors.AsType[*sys.JobError](err); ok {
				return e.Result
			}
			if err != nil {
				return "not a job's: " + err.Error()
			}
			return "done"
		}
		for _, tt := range []struct {
			job    simulated.Job
			state  string
			result string
		}{
			{simulated.Job{}, "active", "done"},
			{simulated.Job{Result: "failed"}, "failed", "failed"},
			{simulated.Job{Result: "timeout", Takes: 90 * time.Second}, "failed", "timeout"},
			{simulated.Job{Result: "done"}, "active", "done"},
			{simulated.Job{Result: "dependency"}, "active", "dependency"},
			{simulated.Job{Verb: "restart", Result: "canceled"}, "active", "canceled"},
			{simulated.Job{Verb: "stop", Result: "failed"}, "active", "done"}, // for another job
		} {
			h.NextJob("nginx.service", tt.job)
			begin := time.Now()
			got := result(s.Units.Restart(t.Context(), "nginx.service"))
			if u := h.Unit("nginx.service"); got != tt.result || u.Active != tt.state {
				t.Errorf("%+v: %s, and it is %s", tt.job, got, u.Active)
			}
			if want := max(tt.job.Takes, 400*time.Millisecond); time.Since(begin) != want {
				t.Errorf("%+v: it took %s", tt.job, time.Since(begin))
			}
		}
		h.Break("step-ca.service", "exit-code")
		for range 2 {
			if got := result(s.Units.Start(t.Context(), "step-ca.service")); got != "failed" {
				t.Errorf("starting what is broken: %s", got)
			}
		}
		h.Mend("step-ca.service")
		must(t, s.Units.Start(t.Context(), "step-ca.service"))
		for _, do := range []func(context.Context, string) error{s.Units.Start, s.Units.Restart, s.Units.ResetFailed} {
			if err := do(t.Context(), "nothing.service"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("of no unit: %v", err)
			}
		}

		// Who no longer waits does not stop the job.
		h.NextJob("step-ca.service", simulated.Job{Takes: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		before := h.Unit("step-ca.service").Invocation
		if err := s.Units.Restart(ctx, "step-ca.service"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if u := h.Unit("step-ca.service"); u.Invocation == before || u.Active != "active" {
			t.Errorf("%+v", u)
		}

		// The bus dies in the middle.
		h.NextJob("step-ca.service", simulated.Job{Takes: time.Minute})
		go func() {
			time.Sleep(time.Second)
			h.Bus(false)
		}()
		if err := s.Units.Restart(t.Context(), "step-ca.service"); !errors.Is(err, sys.ErrLost) {
			t.Error(err)
		}
		if _, err := s.Units.List(t.Context()); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Error(err)
		}
		h.Bus(true)
		if _, err := s.Units.List(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

const worker = "watchstander-rollback-K7QF2M.service"

func TestTransient(t *testing.T) {
	var code int
	o := simulated.Options{Exec: func(ctx context.Context, s sys.Host, tr sys.Transient) int {
		if tr.Argv[2] == "ends" {
			return code
		}
		<-ctx.Done()
		if tr.Argv[2] == "hangs" {
			time.Sleep(time.Hour)
		}
		if err := s.Files.Write("/etc/hostname", []byte("late")); errors.Is(err, simulated.ErrKilled) {
			return 99
		}
		return 143
	}}
	tr := func(how string, limit time.Duration) sys.Transient {
		return sys.Transient{Name: worker, Description: "Rolls back", Argv: []string{"/nix/x/watchstander", "perform", how}, Limit: limit}
	}
	for _, tt := range []struct {
		name string
		unit sys.Transient
		code int
		do   func(*testing.T, *simulated.Host, sys.Host)
		want sys.Unit
	}{
		{"ends well", tr("ends", 0), 0, nil, sys.Unit{Load: "not-found"}},
		{"ends badly", tr("ends", 0), 3, nil, sys.Unit{Load: "loaded", Active: "failed", Result: "exit-code", ExitCode: 3}},
		{"is still at work", tr("works", 0), 0, nil, sys.Unit{Load: "loaded", Active: "active", Result: "success"}},
		{"takes too long", tr("works", time.Minute), 0, func(*testing.T, *simulated.Host, sys.Host) { time.Sleep(time.Minute) },
			sys.Unit{Load: "loaded", Active: "failed", Result: "timeout", ExitCode: 143}},
		{"is stopped", tr("works", 0), 0, func(t *testing.T, _ *simulated.Host, s sys.Host) { must(t, s.Units.Stop(t.Context(), worker)) },
			sys.Unit{Load: "not-found"}},
		{"is stopped and hangs", tr("hangs", 0), 0, func(t *testing.T, _ *simulated.Host, s sys.Host) {
			begin := time.Now()
			must(t, s.Units.Stop(t.Context(), worker))
			if time.Since(begin) != 90*time.Second {
				t.Errorf("it took %s", time.Since(begin))
			}
		}, sys.Unit{Load: "loaded", Active: "failed", Result: "timeout", ExitCode: 137}},
		{"is killed", tr("works", 0), 0, func(t *testing.T, h *simulated.Host, _ sys.Host) { h.Kill(worker) },
			sys.Unit{Load: "loaded", Active: "failed", Result: "signal", ExitCode: 137}},
		{"the power goes", tr("works", 0), 0, func(t *testing.T, h *simulated.Host, _ sys.Host) { must(t, h.PowerLoss()) },
			sys.Unit{Load: "not-found"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code = tt.code
			bubble(t, o, func(t *testing.T, h *simulated.Host) {
				s := h.Sys()
				must(t, s.Units.StartTransient(t.Context(), tt.unit))
				synctest.Wait()
				if tt.want.Load == "loaded" {
					if err := s.Units.StartTransient(t.Context(), tt.unit); !errors.Is(err, fs.ErrExist) {
						t.Errorf("a second one of its name: %v", err)
					}
				}
				if tt.do != nil {
					tt.do(t, h, s)
				}
				synctest.Wait()
				u := h.Unit(worker)
				if u.Load != tt.want.Load || u.Load == "loaded" && (u.Active != tt.want.Active || u.Result != tt.want.Result || u.ExitCode != tt.want.ExitCode) {
					t.Errorf("it is %+v", u)
				}
				if u.Active == "failed" {
					must(t, s.Units.ResetFailed(t.Context(), worker))
					if u := h.Unit(worker); u.Load != "not-found" {
						t.Errorf("after it was reset it is %+v", u)
					}
				}
				if got := read(t, h.Sys().Files, "/etc/hostname"); tt.name == "is killed" && got != "vulcan\n" {
					t.Errorf("it wrote %q after it was killed", got)
				}
			})
		})
	}
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		s := h.Sys()
		for _, bad := range []sys.Transient{
			{Name: "x.timer", Argv: []string{"/x"}}, {Name: "x", Argv: []string{"/x"}}, {Name: "x.service"}, {Name: "x.service", Argv: []string{"x"}},
			{Name: "x.service", Argv: []string{"/x"}, Writable: []string{"y"}}, {Name: "x.service", Argv: []string{"/x"}, Description: "\xff"},
			{Name: "x.service", Argv: []string{"/x"}, Limit: -1},
		} {
			if err := s.Units.StartTransient(t.Context(), bad); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		// Without a hook it is a program of the host.
		err := s.Units.StartTransient(t.Context(), sys.Transient{Name: worker, Argv: []string{"/none"}})
		if e, ok := errors.AsType[*sys.JobError](err); !ok || e.Result != "failed" || h.Unit(worker).ExitCode != 203 {
			t.Errorf("%v, %+v", err, h.Unit(worker))
		}
		must(t, s.Units.ResetFailed(t.Context(), worker))
		must(t, h.Program("/opt/x", func(ctx context.Context, c *simulated.Call) int {
			_, _ = c.Stdout.Write([]byte("at work\n"))
			return 5
		}))
		must(t, s.Units.StartTransient(t.Context(), sys.Transient{Name: worker, Argv: []string{"/opt/x"}}))
		must(t, h.Wait(t.Context(), worker))
		if u := h.Unit(worker); u.ExitCode != 5 {
			t.Errorf("%+v", u)
		}
		if log := h.Journal(); log[len(log)-2].Text != "at work" || log[len(log)-2].Unit != worker {
			t.Errorf("%+v", log)
		}
	})
}

// A killed process' kernel locks are free, and its files stand there as left-overs
// that others can tell.
func TestLocksOfTheDead(t *testing.T) {
	for _, format := range []sys.LockFormat{sys.LockFlock, sys.LockFcntl, sys.LockFile, sys.LockDir} {
		t.Run(string(format), func(t *testing.T) {
			bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
				lock := sys.Lock{Path: "/run/lock/build.lock", Format: format, Holder: "watchstander pln_1"}
				p := h.Start("nixos-rebuild")
				release, err := p.Sys().Files.Hold(t.Context(), lock)
				must(t, err)
				s := h.Sys()
				_, err = s.Files.Hold(t.Context(), lock)
				if e, ok := errors.AsType[*sys.Held](err); !ok || !strings.Contains(e.By, "(nixos-rebuild)") {
					t.Errorf("%v", err)
				}
				p.Kill()
				if err := release(); !errors.Is(err, simulated.ErrKilled) {
					t.Errorf("the dead released it: %v", err)
				}
				if _, err := s.Files.Stat(lock.Path); err != nil {
					t.Errorf("what stood for it is gone: %v", err)
				}
				release, err = s.Files.Hold(t.Context(), lock)
				must(t, err)
				must(t, release())
			})
		})
	}
}

// A unit that does something succeeds or fails with it.
func TestUnitsThatWork(t *testing.T) {
	bubble(t, simulated.Options{}, func(t *testing.T, h *simulated.Host) {
		var fails error
		ran := 0
		h.Works("postgresqlBackup.service", func(context.Context) error { ran++; return fails })
		us := h.Sys().Units
		if err := us.Start(t.Context(), "postgresqlBackup.service"); err != nil || ran != 1 || h.Unit("postgresqlBackup.service").Result != "success" {
			t.Errorf("%v, ran %d times, %+v", err, ran, h.Unit("postgresqlBackup.service"))
		}
		fails = errors.New("the disk is full")
		err := us.Start(t.Context(), "postgresqlBackup.service")
		if _, ok := errors.AsType[*sys.JobError](err); !ok || h.Unit("postgresqlBackup.service").Active != "failed" {
			t.Errorf("%v, %+v", err, h.Unit("postgresqlBackup.service"))
		}
		if err := us.Stop(t.Context(), "postgresqlBackup.service"); err != nil || ran != 2 {
			t.Errorf("%v, ran %d times", err, ran)
		}
	})
}

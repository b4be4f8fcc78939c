package units_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys/simulated"
	"watchstander/integrations/units"
)

// on runs a test against the simulated vulcan, on fake time.
func on(t *testing.T, f func(t *testing.T, h *simulated.Host, k *units.Keeper)) {
	synctest.Test(t, func(t *testing.T) {
		h, err := simulated.New(simulated.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		k, err := units.New(h.Sys(), units.Options{Restartable: []string{"nginx"}, Logged: []string{"nginx", "restic-backups-home"}})
		if err != nil {
			t.Fatal(err)
		}
		f(t, h, k)
	})
}

type work map[string]string

func (w work) Say(string, ...any)            {}
func (w work) Note(name, value string) error { w[name] = value; return nil }
func (w work) Noted(name string) string      { return w[name] }
func (w work) Dir() string                   { return "/nowhere" }
func (work) BeginBy() time.Time              { return time.Now().Add(time.Hour) }
func (work) Stopping() <-chan struct{}       { return nil }

func agreed(t *testing.T, op bot.Operation) bot.Plan {
	t.Helper()
	args, err := op.Parse(t.Context(), bot.Arguments{"unit": {"nginx"}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := op.Plan(t.Context(), args)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range d.Conditions {
		if c.State != bot.OK {
			t.Errorf("%+v", c)
		}
	}
	return bot.Plan{Arguments: args, Draft: d}
}

func TestSimulatedRestart(t *testing.T) {
	on(t, func(t *testing.T, h *simulated.Host, k *units.Keeper) {
		time.Sleep(time.Hour)
		op := k.Restart()
		p, w := agreed(t, op), work{}
		if !strings.HasPrefix(p.Draft.Bound[1].Value, "/nix/store/") {
			t.Errorf("%+v", p.Draft.Bound)
		}
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		rs, err := op.Verify(t.Context(), p, w)
		if err != nil || len(rs) != 2 || rs[0].State != bot.OK || rs[1].State != bot.OK {
			t.Errorf("%+v: %v", rs, err)
		}
		// The same plan is not for this start any more.
		if err := op.Apply(t.Context(), p, w); err == nil {
			t.Error("it was restarted twice by one plan")
		}
		c, err := k.Changes(t.Context(), time.Hour)
		if err != nil || len(c.Changes) == 0 || c.Changes[0].Text != "nginx.service was started" {
			t.Errorf("%+v: %v", c, err)
		}
		l, err := k.Logs(t.Context(), "nginx.service", 10, 0)
		if err != nil || len(l.Lines) == 0 || l.Lines[len(l.Lines)-1].Text != "Started Nginx Web Server." {
			t.Errorf("%+v: %v", l, err)
		}
	})
}

// It comes up and falls over: the job was well, and the restart was not.
func TestSimulatedFlapping(t *testing.T) {
	on(t, func(t *testing.T, h *simulated.Host, k *units.Keeper) {
		op := k.Restart()
		p, w := agreed(t, op), work{}
		time.Sleep(time.Minute)
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(6*time.Second, func() { h.Fail("nginx.service", "exit-code") })
		rs, err := op.Verify(t.Context(), p, w)
		if err != nil || len(rs) != 2 || rs[0].State != bot.OK || rs[1].State != bot.NotOK {
			t.Errorf("%+v: %v", rs, err)
		}
	})
}

func TestSimulatedService(t *testing.T) {
	on(t, func(t *testing.T, h *simulated.Host, k *units.Keeper) {
		u, err := k.Service(t.Context(), "restic-backups-home.service")
		if err != nil || !u.Fine || u.Restartable || len(u.TriggeredBy) != 1 || u.TriggeredBy[0] != "restic-backups-home.timer" || len(u.Unknown) != 0 {
			t.Errorf("%+v: %v", u, err)
		}
	})
}

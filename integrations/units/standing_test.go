package units

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
)

func TestStanding(t *testing.T) {
	for _, c := range []struct {
		active, sub, result, kind string
		want                      standing
		why                       string
	}{
		{"active", "running", "success", "simple", runs, ""},
		{"active", "exited", "success", "oneshot", runs, ""},
		{"reloading", "reload", "success", "notify", runs, ""},
		{"refreshing", "refresh-extensions", "success", "notify", runs, ""},
		{"activating", "start", "success", "notify", between, "it is still being started"},
		{"activating", "start", "success", "oneshot", between, "it is at its work, and not through"},
		{"activating", "auto-restart", "exit-code", "simple", loops, "it fails, and systemd starts it again"},
		{"activating", "auto-restart-queued", "success", "simple", loops, "it ended, and systemd starts it again"},
		{"deactivating", "stop-sigterm", "success", "simple", between, "it is being stopped"},
		{"maintenance", "cleaning", "success", "simple", down, "it does not run: systemd cleans up what it left"},
		{"inactive", "dead", "success", "simple", down, "it does not run"},
		{"inactive", "dead", "success", "oneshot", ended, ""},
		{"inactive", "dead", "exit-code", "oneshot", down, "it did not go through"},
		{"failed", "failed", "exit-code", "oneshot", down, "it did not go through"},
		{"failed", "failed", "exit-code", "simple", down, "it does not run"},
	} {
		u := sys.Unit{Name: "x.service", Active: c.active, Sub: c.sub, Result: c.result, Type: c.kind, Started: noon}
		if got, why := standingOf(u); got != c.want || why != c.why {
			t.Errorf("%+v: %d, %q", c, got, why)
		}
	}
	if got, why := standingOf(sys.Unit{Active: "inactive", Type: "oneshot"}); got != ended || why != "it has not run since the host was started" {
		t.Errorf("%d, %q", got, why)
	}
}

// state is a unit's, as systemd has it.
type state struct{ active, sub, result, kind string }

func (s state) put(u *sys.Unit) {
	u.Active, u.Sub, u.Result = s.active, s.sub, s.result
	if s.kind != "" {
		u.Type = s.kind
	}
	if s.active != "active" && s.active != "reloading" && s.active != "refreshing" {
		u.MainPID = 0
	}
}

// A plan says of a unit in each state what is true, and what the restart does to it.
func TestPlanOfEachState(t *testing.T) {
	for _, c := range []struct {
		state
		want string
	}{
		{state{"reloading", "reload", "success", ""}, "ok: it runs now: reloading (reload), main process 812"},
		{state{"refreshing", "refresh-extensions", "success", ""}, "ok: it runs now: refreshing (refresh-extensions), main process 812"},
		{state{"activating", "auto-restart", "exit-code", ""}, "not ok: it runs now: activating (auto-restart), ended last with exit-code; it fails, and systemd starts it again; the restart starts it"},
		{state{"activating", "start", "success", ""}, "not ok: it runs now: activating (start); it is still being started: the restart cuts that off, and begins anew"},
		{state{"activating", "start", "success", "oneshot"}, "not ok: it runs now: activating (start); it is at its work, and not through: the restart cuts that off, and begins anew"},
		{state{"deactivating", "stop-sigterm", "success", ""}, "not ok: it runs now: deactivating (stop-sigterm); it is being stopped; the restart starts it"},
		{state{"maintenance", "cleaning", "success", ""}, "not ok: it runs now: maintenance (cleaning); it does not run: systemd cleans up what it left; the restart starts it"},
		{state{"inactive", "dead", "success", ""}, "not ok: it runs now: inactive (dead); the restart starts it"},
		{state{"inactive", "dead", "success", "oneshot"}, "ok: it runs now, or its last run ended well: inactive (dead); the restart runs it once more"},
	} {
		m := vulcan()
		c.put(m.units["nginx.service"])
		d := agreed(t, m.keeper(t, Options{}).Restart(), "nginx").Draft
		if x := d.Conditions[0]; string(x.State)+": "+x.Text+": "+x.Found != c.want {
			t.Errorf("%+v, want %s", x, c.want)
		}
	}
}

// A run that was followed by such a state, of the unit itself and of one that restarts
// with it.
func TestVerifyEachState(t *testing.T) {
	for _, c := range []struct {
		state
		self, other string
	}{
		{state{"reloading", "reload", "success", ""}, "ok | ", "ok | "},
		{state{"refreshing", "refresh-extensions", "success", ""}, "ok | ", "ok | "},
		{state{"activating", "start", "success", ""}, "unknown | it is still being started", "unknown | it is still being started"},
		{state{"activating", "start", "success", "oneshot"}, "unknown | it is at its work, and not through", "unknown | it is at its work, and not through"},
		{state{"deactivating", "stop-sigterm", "success", ""}, "unknown | it is being stopped", "unknown | it is being stopped"},
		{state{"activating", "auto-restart", "exit-code", ""}, "not ok | it fails, and systemd starts it again", "not ok | it fails, and systemd starts it again"},
		{state{"maintenance", "cleaning", "success", ""}, "not ok | it does not run: systemd cleans up what it left", "not ok | it was active before"},
		{state{"inactive", "dead", "success", ""}, "not ok | it does not run", "not ok | it was active before"},
		{state{"inactive", "dead", "success", "oneshot"}, "ok | ", "ok | "},
	} {
		at(t, func(t *testing.T) {
			m := vulcan()
			m.restart = func(u *sys.Unit) error {
				m.anew(u)
				c.put(u)
				m.units["php.service"].Started = time.Now()
				c.put(m.units["php.service"])
				return nil
			}
			op := m.keeper(t, Options{}).Restart()
			p, w := agreed(t, op, "nginx"), newWork()
			if err := op.Apply(t.Context(), p, w); err != nil {
				t.Fatal(err)
			}
			delete(m.files, "/proc/1")
			rs, err := op.Verify(t.Context(), p, w)
			if err != nil || len(rs) != 3 {
				t.Fatalf("%v: %s", err, tell(rs))
			}
			got := func(r bot.Reading) string { return string(r.State) + " | " + r.Note }
			if got(rs[0]) != c.self || got(rs[1]) != c.self || got(rs[2]) != c.other {
				t.Errorf("%+v: got\n%s", c, tell(rs))
			}
		})
	}
}

// A follower that is a oneshot, and did not run along, has not come back.
func TestFollowingOneshotThatDidNotRun(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		m.units["php.service"].Type = "oneshot"
		m.restart = func(u *sys.Unit) error { m.anew(u); m.units["php.service"].Active = "inactive"; return nil }
		op := m.keeper(t, Options{}).Restart()
		p, w := agreed(t, op, "nginx"), newWork()
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		rs, err := op.Verify(t.Context(), p, w)
		if err != nil || rs[2].State != bot.NotOK || rs[2].Note != "it was active before" {
			t.Errorf("%v: got\n%s", err, tell(rs))
		}
	})
}

// A oneshot that was at its work at the first look and is through at the second has
// stayed up, though its process is gone.
func TestOneshotThatTakesItsTime(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		m.show("nginx.service", nil)
		m.restart = func(u *sys.Unit) error {
			m.anew(u)
			u.Type, u.Active, u.Sub = "oneshot", "activating", "start"
			return nil
		}
		op := m.keeper(t, Options{}).Restart()
		p, w := agreed(t, op, "nginx"), newWork()
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(7*time.Second, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			u := m.units["nginx.service"]
			u.Active, u.Sub, u.MainPID = "inactive", "dead", 0
		})
		rs, err := op.Verify(t.Context(), p, w)
		if err != nil || rs[0].State != bot.Unknown || rs[1].State != bot.OK {
			t.Errorf("%v: got\n%s", err, tell(rs))
		}
	})
}

// The probe of what may be restarted: what reloads runs, and of what is on its way
// nothing is known, so that nobody restarts it for that.
func TestProbeOfEachState(t *testing.T) {
	for _, c := range []struct {
		state
		want string
	}{
		{state{"reloading", "reload", "success", ""}, "ok | unit nginx.service | reloading (reload), main process 812 | \n"},
		{state{"activating", "start", "success", ""}, "unknown | unit nginx.service | activating (start) | it is still being started\n"},
		{state{"activating", "start", "success", "oneshot"}, "unknown | unit nginx.service | activating (start) | it is at its work, and not through\n"},
		{state{"maintenance", "cleaning", "success", ""}, "not ok | unit nginx.service | maintenance (cleaning) | it may be restarted, and does not run\n"},
	} {
		m := vulcan()
		c.put(m.units["nginx.service"])
		if got := tell(m.keeper(t, Options{}).Probe().Read(t.Context())); !strings.HasSuffix(got, c.want) {
			t.Errorf("%+v: got\n%s", c, got)
		}
	}
}

// What changed: a service that reloads was started, one that starts is told as that,
// and so is one that falls over again and again.
func TestChangesOfEachState(t *testing.T) {
	for _, c := range []struct {
		state
		want string
	}{
		{state{"reloading", "reload", "success", ""}, "nginx.service was started | "},
		{state{"activating", "start", "success", ""}, "nginx.service was started; it is still being started | "},
		{state{"activating", "auto-restart", "exit-code", ""}, "nginx.service was started; it fails, and systemd starts it again | "},
		{state{"activating", "start", "success", "oneshot"}, ""},
		{state{"deactivating", "stop-sigterm", "success", ""}, ""},
		{state{"inactive", "dead", "success", ""}, ""},
	} {
		at(t, func(t *testing.T) {
			m := vulcan()
			u := m.units["nginx.service"]
			c.put(u)
			u.Started, u.Since = noon.Add(-time.Hour), noon.Add(-time.Hour)
			got, err := m.keeper(t, Options{}).Changes(t.Context(), 24*time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if text := told(got); c.want != "" && !strings.Contains(text, c.want) || c.want == "" && strings.Contains(text, "nginx") {
				t.Errorf("%+v: got\n%s", c, text)
			}
		})
	}
}

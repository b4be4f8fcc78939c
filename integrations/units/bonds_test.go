package units

import (
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// passes has nginx.service pass its stop on: php.service restarts with it, a.service and
// what is part of that stop, and what does not run is not told.
func passes(m *machine) {
	m.show("nginx.service", map[string]string{"RequiredBy": "php.service", "PropagatesStopTo": "a.service", "Conflicts": "shutdown.target"})
	m.show("php.service", map[string]string{"PropagatesStopTo": "a.service php.service"})
	m.show("a.service shutdown.target", map[string]string{"Id": "a.service", "ConsistsOf": "b.service php.service", "Conflicts": "c.service"},
		map[string]string{"Id": "shutdown.target", "ActiveState": "inactive", "ConsistsOf": "far.service"})
	m.show("b.service", nil)
	for _, name := range []string{"a.service", "b.service"} {
		again := *m.units["php.service"]
		again.Name = name
		m.units[name] = &again
	}
}

func TestServiceThatPassesItsStopOn(t *testing.T) {
	m := vulcan()
	passes(m)
	u, err := look[host.Unit](t, m.keeper(t, Options{Logged: []string{}}), host.LookService, unit("nginx"))
	if err != nil || !slices.Equal(u.Follow, []string{"php.service"}) || !slices.Equal(u.Ends, []string{"a.service", "b.service"}) || len(u.Unknown) != 0 {
		t.Errorf("%+v: %v", u, err)
	}
}

// What stops with a unit, and stays so, is in the plan; that it stopped then is no
// failure, and that it failed is one.
func TestRestartThatPassesItsStopOn(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		passes(m)
		op := m.keeper(t, Options{}).Restart()
		p, w := agreed(t, op, "nginx"), newWork()
		if want := "have systemd restart nginx.service, which restarts 1 other unit too; that stops, or may stop, 2 other units and starts none of them again"; p.Draft.Steps[0] != want {
			t.Errorf("%q", p.Draft.Steps[0])
		}
		if c := p.Draft.Conditions[1]; c.State != bot.NotOK || c.Found != "these restart: php.service; these stop, or may, and are not started again: a.service, b.service" {
			t.Errorf("%+v", c)
		}
		if fact(p.Draft.Observed, "restarts with it") != "php.service" || fact(p.Draft.Observed, "stops with it, or may, and stays so") != "a.service b.service" {
			t.Errorf("%+v", p.Draft.Observed)
		}
		time.Sleep(time.Minute)
		if err := op.Apply(t.Context(), p, w); err != nil {
			t.Fatal(err)
		}
		m.units["a.service"].Active, m.units["b.service"].Active = "inactive", "failed"
		rs, err := op.Verify(t.Context(), p, w)
		if got := tell(rs); err != nil || !strings.HasSuffix(got, `ok | php.service, which restarts with it | active (running), main process 77 | 
ok | a.service, which may stop with it | inactive (running), main process 77 | 
not ok | b.service, which may stop with it | failed (running), main process 77 | it was active before
`) {
			t.Errorf("%v: got\n%s", err, got)
		}
	})
}

func TestPlanRefusesToStopWhatTheHostNeeds(t *testing.T) {
	m := vulcan()
	m.show("nginx.service", map[string]string{"PropagatesStopTo": "mnt-nas.mount"})
	m.show("mnt-nas.mount", nil)
	_, err := m.keeper(t, Options{}).Restart().Plan(t.Context(), unit("nginx.service"))
	wantError(t, err, bot.CodeConflict, "mnt-nas.mount would stop")
}

package restic

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot/host"
	"watchstander/bot/sys"
)

func running(name string) sys.Unit {
	return sys.Unit{Name: name, Load: "loaded", Active: "activating", Sub: "start"}
}

// A backup that a timer started while the repository before was verified is waited
// for before anything is asked of its own.
func TestVerifyWaitsForUnitsAnew(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2"), remote("tank")}})
	q, err := verify{d.Backups}.request(nil)
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		d.units.set(running("restic-tank.service"))
		tank, _ := d.c.repository("tank")
		w := newWork(t)
		done := make(chan host.Verification)
		go func() { done <- d.verify(t.Context(), tank, q, w) }()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if n := d.run.count(); n != 0 || !w.said("tank: waiting for restic-tank.service, for up to 4 h") {
			t.Errorf("%d calls of restic while its unit runs; it said %q", n, w.lines)
		}
		d.units.set(sys.Unit{Name: "restic-tank.service", Load: "loaded", Active: "inactive"})
		<-done
		if n := d.run.count(); n == 0 || !w.said("tank: restic-tank.service has ended") {
			t.Errorf("%d calls of restic; it said %q", n, w.lines)
		}
	})
}

// The wait has an end, and what cannot be looked at is not waited for.
func TestVerifyDoesNotWaitForEver(t *testing.T) {
	d := newDesk(t, Config{Repositories: []Repository{remote("b2")}, Busy: []string{"pg-dump.service"}})
	b2, _ := d.c.repository("b2")
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		d.units.set(running("pg-dump.service"))
		if took := d.idle(t.Context(), b2, time.Hour, w.Say); took != time.Hour || !w.said("pg-dump.service still runs; going on") {
			t.Errorf("it waited %s and said %q", took, w.lines)
		}
		d.units.broken = errors.New("no D-Bus")
		if took := d.idle(t.Context(), b2, time.Hour, w.Say); took != 0 {
			t.Errorf("it waited %s for what it cannot see", took)
		}
	})
}

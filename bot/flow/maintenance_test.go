package flow

import (
	"context"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// inChange runs what a transaction would, and keeps it.
func inChange(t *testing.T, f *Flow, do func(*change) error) {
	t.Helper()
	err := f.o.Store.Update(context.Background(), func(tx *store.Tx) error {
		return do(&change{Tx: tx, f: f, s: f.settings.Load(), now: f.clock.now(), ctx: t.Context()})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// saidIn is all of a thread's log, as text.
func saidIn(t *testing.T, f *Flow, id bot.ThreadID) string {
	t.Helper()
	var all []string
	if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
		es, err := tx.Entries(id, 0, 1000)
		for _, e := range es {
			all = append(all, e.Message.Title.String())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// A silence that comes to its own end, since Alertmanager refused the longer one, was ended
// by nobody; why the longer one is not there stays told.
func TestAMaintenancesSilenceThatRunsOut(t *testing.T) {
	const refused = "Alertmanager refuses it: too long."
	for name, x := range map[string]struct {
		left            time.Duration
		trouble         string
		want, said, not string
	}{
		"it ran out, the longer one refused": {-time.Minute, refused, refused, "The silence ran out", "not through this bot"},
		"it ran out, nobody knows why":       {-time.Minute, "", "the last one has come to its end.", "The silence ran out", "not through this bot"},
		"somebody ended it":                  {time.Hour, "", "it was ended in Alertmanager, not through this bot.", "not through this bot", "ran out"},
	} {
		f, _ := newFlow(t)
		var th bot.Thread
		inChange(t, f, func(c *change) error {
			th = c.newThread(bot.ThreadMaintenance, "maintenance:vulcan")
			th.State.Maintenance = &bot.MaintenanceState{Host: "vulcan", By: "alice", Alertmanager: "main", Since: c.now.Add(-2 * time.Hour), Until: c.now.Add(3 * time.Hour),
				Key: "eff_LONGER", Silence: "s1", SilenceUntil: c.now.Add(x.left), Trouble: x.trouble}
			if err := c.PutThread(th, "", c.now); err != nil {
				return err
			}
			changed, err := c.maintenanceSilencePolled(&th, &silenceNews{ended: []bot.Silence{{ID: "s1"}}})
			if st := th.State.Maintenance; !changed || st.Silence != "" || st.Trouble != x.want {
				t.Errorf("%s: changed %v, %+v", name, changed, st)
			}
			return err
		})
		if said := saidIn(t, f, th.ID); !strings.Contains(said, x.said) || strings.Contains(said, x.not) {
			t.Errorf("%s: %s", name, said)
		}
	}
}

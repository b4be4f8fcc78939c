package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// errUndone has inChange keep nothing.
var errUndone = errors.New("undone")

// inChange runs what a transaction would, and keeps it.
func inChange(t *testing.T, f *Flow, do func(*change) error) {
	t.Helper()
	err := f.o.Store.Update(context.Background(), func(tx *store.Tx) error {
		return do(&change{Tx: tx, f: f, s: f.settings.Load(), now: f.clock.now(), ctx: t.Context()})
	})
	if err != nil && !errors.Is(err, errUndone) {
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

// A maintenance silences in one Alertmanager: where somebody opens it in the thread of
// another one's alert it is another one, and both last as long as their own people said.
func TestMaintenancesOfTwoAlertmanagers(t *testing.T) {
	f, _ := newFlow(t)
	start := func(am string, lasts time.Duration) {
		inChange(t, f, func(c *change) error {
			conv := c.newThread(bot.ThreadConversation, "conversation:"+string(c.f.o.IDs.Effect()))
			conv.State.Conversation = &bot.ConversationState{Room: "ops"}
			if err := c.PutThread(conv, "", c.now); err != nil {
				return err
			}
			return c.openMaintenance(conv, store.Request{Person: "alice"}, bot.OpenMaintenance{Host: "vulcan", Alertmanager: am, Until: c.now.Add(lasts), Reason: "disks",
				Matchers: []bot.Matcher{{Name: "instance", Op: "=", Value: "vulcan"}}})
		})
	}
	open := func() map[string][]time.Duration {
		out := map[string][]time.Duration{}
		if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
			all, err := tx.OpenThreads(bot.ThreadMaintenance)
			for _, th := range all {
				st := th.State.Maintenance
				out[st.Alertmanager] = append(out[st.Alertmanager], st.Until.Sub(th.OpenedAt).Round(time.Hour))
				x, ok, err := tx.Effect(st.Key)
				if err != nil || !ok || x.What.(bot.MakeSilence).Alertmanager != st.Alertmanager {
					t.Errorf("%s: %+v, %v", st.Alertmanager, x, err)
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	start("main", 2*time.Hour)
	start("edge", 5*time.Hour)
	if got := open(); len(got["main"]) != 1 || got["main"][0] != 2*time.Hour || len(got["edge"]) != 1 || got["edge"][0] != 5*time.Hour {
		t.Errorf("%v", got)
	}
	start("main", 3*time.Hour)
	if got := open(); len(got["main"]) != 1 || got["main"][0] != 3*time.Hour || got["edge"][0] != 5*time.Hour {
		t.Errorf("extended: %v", got)
	}
}

// One that was opened when the Alertmanager did not stand in the subject goes on.
func TestAMaintenanceOfBefore(t *testing.T) {
	f, _ := newFlow(t)
	inChange(t, f, func(c *change) error {
		th := c.newThread(bot.ThreadMaintenance, "maintenance:vulcan")
		th.State.Maintenance = &bot.MaintenanceState{Host: "vulcan", Alertmanager: "main", Until: c.now.Add(time.Hour)}
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		for am, want := range map[string]bool{"main": true, "edge": false} {
			if got, ok, err := c.formerMaintenance(bot.OpenMaintenance{Host: "vulcan", Alertmanager: am}); err != nil || ok != want || ok && got.ID != th.ID {
				t.Errorf("%s: %v, %v, %v", am, got.ID, ok, err)
			}
		}
		return nil
	})
}

// Every poll has every alert compared with every maintenance that is open, within a
// transaction: patterns are read once, and not for each alert.
func TestCoveredIsCheap(t *testing.T) {
	p := bot.Polled{Groups: []bot.PolledGroup{{}}}
	for i := range 1000 {
		p.Groups[0].Alerts = append(p.Groups[0].Alerts, bot.PolledAlert{Alert: bot.Alert{Fingerprint: fmt.Sprint(i), Labels: bot.Labels{"alertname": "A", "instance": fmt.Sprint("web", i)}}})
	}
	ms := []bot.Matcher{{Name: "instance", Op: "=~", Value: "(vulcan|mars|web1)(:[0-9]+)?"}, {Name: "alertname", Op: "!~", Value: "Watchdog|Dead.*"}}
	if c := coveredOf(p, ms); c.Alerts != 1 || c.Names[0] != "A on web1" {
		t.Errorf("%+v", c)
	}
	if n := testing.AllocsPerRun(3, func() { coveredOf(p, ms) }); n > 1000 {
		t.Errorf("%.0f allocations for 1000 alerts", n)
	}
}

// What fires after one that ended is found out once.
func TestWhatFiresAfterAMaintenanceIsFoundOutOnce(t *testing.T) {
	f, _ := newFlow(t)
	polled := bot.Polled{Alertmanager: "main", Settled: true, At: f.clock.now(), Groups: []bot.PolledGroup{{}}}
	for i := range 2000 {
		polled.Groups[0].Alerts = append(polled.Groups[0].Alerts, bot.PolledAlert{Alert: bot.Alert{Fingerprint: fmt.Sprint(i), Labels: bot.Labels{"alertname": fmt.Sprint("A", i)}}})
	}
	poll := func(still *bot.Covered) (allocs float64) {
		inChange(t, f, func(c *change) error {
			th := c.newThread(bot.ThreadMaintenance, "maintenance:main vulcan")
			th.ClosedAt = c.now.Add(-time.Hour)
			th.State.Maintenance = &bot.MaintenanceState{Host: "vulcan", Alertmanager: "main", Since: c.now.Add(-2 * time.Hour), Until: th.ClosedAt, EndedAt: th.ClosedAt,
				Matchers: []bot.Matcher{{Name: "alertname", Op: "=~", Value: "A.*"}}, Still: still}
			if err := c.PutThread(th, "", c.now); err != nil {
				return err
			}
			allocs = testing.AllocsPerRun(1, func() {
				if err := c.maintenancesPolled(polled, &silenceNews{}); err != nil {
					t.Error(err)
				}
			})
			return errUndone
		})
		return allocs
	}
	if n := poll(&bot.Covered{}); n > 1500 {
		t.Errorf("%.0f allocations for one whose alerts were counted", n)
	}
}

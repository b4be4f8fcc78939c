package flow

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/scorecard"
	"watchstander/bot/store"
)

// scoresOf is what a month comes to.
func scoresOf(t *testing.T, f *Flow, month time.Time) map[string]bot.Score {
	t.Helper()
	scores, err := f.world.Scorecard(t.Context(), month)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bot.Score{}
	for _, s := range scores {
		out[s.Metric.ID] = s
	}
	return out
}

// stays has time pass while the bot is there.
func stays(t *testing.T, f *Flow, d time.Duration) {
	t.Helper()
	time.Sleep(d)
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutMeta(metaAlive, f.clock.now().Format(time.RFC3339Nano))
	}); err != nil {
		t.Fatal(err)
	}
}

func wantScore(t *testing.T, s bot.Score, state bot.ReadingState, value, note string) {
	t.Helper()
	if s.State != state || s.Value != value || !strings.Contains(s.Note, note) {
		t.Errorf("%s is %s, %q, %q; want %s, %q, %q", s.Metric.ID, s.State, s.Value, s.Note, state, value, note)
	}
}

// looks has the evidence of a new run measured as this.
func looks(t *testing.T, f *Flow, take func(bot.Event), name string, readings ...bot.Reading) {
	t.Helper()
	found := runs(t, f, name)
	if len(found) == 0 {
		t.Fatal("there is no run of " + name)
	}
	run := found[len(found)-1].State.Checklist
	if run.Measuring == "" {
		t.Fatal("nothing is to be measured")
	}
	take(bot.Measured{Key: run.Measuring, Readings: readings, At: f.clock.now()})
}

// TestScorecardKeepsLooks: what the measures are made of is kept at each look, though no
// item asks for it, unknown ones too, and a later look of the same run takes nothing away.
func TestScorecardKeepsLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		take(bot.Started{At: f.clock.now()})
		configure(f, every("daily", 24*time.Hour, bot.CatchUp, bot.Item{ID: "a", Task: "A", Evidence: []string{"disk *"}}))
		take(bot.Tick{At: f.clock.now()})
		time.Sleep(24 * time.Hour)
		take(bot.Tick{At: f.clock.now()})
		login := bot.Reading{Host: "vulcan", What: "ssh root logins", Value: "1 from 192.0.2.9", State: bot.NotOK, Figure: 1, Unit: "1", At: f.clock.now()}
		looks(t, f, take, "daily", login, bot.Reading{Host: "vulcan", What: "fail2ban", State: bot.Unknown}, bot.Reading{Host: "vulcan", What: "uptime", State: bot.OK})
		first := f.clock.now()
		time.Sleep(30 * time.Hour)
		take(bot.Tick{At: f.clock.now()})
		login.Value, login.State, login.Figure, login.At = "none", bot.OK, 0, f.clock.now()
		looks(t, f, take, "daily", login)
		var kept []string
		if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
			rs, err := tx.Readings(first.Add(-time.Hour), f.clock.now())
			for _, r := range rs {
				kept = append(kept, r.What+" "+string(r.State))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(kept, ", "); got != "fail2ban unknown, ssh root logins not ok, ssh root logins ok" {
			t.Errorf("kept are %s", got)
		}
		wantScore(t, scoresOf(t, f, f.clock.now())[scorecard.SSH], bot.NotOK, "at least 1", "1 from 192.0.2.9")
	})
}

// TestScorecardOfAlerts: critical alerts and reboots of the month, since when they are
// kept, and missed heartbeats.
func TestScorecardOfAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		settings := *f.settings.Load()
		settings.Hosts = []string{"vulcan"}
		settings.Host = func(l bot.Labels) string { return l["host"] }
		f.settings.Store(&settings)
		take(bot.Started{At: f.clock.now()})
		take(bot.Booted{Host: "vulcan", Boot: "one", At: f.clock.now()})
		began := f.clock.now() // 1 January 2000, in the synctest bubble
		wantScore(t, scoresOf(t, f, began.AddDate(0, -1, 0))[scorecard.Outages], bot.Unknown, "", "are kept since")

		// February begins, and nothing has happened.
		stays(t, f, time.Until(time.Date(2000, 2, 10, 0, 0, 0, 0, time.UTC)))
		wantScore(t, scoresOf(t, f, f.clock.now())[scorecard.Outages], bot.OK, "none", "")
		alert := bot.Alert{Fingerprint: "f", Labels: bot.Labels{"alertname": "Down", "severity": "critical", "host": "vulcan"}, StartsAt: f.clock.now()}
		group := bot.Group{Receiver: "r", Labels: bot.Labels{"alertname": "Down"}, Alerts: []bot.Alert{alert}}
		take(bot.Delivery{Endpoint: "e", At: f.clock.now(), Group: group})
		stays(t, f, time.Hour)
		wantScore(t, scoresOf(t, f, f.clock.now())[scorecard.Outages], bot.NotOK, "0 reboots, 1 spell of critical alerts (1 h)", "vulcan critical alerts from 10 Feb 00:00 for 1 h")
		alert.Resolved, alert.EndsAt = true, f.clock.now()
		group.Alerts = []bot.Alert{alert}
		take(bot.Delivery{Endpoint: "e", At: f.clock.now(), Group: group})
		stays(t, f, 24*time.Hour)
		take(bot.Booted{Host: "vulcan", Boot: "two", At: f.clock.now()})
		wantScore(t, scoresOf(t, f, f.clock.now())[scorecard.Outages], bot.NotOK, "1 reboot, 1 spell of critical alerts (1 h)", "vulcan rebooted 11 Feb 01:00")

		// March has none of it; of what fires for over a week, not all is kept.
		stays(t, f, time.Until(time.Date(2000, 3, 1, 12, 0, 0, 0, time.UTC)))
		wantScore(t, scoresOf(t, f, f.clock.now())[scorecard.Outages], bot.OK, "none", "")
		group.Labels, group.Alerts = bot.Labels{"alertname": "Slow"}, []bot.Alert{{Fingerprint: "g", Labels: bot.Labels{"alertname": "Slow", "severity": "warning"}, StartsAt: f.clock.now()}}
		take(bot.Delivery{Endpoint: "e", At: f.clock.now(), Group: group})
		stays(t, f, 9*24*time.Hour)
		wantScore(t, scoresOf(t, f, f.clock.now())[scorecard.Outages], bot.Unknown, "none for certain", "fired for over a week")
		slow := &group.Alerts[0]
		slow.Resolved, slow.EndsAt = true, f.clock.now()
		take(bot.Delivery{Endpoint: "e", At: f.clock.now(), Group: group})
		stays(t, f, time.Minute)
		wantScore(t, scoresOf(t, f, f.clock.now())[scorecard.Outages], bot.Unknown, "none for certain", "fired for over a week")
		february := scoresOf(t, f, time.Date(2000, 2, 20, 0, 0, 0, 0, time.UTC))[scorecard.Outages]
		wantScore(t, february, bot.NotOK, "1 reboot, 1 spell of critical alerts (1 h)", "")
		if !february.Until.Equal(time.Date(2000, 3, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("February ends %v", february.Until)
		}

		if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.PutThread(bot.Thread{ID: "thr_BEAT", Kind: bot.ThreadHeartbeat, Subject: "heartbeat", OpenedAt: f.clock.now().Add(-time.Hour), Version: 1,
				State: bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog", LastAt: f.clock.now().Add(-2 * time.Hour)}}}, "", f.clock.now())
		}); err != nil {
			t.Fatal(err)
		}
		wantScore(t, scoresOf(t, f, f.clock.now())[scorecard.Outages], bot.Unknown, "none for certain", "no alert could be heard for 2 h")
	})
}

// TestScorecardOfPlans: only what ran and ended in the month is a test, and a reboot in a
// plan's run is planned.
func TestScorecardOfPlans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		take(bot.Started{At: f.clock.now()})
		stays(t, f, time.Until(time.Date(2000, 2, 10, 0, 0, 0, 0, time.UTC)))
		now := f.clock.now()
		ok := []bot.Reading{{What: "backup b2", Value: "4 files restored and compared", State: bot.OK}}
		put := func(id bot.PlanID, name bot.OperationName, state bot.ProposalState, started, ended time.Time, evidence ...bot.Reading) {
			p := bot.Proposal{State: state, StartedAt: started, EndedAt: ended, Evidence: evidence, Plan: bot.Plan{ID: id, Host: "vulcan", Operation: name}}
			th := bot.Thread{ID: bot.ThreadID("thr_" + id), Kind: bot.ThreadPlan, Subject: "plan:" + string(id), Version: 1, OpenedAt: now.AddDate(0, 0, -20), ClosedAt: ended,
				State: bot.ThreadState{Plan: &bot.PlanState{Host: "vulcan", Proposal: p}}}
			if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutThread(th, "", now) }); err != nil {
				t.Fatal(err)
			}
		}
		hour := func(d, h int) time.Time { return time.Date(2000, 2, d, h, 0, 0, 0, time.UTC) }
		wantScore(t, scoresOf(t, f, now)[scorecard.Restores], bot.Unknown, "", "none ended in the month")
		put("pln_GOOD", host.BackupVerifyOperation, bot.Done, hour(2, 1), hour(2, 3), ok...)
		put("pln_DENIED", host.BackupVerifyOperation, bot.Denied, time.Time{}, hour(2, 3))
		put("pln_JANUARY", host.BackupVerifyOperation, bot.Failed, hour(0, 1), hour(0, 3))
		put("pln_RUNS", host.BackupVerifyOperation, bot.Running, hour(9, 23), time.Time{})
		put("pln_OTHER", host.RestartOperation, bot.Failed, hour(3, 1), hour(3, 2))
		put("pln_BACKUP", host.BackupRunOperation, bot.Done, hour(6, 0), hour(6, 3))
		wantScore(t, scoresOf(t, f, now)[scorecard.Restores], bot.OK, "1 of 1 test well", "")
		wantScore(t, scoresOf(t, f, hour(0, 1))[scorecard.Restores], bot.NotOK, "0 of 1 test well", "pln_JANUARY: is failed")
		put("pln_BARE", host.BackupVerifyOperation, bot.Done, hour(4, 1), hour(4, 2))
		put("pln_SKIPPED", host.BackupVerifyOperation, bot.Done, hour(5, 1), hour(5, 2), bot.Reading{What: "backup b2", State: bot.Unknown, Note: "restore drill skipped"})
		wantScore(t, scoresOf(t, f, now)[scorecard.Restores], bot.Unknown, "1 of 3 tests well", "backup b2 is unknown, restore drill skipped")

		for id, at := range map[string]time.Time{"in": hour(3, 1).Add(time.Minute), "out": hour(6, 1)} {
			take(bot.Changed{Change: bot.Change{ID: id, Host: "vulcan", Kind: bot.ChangeReboot, At: at}})
		}
		if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
			m := &bot.MaintenanceState{Host: "vulcan", Since: hour(3, 0), Until: hour(3, 4), EndedAt: hour(3, 4)}
			return tx.PutThread(bot.Thread{ID: "thr_M", Kind: bot.ThreadMaintenance, Subject: "m", Version: 1, OpenedAt: hour(3, 0), ClosedAt: hour(3, 4), State: bot.ThreadState{Maintenance: m}}, "", now)
		}); err != nil {
			t.Fatal(err)
		}
		wantScore(t, scoresOf(t, f, now)[scorecard.Outages], bot.NotOK, "1 reboot, 0 spells of critical alerts", "vulcan rebooted 6 Feb 01:00")

		// An alert counts but for the time of the restart; a backup takes nothing from it.
		settings := *f.settings.Load()
		settings.Host = func(bot.Labels) string { return "vulcan" }
		f.settings.Store(&settings)
		put("pln_RESTART", host.RestartOperation, bot.Done, hour(7, 1), hour(7, 2))
		put("pln_NIGHTLY", host.BackupRunOperation, bot.Done, hour(7, 4), hour(7, 5))
		alert := bot.Alert{Fingerprint: "f", Labels: bot.Labels{"alertname": "Down", "severity": "critical"}, StartsAt: hour(7, 1).Add(time.Minute), EndsAt: hour(7, 5), Resolved: true}
		for _, resolved := range []bool{false, true} {
			alert.Resolved = resolved
			take(bot.Delivery{Endpoint: "e", At: now, Group: bot.Group{Receiver: "r", Labels: bot.Labels{"alertname": "Down"}, Alerts: []bot.Alert{alert}}})
		}
		wantScore(t, scoresOf(t, f, now)[scorecard.Outages], bot.NotOK, "1 reboot, 1 spell of critical alerts (2 h 50 min)", "vulcan critical alerts from 7 Feb 02:10 for 2 h 50 min")
	})
}

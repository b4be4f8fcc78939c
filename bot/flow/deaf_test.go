package flow

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/scorecard"
	"watchstander/bot/store"
)

// silentAlertmanager is one that is asked, by the test.
type silentAlertmanager struct{ Alertmanager }

func (silentAlertmanager) Poll(context.Context, int64) bot.Polled { return bot.Polled{Failure: "no"} }

// A month in which the bot was away is not one without outages, whoever else was silent;
// while it is there nothing is missing.
func TestAwayIsDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		take(bot.Started{At: f.clock.now()})
		take(bot.Booted{Host: "vulcan", Boot: "one", At: f.clock.now()})
		settings := *f.settings.Load()
		settings.Hosts = []string{"vulcan"}
		f.settings.Store(&settings)
		stays(t, f, time.Until(time.Date(2000, 2, 2, 0, 0, 0, 0, time.UTC)))
		for range 20 {
			time.Sleep(4 * time.Minute)
			take(bot.Tick{At: f.clock.now()})
		}
		outages := func() bot.Score { return scoresOf(t, f, f.clock.now())[scorecard.Outages] }
		wantScore(t, outages(), bot.OK, "none", "")
		time.Sleep(25 * 24 * time.Hour)
		take(bot.Started{At: f.clock.now()})
		wantScore(t, outages(), bot.Unknown, "none for certain", "no alert could be heard for 25 d")
		stays(t, f, 20*24*time.Hour)
		wantScore(t, outages(), bot.OK, "none", "")
		wantScore(t, scoresOf(t, f, time.Date(2000, 2, 9, 0, 0, 0, 0, time.UTC))[scorecard.Outages], bot.Unknown, "none for certain", "no alert could be heard for 25 d")
	})
}

// That the bot is there is written at most every three minutes.
func TestAliveIsSeldomWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		take(bot.Started{At: f.clock.now()})
		before := f.o.Store.Mark()
		for range 72 {
			time.Sleep(5 * time.Second)
			take(bot.Tick{At: f.clock.now()})
		}
		if n := f.o.Store.Mark() - before; n != 2 {
			t.Errorf("in 6 minutes it was written %d times", n)
		}
		next, err := f.nextTime(t.Context())
		if want := f.clock.now().Add(aliveEvery); err != nil || !next.Equal(want) {
			t.Errorf("next is due %v, not %v: %v", next, want, err)
		}
	})
}

// An Alertmanager that does not answer is not heard, whether it ever did or not, now and
// when it is asked later.
func TestASilentAlertmanagerIsDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		f.o.Alertmanagers = map[string]Alertmanager{"main": silentAlertmanager{}}
		deaf := func() time.Duration {
			t.Helper()
			var d time.Duration
			if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
				found, err := f.deaf(tx, f.clock.now().AddDate(0, 0, -9), f.clock.now())
				d = bot.TotalOf(bot.JoinIntervals(found))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return d
		}
		poll := func(failure string) {
			take(bot.Polled{Alertmanager: "main", Failure: failure, At: f.clock.now(), Mark: f.o.Store.Mark()})
		}
		take(bot.Started{At: f.clock.now()})
		for _, x := range []struct {
			after   time.Duration
			failure string
			deaf    time.Duration
		}{
			{4 * time.Minute, "no", 0},
			{time.Hour, "no", time.Hour + 4*time.Minute},
			{0, "", time.Hour + 4*time.Minute},
			{4 * time.Minute, "no", time.Hour + 4*time.Minute},
			{time.Second, "", time.Hour + 4*time.Minute},
			{10 * time.Minute, "no", time.Hour + 14*time.Minute},
			{time.Minute, "", time.Hour + 15*time.Minute},
		} {
			stays(t, f, x.after)
			poll(x.failure)
			if got := deaf(); got != x.deaf {
				t.Errorf("%v later it was not heard for %v, want %v", x.after, got, x.deaf)
			}
		}
	})
}

// Of a state that is older than its bot's absences are kept, nothing is certain before.
func TestAbsencesAreKnownSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		time.Sleep(10 * 24 * time.Hour)
		if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.PutMeta(metaKnown, f.clock.now().AddDate(-1, 0, 0).Format(time.RFC3339Nano))
		}); err != nil {
			t.Fatal(err)
		}
		take(bot.Started{At: f.clock.now()})
		take(bot.Booted{Host: "vulcan", Boot: "one", At: f.clock.now()})
		stays(t, f, time.Hour)
		wantScore(t, scoresOf(t, f, f.clock.now())[scorecard.Outages], bot.Unknown, "none for certain", "whether the bot was away is known since 11 Jan 00:00 only")
	})
}

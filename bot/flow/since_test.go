package flow

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// What fired before a review and after it is told apart from what began, and from what
// ended; of a time that the state does not know nothing is called new.
func TestAReviewComparesAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNoiseWorld(t)
		w.thread("thr_1", 90*day, 0, 0)
		w.fires("thr_1", "Always", "vulcan", "warning", 50*day, 0)
		w.fires("thr_1", "Again", "vulcan", "warning", 50*day, 49*day)
		w.fires("thr_1", "Again", "vulcan", "warning", 3*day, 2*day)
		w.fires("thr_1", "Gone", "vulcan", "warning", 50*day, 49*day)
		w.fires("thr_1", "LongAgo", "vulcan", "warning", 80*day, 79*day)
		w.fires("thr_1", "New", "vulcan", "warning", 3*day, 2*day)
		review := func(known time.Duration) bot.Report {
			t.Helper()
			var r bot.Report
			w.update(func(tx *store.Tx) (err error) {
				if err := tx.PutMeta(metaKnown, w.now.Add(-known).Format(time.RFC3339Nano)); err != nil {
					return err
				}
				r, err = gatherReport(tx, w.f.settings.Load(), bot.MakeReport{From: w.now.Add(-30 * day), To: w.now, Since: true}, w.now)
				return err
			})
			return r
		}
		r := review(90 * day)
		if !slices.Equal(r.Review.New, []string{"New"}) || !slices.Equal(r.Review.Gone, []string{"Gone"}) {
			t.Errorf("new are %q, gone %q", r.Review.New, r.Review.Gone)
		}
		if !r.Known.IsZero() || !r.Review.EarlierKnown.Equal(w.now.Add(-60*day)) {
			t.Errorf("known since %v, and earlier since %v", r.Known, r.Review.EarlierKnown)
		}
		if r := review(40 * day); !r.Review.EarlierKnown.Equal(w.now.Add(-40 * day)) {
			t.Errorf("of a younger state the earlier time is known since %v", r.Review.EarlierKnown)
		}
		if r.Review.Lost != lostOfOpen {
			t.Errorf("of a thread that is open for 90 days nothing is said: %q", r.Review.Lost)
		}
		r = review(10 * day)
		if r.Review.New != nil || r.Review.Gone != nil || !r.Review.EarlierKnown.IsZero() || !r.Known.Equal(w.now.Add(-10*day)) {
			t.Errorf("of a state that is younger than the review: %+v", r)
		}
	})
}

// A report says since when its time is known, and of a month before that nothing.
func TestAReportSaysWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNoiseWorld(t)
		for _, x := range []struct {
			from, to, known time.Duration
			told            bool
		}{{60 * day, 30 * day, 90 * day, false}, {60 * day, 30 * day, 40 * day, true}, {60 * day, 30 * day, 10 * day, true}} {
			w.update(func(tx *store.Tx) error {
				if err := tx.PutMeta(metaKnown, w.now.Add(-x.known).Format(time.RFC3339Nano)); err != nil {
					return err
				}
				r, err := gatherReport(tx, w.f.settings.Load(), bot.MakeReport{From: w.now.Add(-x.from), To: w.now.Add(-x.to)}, w.now)
				if r.Known.IsZero() == x.told || x.told && !r.Known.Equal(w.now.Add(-x.known)) {
					t.Errorf("known for %v: since %v", x.known, r.Known)
				}
				return err
			})
		}
	})
}

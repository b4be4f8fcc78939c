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
		review := func(known time.Duration) bot.Review {
			t.Helper()
			var r *bot.Review
			w.update(func(tx *store.Tx) (err error) {
				if err := tx.PutMeta(metaKnown, w.now.Add(-known).Format(time.RFC3339Nano)); err != nil {
					return err
				}
				r, err = gatherReview(tx, w.f.settings.Load(), bot.MakeReport{From: w.now.Add(-30 * day), To: w.now, Since: true})
				return err
			})
			return *r
		}
		r := review(90 * day)
		if !slices.Equal(r.New, []string{"New"}) || !slices.Equal(r.Gone, []string{"Gone"}) {
			t.Errorf("new are %q, gone %q", r.New, r.Gone)
		}
		if !r.Known.IsZero() || !r.EarlierKnown.Equal(w.now.Add(-60*day)) {
			t.Errorf("known since %v, and earlier since %v", r.Known, r.EarlierKnown)
		}
		if r := review(40 * day); !r.EarlierKnown.Equal(w.now.Add(-40 * day)) {
			t.Errorf("of a younger state the earlier time is known since %v", r.EarlierKnown)
		}
		r = review(10 * day)
		if r.New != nil || r.Gone != nil || !r.EarlierKnown.IsZero() || !r.Known.Equal(w.now.Add(-10*day)) {
			t.Errorf("of a state that is younger than the review: %+v", r)
		}
	})
}

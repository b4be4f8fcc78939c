package store

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// What is due already does not hide what comes due later, and a full lane does not
// hide another.
func TestDueWorkByLanes(t *testing.T) {
	s, _ := fresh(t)
	now := time.UnixMilli(1_000_000).UTC()
	var next time.Time
	var lanes, due []string
	if err := s.Update(t.Context(), func(tx *Tx) error {
		if n, err := tx.NextWork(now); err != nil || !n.IsZero() {
			t.Errorf("with nothing due the next work is at %v: %v", n, err)
		}
		put := func(key, lane, request string, at time.Time) error {
			return tx.PutEffect(Effect{Key: bot.EffectKey(key), Lane: lane, Request: bot.RequestID(request), What: bot.Ask{}, State: EffectDue, NextTry: at, At: at})
		}
		for i, key := range []string{"a", "b", "c"} {
			if err := put(key, "slow", "", now.Add(-time.Minute+time.Duration(i)*time.Second)); err != nil {
				return err
			}
		}
		if err := put("d", "slow", "asked", now); err != nil {
			return err
		}
		if err := put("e", "quick", "", now); err != nil {
			return err
		}
		if err := put("f", "later", "", now.Add(time.Minute)); err != nil {
			return err
		}
		if err := tx.PutRequest(Request{ID: "under way", NextTry: now.Add(-time.Hour)}); err != nil {
			return err
		}
		var err error
		if lanes, err = tx.DueLanes(now); err != nil {
			return err
		}
		if next, err = tx.NextWork(now); err != nil {
			return err
		}
		es, err := tx.DueEffects("slow", now, 3)
		for _, e := range es {
			due = append(due, string(e.Key))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(lanes, []string{"quick", "slow"}) || !slices.Equal(due, []string{"d", "a", "b"}) {
		t.Errorf("lanes %q, and of the slow one %q", lanes, due)
	}
	if want := now.Add(time.Minute); !next.Equal(want) {
		t.Errorf("the next work is at %v, not at %v", next, want)
	}
}

// What is asked with each reaction that is taken back, with each word of an agent about
// its standing approvals, and about a span, reads what it finds, and not all that there is.
func TestLookUpsGoByAnIndex(t *testing.T) {
	s, _ := fresh(t)
	for query, index := range map[string]string{threadsAckedBy: "threads_pressed", youngEpisodes: "episodes_young", endedEpisodes: "episodes_ended"} {
		if err := s.View(t.Context(), func(tx *Tx) error {
			steps, err := all(tx, func(row scanner) (detail string, err error) {
				var id, parent, unused int64
				err = row.Scan(&id, &parent, &unused, &detail)
				return detail, err
			}, "EXPLAIN QUERY PLAN "+query, []any{"1", "1"}[:1+strings.Count(query, "$2")]...)
			if !slices.ContainsFunc(steps, func(x string) bool { return strings.Contains(x, index) }) {
				t.Errorf("%s goes by %q", query, steps)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}

// What a look measured is kept beside what runs keep, and told once; reboots outlive other
// changes.
func TestReadingsAndRebootsOfMonths(t *testing.T) {
	s, _ := fresh(t)
	now := time.UnixMilli(1 << 40).UTC()
	read := func(state bot.ReadingState, at time.Time) bot.Reading {
		return bot.Reading{Host: "vulcan", What: "ssh root logins", State: state, At: at}
	}
	update(t, s, func(tx *Tx) error {
		var errs []error
		for i, r := range []bot.Reading{read(bot.NotOK, now.Add(-2*time.Hour)), read(bot.Unknown, now.Add(-time.Hour)), read(bot.OK, now)} {
			errs = append(errs, tx.KeepReading(bot.EffectKey(placeholder(i)), r), tx.PutReading("daily", "thr_A", r))
		}
		errs = append(errs, tx.KeepReading("old", read(bot.OK, now.AddDate(0, 0, -401))))
		for _, c := range []bot.Change{
			{ID: "boot", Kind: bot.ChangeReboot, At: now.AddDate(0, 0, -60)}, {ID: "older boot", Kind: bot.ChangeReboot, At: now.AddDate(0, 0, -401)},
			{ID: "restart", Kind: bot.ChangeRestart, At: now.AddDate(0, 0, -60)}, {ID: "fresh restart", Kind: bot.ChangeRestart, At: now.AddDate(0, 0, -6)},
			{ID: "switch", Kind: bot.ChangeSwitch, At: now.AddDate(0, 0, -60)},
		} {
			_, err := tx.AddChange(c)
			errs = append(errs, err)
		}
		_, err := tx.Prune(now, time.Time{})
		return errors.Join(append(errs, err)...)
	})
	if err := s.View(t.Context(), func(tx *Tx) error {
		rs, err := tx.Readings(time.Time{}, now)
		var states []string
		for _, r := range rs {
			states = append(states, string(r.State))
		}
		if got := strings.Join(states, ", "); got != "not ok, unknown, ok" {
			t.Errorf("kept are %s", got)
		}
		if rs, err := tx.Readings(now.Add(-90*time.Minute), now.Add(-time.Minute)); err != nil || len(rs) != 1 || rs[0].State != bot.Unknown {
			t.Errorf("between: %v, %v", rs, err)
		}
		changes, cerr := tx.AllChanges(time.Time{}, now)
		var ids []string
		for _, x := range changes {
			ids = append(ids, x.ID)
		}
		if slices.Sort(ids); !slices.Equal(ids, []string{"boot", "fresh restart", "switch"}) {
			t.Errorf("left are %v", changes)
		}
		return errors.Join(err, cerr)
	}); err != nil {
		t.Fatal(err)
	}
}

// Episodes of a time are those that began before its end and were not over at its
// beginning.
func TestEpisodesIn(t *testing.T) {
	s, _ := fresh(t)
	at := func(h int) time.Time { return time.UnixMilli(1 << 40).Add(time.Duration(h) * time.Hour).UTC() }
	th := thread(t, s, "thr_A", at(100)) // has one that fires from then on
	update(t, s, func(tx *Tx) error {
		var errs []error
		for id, span := range map[string][2]int{"before": {1, 2}, "into": {1, 11}, "in": {12, 13}, "over": {1, 30}, "out of": {19, 30}, "after": {20, 21}} {
			errs = append(errs, tx.PutEpisode(bot.Episode{ID: bot.EpisodeID(id), Thread: th.ID, Fingerprint: id, StartsAt: at(span[0]), EndsAt: at(span[1]), Resolved: true}))
		}
		errs = append(errs, tx.PutEpisode(bot.Episode{ID: "live", Thread: th.ID, Fingerprint: "live", StartsAt: at(3)}))
		return errors.Join(errs...)
	})
	if err := s.View(t.Context(), func(tx *Tx) error {
		es, err := tx.EpisodesIn(at(10), at(20), 100)
		var ids []string
		for _, e := range es {
			ids = append(ids, string(e.ID))
		}
		if got := strings.Join(ids, ", "); got != "into, over, live, in, out of" {
			t.Errorf("found are %s", got)
		}
		few, ferr := tx.EpisodesIn(at(10), at(20), 2)
		if len(few) != 2 {
			t.Errorf("%d of at most 2", len(few))
		}
		return errors.Join(err, ferr)
	}); err != nil {
		t.Fatal(err)
	}
}

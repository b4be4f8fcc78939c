package store

import (
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

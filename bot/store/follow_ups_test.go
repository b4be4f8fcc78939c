package store

import (
	"errors"
	"testing"
	"time"

	"watchstander/bot"
)

// What is open stays for ever, what was ended goes after a year and a month, and neither
// goes with its incident's thread.
func TestFollowUpsOutliveTheirThread(t *testing.T) {
	s, _ := fresh(t)
	now := time.UnixMilli(1_000_000_000_000).UTC()
	one := bot.FollowUp{Origin: "thr_A", OriginTitle: "Incident wiki", Number: 1, Text: "ü", By: "alice", At: now, Owner: "bob", Due: now.Add(time.Hour), Status: bot.ItemOpen}
	two, other := one, one
	two.Number, two.At, two.Due = 2, now.Add(-time.Hour), time.Time{}
	other.Origin = "thr_B"
	other.At = now.Add(time.Minute)
	update(t, s, func(tx *Tx) error {
		return errors.Join(tx.PutFollowUp(one), tx.PutFollowUp(two), tx.PutFollowUp(other))
	})
	list := func(read func(*Tx) ([]bot.FollowUp, error)) (out []bot.FollowUp) {
		t.Helper()
		if err := s.View(t.Context(), func(tx *Tx) (err error) { out, err = read(tx); return err }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	open := func() []bot.FollowUp {
		return list(func(tx *Tx) ([]bot.FollowUp, error) { return tx.OpenFollowUps() })
	}
	of := func(id bot.ThreadID) []bot.FollowUp {
		return list(func(tx *Tx) ([]bot.FollowUp, error) { return tx.FollowUps(id) })
	}
	if all := open(); len(all) != 3 || all[0] != two || all[1] != one || all[2] != other {
		t.Errorf("the oldest is not the first: %+v", all)
	}
	if all := of("thr_A"); len(all) != 2 || all[0] != one || all[1] != two {
		t.Errorf("%+v", all)
	}
	one.Status, one.EndedBy, one.EndedAt, one.Reason = bot.ItemDone, "olga", now, "r"
	prune := func(at time.Time) {
		update(t, s, func(tx *Tx) error { _, err := tx.Prune(at, at.Add(-time.Hour)); return err })
	}
	update(t, s, func(tx *Tx) error { return tx.PutFollowUp(one) })
	prune(now.AddDate(1, 0, 0))
	if all := of("thr_A"); len(all) != 2 || all[0] != one {
		t.Errorf("within a year: %+v", all)
	}
	prune(now.Add(readingsKept + time.Second))
	if all := open(); len(all) != 2 || len(of("thr_A")) != 1 {
		t.Errorf("after a year and a month: %+v", all)
	}
	one.Status, one.EndedBy, one.EndedAt, one.Reason = bot.ItemOpen, "", time.Time{}, ""
	update(t, s, func(tx *Tx) error { return tx.PutFollowUp(one) })
	if len(open()) != 3 {
		t.Error("what is opened again is not open")
	}
	err := s.View(t.Context(), func(tx *Tx) error {
		x, ok, err := tx.FollowUp("thr_A", 1)
		if !ok || x != one {
			t.Errorf("%+v", x)
		}
		if _, ok, _ := tx.FollowUp("thr_A", 3); ok {
			t.Error("there is a third")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

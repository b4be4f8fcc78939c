package restic

import (
	"testing"
	"time"
)

func TestWeeks(t *testing.T) {
	for day, want := range map[string]string{
		"2026-11-27": "2026-W48", "2024-12-30": "2025-W01", "2027-01-03": "2026-W53", "2021-01-03": "2020-W53", "2026-01-01": "2026-W01",
	} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		w := weekOf(at)
		if w.String() != want {
			t.Errorf("%s is in %s, want %s", day, w, want)
		}
		if again, err := parseWeek(want); err != nil || again != w || w.monday().Weekday() != time.Monday {
			t.Errorf("%s is read back as %v: %v", want, again, err)
		}
	}
	for _, text := range []string{"", "2026", "2026-48", "2026-W54", "2025-W53", "2026-W00", "2026-W1", "2026-w48", "+026-W48", "2026-W-1", "1969-W10"} {
		if w, err := parseWeek(text); err == nil {
			t.Errorf("%q is %v", text, w)
		}
	}
}

// Over a turn of the year no part is passed over.
func TestPartsTakeTurns(t *testing.T) {
	for at, last := time.Date(2019, 12, 2, 12, 0, 0, 0, time.UTC), 0; at.Year() < 2028; at = at.AddDate(0, 0, 7) {
		p := weekOf(at).part(12)
		if last != 0 && p.n != last%12+1 {
			t.Fatalf("in %s it is part %s, after part %d", weekOf(at), p, last)
		}
		last = p.n
	}
	if p := (week{2026, 48}).part(12); p.String() != "5/12" {
		t.Errorf("2026-W48 is part %s", p)
	}
}

func TestParsePart(t *testing.T) {
	for text, want := range map[string]part{"3/12": {3, 12}, "1/1": {1, 1}, "256/256": {256, 256}} {
		if got, err := parsePart(text); err != nil || got != want {
			t.Errorf("%q is %v: %v", text, got, err)
		}
	}
	for _, text := range []string{"", "3", "0/12", "13/12", "1/257", "-1/12", "+3/12", "03/12", "3/12/1", "3 / 12", "3%", "a/b", "1/0"} {
		if got, err := parsePart(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

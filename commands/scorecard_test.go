package commands

import (
	"errors"
	"slices"
	"testing"
	"time"

	"watchstander/bot"
)

// TestScorecard: each measure with its figure, its goal, the month before, how it is
// counted, and where it is from.
func TestScorecard(t *testing.T) {
	out, err := ask(t, newWorld(t), observer, "", "scorecard")
	want := `Scorecard of January 2026 so far: 1 ok, 1 not ok
- not ok: SSH Security (Zero successful root login attempts; goal: 0): at least 1; 1 from 192.0.2.9 on 3 Jan. December unknown: nobody measured it. Counted: Each look counts. From the reading.
- ok: Resource Utilization (<70% baseline CPU/memory usage; goal: below 70 %): cpu 12.0 % at most. December unknown: no figure. Counted: The highest. From Prometheus.
An unknown is not a pass. runbook scorecard tells what to do about it.
`
	if got := said(t, out, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestScorecardMonths: the last month is asked for by the operator's calendar, also on
// the last day of a long month.
func TestScorecardMonths(t *testing.T) {
	w := newWorld(t)
	var asked []string
	w.scores = func(month time.Time) ([]bot.Score, error) {
		asked = append(asked, month.Format("2006-01"))
		return nil, nil
	}
	// 31 March, 00:30 in Berlin, is 30 March in UTC.
	now := time.Date(2026, 3, 30, 22, 30, 0, 0, time.UTC)
	if _, err := New(All()).Interpret(t.Context(), "scorecard", bot.Call{By: observer, Room: "ops", At: now, Now: now, World: w}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"2026-03", "2026-02"}; !slices.Equal(asked, want) {
		t.Errorf("%v, want %v", asked, want)
	}
	w.scores = func(time.Time) ([]bot.Score, error) { return nil, errors.New("the disk is gone") }
	if _, err := ask(t, w, observer, "", "scorecard"); err == nil {
		t.Error("what cannot be read is told as a scorecard")
	}
}

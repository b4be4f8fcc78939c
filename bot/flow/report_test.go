package flow

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// A monthly list begins with the report of the month before: how its lists went, what was
// measured at its beginning and at its end, and what could not be drawn is left out.
func TestAMonthIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, take := newFlow(t)
		var drawn []bot.Graph
		f.o.Draw = func(g bot.Graph) (bot.Picture, error) {
			drawn = append(drawn, g)
			if g.Panels[0].Unit == bot.UnitSeconds {
				return bot.Picture{}, errors.New("no ink")
			}
			return bot.Picture{Name: "a.png", Alt: g.Title}, nil
		}
		daily := every("daily", 24*time.Hour, bot.CatchUp, bot.Item{ID: "disk", Task: "Disk", Evidence: []string{"disk /"}}, bot.Item{ID: "look", Task: "Look", Person: "p"})
		monthly := every("monthly", 31*24*time.Hour, bot.CatchUp, bot.Item{ID: "x", Task: "X", Person: "p"})
		monthly.Report = true
		configure(f, daily, monthly)
		tick := func() { take(bot.Tick{At: f.clock.now()}) }
		tick()
		// The bubble's time begins on 1 January 2000; the monthly list comes when 31 days of
		// the era are over, which is within its first week or not.
		for day := 0; len(runs(t, f, "monthly")) == 0; day++ {
			time.Sleep(24 * time.Hour)
			tick()
			if day > 40 {
				t.Fatal("the monthly list does not come")
			}
			read := bot.Reading{Host: "vulcan", What: "disk /", Value: "x", At: f.clock.now(), State: bot.OK}.With(float64(10+day), bot.FigurePercent)
			readInto(t, f, take, "daily", read, bot.Reading{What: "load", State: bot.OK})
		}
		var due []store.Effect
		err := f.o.Store.View(t.Context(), func(tx *store.Tx) (err error) {
			due, err = tx.DueEffects("reports", f.clock.now(), 10)
			return err
		})
		if err != nil || len(due) != 1 {
			t.Fatalf("%d reports are due, %v", len(due), err)
		}
		for range 2 { // the second time as after a crash before the first was stored
			if err := f.report(t.Context(), due[0], due[0].What.(bot.MakeReport)); err != nil {
				t.Fatal(err)
			}
		}
		run := runs(t, f, "monthly")[0]
		var said []string
		err = f.o.Store.View(t.Context(), func(tx *store.Tx) error {
			entries, err := tx.Entries(run.ID, 0, 100)
			for _, e := range entries {
				for _, b := range e.Message.Blocks {
					if file, ok := b.(bot.File); ok {
						said = append(said, string(file.Data))
					}
					if p, ok := b.(bot.Picture); ok {
						said = append(said, "picture "+p.Alt)
					}
				}
			}
			return err
		})
		if err != nil || len(said) != 2 {
			t.Fatalf("%q, %v", said, err)
		}
		if said[0] != "picture What was measured in percent" {
			t.Error(said[0])
		}
		for _, want := range []string{"# Report of ", "## Scorecard", "- daily: ", " ticked by evidence, ", "left the longest, through ", ": Look", "- vulcan disk /: "} {
			if !strings.Contains(said[1], want) {
				t.Errorf("%q is missing in\n%s", want, said[1])
			}
		}
		if n := len(drawn[0].Panels[0].Series[0].Points); n < 20 {
			t.Errorf("%d points are drawn", n)
		}
	})
}

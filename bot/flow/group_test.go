package flow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return epoch.Add(time.Duration(minutes) * time.Minute) }

func counting() bot.IDs {
	n := 0
	return func() string { n++; return fmt.Sprint(n) }
}

// firing and resolved are notices about one alert; starts and ends in minutes.
func firing(start int) bot.Alert {
	return bot.Alert{Fingerprint: "f", Labels: bot.Labels{"alertname": "A", "severity": "warning"}, StartsAt: at(start)}
}

func resolved(start, end int) bot.Alert {
	a := firing(start)
	a.Resolved, a.EndsAt = true, at(end)
	return a
}

// TestNoticesOfOneAlert is the table in the doc of group, and every order in
// which a pair's notices were seen to arrive.
func TestNoticesOfOneAlert(t *testing.T) {
	for _, c := range []struct {
		name    string
		notices []bot.Alert
		want    string // of the newest episode: its start, its state
		news    string // of the last notice
	}{
		{"a new episode", []bot.Alert{firing(1)}, "1 firing", "fired"},
		{"a reminder", []bot.Alert{firing(1), firing(1)}, "1 firing", ""},
		{"its end", []bot.Alert{firing(1), resolved(1, 5)}, "1 resolved 5", "resolved"},
		{"its end, told twice", []bot.Alert{firing(1), resolved(1, 5), resolved(1, 5)}, "1 resolved 5", ""},
		{"another episode", []bot.Alert{firing(1), resolved(1, 5), firing(7)}, "7 firing", "fired"},
		{"another episode, the end between was missed", []bot.Alert{firing(1), firing(7)}, "7 firing", "fired"},
		{"firing again with the old start", []bot.Alert{firing(1), resolved(1, 5), firing(1)}, "1 firing in doubt", "doubted ask"},
		{"in doubt, then its end", []bot.Alert{firing(1), resolved(1, 5), firing(1), resolved(1, 6)}, "1 resolved 6", "resolved"},
		{"a late copy of an earlier episode", []bot.Alert{firing(7), firing(1)}, "7 firing", ""},
		{"a late end of an earlier episode", []bot.Alert{firing(7), resolved(1, 5)}, "7 firing", "ask"},
		{"a late end after both are over", []bot.Alert{firing(7), resolved(7, 9), resolved(1, 5)}, "7 resolved 9", ""},
		{"an end whose beginning nobody told", []bot.Alert{resolved(1, 5)}, "1 resolved 5", ""},
		{"an end of a later episode than known", []bot.Alert{firing(1), resolved(7, 9)}, "7 resolved 9", ""},
		{"an end before its start", []bot.Alert{firing(5), resolved(5, 1)}, "5 resolved 5", "resolved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup(bot.Thread{ID: "thr_1"}, true, at(60), counting())
			for i, a := range c.notices {
				if i == len(c.notices)-1 {
					g.fired, g.resolved, g.doubted, g.ask = nil, nil, nil, false
				}
				g.notice(a)
			}
			e := g.newest["f"]
			got := fmt.Sprintf("%d firing", int(e.StartsAt.Sub(epoch).Minutes()))
			if e.Resolved {
				got = fmt.Sprintf("%d resolved %d", int(e.StartsAt.Sub(epoch).Minutes()), int(e.EndsAt.Sub(epoch).Minutes()))
			}
			if e.Doubt {
				got += " in doubt"
			}
			var news []string
			for name, yes := range map[string]bool{"fired": len(g.fired) > 0, "resolved": len(g.resolved) > 0, "doubted": len(g.doubted) > 0, "ask": g.doubtful()} {
				if yes {
					news = append(news, name)
				}
			}
			slices.Sort(news)
			if want := strings.Fields(c.news); got != c.want || !slices.Equal(news, slices.Sorted(slices.Values(want))) {
				t.Errorf("%s, news %v; want %s, %v", got, news, c.want, want)
			}
			// However notices come, an alert has one number, and at most one
			// episode of it fires.
			if e.Number != 1 {
				t.Errorf("number %d", e.Number)
			}
			live := 0
			for _, d := range g.dirty {
				if !d.Resolved {
					live++
				}
			}
			if live > 1 {
				t.Errorf("%d episodes fire at once", live)
			}
		})
	}
}

func TestAbsenceNeedsTwoPolls(t *testing.T) {
	g := newGroup(bot.Thread{}, true, at(60), counting())
	g.notice(firing(1))
	e := g.newest["f"]
	g.absent(e)
	if e.Resolved {
		t.Fatal("one poll ended it")
	}
	g.listed(e, bot.PolledAlert{Alert: firing(1)})
	g.absent(e)
	if e.Resolved {
		t.Fatal("two polls that were not in a row ended it")
	}
	g.absent(e)
	if !e.Resolved || e.Ended != bot.EndedByAbsence || !e.EndsAt.Equal(at(60)) {
		t.Errorf("%+v", e)
	}
	// The notice knows the end better.
	g.notice(resolved(1, 40))
	if e.Ended != bot.EndedByNotice || !e.EndsAt.Equal(at(40)) {
		t.Errorf("%+v", e)
	}
}

// How long an alert was silenced is known when it no longer is: over spans, up to its
// end, and not while it is merely inhibited.
func TestSilencedTimeIsKept(t *testing.T) {
	g := newGroup(bot.Thread{ID: "thr_1"}, true, at(0), counting())
	g.notice(firing(0))
	e := g.newest["f"]
	poll := func(minute int, a bot.PolledAlert) {
		g.now = at(minute)
		a.Alert = firing(0)
		g.listed(e, a)
	}
	poll(10, bot.PolledAlert{SilencedBy: []string{"s"}})
	poll(15, bot.PolledAlert{SilencedBy: []string{"s", "t"}, InhibitedBy: []string{"x"}})
	if got := e.SilencedUntil(at(20)); got != 10*time.Minute || e.SilencedFor != 0 {
		t.Errorf("while it is silenced: %v, of which %v are over", got, e.SilencedFor)
	}
	poll(20, bot.PolledAlert{InhibitedBy: []string{"x"}})
	poll(40, bot.PolledAlert{MutedBy: []string{"night"}})
	g.now = at(60)
	g.notice(resolved(0, 45))
	if got := e.SilencedUntil(at(60)); got != 15*time.Minute || !e.SilencedSince.IsZero() {
		t.Errorf("after its end: %v, since %v", got, e.SilencedSince)
	}
	g.notice(firing(0)) // in doubt, and silenced anew
	poll(70, bot.PolledAlert{SilencedBy: []string{"s"}})
	if got := e.SilencedUntil(at(75)); got != 20*time.Minute {
		t.Errorf("firing again: %v", got)
	}
}

func TestBackoffIsBoundedAndSpread(t *testing.T) {
	for try := range 100 {
		if d := backoff(try, time.Second, time.Minute); d <= 0 || d > time.Minute {
			t.Errorf("try %d waits %s", try, d)
		}
	}
}

// A wall clock is set back an hour: time is not undercut, goes on, and meets the
// wall clock again.
func TestTheClockIsNeverFollowedBackwards(t *testing.T) {
	var c clock
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	before := c.at(start, 0)
	for minute := 1; minute <= 180; minute++ {
		wall := start.Add(time.Duration(minute)*time.Minute - time.Hour)
		now := c.at(wall, time.Minute)
		if !now.After(before) {
			t.Fatalf("%d min after the step time stands still at %s", minute, now)
		}
		if now.Before(wall) || now.After(start.Add(time.Duration(minute)*time.Minute)) {
			t.Fatalf("%d min after the step it is %s, and the wall clock reads %s", minute, now, wall)
		}
		if minute > 121 && !now.Equal(wall) {
			t.Fatalf("%d min after the step it is still %s, and the wall clock reads %s", minute, now, wall)
		}
		before = now
	}
}

// A number is not given twice in a thread, though its episode was let go.
func TestNumbersAreNotGivenAgain(t *testing.T) {
	th := bot.Thread{ID: "thr_X", State: bot.ThreadState{Alert: &bot.AlertState{}}}
	begin := func(fingerprint string, known ...bot.Episode) int {
		g := newGroup(th, true, time.Unix(100, 0), bot.RandomIDs)
		g.load(known)
		g.notice(bot.Alert{Fingerprint: fingerprint, StartsAt: time.Unix(50, 0)})
		th = g.thread
		return g.newest[fingerprint].Number
	}
	first := begin("a")
	second := begin("b", bot.Episode{Fingerprint: "a", Number: first, StartsAt: time.Unix(50, 0)})
	third := begin("c") // a and b were pruned
	if first != 1 || second != 2 || third != 3 {
		t.Errorf("the numbers are %d, %d, %d", first, second, third)
	}
}

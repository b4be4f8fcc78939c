package gate

import (
	"testing"
	"time"

	"watchstander/bot"
)

func cron(start string, lasts time.Duration) []bot.Window {
	return []bot.Window{{Start: start, Lasts: bot.SecondsOf(lasts), Zone: losAngeles}}
}

// TestCronWindows: a window by cron opens once for each firing and lasts as long as it
// says, whatever the clock does meanwhile. All times are UTC.
func TestCronWindows(t *testing.T) {
	const nightly = "0 2 * * *"
	for _, x := range []struct {
		name        string
		windows     []bot.Window
		t           string
		open        bool
		from, until string
	}{
		{"before", cron(nightly, 2*time.Hour), "2026-01-10 09:59", false, "2026-01-10 10:00", "2026-01-10 12:00"},
		{"the beginning belongs to it", cron(nightly, 2*time.Hour), "2026-01-10 10:00", true, "2026-01-10 10:00", "2026-01-10 12:00"},
		{"the end does not", cron(nightly, 2*time.Hour), "2026-01-10 12:00", false, "2026-01-11 10:00", "2026-01-11 12:00"},
		{"over midnight", cron("0 22 * * fri", 4*time.Hour), "2026-01-10 09:30", true, "2026-01-10 06:00", "2026-01-10 10:00"},
		{"a whole day", cron("0 0 * * sat", 24*time.Hour), "2026-01-11 07:59", true, "2026-01-10 08:00", "2026-01-11 08:00"},
		{"what touches is one", cron("0 2,4 * * *", 2*time.Hour), "2026-01-10 12:30", true, "2026-01-10 10:00", "2026-01-10 14:00"},
		{"beside one of the other form", append(cron(nightly, 2*time.Hour), daily("03:30", "05:00")...), "2026-01-10 10:30", true, "2026-01-10 10:00", "2026-01-10 13:00"},
		{"the first of the month", cron("0 2 1 * *", 2*time.Hour), "2026-01-25 00:00", false, "2026-02-01 10:00", "2026-02-01 12:00"},

		// On 8 March 2026 the clock jumps from 2:00 to 3:00, at 10:00 UTC.
		{"spring: a start that is jumped over opens at the jump", cron(nightly, 2*time.Hour), "2026-03-08 10:00", true, "2026-03-08 10:00", "2026-03-08 12:00"},
		{"spring: and is as long as ever", cron("30 2 * * *", 2*time.Hour), "2026-03-08 11:59", true, "2026-03-08 10:00", "2026-03-08 12:00"},
		{"spring: not before", cron("30 2 * * *", 2*time.Hour), "2026-03-08 09:59", false, "2026-03-08 10:00", "2026-03-08 12:00"},
		{"spring: over the jump, two hours are two hours", cron("0 1 * * *", 2*time.Hour), "2026-03-08 10:59", true, "2026-03-08 09:00", "2026-03-08 11:00"},
		{"spring: and not one by the clock", cron("0 1 * * *", 2*time.Hour), "2026-03-08 11:00", false, "2026-03-09 08:00", "2026-03-09 10:00"},
		{"spring: the day after it is as before, by the clock", cron(nightly, 2*time.Hour), "2026-03-08 12:00", false, "2026-03-09 09:00", "2026-03-09 11:00"},

		// On 1 November 2026 it is set back from 2:00 to 1:00, at 9:00 UTC.
		{"autumn: at the first coming", cron("30 1 * * *", 30*time.Minute), "2026-11-01 08:59", true, "2026-11-01 08:30", "2026-11-01 09:00"},
		{"autumn: not at the second", cron("30 1 * * *", 30*time.Minute), "2026-11-01 09:30", false, "2026-11-02 09:30", "2026-11-02 10:00"},
		{"autumn: two hours are two hours", cron("0 1 * * *", 2*time.Hour), "2026-11-01 09:59", true, "2026-11-01 08:00", "2026-11-01 10:00"},
		{"autumn: and not three by the clock", cron("0 1 * * *", 2*time.Hour), "2026-11-01 10:00", false, "2026-11-02 09:00", "2026-11-02 11:00"},
	} {
		t.Run(x.name, func(t *testing.T) {
			now := at(t, x.t)
			_, _, open := Open(x.windows, now)
			from, until, ok := OpenOrNext(x.windows, now)
			if open != x.open || !ok || !from.Equal(at(t, x.from)) || !until.Equal(at(t, x.until)) {
				t.Errorf("open %v, from %v until %v; want %v, from %v until %v", open, from, until, x.open, x.from, x.until)
			}
		})
	}
}

// Whatever the clock does, a nightly window of two hours opens 365 times in the year 2026,
// for two hours each time.
func TestACronWindowOpensOnceADay(t *testing.T) {
	for _, start := range []string{"0 1 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *", "0 3 * * *"} {
		ws := cron(start, 2*time.Hour)
		n := 0
		for now, end := at(t, "2026-01-01 08:00").Add(-1), at(t, "2027-01-01 08:00"); ; n++ {
			from, until, ok := NextOpen(ws, now)
			if !ok || !from.Before(end) {
				break
			}
			if until.Sub(from) != 2*time.Hour {
				t.Errorf("%s: from %v until %v", start, from, until)
			}
			now = from
		}
		if n != 365 {
			t.Errorf("%s opens %d times", start, n)
		}
	}
}

// What shuts sometime is a window, though some of its times touch.
func TestCronWindowsThatTouchAreRead(t *testing.T) {
	for _, w := range []bot.Window{
		{Start: "0 * * * *", Lasts: 3599, Zone: "UTC"},
		{Start: "0 0 * * sat,sun", Lasts: 86400, Zone: losAngeles},
		{Start: "0 * * * mon", Lasts: 3600, Zone: "UTC"},
		{Start: "0 2 1-30 * *", Lasts: 86400, Zone: "UTC"},
		{Start: "0 2 29 feb *", Lasts: 86400, Zone: "UTC"},
	} {
		if _, faults := readWindow(w); len(faults) > 0 {
			t.Errorf("%+v: %v", w, faults)
		}
	}
}

// What cannot be read never opens, and a plan under it does not run.
func TestCronWindowsThatCannotBeRead(t *testing.T) {
	for name, w := range map[string]bot.Window{
		"no cron":             {Start: "at night", Lasts: 7200, Zone: "UTC"},
		"no length":           {Start: "* * * * *", Zone: "UTC"},
		"too long":            {Start: "0 * * * *", Lasts: 86401, Zone: "UTC"},
		"no start":            {Lasts: 7200, Zone: "UTC"},
		"no zone":             {Start: "0 * * * *", Lasts: 7200},
		"the machine's zone":  {Start: "0 * * * *", Lasts: 7200, Zone: "Local"},
		"both forms":          {Start: "0 * * * *", Lasts: 7200, Zone: "UTC", From: "00:00", To: "23:00"},
		"days beside a start": {Start: "0 * * * *", Lasts: 7200, Zone: "UTC", Days: []string{"mon"}},
		"always":              {Start: "*/5 * * * *", Lasts: 600, Zone: "UTC"},
		"end on end":          {Start: "0 * * * *", Lasts: 3600, Zone: "UTC"},
		"overlapping":         {Start: "30 */4 * * *", Lasts: 5 * 3600, Zone: "UTC"},
		"day on day":          {Start: "0 2 * * *", Lasts: 86400, Zone: losAngeles},
	} {
		now := at(t, "2026-01-10 10:01")
		if _, _, open := Open([]bot.Window{w}, now); open {
			t.Errorf("%s: it is open", name)
		}
		if _, _, ok := NextOpen([]bot.Window{w}, now); ok {
			t.Errorf("%s: it opens", name)
		}
		if unfit(bot.Proposal{State: bot.Waiting, Plan: bot.Plan{NotAfter: now, Rule: bot.Rule{Count: 1, Windows: []bot.Window{w}}}}) == "" {
			t.Errorf("%s: a plan may run under it", name)
		}
	}
}

// A rule whose window was changed is another rule: what was agreed to under it is asked
// for again.
func TestSameRuleKnowsCron(t *testing.T) {
	a := bot.Rule{Windows: cron("0 2 * * *", 2*time.Hour)}
	for _, b := range [][]bot.Window{cron("0 3 * * *", 2*time.Hour), cron("0 2 * * *", 3*time.Hour)} {
		if SameRule(a, bot.Rule{Windows: b}) {
			t.Errorf("%v", b)
		}
	}
	if !SameRule(a, bot.Rule{Windows: cron("0 2 * * *", 2*time.Hour)}) {
		t.Error("it is not the same as itself")
	}
}

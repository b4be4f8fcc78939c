package gate

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"watchstander/bot"
)

const losAngeles = "America/Los_Angeles"

func daily(from, to string) []bot.Window { return []bot.Window{{From: from, To: to, Zone: losAngeles}} }

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWindows: all times are UTC; Los Angeles is 8 hours behind it in winter and
// 7 in summer.
func TestWindows(t *testing.T) {
	for _, x := range []struct {
		name        string
		windows     []bot.Window
		t           string
		open        bool
		from, until string // of the one that is open, or of the next
	}{
		{"before", daily("02:00", "04:00"), "2026-01-10 09:59", false, "2026-01-10 10:00", "2026-01-10 12:00"},
		{"the beginning belongs to it", daily("02:00", "04:00"), "2026-01-10 10:00", true, "2026-01-10 10:00", "2026-01-10 12:00"},
		{"the end does not", daily("02:00", "04:00"), "2026-01-10 12:00", false, "2026-01-11 10:00", "2026-01-11 12:00"},
		{"00:30 lies between 22:00 and 02:00", daily("22:00", "02:00"), "2026-01-10 08:30", true, "2026-01-10 06:00", "2026-01-10 10:00"},
		{"a day is its opening's", []bot.Window{{Days: []string{"fri"}, From: "22:00", To: "02:00", Zone: losAngeles}}, "2026-01-10 08:30", true, "2026-01-10 06:00", "2026-01-10 10:00"},
		{"and not its end's", []bot.Window{{Days: []string{"sat"}, From: "22:00", To: "02:00", Zone: losAngeles}}, "2026-01-10 08:30", false, "2026-01-11 06:00", "2026-01-11 10:00"},
		{"a whole day", []bot.Window{{Days: []string{"sat"}, From: "00:00", To: "00:00", Zone: "UTC"}}, "2026-01-10 23:59", true, "2026-01-10 00:00", "2026-01-11 00:00"},
		{"what touches is one", append(daily("22:00", "00:00"), daily("00:00", "02:00")...), "2026-01-10 07:00", true, "2026-01-10 06:00", "2026-01-10 10:00"},
		{"two zones", append(daily("02:00", "04:00"), bot.Window{From: "11:30", To: "13:00", Zone: "UTC"}), "2026-01-10 11:00", true, "2026-01-10 10:00", "2026-01-10 13:00"},

		{"spring: the clock jumps over all of it", daily("02:00", "02:30"), "2026-03-08 00:00", false, "2026-03-09 09:00", "2026-03-09 09:30"},
		{"spring: and it is not open at the jump", daily("02:00", "02:30"), "2026-03-08 10:00", false, "2026-03-09 09:00", "2026-03-09 09:30"},
		{"spring: over its end", daily("01:30", "02:30"), "2026-03-08 09:45", true, "2026-03-08 09:30", "2026-03-08 10:00"},
		{"spring: over its beginning", daily("02:30", "04:00"), "2026-03-08 10:00", true, "2026-03-08 10:00", "2026-03-08 11:00"},
		{"spring: around the jump", daily("01:00", "04:00"), "2026-03-08 10:00", true, "2026-03-08 09:00", "2026-03-08 11:00"},
		{"spring: over midnight", daily("22:00", "03:00"), "2026-03-08 09:59", true, "2026-03-08 06:00", "2026-03-08 10:00"},
		{"spring: a weekly one is two weeks away", []bot.Window{{Days: []string{"sun"}, From: "02:00", To: "02:30", Zone: losAngeles}}, "2026-03-02 00:00", false, "2026-03-15 09:00", "2026-03-15 09:30"},

		{"autumn: its first coming", daily("01:00", "01:30"), "2026-11-01 08:15", true, "2026-11-01 08:00", "2026-11-01 08:30"},
		{"autumn: not its second", daily("01:00", "01:30"), "2026-11-01 09:15", false, "2026-11-02 09:00", "2026-11-02 09:30"},
		{"autumn: from the first coming on", daily("01:30", "03:00"), "2026-11-01 09:10", true, "2026-11-01 08:30", "2026-11-01 11:00"},
		{"autumn: until the first coming", daily("00:30", "01:30"), "2026-11-01 08:30", false, "2026-11-02 08:30", "2026-11-02 09:30"},
		{"autumn: around both", daily("00:30", "02:30"), "2026-11-01 09:30", true, "2026-11-01 07:30", "2026-11-01 10:30"},
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

func TestWindowsThatCannotBeRead(t *testing.T) {
	now := at(t, "2026-01-10 11:00")
	for _, w := range []bot.Window{
		{From: "00:00", To: "00:00", Zone: ""},
		{From: "00:00", To: "00:00", Zone: "Local"},
		{From: "00:00", To: "00:00", Zone: "PDT"},
		{From: "0:00", To: "00:00", Zone: "UTC"},
		{From: "00:00", To: "24:00", Zone: "UTC"},
		{From: "", To: "", Zone: "UTC"},
		{Days: []string{"Mon", "mon", "tue", "wed", "thu", "fri", "sat", "sun"}, From: "00:00", To: "00:00", Zone: "UTC"},
	} {
		if _, _, open := Open([]bot.Window{w}, now); open {
			t.Errorf("%+v is open", w)
		}
		if _, _, ok := NextOpen([]bot.Window{w}, now); ok {
			t.Errorf("%+v will open", w)
		}
	}
	if _, _, open := Open(nil, now); !open {
		t.Error("no windows are always open")
	}
	if _, _, ok := NextOpen(nil, now); ok {
		t.Error("what is always open does not open")
	}
}

// TestWindowsByTheClock compares with somebody who looks at the clock on the wall
// every minute, on days on which no hour is missing or comes twice.
func TestWindowsByTheClock(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	days := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	clock := func() string { return time.Time{}.Add(time.Duration(r.IntN(24*4)) * 15 * time.Minute).Format("15:04") }
	for range 300 {
		var ws []bot.Window
		for range 1 + r.IntN(3) {
			w := bot.Window{From: clock(), To: clock(), Zone: []string{losAngeles, "Asia/Kathmandu", "UTC"}[r.IntN(3)]}
			for _, d := range days {
				if r.IntN(3) == 0 {
					w.Days = append(w.Days, d)
				}
			}
			ws = append(ws, w)
		}
		start := time.Date(2026, 5, 1+r.IntN(20), r.IntN(24), 0, 0, 0, time.UTC)
		for m := range 3 * 24 * 60 {
			if m%7 != 0 && m%15 != 0 {
				continue
			}
			now := start.Add(time.Duration(m) * time.Minute)
			from, until, open := Open(ws, now)
			if open != onTheWall(ws, now) {
				t.Fatalf("%+v at %v: %v", ws, now, open)
			}
			if open && (from.After(now) || !until.After(now)) {
				t.Fatalf("%+v at %v: from %v until %v", ws, now, from, until)
			}
		}
	}
}

// onTheWall tells by a wall clock whether a window is open.
func onTheWall(ws []bot.Window, now time.Time) bool {
	return slices.ContainsFunc(ws, func(w bot.Window) bool {
		zone, err := time.LoadLocation(w.Zone)
		if err != nil {
			return false
		}
		local := now.In(zone)
		shows := local.Format("15:04")
		on := func(day time.Time) bool {
			name := day.Format("Mon")
			return len(w.Days) == 0 || slices.Contains(w.Days, string(name[0]|0x20)+name[1:])
		}
		today, yesterday := on(local), on(local.AddDate(0, 0, -1))
		if w.From < w.To {
			return today && w.From <= shows && shows < w.To
		}
		return today && w.From <= shows || yesterday && shows < w.To
	})
}

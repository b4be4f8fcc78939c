package commands

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// Times as they are said in two zones. In Los Angeles the clocks go forward on
// 8 March 2026 (2:00 → 3:00) and back on 1 November (2:00 → 1:00); in Berlin on
// 29 March (2:00 → 3:00) and 25 October (3:00 → 2:00).
func TestUntil(t *testing.T) {
	const la, berlin = "America/Los_Angeles", "Europe/Berlin"
	for _, c := range []struct {
		zone, at, line string
		want           string // local, with offset; or a part of the error
	}{
		// Bare times are the next ones.
		{berlin, "2026-01-14 15:00", "18:00", "2026-01-14 18:00 +0100"},
		{berlin, "2026-01-14 15:00", "15:00", "2026-01-15 15:00 +0100"},
		{berlin, "2026-01-14 15:00", "15:01", "2026-01-14 15:01 +0100"},
		{berlin, "2026-01-14 15:00", "8:00 rack move", "2026-01-15 08:00 +0100"},
		{berlin, "2026-01-14 15:00", "24:00", "2026-01-15 00:00 +0100"},
		{berlin, "2026-01-14 15:00", "0:00", "2026-01-15 00:00 +0100"},
		{berlin, "2026-12-31 23:30", "0:15", "2027-01-01 00:15 +0100"},
		{la, "2026-01-14 15:00", "6pm", "2026-01-14 18:00 -0800"},
		{la, "2026-01-14 15:00", "6:30PM", "2026-01-14 18:30 -0800"},
		{la, "2026-01-14 15:00", "6 pm", "2026-01-14 18:00 -0800"},
		{la, "2026-01-14 15:00", "12am", "2026-01-15 00:00 -0800"},
		{la, "2026-01-14 15:00", "12pm", "2026-01-15 12:00 -0800"},
		// Days.
		{berlin, "2026-01-14 15:00", "today 18:00", "2026-01-14 18:00 +0100"},
		{berlin, "2026-01-14 15:00", "today 14:00", "has passed"},
		{berlin, "2026-01-14 15:00", "tomorrow 08:00", "2026-01-15 08:00 +0100"},
		{berlin, "2026-01-14 15:00", "Tomorrow at 8:00", "2026-01-15 08:00 +0100"},
		{berlin, "2026-01-31 15:00", "tomorrow 08:00", "2026-02-01 08:00 +0100"},
		{berlin, "2026-01-14 15:00", "monday 9:00", "2026-01-19 09:00 +0100"},
		{berlin, "2026-01-14 15:00", "Mon 9:00", "2026-01-19 09:00 +0100"},
		{berlin, "2026-01-14 15:00", "sunday 9:00", "2026-01-18 09:00 +0100"},
		{berlin, "2026-01-14 15:00", "tue 9:00", "2026-01-20 09:00 +0100"},
		{berlin, "2026-01-14 15:00", "wednesday 9:00", "2026-01-21 09:00 +0100"},
		{berlin, "2026-01-14 15:00", "wednesday 15:01", "could be today or in a week"},
		{berlin, "2026-01-14 15:00", "2026-12-24 18:00", "2026-12-24 18:00 +0100"},
		{berlin, "2026-01-14 15:00", "2026-12-24T18:00", "2026-12-24 18:00 +0100"},
		{berlin, "2026-01-14 15:00", "2025-12-24 18:00", "has passed"},
		{berlin, "2026-01-14 15:00", "2027-01-14 15:00", "2027-01-14 15:00 +0100"},
		{berlin, "2026-01-14 15:00", "2027-01-14 15:01", "more than a year"},
		// A day behind the time is no comment.
		{berlin, "2026-01-14 15:00", "18:00 tomorrow", "`tomorrow` (word 4) stands behind the time; write `until tomorrow 18:00`."},
		{berlin, "2026-01-14 15:00", "18:00 Mon because of the move", "write `until Mon 18:00`."},
		{berlin, "2026-01-14 15:00", "18:00 on monday", "write `until monday 18:00`."},
		{berlin, "2026-01-14 15:00", "6 pm UTC 2026-12-24", "write `until 2026-12-24 6 pm UTC`."},
		{berlin, "2026-01-14 15:00", `18:00 "monday's move"`, "2026-01-14 18:00 +0100"},
		{berlin, "2026-01-14 15:00", `18:00 "monday" move`, "2026-01-14 18:00 +0100"},
		{berlin, "2026-01-14 15:00", "18:00 on it", "2026-01-14 18:00 +0100"},
		{berlin, "2026-01-14 15:00", "tomorrow 18:00 monday's move", "2026-01-15 18:00 +0100"},
		{berlin, "2026-01-14 15:00", "tomorrow 18:00 monday move", "2026-01-15 18:00 +0100"},
		// Zones behind the time.
		{berlin, "2026-01-14 15:00", "18:00 UTC", "2026-01-14 19:00 +0100"},
		{berlin, "2026-01-14 15:00", "14:30 UTC", "2026-01-14 15:30 +0100"},
		{la, "2026-07-01 15:00", "tomorrow 01:00 UTC", "2026-07-01 18:00 -0700"},
		{berlin, "2026-01-14 15:00", "18:00 CET", "2026-01-14 18:00 +0100"},
		{la, "2026-07-01 15:00", "18:00 PST", "2026-07-01 18:00 -0700"}, // "PST" as people say it in summer
		{la, "2026-07-01 15:00", "18:00 EST", "`EST` (word 4) is no zone that I read: times are those of America/Los_Angeles, or UTC."},
		{la, "2026-07-01 15:00", "18:00 est. time of repair", "2026-07-01 18:00 -0700"},
		// The clocks go forward.
		{la, "2026-03-07 20:00", "8:00", "2026-03-08 08:00 -0700"},
		{la, "2026-03-07 20:00", "2:30", "`2:30` (word 3) does not exist: on Sun 8 Mar the clocks of America/Los_Angeles skip 02:30."},
		{la, "2026-03-08 00:30", "2:30", "does not exist: on Sun 8 Mar"},
		{la, "2026-03-08 03:30", "2:30", "2026-03-09 02:30 -0700"}, // skipped, and behind us
		{la, "2026-03-07 20:00", "1:59", "2026-03-08 01:59 -0800"},
		{la, "2026-03-07 20:00", "3:00", "2026-03-08 03:00 -0700"},
		{berlin, "2026-03-28 22:00", "tomorrow 2:15", "does not exist: on Sun 29 Mar the clocks of Europe/Berlin skip 02:15."},
		{berlin, "2026-03-28 22:00", "monday 2:15", "2026-03-30 02:15 +0200"},
		// The clocks are set back.
		{la, "2026-10-31 20:00", "8:00", "2026-11-01 08:00 -0800"},
		{la, "2026-10-31 20:00", "1:30", "`1:30` (word 3) comes twice on Sun 1 Nov, when the clocks of America/Los_Angeles are set back. Write `01:30 PDT` or `01:30 PST`."},
		{la, "2026-10-31 20:00", "1:30 PDT", "2026-11-01 01:30 -0700"},
		{la, "2026-10-31 20:00", "1:30 PST disk swap", "2026-11-01 01:30 -0800"},
		{la, "2026-10-31 20:00", "2026-11-01 1:00 PST", "2026-11-01 01:00 -0800"},
		{la, "2026-11-01 00:30", "1:30", "comes twice on Sun 1 Nov"},
		{la, "2026-11-01 01:45", "1:30", "2026-11-01 01:30 -0800"}, // the first one is over
		{la, "2026-10-31 20:00", "2:00", "2026-11-01 02:00 -0800"},
		{berlin, "2026-10-24 20:00", "tomorrow 2:30", "comes twice on Sun 25 Oct, when the clocks of Europe/Berlin are set back. Write `02:30 CEST` or `02:30 CET`."},
		{berlin, "2026-10-24 20:00", "tomorrow 2:30 CET", "2026-10-25 02:30 +0100"},
		{berlin, "2026-10-24 20:00", "3:00", "2026-10-25 03:00 +0100"},
		{"Pacific/Chatham", "2026-01-14 15:00", "18:00", "2026-01-14 18:00 +1345"},
		{"Pacific/Kiritimati", "2026-01-14 15:00", "tomorrow 8:00", "2026-01-15 08:00 +1400"},
		{"UTC", "2026-01-14 15:00", "18:00 Z", "2026-01-14 18:00 +0000"},
	} {
		t.Run(c.zone+" "+c.at+" "+c.line, func(t *testing.T) {
			z := zone(t, c.zone)
			at, err := time.ParseInLocation("2006-01-02 15:04", c.at, z)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			w.zone, w.threads = z, []bot.ThreadFacts{disk()}
			out, err := New(All()).Interpret(t.Context(), "silence until "+c.line, bot.Call{By: operator, Thread: diskID, At: at, Now: at.Add(time.Second), World: w})
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Fatalf("got  %s\nwant %s", err, c.want)
				}
				return
			}
			s := out.(bot.MakeSilence).Silence
			if got := s.EndsAt.In(z).Format("2006-01-02 15:04 -0700"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if s.EndsAt.Second() != 0 || s.EndsAt.Location() != time.UTC || !s.StartsAt.Equal(at.Add(time.Second)) {
				t.Errorf("from %s until %s", s.StartsAt, s.EndsAt)
			}
		})
	}
}

// A duration is a length, whatever the clocks do: a day over the change is 24 h.
func TestDurationOverClockChange(t *testing.T) {
	for _, name := range []string{"America/Los_Angeles", "Europe/Berlin"} {
		for _, start := range []string{"2026-03-07T20:00:00Z", "2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z", "2026-10-31T20:00:00Z"} {
			now, err := time.Parse(time.RFC3339, start)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			w.zone, w.threads = zone(t, name), []bot.ThreadFacts{disk()}
			// Said a while before it runs: the length counts from the run.
			out, err := New(All()).Interpret(t.Context(), "silence 1d", bot.Call{By: operator, Thread: diskID, At: now.Add(-90 * time.Second), Now: now, World: w})
			if err != nil {
				t.Fatal(err)
			}
			if got := out.(bot.MakeSilence).Silence.EndsAt; !got.Equal(now.Add(24 * time.Hour)) {
				t.Errorf("%s from %s: until %s", name, start, got)
			}
		}
	}
}

// A time counts from when it was said; it may pass before the command runs.
func TestUntilPassesMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.threads = []bot.ThreadFacts{disk()}
	at := noon.Add(-30 * time.Second)
	_, err := New(All()).Interpret(t.Context(), "silence until 15:00", bot.Call{By: operator, Thread: diskID, At: at, Now: noon.Add(time.Minute), World: w})
	if err == nil || !strings.Contains(err.Error(), "`15:00` (word 3) has passed.") {
		t.Errorf("got %v", err)
	}
}

package schedules_test

import (
	"strings"
	"testing"
	"time"

	"watchstander/schedules"
)

func parse(tb testing.TB, expr, zone string) schedules.Cron {
	tb.Helper()
	c, err := schedules.ParseCron(expr, load(tb, zone))
	if err != nil {
		tb.Fatalf("%s: %v", expr, err)
	}
	return c
}

func utc(tb testing.TB, text string) time.Time {
	tb.Helper()
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}

// TestCron: all times are UTC; Los Angeles is 8 hours behind it in winter and 7 in
// summer.
func TestCron(t *testing.T) {
	const la = "America/Los_Angeles"
	for _, x := range []struct{ name, expr, zone, from, fires string }{
		{"daily", "0 8 * * *", la, "2026-01-10 00:00", "2026-01-10 16:00, 2026-01-11 16:00"},
		{"after is not until", "0 8 * * *", la, "2026-01-10 16:00", "2026-01-11 16:00"},
		{"weekly", "0 9 * * mon", "UTC", "2026-11-28 16:00", "2026-11-30 09:00, 2026-12-07 09:00"},
		{"quarterly", "0 10 1 jan,apr,jul,oct *", "UTC", "2026-11-28 16:00", "2027-01-01 10:00, 2027-04-01 10:00"},
		{"names in capitals, and a range of them", "0 9 * * MON-Wed", "UTC", "2026-11-30 10:00", "2026-12-01 09:00, 2026-12-02 09:00, 2026-12-07 09:00"},
		{"a nickname", "@weekly", "UTC", "2026-11-28 16:00", "2026-11-29 00:00, 2026-12-06 00:00"},
		{"either day", "0 0 13 * fri", "UTC", "2026-12-10 00:00", "2026-12-11 00:00, 2026-12-13 00:00, 2026-12-18 00:00"},
		{"leap days", "0 0 29 2 *", "UTC", "2023-03-01 00:00", "2024-02-29 00:00, 2028-02-29 00:00"},
		{"eight years between leap days", "0 0 29 2 *", "UTC", "2096-03-01 00:00", "2104-02-29 00:00"},
		{"months without a 31st", "0 0 31 * *", "UTC", "2026-01-31 00:00", "2026-03-31 00:00, 2026-05-31 00:00"},

		{"spring: what is jumped over comes at the jump", "30 2 * * *", la, "2026-03-07 00:00", "2026-03-07 10:30, 2026-03-08 10:00, 2026-03-09 09:30"},
		{"spring: the hour itself, which robfig/cron leaves out", "0 2 * * *", la, "2026-03-08 00:00", "2026-03-08 10:00, 2026-03-09 09:00"},
		{"spring: several that are jumped over come once", "*/10 2 * * *", la, "2026-03-08 00:00", "2026-03-08 10:00, 2026-03-09 09:00, 2026-03-09 09:10"},
		{"spring: together with one at the jump", "0 2,3 * * *", la, "2026-03-08 00:00", "2026-03-08 10:00, 2026-03-09 09:00, 2026-03-09 10:00"},
		{"spring: a weekly one is not lost", "30 2 * * sun", la, "2026-03-02 00:00", "2026-03-08 10:00, 2026-03-15 09:30"},
		{"spring: every hour has nothing to make up for", "30 * * * *", la, "2026-03-08 09:00", "2026-03-08 09:30, 2026-03-08 10:30, 2026-03-08 11:30"},
		{"spring at midnight", "0 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00", "2018-11-04 03:00, 2018-11-05 02:00"},
		{"spring at midnight, the 4th alone", "15 0 4 11 *", "America/Sao_Paulo", "2018-10-01 12:00", "2018-11-04 03:00, 2019-11-04 03:15"},

		{"autumn: once, which robfig/cron doubles", "30 1 * * *", la, "2026-11-01 00:00", "2026-11-01 08:30, 2026-11-02 09:30"},
		{"autumn: also from between the two", "30 1 * * *", la, "2026-11-01 08:30", "2026-11-02 09:30"},
		{"autumn: from within the second hour", "45 1 * * *", la, "2026-11-01 09:15", "2026-11-02 09:45"},
		{"autumn: all of fixed hours once", "*/30 1 * * *", la, "2026-11-01 08:00", "2026-11-01 08:30, 2026-11-02 09:00"},
		{"autumn: every hour goes by elapsed time", "*/30 * * * *", la, "2026-11-01 08:00", "2026-11-01 08:30, 2026-11-01 09:00, 2026-11-01 09:30, 2026-11-01 10:00"},
		{"autumn: hours 0-23 are every hour", "30 0-23 * * *", la, "2026-11-01 08:00", "2026-11-01 08:30, 2026-11-01 09:30, 2026-11-01 10:30"},
		{"autumn: every other hour is fixed hours", "0 1-23/2 * * *", la, "2026-11-01 07:00", "2026-11-01 08:00, 2026-11-01 11:00"},
		{"autumn by half an hour", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04 00:00", "2026-04-04 14:45, 2026-04-05 15:15"},
		{"spring by half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03 00:00", "2026-10-03 15:30, 2026-10-04 15:15"},

		{"over the end of a leap year, every hour", "30 */1 * 1 *", la, "2040-12-01 00:00", "2041-01-01 08:30, 2041-01-01 09:30"},
		{"over the end of a leap year", "0 10 1 1 *", la, "2040-12-31 08:00", "2041-01-01 18:00, 2042-01-01 18:00"},

		{"a day that never was", "0 8 * * *", "Pacific/Apia", "2011-12-29 00:00", "2011-12-29 18:00, 2011-12-30 10:00, 2011-12-30 18:00"},
		{"on the day that never was", "0 8 30 * *", "Pacific/Apia", "2011-12-01 00:00", "2011-12-30 10:00, 2012-01-29 18:00"},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := parse(t, x.expr, x.zone)
			at := utc(t, x.from)
			for want := range strings.SplitSeq(x.fires, ", ") {
				at = c.Next(at)
				if got := at.Format("2006-01-02 15:04"); got != want {
					t.Fatalf("fires at %s; want %s", got, want)
				}
				if at.Location() != time.UTC {
					t.Error("not in UTC")
				}
			}
		})
	}
}

func TestCronLast(t *testing.T) {
	for _, x := range []struct{ expr, after, until, want string }{
		{"0 8 * * *", "2026-01-10 08:00", "2026-01-11 07:59", ""},
		{"0 8 * * *", "2026-01-10 08:00", "2026-01-11 08:00", "2026-01-11 08:00"},
		{"0 8 * * *", "2026-01-10 07:59", "2026-03-01 07:00", "2026-02-28 08:00"},
		{"* * 1 1 *", "2025-06-01 00:00", "2026-11-28 12:00", "2026-01-01 23:59"},
		{"* * * * *", "2020-01-01 00:00", "2026-11-28 12:00", "2026-11-28 12:00"},
		{"0 0 29 2 *", "2001-01-01 00:00", "2003-12-31 00:00", ""},
		{"0 8 * * *", "2026-01-10 08:00", "2026-01-01 08:00", ""},
	} {
		got := parse(t, x.expr, "UTC").Last(utc(t, x.after), utc(t, x.until))
		if text := got.Format("2006-01-02 15:04"); text != x.want && (x.want != "" || !got.IsZero()) {
			t.Errorf("%s in (%s, %s]: %v; want %s", x.expr, x.after, x.until, got, x.want)
		}
	}
	// From the beginning of all time, as of a schedule that never ran.
	if got := parse(t, "0 8 * * *", "Europe/Berlin").Last(time.Time{}, utc(t, "2026-01-10 12:00")); !got.Equal(utc(t, "2026-01-10 07:00")) {
		t.Error(got)
	}
}

func TestCronThatIsNone(t *testing.T) {
	var c schedules.Cron
	now := utc(t, "2026-01-10 08:00")
	if !c.Next(now).IsZero() || !c.Last(now, now.Add(time.Hour)).IsZero() || c.Count(now, now.Add(time.Hour), 5) != 0 || c.String() != "" {
		t.Error("it fires")
	}
}

func TestFaultyCrons(t *testing.T) {
	for _, x := range []struct{ expr, says string }{
		{"", "has 0 fields instead of five: minute, hour, day of the month, month, day of the week, as in \"0 8 * * mon\""},
		{"0 8 * *", "has 4 fields instead of five: minute, hour, day of the month, month, day of the week, as in \"0 8 * * mon\""},
		{"0 0 8 * * *", "has 6 fields instead of five: minute, hour, day of the month, month, day of the week, as in \"0 8 * * mon\""},
		{"60 8 * * *", "minute: there is no \"60\": write 0 to 59"},
		{"0 24 * * *", "hour: there is no \"24\": write 0 to 23"},
		{"0 8 0 * *", "day of the month: there is no \"0\": write 1 to 31"},
		{"0 8 * 13 *", "month: there is no \"13\": write 1 to 12 or jan to dec"},
		{"0 8 * * 7", "day of the week: there is no \"7\": write 0 (Sunday) to 6 or sun to sat"},
		{"0 8 * * fri-mon", "day of the week: \"fri-mon\" ends before it begins: write two parts with a comma between them"},
		{"0 8 * * monday", "day of the week: \"monday\" cannot be read: write *, or 0 (Sunday) to 6 or sun to sat, with lists (1,3), ranges (1-5) and steps (*/2)"},
		{"0 8 ? * *", "day of the month: \"?\" cannot be read: write *, or 1 to 31, with lists (1,3), ranges (1-5) and steps (*/2)"},
		{"0, 8 * * *", "minute: \"\" cannot be read: write *, or 0 to 59, with lists (1,3), ranges (1-5) and steps (*/2)"},
		{"*-5 8 * * *", "minute: \"*-5\" cannot be read: write *, or 0 to 59, with lists (1,3), ranges (1-5) and steps (*/2)"},
		{"+5 8 * * *", "minute: \"+5\" cannot be read: write *, or 0 to 59, with lists (1,3), ranges (1-5) and steps (*/2)"},
		{"5/15 8 * * *", "minute: \"5/15\" has a step from one value: write the range, as in 5-59/15"},
		{"*/90 * * * *", "minute: the step of \"*/90\" must be from 1 to 59"},
		{"*/0 * * * *", "minute: the step of \"*/0\" must be from 1 to 59"},
		{"0 0 30 2 *", "day of the month: never comes in that month"},
		{"0 0 31 4,jun *", "day of the month: never comes in that month"},
		{"0 0 */2 * mon", "day of the month and day of the week: with a step from * in one of them, cron programs do not agree whether both must fit: list the days, as in 1-31/2, where one is enough"},
		{"CRON_TZ=UTC 0 8 * * *", "the zone does not stand in a cron expression: leave the part with TZ= out, and write the zone beside it"},
		{"TZ=UTC", "the zone does not stand in a cron expression: leave the part with TZ= out, and write the zone beside it"},
		{"@every 1h", "there is no \"@every 1h\" here: write five fields, as in \"0 8 * * *\", or @hourly, @daily, @weekly, @monthly or @yearly"},
		{"@reboot", "there is no \"@reboot\" here: write five fields, as in \"0 8 * * *\", or @hourly, @daily, @weekly, @monthly or @yearly"},
		{strings.Repeat("1,", 200) + "1 8 * * *", "has more than 256 bytes: five fields need fewer"},
	} {
		if _, err := schedules.ParseCron(x.expr, time.UTC); err == nil || err.Error() != x.says {
			t.Errorf("%q: %v; want %s", x.expr, err, x.says)
		}
	}
}

func BenchmarkParseCron(b *testing.B) {
	for b.Loop() {
		if _, err := schedules.ParseCron("0 10 1 jan,apr,jul,oct *", time.UTC); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	at := utc(b, "2026-01-01 10:00")
	for _, expr := range []string{"0 8 * * *", "*/15 * * * *", "0 10 1 jan,apr,jul,oct *", "0 0 29 2 *"} {
		c := parse(b, expr, "America/Los_Angeles")
		b.Run(expr, func(b *testing.B) {
			for b.Loop() {
				c.Next(at)
			}
		})
	}
}

// BenchmarkLast looks back over six years at what fires every minute, and at what did
// not fire for long.
func BenchmarkLast(b *testing.B) {
	after, until := utc(b, "2020-01-01 10:00"), utc(b, "2026-01-01 10:00")
	for _, expr := range []string{"* * * * *", "* * 1 2 *", "0 0 29 2 *"} {
		c := parse(b, expr, "America/Los_Angeles")
		b.Run(expr, func(b *testing.B) {
			for b.Loop() {
				c.Last(after, until)
			}
		})
	}
}

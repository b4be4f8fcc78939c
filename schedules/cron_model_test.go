package schedules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"watchstander/schedules"
)

// days are those around which a zone's clock does something.
var days = []struct{ zone, day string }{
	{"UTC", "2024-02-28"}, {"UTC", "2026-12-31"},
	{"America/Los_Angeles", "2026-03-08"}, {"America/Los_Angeles", "2026-11-01"},
	{"America/Los_Angeles", "2040-12-31"}, // the 366th day of a year for which the zone has only a rule
	{"Europe/Berlin", "2026-03-29"}, {"Europe/Berlin", "2026-10-25"},
	{"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2026-10-04"}, // by 30 minutes
	{"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2018-02-18"}, // at midnight
	{"Pacific/Apia", "2011-12-30"}, // a day that never was
}

// sweep is somebody who looks at the clock once a minute, and knows each field as a set.
// Of fixed hours all fire that the clock has come to or over since it last showed
// something new; of hours that are all, what it shows.
func sweep(expr string, zone *time.Location, from, until time.Time) (out []time.Time) {
	parts := strings.Fields(expr)
	var sets [5][]int
	for i, bounds := range [5][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}} {
		sets[i] = expand(parts[i], bounds[0], bounds[1])
	}
	fits := func(w time.Time) bool {
		day, week := slices.Contains(sets[2], w.Day()), slices.Contains(sets[4], int(w.Weekday()))
		both := day && week
		if parts[2] != "*" && parts[4] != "*" {
			both = day || week
		}
		return both && slices.Contains(sets[0], w.Minute()) && slices.Contains(sets[1], w.Hour()) && slices.Contains(sets[3], int(w.Month()))
	}
	shows := func(t time.Time) time.Time {
		l := t.In(zone)
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
	}
	newest := shows(from.Add(-26 * time.Hour))
	for t := from.Add(-26 * time.Hour).Add(time.Minute); !t.After(until); t = t.Add(time.Minute) {
		fires, now := false, shows(t)
		if len(sets[1]) == 24 {
			fires = fits(now)
		}
		for newest.Before(now) {
			newest = newest.Add(time.Minute)
			fires = fires || len(sets[1]) < 24 && fits(newest)
		}
		if fires && t.After(from) {
			out = append(out, t)
		}
	}
	return out
}

// expand is a field as the set of what it lists.
func expand(text string, least, most int) (out []int) {
	names := map[string]string{
		"jan": "1", "feb": "2", "mar": "3", "apr": "4", "may": "5", "jun": "6", "jul": "7", "aug": "8", "sep": "9", "oct": "10", "nov": "11", "dec": "12",
		"sun": "0", "mon": "1", "tue": "2", "wed": "3", "thu": "4", "fri": "5", "sat": "6",
	}
	number := func(s string) int {
		if n, ok := names[strings.ToLower(s)]; ok {
			s = n
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		return n
	}
	for part := range strings.SplitSeq(text, ",") {
		span, by, _ := strings.Cut(part, "/")
		from, to, isRange := strings.Cut(span, "-")
		a, b, step := least, most, 1
		if from != "*" {
			a = number(from)
			b = a
		}
		if isRange {
			b = number(to)
		}
		if by != "" {
			step = number(by)
		}
		for ; a <= b; a += step {
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

// anyExpr makes an expression that fires near the days above often enough.
func anyExpr(r *rand.Rand) string {
	field := func(least, most int, star float64) string {
		if r.Float64() < star {
			return "*"
		}
		var parts []string
		for range 1 + r.IntN(3) {
			a := least + r.IntN(most-least)
			b := a + 1 + r.IntN(most-a)
			switch r.IntN(3) {
			case 0:
				parts = append(parts, strconv.Itoa(a))
			case 1:
				parts = append(parts, fmt.Sprintf("%d-%d", a, b))
			default:
				parts = append(parts, fmt.Sprintf("%d-%d/%d", a, b, 1+r.IntN(b-a)))
			}
		}
		return strings.Join(parts, ",")
	}
	hour := field(0, 23, 0.3)
	if r.IntN(3) == 0 {
		hour = field(0, 3, 0) // where clocks jump
	}
	return strings.Join([]string{field(0, 59, 0.1), hour, field(1, 31, 0.7), field(1, 12, 0.8), field(0, 6, 0.8)}, " ")
}

// TestCronByTheClock compares with the sweep, over days on which a clock jumps.
func TestCronByTheClock(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	fired := 0
	for i := range 600 {
		x := days[i%len(days)]
		expr := anyExpr(r)
		zone := load(t, x.zone)
		noon, err := time.ParseInLocation(time.DateOnly, x.day, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		from := noon.Add(time.Duration(r.IntN(36*60)-48*60) * time.Minute)
		fired += compare(t, expr, zone, from, from.Add(80*time.Hour))
	}
	if fired < 20000 {
		t.Errorf("only %d firings were compared", fired)
	}
}

// compare holds Next, Last and Count against the sweep, and tells how many firings
// there were.
func compare(t *testing.T, expr string, zone *time.Location, from, until time.Time) int {
	t.Helper()
	c, err := schedules.ParseCron(expr, zone)
	if err != nil {
		if strings.Contains(err.Error(), "never comes") {
			return 0
		}
		t.Fatalf("%s: %v", expr, err)
	}
	want := sweep(expr, zone, from, until)
	at := from
	for i := 0; ; i++ {
		at = c.Next(at)
		if over := at.IsZero() || at.After(until); over != (i == len(want)) || !over && !at.Equal(want[i]) {
			t.Fatalf("%s in %v from %v: firing %d is %v; want %v", expr, zone, from, i, at, want)
		}
		if i == len(want) {
			break
		}
	}
	last := c.Last(from, until)
	if len(want) == 0 && !last.IsZero() || len(want) > 0 && !last.Equal(want[len(want)-1]) {
		t.Fatalf("%s in %v from %v until %v: the last is %v; want %v", expr, zone, from, until, last, want)
	}
	if n := c.Count(from, until, 7); n != min(7, len(want)) {
		t.Fatalf("%s in %v: %d are counted; want %d", expr, zone, n, len(want))
	}
	return len(want)
}

func load(tb testing.TB, name string) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

// FuzzCron: whatever is taken for an expression fires as the sweep sees it, and what is
// not is refused with words.
func FuzzCron(f *testing.F) {
	for i, expr := range []string{
		"0 8 * * *", "0 9 * * mon", "0 10 1 * *", "0 10 1 jan,apr,jul,oct *", "*/15 * * * *", "0 2 * * *", "30 1 * * *", "1-59/7 */3 29 2 *",
		"0 0 13 * fri", "@daily", "@every 1h", "CRON_TZ=UTC 0 8 * * *", "0 0 30 2 *", "? 5/15 *-3 , +5", "* 2 * * 7", "0 0 */2 * mon",
	} {
		f.Add(expr, uint8(i), int64(i*997))
	}
	f.Fuzz(func(t *testing.T, expr string, day uint8, minutes int64) {
		x := days[int(day)%len(days)]
		zone := load(t, x.zone)
		c, err := schedules.ParseCron(expr, zone)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" || len(err.Error()) > 400 {
				t.Errorf("%q: %d bytes of error", expr, len(err.Error()))
			}
			return
		}
		noon, err := time.ParseInLocation(time.DateOnly, x.day, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		from := noon.Add(time.Duration(minutes%(24*60)) * time.Minute)
		if first := c.Next(from); !first.After(from) || !c.Last(from, first).Equal(first) || c.Count(from, first, 2) != 1 {
			t.Errorf("%q from %v: fires at %v", expr, from, first)
		}
		if !strings.Contains(expr, "@") {
			compare(t, expr, zone, from, from.Add(40*time.Hour))
		}
	})
}

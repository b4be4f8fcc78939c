package schedules

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"watchstander/bot"
)

// Cron is when something comes round: a cron expression in a zone. The zero Cron never
// fires. It is read only.
//
// A time of day that the zone's clock jumps over fires at the moment of the jump, and
// one that the clock shows twice at its first showing, so none is lost or doubled. One
// whose hours are all 24 goes by elapsed time instead: it fires whenever the clock shows
// a minute of its own. docs/decisions/schedules.md says why.
type Cron struct {
	expr string
	// spec has its fields in UTC, where no clock jumps: it is asked for wall times.
	spec cron.Schedule
	zone *time.Location
	// hourly: it fires in every hour.
	hourly bool
}

// longest is more than any expression needs: 60 minutes in a list have 170 bytes.
const longest = 256

// field is one of the five.
type field struct {
	name  string
	least int
	most  int
	words []string // for least and what follows it
	says  string   // what can be written
}

var fields = []field{
	{"minute", 0, 59, nil, "0 to 59"},
	{"hour", 0, 23, nil, "0 to 23"},
	{"day of the month", 1, 31, nil, "1 to 31"},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}, "1 to 12 or jan to dec"},
	{"day of the week", 0, 6, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, "0 (Sunday) to 6 or sun to sat"},
}

// nicknames as crontab(5) has them. @reboot is none here: what comes after a reboot
// has no schedule. Nor is @every, which would count from whenever the bot began.
var nicknames = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// ParseCron reads five fields (minute, hour, day of the month, month, day of the week)
// of numbers, names, ranges, lists and steps, or a nickname such as @daily, whose times
// are the zone's. Where both days are given, either of them fires, as in crontab(5).
// The error names the field; an expression that never fires is one, too.
func ParseCron(expr string, zone *time.Location) (Cron, error) {
	if len(expr) > longest {
		return Cron{}, fmt.Errorf("has more than %d bytes: five fields need fewer", longest)
	}
	long := strings.Join(strings.Fields(expr), " ")
	if strings.Contains(long, "TZ=") {
		return Cron{}, fmt.Errorf("the zone does not stand in a cron expression: leave the part with TZ= out, and write the zone beside it")
	}
	if strings.HasPrefix(long, "@") {
		full, known := nicknames[strings.ToLower(long)]
		if !known {
			return Cron{}, fmt.Errorf("there is no %.20q here: write five fields, as in \"0 8 * * *\", or @hourly, @daily, @weekly, @monthly or @yearly", long)
		}
		long = full
	}
	parts := strings.Fields(long)
	if len(parts) != len(fields) {
		return Cron{}, fmt.Errorf("has %d fields instead of five: minute, hour, day of the month, month, day of the week, as in \"0 8 * * mon\"", len(parts))
	}
	for i, f := range fields {
		if err := f.check(parts[i]); err != nil {
			return Cron{}, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if day, week := parts[2], parts[4]; day != "*" && week != "*" && (strings.Contains(day, "*") || strings.Contains(week, "*")) {
		return Cron{}, fmt.Errorf("day of the month and day of the week: with a step from * in one of them, cron programs do not agree whether both must fit: list the days, as in 1-31/2, where one is enough")
	}
	spec, err := parser.Parse(long)
	if err != nil {
		return Cron{}, fmt.Errorf("cannot be read as a cron expression: %w", err)
	}
	s, ok := spec.(*cron.SpecSchedule)
	if !ok {
		return Cron{}, fmt.Errorf("cannot be read as a cron expression")
	}
	s.Location = time.UTC
	// Four years have a 29 February among them, and every weekday of every month.
	if s.Next(time.Date(2000, 1, 1, 0, 0, 0, -1, time.UTC)).IsZero() {
		return Cron{}, fmt.Errorf("day of the month: never comes in that month")
	}
	const allHours = 1<<24 - 1
	return Cron{expr: expr, spec: s, zone: zone, hourly: s.Hour&allHours == allHours}, nil
}

// member is one of a field's list: *, a number or name, or a range of them, with a step.
var member = regexp.MustCompile(`^(?:(\*)|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,2}))?$`)

// check finds what the parser takes and others do not (?, 5/15, *-3, lists with holes,
// steps that never come), and what it refuses in words for programmers.
func (f field) check(text string) error {
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		m := member.FindStringSubmatch(part)
		if m == nil {
			return fmt.Errorf("%.20q cannot be read: write *, or %s, with lists (1,3), ranges (1-5) and steps (*/2)", part, f.says)
		}
		from, to := f.least, f.most
		if m[1] == "" {
			var ok, okTo bool
			from, ok = f.value(m[2])
			to, okTo = from, ok
			if m[3] != "" {
				to, okTo = f.value(m[3])
			}
			switch {
			case !ok || !okTo:
				return fmt.Errorf("there is no %q: write %s", part, f.says)
			case to < from:
				return fmt.Errorf("%q ends before it begins: write two parts with a comma between them", part)
			case m[4] != "" && m[3] == "":
				return fmt.Errorf("%q has a step from one value: write the range, as in %s-%d/%s", part, m[2], f.most, m[4])
			}
		}
		if m[4] == "" {
			continue
		}
		var step int
		fmt.Sscanf(m[4], "%d", &step) //nolint:errcheck // one or two digits
		if most := max(1, to-from); step < 1 || step > most {
			return fmt.Errorf("the step of %q must be from 1 to %d", part, most)
		}
	}
	return nil
}

// value of a number or a name; false where the field has none such.
func (f field) value(text string) (int, bool) {
	for i, w := range f.words {
		if w == text {
			return f.least + i, true
		}
	}
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n >= f.least && n <= f.most
}

// String is the expression as it was given.
func (c Cron) String() string { return c.expr }

// Next is the first firing after a time, in UTC; zero where there is none.
func (c Cron) Next(after time.Time) time.Time {
	switch {
	case c.spec == nil:
		return time.Time{}
	case c.hourly:
		return c.nextElapsed(after)
	}
	// What is shown first after a time is also later on the wall than what is shown now;
	// where the clock was set back, some of that was shown already.
	for wall := wallTime(after, c.zone); ; {
		if wall = c.nextWall(wall); wall.IsZero() {
			return wall
		}
		if at, _ := bot.ClockShows(wall, c.zone); at.After(after) {
			return at
		}
	}
}

// nextElapsed goes through the times between two jumps of the clock, in which it is
// some way off UTC and nothing else.
func (c Cron) nextElapsed(after time.Time) time.Time {
	at := after.In(c.zone)
	from := wallTime(after, c.zone)
	for {
		offset, end := bot.OffsetAt(at)
		wall := c.nextWall(from)
		if wall.IsZero() {
			return wall
		}
		if hit := wall.Add(-offset); end.IsZero() || hit.Before(end) {
			return hit
		}
		at = end.In(c.zone)
		from = wallTime(end, c.zone).Add(-1) // the moment of the jump counts
	}
}

// nextWall is the next that the fields fit to, as if the zone were UTC.
func (c Cron) nextWall(wall time.Time) time.Time {
	next := c.spec.Next(wall)
	// The library looks five years ahead. Around 1900 and 2100 there are eight between
	// two leap days.
	for year := wall.Year() + 5; next.IsZero() && year <= wall.Year()+10; year += 5 {
		next = c.spec.Next(time.Date(year, 1, 1, 0, 0, 0, -1, time.UTC))
	}
	return next
}

// wallTime is what a clock in the zone shows, as if the zone were UTC.
func wallTime(t time.Time, zone *time.Location) time.Time {
	offset, _ := bot.OffsetAt(t.In(zone))
	return t.UTC().Add(offset)
}

// Last is the newest firing after a time and until another, which belongs to it; zero
// where there is none.
func (c Cron) Last(after, until time.Time) time.Time {
	fires := func(from time.Time) (time.Time, bool) {
		at := c.Next(from)
		return at, !at.IsZero() && !at.After(until)
	}
	for back := time.Minute; ; back *= 2 {
		whole := back > until.Sub(after)/2 // doubled, it would go beyond, or overflow
		from := until.Add(-back)
		if whole {
			from = after
		}
		last, ok := fires(from)
		if !ok && whole {
			return time.Time{}
		}
		if !ok {
			continue
		}
		// Nothing fires from late on.
		for late := until; ; {
			next, ok := fires(last)
			if !ok {
				return last
			}
			last = next
			middle := last.Add(late.Sub(last) / 2)
			if next, ok = fires(middle); ok {
				last = next
			} else {
				late = middle
			}
		}
	}
}

// Count counts the firings after a time and until another, which belongs to it, and
// stops at most.
func (c Cron) Count(after, until time.Time, most int) (n int) {
	for n < most {
		if after = c.Next(after); after.IsZero() || after.After(until) {
			break
		}
		n++
	}
	return n
}

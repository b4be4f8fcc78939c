package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/schedules"
)

// Windows are counted two days back (the longest has a day) and fifteen ahead: a
// weekly one may fall into the hour that daylight saving takes away.
const (
	daysBack  = 2
	daysAhead = 15
)

// Open tells whether one of the windows is open at t, and from when until when;
// the end does not belong to it. Windows that touch or overlap are one. No
// windows are always open, with no times to tell. A window that cannot be read
// never opens.
func Open(windows []bot.Window, t time.Time) (from, until time.Time, open bool) {
	if len(windows) == 0 {
		return time.Time{}, time.Time{}, true
	}
	for _, s := range spans(windows, t) {
		if !t.Before(s.From) && t.Before(s.To) {
			return s.From, s.To, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// NextOpen tells when one of the windows opens next after t, and until when it is
// open then; false when none does within fifteen days, or there are none.
func NextOpen(windows []bot.Window, t time.Time) (from, until time.Time, ok bool) {
	for _, s := range spans(windows, t) {
		if s.From.After(t) {
			return s.From, s.To, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// OpenOrNext is the time for which a window is open at t, or else the next one; false as
// NextOpen has it.
func OpenOrNext(windows []bot.Window, t time.Time) (from, until time.Time, ok bool) {
	if from, until, ok = Open(windows, t); ok {
		return from, until, true
	}
	return NextOpen(windows, t)
}

// spans are the times around t at which a window is open, in order and apart.
func spans(windows []bot.Window, t time.Time) []bot.Interval {
	var all []bot.Interval
	for _, w := range windows {
		r, faults := readWindow(w)
		if len(faults) > 0 {
			continue
		}
		if w.Start != "" {
			all = append(all, r.firings(t)...)
			continue
		}
		year, month, today := t.In(r.zone).Date()
		for d := today - daysBack; d <= today+daysAhead; d++ {
			if date := time.Date(year, month, d, 0, 0, 0, 0, time.UTC); r.days[date.Weekday()] {
				var s bot.Interval
				s.From, _ = bot.ClockShows(date.Add(r.from), r.zone)
				s.To, _ = bot.ClockShows(date.Add(r.to), r.zone)
				if s.From.Before(s.To) { // else its whole time was jumped over
					all = append(all, s)
				}
			}
		}
	}
	return bot.JoinIntervals(all)
}

// firings are the times around t at which a window with a cron expression is open. One
// whose start the clock jumps over opens at the moment of the jump, one whose start it
// shows twice opens once (package schedules), and each lasts as long as it says.
func (w window) firings(t time.Time) (out []bot.Interval) {
	end := t.Add(daysAhead * day)
	for at := w.cron.Next(t.Add(-daysBack * day)); !at.IsZero() && at.Before(end); at = w.cron.Next(at) {
		out = append(out, bot.Interval{From: at, To: at.Add(w.lasts)})
	}
	return out
}

const day = 24 * time.Hour

// A window with a cron expression lasts from a minute to a day, and opens at most once an
// hour: it is for maintenance, and all that open within a fortnight are counted.
const (
	leastLasts = time.Minute
	mostLasts  = day
)

// window is a bot.Window that has been read; to is beyond 24 hours on the next day.
type window struct {
	days     [7]bool // by time.Weekday
	from, to time.Duration
	zone     *time.Location
	// cron and lasts, where it has those instead.
	cron  schedules.Cron
	lasts time.Duration
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// windowFault names the part of a window that cannot be read.
type windowFault struct{ field, message string }

func readWindow(w bot.Window) (window, []windowFault) {
	if w.Start != "" || w.Lasts != 0 {
		return readCronWindow(w)
	}
	var out window
	var faults []windowFault
	for i, d := range w.Days {
		n := slices.Index(weekdays, d)
		if n < 0 {
			faults = append(faults, windowFault{fmt.Sprintf("days[%d]", i), fmt.Sprintf("%q is no day: write mon, tue, wed, thu, fri, sat or sun", d)})
			continue
		}
		out.days[n] = true
	}
	if len(w.Days) == 0 {
		out.days = [7]bool{true, true, true, true, true, true, true}
	}
	clock := func(field, text string) time.Duration {
		t, err := time.Parse("15:04", text)
		if err != nil || len(text) != len("15:04") {
			faults = append(faults, windowFault{field, fmt.Sprintf("%q is no time of day: write hours and minutes from \"00:00\" to \"23:59\"", text)})
		}
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	out.from, out.to = clock("from", w.From), clock("to", w.To)
	if out.to <= out.from {
		out.to += 24 * time.Hour
	}
	if out.zone = loadZone(w.Zone); out.zone == nil {
		faults = append(faults, zoneFault(w.Zone))
	}
	return out, faults
}

func readCronWindow(w bot.Window) (out window, faults []windowFault) {
	fault := func(field, format string, args ...any) {
		faults = append(faults, windowFault{field, fmt.Sprintf(format, args...)})
	}
	if w.From != "" || w.To != "" || len(w.Days) > 0 {
		fault("start", "does not go with days, from and to: a window has those, or start and lasts")
	}
	out.lasts = w.Lasts.Duration()
	if out.lasts < leastLasts || out.lasts > mostLasts {
		fault("lasts", "must be from 1m to 24h: how long it is open from its start on")
	}
	if out.zone = loadZone(w.Zone); out.zone == nil {
		faults = append(faults, zoneFault(w.Zone))
		return out, faults
	}
	var err error
	var longest time.Duration
	switch out.cron, longest, err = loadCron(w.Start, out.zone); {
	case w.Start == "":
		fault("start", "is missing: when it opens, as in \"0 2 * * *\"")
	case err != nil:
		fault("start", "%s", err)
	case oftenOpens(out.cron):
		fault("start", "opens more than once in an hour: a window that is always open is no window")
	case longest > 0 && out.lasts >= longest:
		fault("lasts", "reaches from each start to the next, so that it never shuts: a window that is always open is no window")
	}
	return out, faults
}

// oftenOpens tells whether two firings of one day lie within an hour. What the fields say
// of minutes and hours is the same on all days that they are for.
func oftenOpens(c schedules.Cron) bool {
	at := c.Next(time.Date(2026, 1, 1, 0, 0, 0, -1, time.UTC))
	for range 25 {
		next := c.Next(at)
		if next.IsZero() || next.Sub(at) < time.Hour {
			return !next.IsZero()
		}
		at = next
	}
	return false
}

// longestWait is the longest time from one firing to the next within a year of a clock
// that never jumps, by what the fields say: an hour that some zone gives a day more must
// not make a window of 24 hours a day one that shuts. Zero where there is one that is
// longer than any window, or no next one.
func longestWait(expr string) time.Duration {
	c, err := schedules.ParseCron(expr, time.UTC)
	if err != nil {
		return 0
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, -1, time.UTC)
	var longest time.Duration
	for at := c.Next(from); at.Before(from.AddDate(1, 0, 0)); {
		next := c.Next(at)
		if next.IsZero() || next.Sub(at) > mostLasts {
			return 0
		}
		longest, at = max(longest, next.Sub(at)), next
	}
	return longest
}

func zoneFault(zone string) windowFault {
	return windowFault{"zone", fmt.Sprintf("there is no zone %q: write an IANA name such as America/Los_Angeles, Europe/Berlin or UTC", zone)}
}

// crons remembers what was read of each expression in each zone, as zones does.
var crons sync.Map // cronKey → readCron

type cronKey struct{ expr, zone string }

type readCron struct {
	cron    schedules.Cron
	longest time.Duration // as longestWait has it
}

func loadCron(expr string, zone *time.Location) (schedules.Cron, time.Duration, error) {
	key := cronKey{expr, zone.String()}
	if known, ok := crons.Load(key); ok {
		c := known.(readCron)
		return c.cron, c.longest, nil
	}
	c, err := schedules.ParseCron(expr, zone)
	if err != nil {
		return c, 0, err
	}
	read := readCron{c, longestWait(expr)}
	crons.Store(key, read)
	return read.cron, read.longest, nil
}

// zones remembers what was loaded: judging is frequent, and loading reads files.
var zones sync.Map // name → *time.Location

func loadZone(name string) *time.Location {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location)
	}
	if name == "" || name == "Local" { // what these mean depends on the machine
		return nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	zones.Store(name, z)
	return z
}

// WindowWords is "mon, tue 02:00–04:00 (America/Los_Angeles)", or "cron 0 2 * * * for
// 2 h (America/Los_Angeles)", for people.
func WindowWords(ws []bot.Window) string {
	words := make([]string, len(ws))
	for i, w := range ws {
		if w.Start != "" {
			words[i] = fmt.Sprintf("cron %s for %s (%s)", w.Start, phrase.Duration(w.Lasts.Duration()), w.Zone)
			continue
		}
		words[i] = fmt.Sprintf("%s %s–%s (%s)", cmp.Or(strings.Join(w.Days, ", "), "daily"), w.From, w.To, w.Zone)
	}
	return strings.Join(words, "; ")
}

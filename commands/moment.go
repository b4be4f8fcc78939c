package commands

import (
	"fmt"
	"slices"
	"time"
)

// moment is a time on the way from words to an instant.
type moment struct {
	parser       *parser
	first, last  word
	kind         dayKind
	year, day    int
	month        time.Month
	weekday      time.Weekday
	hour, minute int
	zone         *time.Location
	abbreviation string // which of two equal clock times is meant: "PDT"
}

type dayKind int

const (
	dayNone dayKind = iota
	dayToday
	dayTomorrow
	dayWeekday
	dayDate
)

// dayWord reads the day, and is false when the word names none.
func (u *moment) dayWord(w word) bool {
	switch {
	case w.is("today"):
		u.kind = dayToday
		return true
	case w.is("tomorrow"):
		u.kind = dayTomorrow
		return true
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if w.is(d.String(), d.String()[:3]) {
			u.kind, u.weekday = dayWeekday, d
			return true
		}
	}
	if t, err := time.Parse(time.DateOnly, w.text); err == nil {
		u.kind = dayDate
		u.year, u.month, u.day = t.Date()
		return true
	}
	return false
}

// foreign are zones' abbreviations that people write, and that we could only
// guess at: some stand for two zones.
var foreign = []string{"EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "CET", "CEST", "BST", "IST", "EET", "EEST", "WET", "WEST", "MSK", "JST", "AEST", "AEDT", "MEZ", "MESZ"}

// zoneWord reads a zone behind the time: UTC, or an abbreviation of the
// operator's own. Another one must not be taken for the comment's first word.
func (u *moment) zoneWord(ahead *reader) error {
	u.zone = u.parser.zone
	w, ok := ahead.peek()
	switch {
	case !ok || w.quoted:
		return nil
	case w.text == "UTC" || w.text == "GMT" || w.text == "Z":
		u.zone = time.UTC
	case slices.Contains(u.ownAbbreviations(), w.text):
		u.abbreviation = w.text
	case slices.Contains(foreign, w.text):
		return u.parser.wrong(w, "is no zone that I read: times are those of "+u.parser.zone.String()+", or UTC.")
	default:
		return nil
	}
	ahead.next()
	u.last = w
	return nil
}

// ownAbbreviations are those of the operator's zone in winter and summer.
func (u *moment) ownAbbreviations() []string {
	var out []string
	for _, month := range []time.Month{time.January, time.July} {
		name, _ := time.Date(u.parser.at.Year(), month, 15, 12, 0, 0, 0, u.parser.zone).Zone()
		if name != "" && name[0] >= 'A' && name[0] <= 'Z' {
			out = append(out, name)
		}
	}
	return out
}

// resolve finds the one instant that is meant.
func (u *moment) resolve() (time.Time, error) {
	at := u.parser.at
	y, m, d := at.In(u.zone).Date()
	switch u.kind {
	case dayDate:
		return u.on(u.year, u.month, u.day)
	case dayToday:
		return u.on(y, m, d)
	case dayTomorrow:
		return u.on(y, m, d+1)
	case dayWeekday:
		away := (int(u.weekday) - int(at.In(u.zone).Weekday()) + 7) % 7
		if away > 0 {
			return u.on(y, m, d+away)
		}
		if last := u.instants(y, m, d); len(last) > 0 && last[len(last)-1].After(at) {
			return time.Time{}, u.wrong("could be today or in a week: today is " + u.weekday.String() + ". Write `until today " + u.clock() + "`, or the date.")
		}
		return u.on(y, m, d+7)
	}
	// A bare time is the next one: today, if it is still to come.
	switch ahead := u.after(u.instants(y, m, d), at); {
	case len(ahead) == 1:
		return ahead[0], nil
	case len(ahead) > 1:
		return u.on(y, m, d)
	}
	if len(u.instants(y, m, d)) == 0 && u.nominal(y, m, d).After(at) {
		return u.on(y, m, d) // skipped by the clocks, and still ahead
	}
	return u.on(y, m, d+1)
}

// on is the instant on one day, if there is exactly one.
func (u *moment) on(y int, m time.Month, d int) (time.Time, error) {
	found := u.instants(y, m, d)
	if len(found) > 1 && u.abbreviation != "" {
		found = slices.DeleteFunc(found, func(t time.Time) bool { return abbreviationOf(t) != u.abbreviation })
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return time.Time{}, u.wrong(fmt.Sprintf("does not exist: on %s the clocks of %s skip %s.",
			u.nominal(y, m, d).Format("Mon 2 Jan"), u.zone, u.clock()))
	}
	first, second := abbreviationOf(found[0]), abbreviationOf(found[1])
	how := fmt.Sprintf("Write `%s %s` or `%s %s`.", u.clock(), first, u.clock(), second)
	if !slices.Contains(u.ownAbbreviations(), first) || first == second {
		how = "Write it in UTC, or how long, e.g. `2h`."
	}
	return time.Time{}, u.wrong(fmt.Sprintf("comes twice on %s, when the clocks of %s are set back. %s",
		found[0].Format("Mon 2 Jan"), u.zone, how))
}

// instants are those at which the zone's clocks show the time on that day: one,
// none when they skip it, two when they are set back over it.
func (u *moment) instants(y int, m time.Month, d int) []time.Time {
	// As if the zone were UTC; the zone's offsets around then do the rest.
	shown := time.Date(y, m, d, u.hour, u.minute, 0, 0, time.UTC)
	var out []time.Time
	for _, around := range []time.Duration{-36 * time.Hour, 36 * time.Hour} {
		_, offset := shown.Add(around).In(u.zone).Zone()
		t := shown.Add(-time.Duration(offset) * time.Second).In(u.zone)
		if t.Format(time.DateTime) == shown.Format(time.DateTime) && !slices.ContainsFunc(out, t.Equal) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

func (u *moment) after(ts []time.Time, at time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(ts), func(t time.Time) bool { return !t.After(at) })
}

// nominal is the time as the library normalizes it, for times that are skipped.
func (u *moment) nominal(y int, m time.Month, d int) time.Time {
	return time.Date(y, m, d, u.hour, u.minute, 0, 0, u.zone)
}

func (u *moment) clock() string { return fmt.Sprintf("%02d:%02d", u.hour, u.minute) }

// wrong points at the day and the time.
func (u *moment) wrong(what string) error {
	w := u.first
	if u.last.n != u.first.n {
		w.raw += " " + u.last.raw
	}
	return u.parser.wrong(w, what)
}

func abbreviationOf(t time.Time) string {
	name, _ := t.Zone()
	return name
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

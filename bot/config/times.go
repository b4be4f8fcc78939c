package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"watchstander/bot"
)

// Clock is a time of day.
type Clock struct{ Hour, Minute int }

// String is "08:00".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute) }

// Next is the first time after t that a clock in the zone shows it. On a day
// whose clock jumps over it, that is the moment of the jump; on one whose clock shows it
// twice, the first of the two.
func (c Clock) Next(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	for day := 0; ; day++ {
		wall := time.Date(t.Year(), t.Month(), t.Day()+day, c.Hour, c.Minute, 0, 0, time.UTC)
		if at, _ := bot.ClockShows(wall, zone); at.After(t) {
			return at
		}
	}
}

var clockForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)

func scanClock(text string, dst *Clock) string {
	m := clockForm.FindStringSubmatch(text)
	if m == nil {
		return fmt.Sprintf("%s is no time of day: write hours and minutes from \"00:00\" to \"23:59\"", short(text))
	}
	dst.Hour, _ = strconv.Atoi(m[1])
	dst.Minute, _ = strconv.Atoi(m[2])
	return ""
}

// QuietHours are when new threads of some severities wait.
type QuietHours struct {
	// From and To are different; From after To crosses midnight.
	From, To Clock
	Zone     *time.Location
	// Hold are the severities that wait: warning, info, never critical.
	Hold []bot.Severity
}

// Until is the end of the quiet hours that t lies in; false when t lies in
// none. The beginning belongs to them, the end does not.
func (q *QuietHours) Until(t time.Time) (time.Time, bool) {
	if q == nil {
		return time.Time{}, false
	}
	end := q.To.Next(t, q.Zone)
	// Which of the two comes first decides, so that days with 23 or 25 hours
	// need no special care. Both at once: a jump of the clock has swallowed them.
	if begin := q.From.Next(t, q.Zone); !begin.After(end) {
		return time.Time{}, false
	}
	return end, true
}

// Holds tells whether new threads of the severity wait. One without a known
// severity is treated like a warning.
func (q *QuietHours) Holds(s bot.Severity) bool {
	if q == nil {
		return false
	}
	if s == bot.SeverityUnknown {
		s = bot.SeverityWarning
	}
	return slices.Contains(q.Hold, s)
}

// Last is the last time before t, or at it, that a clock in the zone showed it; of a
// day's two, the first.
func (c Clock) Last(t time.Time, zone *time.Location) time.Time {
	last := c.Next(t.AddDate(0, 0, -3), zone)
	for next := c.Next(last, zone); !next.After(t); next = c.Next(last, zone) {
		last = next
	}
	return last
}

// zone loads an IANA zone.
func (j *judge) zone(g given[string], def *time.Location) *time.Location {
	if !g.ok {
		return def
	}
	z, err := time.LoadLocation(g.v)
	if err != nil || g.v == "Local" {
		j.fault(g.place, "there is no zone %s: write an IANA name such as America/Los_Angeles, Europe/Berlin or UTC", short(g.v))
		return def
	}
	return z
}

func (b *builder) times() {
	b.cfg.Zone = b.zone(b.keys.Zone, time.UTC)
	b.cfg.DigestAt = b.keys.Digest.At.or(Clock{8, 0})
	if k := b.keys.Brief; k != nil {
		b.cfg.Brief = &Brief{At: k.At.v, Since: k.Since.or(Clock{18, 0}), Zone: b.zone(k.Zone, b.cfg.Zone)}
		if k.At.ok && b.cfg.Brief.At == b.cfg.Brief.Since {
			b.fault(k.At.place, "is the same as since: the brief tells of the time between them")
		}
	}
	k := b.keys.QuietHours
	if k == nil {
		return
	}
	q := &QuietHours{From: k.From.v, To: k.To.v, Zone: b.zone(k.Zone, b.cfg.Zone)}
	b.cfg.QuietHours = q
	if k.From.ok && k.To.ok && q.From == q.To {
		b.fault(k.To.place, "is the same as from: quiet hours have a length; leave quiet_hours out to hold nothing")
	}
	if !k.Hold.set {
		q.Hold = []bot.Severity{bot.SeverityWarning, bot.SeverityInfo}
		return
	}
	if len(k.Hold.items) == 0 {
		b.fault(k.Hold.place, "holds nothing: write [warning, info], or leave quiet_hours out")
	}
	for _, g := range k.Hold.items {
		var s bot.Severity
		switch {
		case !g.ok:
			continue
		case g.v == "warning":
			s = bot.SeverityWarning
		case g.v == "info":
			s = bot.SeverityInfo
		case bot.ParseSeverity(g.v) == bot.SeverityCritical:
			b.fault(g.place, "what is critical is never held: write only warning and info")
			continue
		default:
			b.fault(g.place, "%s cannot be held%s", short(g.v), choose(g.v, "warning", "info"))
			continue
		}
		if slices.Contains(q.Hold, s) {
			b.fault(g.place, "%s stands twice", short(g.v))
			continue
		}
		q.Hold = append(q.Hold, s)
	}
}

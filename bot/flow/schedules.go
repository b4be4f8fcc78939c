package flow

import (
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/view"
)

// Schedule is a checklist with its firings in time.
type Schedule struct {
	bot.Checklist
	// Rule is what the firings follow, in words that change when they do.
	Rule string
	// Next is the first firing after a time, Last the last one after `after` and not
	// after `until`, Count how many there are of them, at most `most`. Zero for none.
	Next  func(after time.Time) time.Time
	Last  func(after, until time.Time) time.Time
	Count func(after, until time.Time, most int) int
}

const (
	// firingLate is how late a firing may be taken and still count as in time.
	firingLate = 10 * time.Minute
	// mostUnmade bounds how many firings are counted that had no run.
	mostUnmade = 1000
)

// dueSchedules brings the rows in line with the configuration, and takes the firings
// that have come.
func (c *change) dueSchedules() error {
	rows, err := c.Schedules()
	if err != nil {
		return err
	}
	for _, row := range rows {
		if !slices.ContainsFunc(c.s.Checklists, func(s Schedule) bool { return s.Name == row.Name }) {
			if err := c.forgetSchedule(row.Name); err != nil {
				return err
			}
		}
	}
	for _, s := range c.s.Checklists {
		if err := c.each("schedule "+s.Name, func() error { return c.dueSchedule(s) }); err != nil {
			return err
		}
	}
	return nil
}

// scheduleStale tells whether a row has to be brought in line with what is configured.
func scheduleStale(rows []bot.Schedule, s *Settings) bool {
	if len(rows) != len(s.Checklists) {
		return true
	}
	for _, x := range s.Checklists {
		i := slices.IndexFunc(rows, func(r bot.Schedule) bool { return r.Name == x.Name })
		if i < 0 || rows[i].Rule != x.Rule {
			return true
		}
	}
	return false
}

func (c *change) forgetSchedule(name string) error {
	open, err := c.OpenThreads(bot.ThreadChecklist)
	if err != nil {
		return err
	}
	for _, th := range open {
		if th.State.Checklist.Name != name || th.State.Checklist.Incident != nil {
			continue // an incident has its steps, and is over when somebody says so
		}
		if err := c.endRun(&th, "The checklist is no longer configured."); err != nil {
			return err
		}
	}
	return c.DropSchedule(name)
}

// dueSchedule takes what has come of one checklist's firings. Of several that were
// missed the newest alone is run, and what becomes of the others is said: no firing has
// two runs, and none passes unsaid.
func (c *change) dueSchedule(s Schedule) error {
	row, known, err := c.Schedule(s.Name)
	if err != nil {
		return err
	}
	if !known {
		// What was before it was configured is not missed.
		return c.PutSchedule(bot.Schedule{Name: s.Name, Since: c.now, Rule: s.Rule, Last: c.now, Next: s.Next(c.now)})
	}
	was := row
	if row.PausedBy != "" && !row.Paused(c.now) {
		if err := c.resumeAt(&row, s); err != nil {
			return err
		}
	}
	if row.Next.IsZero() || row.Next.After(c.now) {
		if row.Rule != s.Rule {
			row.Rule, row.Next = s.Rule, s.Next(c.now)
		}
		if row == was {
			return nil
		}
		return c.PutSchedule(row)
	}
	newest, n := row.Next, 1
	if row.Rule == s.Rule {
		from := row.Next.Add(-time.Millisecond)
		if last := s.Last(from, c.now); !last.IsZero() {
			newest, n = last, max(s.Count(from, c.now, mostUnmade), 1)
		}
	}
	first := row.Next
	row.Rule, row.Last, row.Next = s.Rule, newest, s.Next(c.now)
	late := c.now.Sub(newest) > firingLate
	switch {
	case row.Paused(newest) && row.PausedAt.Before(newest):
		c.unmade(&row, n, first, newest, pausedWhy(row))
	case late && s.Missed == bot.SkipMissed:
		c.unmade(&row, n, first, newest, "I was not running")
	default:
		if n > 1 {
			// The end of those before the newest is not needed to the minute: it is before it.
			c.unmade(&row, n-1, first, s.before(first, newest), "I was not running")
		}
		var cause string
		if late {
			cause = "was due " + c.style().Time(newest) + ", when I was not running; made up for now"
		}
		return c.beginRun(s, &row, newest, cause, "")
	}
	return c.PutSchedule(row)
}

// before is the last firing before one.
func (s Schedule) before(first, newest time.Time) time.Time {
	if last := s.Last(first.Add(-time.Millisecond), newest.Add(-time.Millisecond)); !last.IsZero() {
		return last
	}
	return first
}

func pausedWhy(s bot.Schedule) string {
	why := string(s.PausedBy) + " had paused it"
	if s.Reason != "" {
		why += ": " + s.Reason
	}
	return why
}

// unmade notes firings that have no run; the next run tells of them.
func (c *change) unmade(row *bot.Schedule, n int, from, to time.Time, why string) {
	if row.Unmade == 0 {
		row.UnmadeFrom = from
	}
	if row.UnmadeWhy != "" && row.UnmadeWhy != why {
		why = row.UnmadeWhy + "; " + why
	}
	row.Unmade, row.UnmadeTo, row.UnmadeWhy = row.Unmade+n, to, why
}

// runChecklist begins a run on somebody's word.
func (c *change) runChecklist(name string, by bot.PersonID, why string) (bot.Thread, error) {
	s, ok := c.s.schedule(name)
	if !ok || s.Timed {
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "No checklist %q that could be run is configured any more.", name)
	}
	row, known, err := c.Schedule(name)
	if err != nil {
		return bot.Thread{}, err
	}
	if !known {
		row = bot.Schedule{Name: name, Since: c.now, Rule: s.Rule, Last: c.now, Next: s.Next(c.now)}
	}
	cause := string(by) + " asked for it"
	if why != "" {
		cause += ": " + why
	}
	if err := c.journal(journal.Entry{Kind: journal.KindNote, By: by, Subject: name, Text: "began the checklist " + name}); err != nil {
		return bot.Thread{}, err
	}
	if err := c.beginRun(s, &row, c.now, cause, ""); err != nil {
		return bot.Thread{}, err
	}
	th, _, err := c.LatestThread(runSubject(name, ""))
	return th, err
}

// runAfter begins the runs that come after a change of a host.
func (c *change) runAfter(x bot.Change) error {
	for _, s := range c.s.Checklists {
		row, comes, looked, err := c.comesAfter(s, x)
		if err != nil {
			return err
		}
		if !comes || looked || c.now.Sub(x.At) > runAfterFor {
			continue
		}
		if err := c.beginRun(s, &row, x.At, "after: "+whatChanged(x), x.Host); err != nil {
			return err
		}
	}
	return nil
}

// comesAfter tells whether a list comes after a change, and whether it has looked at the
// change's host since. What was before the list was configured, nobody asked about.
func (c *change) comesAfter(s Schedule, x bot.Change) (row bot.Schedule, comes, looked bool, err error) {
	if !slices.Contains(s.After, x.Kind) {
		return row, false, false, nil
	}
	row, known, err := c.Schedule(s.Name)
	if err != nil || !known || row.Paused(c.now) || !x.At.After(row.Since) {
		return row, false, false, err
	}
	looked, err = c.lookedAfter(s.Name, x)
	return row, true, looked, err
}

// lookedAfter tells whether a run of a change's host, or one of all hosts, began after it.
func (c *change) lookedAfter(name string, x bot.Change) (bool, error) {
	for _, host := range []string{x.Host, ""} {
		last, ok, err := c.LatestThread(runSubject(name, host))
		if err != nil {
			return false, err
		}
		if ok && !last.State.Checklist.Firing.Before(x.At) {
			return true, nil
		}
	}
	return false, nil
}

// switched begins the runs that come after a switch which a plan has made.
func (c *change) switched(st bot.PlanState) error {
	p := st.Proposal
	if p.State != bot.Done || !switches(p) {
		return nil
	}
	return c.runAfter(bot.Change{Host: st.Host, Kind: bot.ChangeSwitch, Text: p.Plan.Draft.Summary, At: p.EndedAt})
}

// runAfterFor is how old a change may be that a run comes after: what is older was
// looked at otherwise.
const runAfterFor = time.Hour

// whatChanged is a change with its host, which it may name itself.
func whatChanged(x bot.Change) string {
	if strings.Contains(x.Text, x.Host) {
		return x.Text
	}
	return x.Text + on(x.Host)
}

func on(host string) string {
	if host == "" {
		return ""
	}
	return " on " + host
}

// pauseSchedule stops a checklist's firings, or lets them go on.
func (c *change) pauseSchedule(o bot.PauseSchedule, by bot.PersonID) (bot.Message, error) {
	s, ok := c.s.schedule(o.Name)
	row, known, err := c.Schedule(o.Name)
	if err != nil {
		return bot.Message{}, err
	}
	if !ok || !known {
		return bot.Message{}, bot.Errorf(bot.CodeNotFound, "No checklist %q is configured any more.", o.Name)
	}
	if o.Resume && row.PausedBy == "" {
		return bot.Message{Title: bot.Line(bot.T(s.Title + " is not paused."))}, nil
	}
	text := "paused the checklist " + o.Name
	if o.Resume {
		text = "resumed the checklist " + o.Name
		row.PausedBy, row.PausedUntil, row.PausedAt, row.Reason = "", time.Time{}, time.Time{}, ""
	} else {
		row.PausedBy, row.PausedUntil, row.PausedAt, row.Reason = by, o.Until, c.now, o.Reason
	}
	if err := c.journal(journal.Entry{Kind: journal.KindNote, By: by, Subject: o.Name, Text: text, Fields: map[string]string{"reason": o.Reason}}); err != nil {
		return bot.Message{}, err
	}
	return view.Paused(s.Title, row, c.style()), c.PutSchedule(row)
}

// resumeAt ends a pause whose time is over. Firings within it are noted first.
func (c *change) resumeAt(row *bot.Schedule, s Schedule) error {
	until, why := row.PausedUntil, pausedWhy(*row)
	switch {
	case row.Next.IsZero() || !row.Next.Before(until):
	case row.Rule != s.Rule:
		// When the rule was changed, and what else came of the one before, is not known.
		if row.PausedAt.Before(row.Next) && !row.Next.After(c.now) {
			c.unmade(row, 1, row.Next, row.Next, why)
			row.Rule, row.Last, row.Next = s.Rule, row.Next, s.Next(c.now)
		}
	default:
		from := row.Next.Add(-time.Millisecond)
		last := s.Last(from, until.Add(-time.Millisecond))
		if !last.IsZero() {
			c.unmade(row, s.Count(from, until.Add(-time.Millisecond), mostUnmade), row.Next, last, why)
			row.Last, row.Next = last, s.Next(last)
		}
	}
	row.PausedBy, row.PausedUntil, row.PausedAt, row.Reason = "", time.Time{}, time.Time{}, ""
	return nil
}

func (s *Settings) schedule(name string) (Schedule, bool) {
	i := slices.IndexFunc(s.Checklists, func(x Schedule) bool { return x.Name == name })
	if i < 0 {
		return Schedule{}, false
	}
	return s.Checklists[i], true
}

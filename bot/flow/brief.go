package flow

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/view"
)

// metaBrief is when the next morning brief is due, metaBriefTo until when the last one
// told.
const (
	metaBrief   = "next brief"
	metaBriefTo = "briefed until"
)

// briefLate is how long after its time a brief is of use: after an absence over the day,
// what was missed stands in the next one.
const briefLate = 6 * time.Hour

// dueBrief tells in the morning what the night brought, if it brought anything. It
// begins with the evening, or earlier where the mornings since the last one were missed.
func (c *change) dueBrief() error {
	if c.s.NextBrief == nil {
		return nil
	}
	at, err := metaTime(c.Tx, metaBrief)
	if err != nil || at.After(c.now) {
		return err
	}
	next := c.s.NextBrief(c.now)
	if !at.IsZero() { // of several that were missed, the newest counts
		for later := c.s.NextBrief(at); !later.After(c.now); later = c.s.NextBrief(at) {
			at = later
		}
	}
	if err := c.putMetaTime(metaBrief, next); err != nil {
		return err
	}
	if at.IsZero() || c.now.Sub(at) > briefLate {
		return nil
	}
	told, err := metaTime(c.Tx, metaBriefTo)
	if err != nil {
		return err
	}
	since := c.s.BriefSince(c.now)
	if evening := c.s.BriefSince(at.Add(-24 * time.Hour)); !told.IsZero() && told.Before(evening) {
		since = told
	}
	b, err := c.brief(since)
	if err != nil {
		return err
	}
	if err := c.putMetaTime(metaBriefTo, c.now); err != nil {
		return err
	}
	if len(b.Threads)+len(b.Done)+len(b.Waits) == 0 {
		return nil
	}
	th := c.newThread(bot.ThreadBrief, "brief")
	th.Severity, th.State.Brief = bot.SeverityInfo, &b
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	if err := c.show(th, []bot.RoomID{c.s.NoticesRoom}); err != nil {
		return err
	}
	th.ClosedAt = c.now // it says what was
	return c.PutThread(th, "", c.now)
}

// brief gathers what a brief tells.
func (c *change) brief(since time.Time) (bot.BriefState, error) {
	b := bot.BriefState{Since: since, Until: c.now}
	open, err := c.OpenThreads(bot.ThreadAlert)
	if err != nil {
		return b, err
	}
	closed, err := c.ClosedThreads(bot.ThreadAlert, since, c.now)
	if err != nil {
		return b, err
	}
	for _, th := range slices.Concat(open, closed) {
		switch {
		case len(th.State.Alert.Rooms) == 0: // the digest has it
		case th.Open() && th.OpenedAt.Before(since):
			b.Before++
		default:
			b.Threads = append(b.Threads, th.ID)
		}
	}
	if err := c.briefDone(&b); err != nil {
		return b, err
	}
	return b, c.briefWaits(&b)
}

// briefDone gathers what changed on hosts, and what plans came to.
func (c *change) briefDone(b *bot.BriefState) error {
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	changes, err := c.AllChanges(b.Since, c.now)
	if err != nil {
		return err
	}
	gaps, err := c.Gaps(b.Since, c.now)
	if err != nil {
		return err
	}
	for _, x := range changes {
		if x.Kind == bot.ChangeRestart {
			continue // by the dozen with each switch; `changes` has them
		}
		// A start of the bot's own is worth a word where it was away before.
		if x.Kind == bot.ChangeBot && !slices.ContainsFunc(gaps, func(g bot.Interval) bool { return x.At.After(g.From) && !x.At.After(g.To.Add(time.Minute)) }) {
			continue
		}
		lines = append(lines, line{x.At, x.Text + on(x.Host)})
	}
	plans, err := c.ClosedThreads(bot.ThreadPlan, b.Since, c.now)
	if err != nil {
		return err
	}
	for _, th := range plans {
		p := th.State.Plan.Proposal
		lines = append(lines, line{th.ClosedAt, fmt.Sprintf("plan `%s` is %s: %s", p.Plan.ID, p.State, p.Plan.Draft.Summary)})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at.UnixMilli(), b.at.UnixMilli()) })
	for _, l := range lines {
		b.Done = append(b.Done, c.style().Time(l.at)+": "+l.text)
	}
	return nil
}

// briefWaits gathers what waits for people: plans, and what checklists found wrong.
func (c *change) briefWaits(b *bot.BriefState) error {
	plans, err := c.OpenThreads(bot.ThreadPlan)
	if err != nil {
		return err
	}
	for _, th := range plans {
		if p := th.State.Plan.Proposal; p.State == bot.Waiting || p.State == bot.Confirming {
			b.Waits = append(b.Waits, fmt.Sprintf("plan `%s` %s: %s", p.Plan.ID, view.PlanWaits(*th.State.Plan), p.Plan.Draft.Summary))
		}
	}
	runs, err := c.OpenThreads(bot.ThreadChecklist)
	if err != nil {
		return err
	}
	for _, th := range runs {
		run := th.State.Checklist
		if in := run.Incident; in != nil {
			b.Waits = append(b.Waits, fmt.Sprintf("%s `%s` is open since %s, %s leads: %s", run.IncidentName(), th.ID, c.style().Time(run.Firing), in.Lead, in.What))
			continue
		}
		for _, x := range run.Items {
			if x.Status == bot.ItemOpen && x.Verdict == bot.NotOK {
				b.Waits = append(b.Waits, fmt.Sprintf("%s, item %d was not ok %s: %s", run.Title, x.Number, c.style().Time(run.MeasuredAt), x.Item.Task))
			}
		}
	}
	return nil
}

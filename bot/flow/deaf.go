package flow

import (
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// What began and ended while the bot was away, or while an Alertmanager did not answer, it
// may never have heard of: nothing that is told of that time is the whole of it. So it
// keeps since when it is there, and its own absences, and those of its Alertmanagers.
const (
	// aliveEvery is how often a time is written that says until when all was heard.
	aliveEvery = 3 * time.Minute
	// deafLeast is the shortest absence that counts.
	deafLeast = 5 * time.Minute
)

const (
	// metaAlive is when the bot last took something, metaAliveFirst since when that is kept.
	metaAlive      = "alive at"
	metaAliveFirst = "alive since"
)

// metaHeard is when an Alertmanager last gave its account.
func metaHeard(alertmanager string) string { return "heard of " + alertmanager }

// alive notes that the bot is there, and that it was not, in a transaction that happens
// anyway.
func (c *change) alive() error {
	last, err := c.hears("", metaAlive, deafLeast)
	if err != nil || !last.IsZero() {
		return err
	}
	return c.putMetaTime(metaAliveFirst, c.now)
}

// hears notes that a source is heard now, at most once every aliveEvery, and the gap before
// it; last is when it was heard before, zero for never.
func (c *change) hears(source, meta string, least time.Duration) (last time.Time, err error) {
	if last, err = metaTime(c.Tx, meta); err != nil {
		return last, err
	}
	away := c.now.Sub(last)
	if !last.IsZero() && away < aliveEvery {
		return last, nil
	}
	if !last.IsZero() && away > least {
		if err := c.AddGap(source, bot.Interval{From: last, To: c.now}); err != nil {
			return last, err
		}
	}
	return last, c.putMetaTime(meta, c.now)
}

// deafAfterPolls is for how long an Alertmanager may be silent: what takes a few polls is
// no gap.
func (f *Flow) deafAfterPolls(name string) time.Duration {
	return max(deafLeast, 3*f.pollEvery(name)+workTime)
}

// heardOf notes that an Alertmanager gave its account.
func (c *change) heardOf(name string) error {
	_, err := c.hears(name, metaHeard(name), c.f.deafAfterPolls(name))
	return err
}

// listens begins to wait for the accounts of Alertmanagers that never gave one.
func (c *change) listens() error {
	for name := range c.f.o.Alertmanagers {
		if last, err := metaTime(c.Tx, metaHeard(name)); err != nil {
			return err
		} else if last.IsZero() {
			if err := c.putMetaTime(metaHeard(name), c.now); err != nil {
				return err
			}
		}
	}
	return nil
}

// deaf are the times within [from, to) in which not all alerts could be heard: the bot was
// away, an Alertmanager did not answer, a heartbeat was missed. They overlap; what goes on
// ends now.
func (f *Flow) deaf(tx *store.Tx, from, to time.Time) ([]bot.Interval, error) {
	now := f.clock.now()
	out, err := tx.Gaps(from, to)
	if err != nil {
		return nil, err
	}
	for name := range f.o.Alertmanagers {
		last, err := metaTime(tx, metaHeard(name))
		if err != nil {
			return nil, err
		}
		if !last.IsZero() && now.Sub(last) > f.deafAfterPolls(name) {
			out = append(out, bot.Interval{From: last, To: now})
		}
	}
	missed, err := tx.OpenThreads(bot.ThreadHeartbeat)
	if err != nil {
		return nil, err
	}
	over, err := tx.ClosedThreads(bot.ThreadHeartbeat, from, now)
	if err != nil {
		return nil, err
	}
	for _, th := range slices.Concat(missed, over) {
		x := bot.Interval{From: th.OpenedAt, To: now}
		if last := th.State.Heartbeat.LastAt; !last.IsZero() && last.Before(x.From) {
			x.From = last
		}
		if !th.Open() {
			x.To = th.ClosedAt
		}
		out = append(out, x)
	}
	var within []bot.Interval
	for _, x := range out {
		if part, ok := x.Within(bot.Interval{From: from, To: to}); ok {
			within = append(within, part)
		}
	}
	return within, nil
}

// deafUnknown tells that the bot's absences are kept only since a moment that is later than
// both others; zero where they are known for all of the time.
func deafUnknown(tx *store.Tx, from, known time.Time) (time.Time, error) {
	since, err := metaTime(tx, metaAliveFirst)
	if err != nil || !since.After(from) || since.Sub(known) <= deafLeast {
		return time.Time{}, err
	}
	return since, nil
}

package agent

import (
	"context"
	"slices"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
)

const (
	// lookAgain is how often the wall clock is looked at while something waits for
	// it: it may have been set, or have slept.
	lookAgain = 30 * time.Second
	// pruneSlack is how many proposals more than Limits.KeepMost may be kept until
	// somebody tidies up.
	pruneSlack = 100
	// glassLife is how long root has to start what it has planned.
	glassLife = 10 * time.Minute
)

// Run judges what waits, starts what may, watches what runs, and returns when the
// context has ended and all of that has stopped. What runs goes on without it.
func (c *Core) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	c.locked(func() {
		for _, r := range c.records {
			if s := r.Proposal.State; s == bot.Running || s == bot.Confirming {
				all.Go(func() { c.watch(ctx, r.id()) })
			}
		}
	})
	var pruned time.Time
	for {
		var timer <-chan time.Time
		c.locked(func() {
			now := c.now()
			if now.Sub(pruned) >= 24*time.Hour || len(c.records) > c.o.Limits.KeepMost+c.o.Limits.Open+pruneSlack {
				pruned = now
				c.prune()
			}
			if next := c.judgeAll(ctx, &all); !next.IsZero() {
				timer = time.After(max(0, min(next.Sub(now), lookAgain)))
			}
		})
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-timer:
		}
	}
}

// judgeAll settles every open proposal, and starts those whose turn it is. It
// gives the time at which time alone changes something, zero for never.
func (c *Core) judgeAll(ctx context.Context, all *sync.WaitGroup) (next time.Time) {
	var open []*record
	for _, r := range c.records {
		if r.Proposal.State.Open() {
			open = append(open, r)
		}
	}
	// Who was first is served first.
	slices.SortFunc(open, func(a, b *record) int { return a.Proposal.Plan.MintedAt.Compare(b.Proposal.Plan.MintedAt) })
	for _, r := range open {
		id := r.id()
		at, may := c.settle(r)
		if may && c.busy(c.records[id]) == "" && !c.starting[id] {
			if again := c.retry[id]; again.After(c.now()) {
				at = earliest(at, again)
			} else {
				c.starting[id] = true
				all.Go(func() { c.start(ctx, id) })
			}
		}
		next = earliest(next, at)
	}
	return next
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// settle brings the record to where it stands now, and tells whether it may start
// and when time will change that.
func (c *Core) settle(r *record) (next time.Time, may bool) {
	p := r.Proposal
	if !p.State.Open() {
		return time.Time{}, false
	}
	if r.Standing != "" || r.Glass != "" {
		return c.settleUnasked(r)
	}
	j := c.judgement(r)
	state, why := p.State, c.say("%s", j.Why)
	switch j.State {
	case gate.Denied, gate.Expired, gate.Refused:
	default:
		if err := c.allowed(p.Plan); err != nil {
			why := c.say("%s", bot.ForPeople(err))
			return c.end(r, bot.Denied, why, c.entry(journal.KindRefusal, r.id(), "%s", why)), false
		}
	}
	var queuedFor time.Time
	switch j.State {
	case gate.Unshown:
		state = bot.Proposed
	case gate.Waiting:
		state = bot.Waiting
	case gate.Queued:
		state, queuedFor = bot.Queued, j.At
	case gate.Run:
		may = true
		if p.State == bot.Proposed {
			state = bot.Waiting // decided at the host before any chat had it
		}
		why = c.turn(r, why)
	case gate.Denied:
		return c.end(r, bot.Denied, why), false
	case gate.Expired:
		return c.end(r, bot.Expired, why, c.entry(journal.KindExpired, r.id(), "%s", why)), false
	default: // gate.Refused, and whatever is not known
		return c.end(r, bot.Denied, why, c.entry(journal.KindRefusal, r.id(), "%s", why)), false
	}
	if state == p.State && why == p.Why && queuedFor.Equal(p.QueuedFor) && j.Until.Equal(p.Until) {
		return j.Next, may
	}
	r = r.copied()
	r.Proposal.State, r.Proposal.Why, r.Proposal.QueuedFor, r.Proposal.Until = state, why, queuedFor, j.Until
	var entries []journal.Entry
	if state == bot.Queued && p.State != bot.Queued {
		entries = append(entries, c.entry(journal.KindQueued, r.id(), "%s", why))
	}
	if err := c.commit(r, entries...); err != nil {
		return earliest(j.Next, c.now().Add(lookAgain)), false // told in the log; tried again
	}
	return j.Next, may
}

// allowed tells whether the policy that is in force now still has the plan's rule
// for just this: what was asked for under another one must be asked for again.
func (c *Core) allowed(p bot.Plan) error {
	requester, _ := c.gatePerson(p.Requester) // the gate has looked whether they are known
	rule, err := c.settings.Load().Policy.Find(p.Operation, p.Host, p.Arguments, requester)
	if err != nil {
		return bot.Errorf(bot.CodeForbidden, "The policy is another one now. %s", bot.ForPeople(err))
	}
	if !gate.SameRule(rule, p.Rule) {
		return bot.Errorf(bot.CodeForbidden, "The policy's rule for this is another one now (%s) than the plan was made under. Ask again.", rule.Name)
	}
	return nil
}

// turn says what keeps a proposal that may start from starting.
func (c *Core) turn(r *record, agreed string) string {
	if busy := c.busy(r); busy != "" {
		return c.say("%s It waits for %s.", agreed, busy)
	}
	if c.retry[r.id()].After(c.now()) {
		return r.Proposal.Why // start has said why
	}
	return agreed
}

// busy names what a proposal waits for, "" for nothing: one run at a time has a
// lock, and not too many run at once.
func (c *Core) busy(r *record) string {
	if c.starting[r.id()] {
		return ""
	}
	running := 0
	for _, o := range c.records {
		active := o.Proposal.State == bot.Running || o.Proposal.State == bot.Confirming || c.starting[o.id()]
		if !active || o.id() == r.id() {
			continue
		}
		running++
		for _, lock := range r.Proposal.Plan.Draft.Locks {
			if slices.Contains(o.Proposal.Plan.Draft.Locks, lock) {
				return string(o.id()) + " (" + string(o.Proposal.Plan.Operation) + " by " + string(o.Proposal.Plan.Requester) + "), which has the lock " + lock
			}
		}
	}
	if running >= c.o.Limits.Runs {
		return "one of the runs that go on to end"
	}
	return ""
}

// settleUnasked is settle for what nobody is asked to agree to: root's own, once
// root said so, and what a standing approval lets run.
func (c *Core) settleUnasked(r *record) (next time.Time, may bool) {
	p := r.Proposal
	end := p.Plan.NotAfter
	if !c.now().Before(end) {
		why := "It was not started before its time ended at " + phrase.Moment(end, time.UTC, c.now()) + "."
		return c.end(r, bot.Expired, why, c.entry(journal.KindExpired, r.id(), "%s", why)), false
	}
	return end, p.State == bot.Waiting
}

// over ends a proposal that did not start.
func (c *Core) over(r *record, state bot.ProposalState, why string, entries ...journal.Entry) (bot.Proposal, error) {
	r = r.copied()
	r.Proposal.State, r.Proposal.Why, r.Proposal.EndedAt = state, why, c.now()
	r.Proposal.QueuedFor, r.Proposal.Until = time.Time{}, time.Time{}
	if err := c.commit(r, entries...); err != nil {
		return bot.Proposal{}, err
	}
	c.letGo(r.Proposal.Plan)
	delete(c.retry, r.id())
	c.nudge()
	return r.Proposal, nil
}

// end is over where nobody waits for the answer. What could not be written is
// tried again at the time that it gives.
func (c *Core) end(r *record, state bot.ProposalState, why string, entries ...journal.Entry) (again time.Time) {
	if _, err := c.over(r, state, why, entries...); err != nil {
		return c.now().Add(lookAgain)
	}
	return time.Time{}
}

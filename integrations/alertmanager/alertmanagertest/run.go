package alertmanagertest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Run works until ctx ends: it flushes groups, sends notifications (each on a
// goroutine of its own, so that a slow receiver of one group does not hold up
// the others) and waits for them before it returns. At most one Run or Step of
// one Alertmanager may be under way.
func (am *Alertmanager) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	for ctx.Err() == nil {
		for _, work := range am.takeDue(time.Now()) {
			working.Go(func() { work(ctx) })
		}
		var alarm <-chan time.Time
		var timer *time.Timer
		if at, ok := am.Next(); ok {
			timer = time.NewTimer(time.Until(at))
			alarm = timer.C
		}
		select {
		case <-ctx.Done():
		case <-am.wake:
		case <-alarm:
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// Step does all that is due now, one thing after the other, and returns how
// many requests were made. It is for those who do not Run.
func (am *Alertmanager) Step(ctx context.Context) int {
	n := 0
	for {
		due := am.takeDue(time.Now())
		if len(due) == 0 {
			return n
		}
		for _, work := range due {
			work(ctx)
			n++
		}
	}
}

// Next is when something will be due; false: nothing, unless something happens.
func (am *Alertmanager) Next() (time.Time, bool) {
	am.mu.Lock()
	defer am.mu.Unlock()
	var next time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if !am.running {
		return next, false
	}
	earlier(am.resendAt)
	if !am.knobs.settling { // a peer that has not settled notifies nobody
		for _, g := range am.groups {
			if at, ok := g.due(); ok {
				earlier(at)
			}
		}
	}
	for _, d := range am.queue {
		if !d.inFlight {
			earlier(d.at)
		}
	}
	for _, c := range am.copies {
		earlier(c.at)
	}
	return next, !next.IsZero()
}

// takeDue does what is due by itself and returns the requests that are.
func (am *Alertmanager) takeDue(now time.Time) []func(context.Context) {
	am.mu.Lock()
	defer am.mu.Unlock()
	if !am.running {
		return nil
	}
	if !am.resendAt.IsZero() && !am.resendAt.After(now) {
		am.resendAt = time.Time{}
		for _, a := range am.firing {
			am.put(a)
		}
	}
	if !am.knobs.settling {
		for _, id := range sortedKeys(am.groups) {
			g := am.groups[id]
			if g == nil {
				continue
			}
			if at, ok := g.due(); ok && !at.After(now) {
				g.flush(now)
			}
		}
	}
	var work []func(context.Context)
	for _, d := range slices.Clone(am.queue) {
		switch {
		case d.inFlight || d.at.After(now):
			continue
		case d.decided && !now.Before(d.deadline):
			d.finish(now, false)
			continue
		case !d.decided && !d.decide(now):
			d.finish(now, true)
			continue
		}
		d.inFlight = true
		work = append(work, func(ctx context.Context) { am.attemptOnce(ctx, d) })
	}
	am.copies = slices.DeleteFunc(am.copies, func(c lateCopy) bool {
		if c.at.After(now) {
			return false
		}
		work = append(work, func(ctx context.Context) { am.sendCopy(ctx, c) })
		return true
	})
	return work
}

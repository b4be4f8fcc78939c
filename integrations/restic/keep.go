package restic

import (
	"context"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
)

// Errand has Refresh done in another process, and returns when that has ended, one
// way or the other. Its error is a *bot.Error that says why there is no answer, as far
// as that is known. Nobody believes its nil: what was learnt stands in the facts.
type Errand func(context.Context) error

// errands are who asks, where that is not this process.
type errands struct {
	wanted chan struct{} // room for one: somebody wants to know

	mu sync.Mutex
	// began is when the last one began, and why it failed, nil where it did not.
	began time.Time
	err   error
	// over is closed when the one under way, or the next one, has ended.
	over    chan struct{}
	running bool
}

func newErrands() *errands {
	return &errands{wanted: make(chan struct{}, 1), over: make(chan struct{})}
}

// patience is how long a look waits for an errand. What comes later, the next look
// tells.
const patience = 30 * time.Second

// Keep has the repositories asked elsewhere (Config.Elsewhere): each time that what
// is known has grown old (Config.ProbeEvery), sooner where nobody answered, and when
// a look wants to know. It returns when the context is over; without an errand, at
// once. Errands never overlap, and one begins no sooner than Config.AskEvery after
// the one before it.
func (b *Backups) Keep(ctx context.Context) {
	if b.c.Elsewhere == nil {
		return
	}
	for ctx.Err() == nil {
		timer := time.NewTimer(b.due(b.c.ProbeEvery, retries*b.c.AskEvery))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-b.errands.wanted:
			timer.Stop()
			if b.due(b.c.AskEvery, 0) > 0 {
				b.errands.end(nil) // somebody has asked meanwhile
				continue
			}
		}
		b.errands.begin(b.now())
		b.errands.end(func() error { return b.c.Elsewhere(ctx) })
	}
}

// retries is how many times AskEvery passes before a repository that did not answer
// is asked again without anybody wanting to know.
const retries = 3

func (e *errands) begin(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.began, e.err, e.running = now, nil, true
}

// end does the errand, nil where there is none, and tells all who wait that it is
// over.
func (e *errands) end(do func() error) {
	var err error
	if do != nil {
		err = do()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if do != nil {
		e.err, e.running = err, false
	}
	close(e.over)
	e.over = make(chan struct{})
}

// due is how long it takes until what is known of some repository is older than
// every, or older than again where nobody answered, and another errand may begin.
func (b *Backups) due(every, again time.Duration) time.Duration {
	now := b.now()
	left := func(since time.Time, every time.Duration) time.Duration {
		// A clock that was set back must not keep anybody from asking.
		if age := now.Sub(since); !since.IsZero() && age >= 0 {
			return max(0, every-age)
		}
		return 0
	}
	wait := every
	for i := range b.c.Repositories {
		f := b.known(&b.c.Repositories[i])
		span := every
		if f.Fault != nil && f.Fault.State == bot.Unknown && again > 0 {
			span = min(every, again)
		}
		wait = min(wait, left(f.Tried, span))
	}
	b.errands.mu.Lock()
	defer b.errands.mu.Unlock()
	return max(wait, left(b.errands.began, b.c.AskEvery))
}

// await has what is old asked anew, and waits for it for a while.
func (b *Backups) await(ctx context.Context) {
	e := b.errands
	old := b.due(b.c.AskEvery, 0) == 0
	e.mu.Lock() // after that look, which an errand that has begun meanwhile answers
	over, running := e.over, e.running
	e.mu.Unlock()
	switch {
	case running:
	case !old:
		return
	default:
		select {
		case e.wanted <- struct{}{}:
		default: // somebody else has asked
		}
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// known is what stands in the facts of a repository, and that it is not to be had
// where the last errand brought nothing.
func (b *Backups) known(r *Repository) facts {
	f, _ := b.facts(r) // what cannot be read is asked anew
	e := b.errands
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running || e.began.IsZero() || !f.Tried.Before(e.began) {
		return f
	}
	why := "the process that asks it ended without a word"
	if e.err != nil {
		why = strings.TrimSuffix(bot.ForPeople(e.err), ".")
	}
	f.Tried, f.Fault = e.began.UTC(), &factFault{bot.Unknown, why}
	return f
}

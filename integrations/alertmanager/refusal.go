package alertmanager

import (
	"fmt"
	"sync"
	"time"

	"watchstander/bot"
)

// refusal is a request that is turned away.
type refusal struct {
	status int
	result string // for Observe
	text   string // the answer's body
	// reason is what people are told; "" for what nobody needs to hear of in a
	// room. It holds nothing of the body.
	reason string
	// detail is for the log; it may quote the body.
	detail string
}

// announcer tells people of refusals, at most once a minute for each result:
// the first one at once, the others as a count, when the minute is over. A
// refusal that could not be announced is not answered 4xx (see
// [Handler.ServeHTTP]), so that Alertmanager repeats what nobody has heard of.
//
// The counts live in memory: a crash loses at most a minute of "and 7 more",
// never the first word of a kind.
type announcer struct {
	every time.Duration
	now   func() time.Time
	say   func(bot.Refused) error // commits; may block
	lost  func(result string, n int, err error)

	mu      sync.Mutex
	tallies map[string]*tally
	pending sync.WaitGroup // armed timers, and those that are at work
	closed  bool
}

type tally struct {
	last  time.Time // of the newest announcement, zero when there was none
	busy  bool      // one is being committed
	held  int       // refusals since, not yet told
	shown bot.Refused
	timer *time.Timer // set while armed
}

// refuse announces r, or counts it. An error means that it had to be announced
// and was not.
func (a *announcer) refuse(endpoint string, r refusal) error {
	at := a.now()
	event := bot.Refused{Endpoint: endpoint, Reason: r.reason, Status: r.status, At: at.UTC()}
	a.mu.Lock()
	t := a.tallies[r.result]
	if t == nil {
		t = &tally{}
		a.tallies[r.result] = t
	}
	t.shown = event
	if t.busy || (!t.last.IsZero() && at.Before(t.last.Add(a.every))) {
		t.held++
		a.arm(r.result, t)
		a.mu.Unlock()
		return nil
	}
	return a.announce(r.result, t, event)
}

// announce commits event with what has been held back; a.mu is held on entry
// and not on return.
func (a *announcer) announce(result string, t *tally, event bot.Refused) error {
	more := t.held
	t.held, t.busy = 0, true
	if t.timer != nil && t.timer.Stop() {
		t.timer = nil
		a.pending.Done()
	}
	a.mu.Unlock()

	if more > 0 {
		event.Reason = fmt.Sprintf("%s (and %d more like it, not told one by one)", event.Reason, more)
	}
	err := a.say(event)

	a.mu.Lock()
	defer a.mu.Unlock()
	t.busy = false
	if err != nil {
		if t.held += more; t.held > 0 {
			a.arm(result, t)
		}
		return err
	}
	t.last = a.now()
	if t.held > 0 {
		a.arm(result, t)
	}
	return nil
}

// arm sees to it that what is held back is told when the minute is over; a.mu
// is held.
func (a *announcer) arm(result string, t *tally) {
	if t.timer != nil || a.closed {
		return
	}
	wait := t.last.Add(a.every).Sub(a.now())
	if wait <= 0 || wait > a.every { // never announced, or one is being or failed to be
		wait = a.every
	}
	a.pending.Add(1)
	t.timer = time.AfterFunc(wait, func() {
		defer a.pending.Done()
		a.ring(result, t)
	})
}

// ring is the end of a minute.
func (a *announcer) ring(result string, t *tally) {
	a.mu.Lock()
	t.timer = nil
	switch {
	case t.held == 0 || a.closed:
		a.mu.Unlock()
		return
	case t.busy:
		a.arm(result, t)
		a.mu.Unlock()
		return
	}
	event := t.shown
	event.At = a.now().UTC()
	held := t.held
	t.held-- // the event itself stands for one
	if err := a.announce(result, t, event); err != nil {
		a.mu.Lock()
		t.held++
		a.arm(result, t)
		a.mu.Unlock()
		a.lost(result, held, err)
	}
}

// close stops the timers and waits for those that are at work. What is still
// held back is told to the log alone.
func (a *announcer) close() {
	a.mu.Lock()
	a.closed = true
	for result, t := range a.tallies {
		if t.timer != nil && t.timer.Stop() {
			t.timer = nil
			a.pending.Done()
		}
		if t.held > 0 {
			a.lost(result, t.held, errClosed)
		}
	}
	a.mu.Unlock()
	a.pending.Wait()
}

// logPace lets one line a minute through for each kind of event, with the
// number of those that it kept back.
type logPace struct {
	every time.Duration
	mu    sync.Mutex
	last  map[string]time.Time
	held  map[string]int
}

// pass tells whether to log now, and how many were kept back before.
func (p *logPace) pass(kind string, now time.Time) (kept int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, seen := p.last[kind]; seen && now.Before(last.Add(p.every)) {
		p.held[kind]++
		return 0, false
	}
	kept = p.held[kind]
	p.last[kind], p.held[kind] = now, 0
	return kept, true
}

package slack

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"watchstander/bot"
)

// intake is where everything that is heard goes through, one after the other, however
// many connections bring it.
type intake struct {
	mu     sync.Mutex
	sink   bot.Sink // nil while Run does not run
	place  place
	recent map[bot.MessageID]bool
	order  []bot.MessageID

	// owed is whether what was said while nobody listened is still to be read; returns
	// counts the absences, and wake has them looked after.
	owed    bool
	returns int
	wake    chan struct{}

	// While it is held, what comes waits in the state: waiting.go. Free is closed then.
	held    bool
	free    chan struct{}
	waiting []bot.Event
}

// place is how far each channel was heard, by the channel's id.
type place map[string]spot

// spot is how far one was.
type spot struct {
	// At is the time stamp of the newest message.
	At string `json:"at"`
	// Heard are those of what people said shortly before it, in the order in which it
	// came: what is read once more is told apart by them.
	Heard []string `json:"heard,omitempty"`
}

// mostHeard bounds what is told apart so. Flow knows more of it, and for longer.
const mostHeard = 100

// reach notes that a message was heard, and whether it was a person's. While older ones
// are still to be read, the place does not move past them.
func (p place) reach(channel, ts string, said, moves bool) {
	now, ok := micros(ts)
	if !ok {
		return
	}
	s := p[channel]
	if before, known := micros(s.At); moves && (!known || now > before) {
		s.At = ts
	}
	newest, known := micros(s.At)
	if !known {
		return
	}
	if said && !slices.Contains(s.Heard, ts) {
		s.Heard = slices.DeleteFunc(append(slices.Clone(s.Heard), ts), func(h string) bool {
			at, _ := micros(h)
			return at < newest-overlap.Microseconds()
		})
		s.Heard = s.Heard[max(len(s.Heard)-mostHeard, 0):]
	}
	p[channel] = s
}

// mostRecent bounds what is known to have been taken already. Flow knows it for longer;
// this only spares it the copies that come within minutes.
const mostRecent = 2000

// take hands what was heard to the sink, for as long as it takes: what is behind it
// waits, so that the order stays. While history is read back, it has it stored to be
// handed over behind that. It fails only with the context.
func (c *Chat) take(ctx context.Context, all ...news) error {
	for {
		c.in.mu.Lock()
		held, free := c.in.held, c.in.free
		stored, err := true, error(nil)
		if held {
			stored, err = c.setAside(ctx, all)
		} else {
			err = c.hand(ctx, all)
		}
		c.in.mu.Unlock()
		if stored || err != nil {
			return err
		}
		select {
		case <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// hand is take for who holds the lock, while nothing is read back.
func (c *Chat) hand(ctx context.Context, all []news) error {
	events := c.fresh(all)
	next := c.reached(all, !c.in.owed)
	if len(events) > 0 {
		if err := c.insist(ctx, bot.Batch{Source: string(c.chat), Cursor: cursorOf(next, c.in.waiting), Events: events}); err != nil {
			return err
		}
	}
	c.in.place = next
	for _, e := range events {
		c.remember(idOf(e))
	}
	return nil
}

// fresh are the events that were not taken yet.
func (c *Chat) fresh(all []news) (events []bot.Event) {
	for _, n := range all {
		for _, e := range n.events {
			if !c.in.recent[idOf(e)] && !among(events, e) {
				events = append(events, e)
			}
		}
	}
	return events
}

// reached is the place when these were heard: it moves, but for what is older and still
// to be read.
func (c *Chat) reached(all []news, moves bool) place {
	next := maps.Clone(c.in.place)
	for _, n := range all {
		if n.channel != "" {
			next.reach(n.channel, n.ts, len(n.events) > 0, moves)
		}
	}
	return next
}

// insist gives the sink a batch until it takes it. The caller holds the lock.
func (c *Chat) insist(ctx context.Context, b bot.Batch) error {
	return c.insistOn(ctx, c.in.sink, b)
}

func (c *Chat) insistOn(ctx context.Context, sink bot.Sink, b bot.Batch) error {
	if sink == nil {
		return context.Canceled
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := sink.Take(ctx, b)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c.log.Warn("what Slack told was not taken; it is tried again", "err", err, "next_try_in", wait)
		if !sleep(ctx, wait) {
			return context.Cause(ctx)
		}
	}
}

func (c *Chat) remember(id bot.MessageID) {
	if id == "" || c.in.recent[id] {
		return
	}
	if len(c.in.order) >= mostRecent {
		delete(c.in.recent, c.in.order[0])
		c.in.order = c.in.order[1:]
	}
	c.in.recent[id] = true
	c.in.order = append(c.in.order, id)
}

// idOf is the id of what comes more than once.
func idOf(e bot.Event) bot.MessageID {
	switch e := e.(type) {
	case bot.Said:
		return e.ID
	case bot.Pressed:
		return e.ID
	case bot.Withdrawn:
		return e.ID
	case bot.Undecodable:
		return e.ID
	}
	return ""
}

// sleep tells whether the time passed before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

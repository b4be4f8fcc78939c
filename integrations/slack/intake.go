package slack

import (
	"context"
	"encoding/json"
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
	open   sync.RWMutex // sink is set under both locks, and read under either
	sink   bot.Sink     // nil while Run does not run
	place  place
	recent map[bot.MessageID]bool
	order  []bot.MessageID
}

// place is how far each channel was heard, by the channel's id. It is the cursor.
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

func parsePlace(cursor string) place {
	p := place{}
	if json.Unmarshal([]byte(cursor), &p) != nil {
		return place{}
	}
	for channel, s := range p {
		if _, ok := micros(s.At); !ok {
			delete(p, channel)
		}
	}
	return p
}

func (p place) String() string { return string(marshal(p)) }

// reach notes that a message was heard, and whether it was a person's.
func (p place) reach(channel, ts string, said bool) {
	now, ok := micros(ts)
	if !ok {
		return
	}
	s := p[channel]
	if before, known := micros(s.At); !known || now > before {
		s.At = ts
	}
	if said && !slices.Contains(s.Heard, ts) {
		newest, _ := micros(s.At)
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
// waits, so that the order stays. It fails only with the context.
func (c *Chat) take(ctx context.Context, all ...news) error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.hand(ctx, all, !c.owed.Load())
}

// hand is take for who holds the lock; moves tells whether the place moves with it. While
// a reading back is owed it stays: from there on all is read, and what was taken
// meanwhile is known by its id.
func (c *Chat) hand(ctx context.Context, all []news, moves bool) error {
	var events []bot.Event
	next := maps.Clone(c.in.place)
	for _, n := range all {
		for _, e := range n.events {
			if id := idOf(e); id == "" || !c.in.recent[id] {
				events = append(events, e)
			}
		}
		if n.channel != "" && moves {
			next.reach(n.channel, n.ts, len(n.events) > 0)
		}
	}
	if len(events) > 0 {
		if err := c.insist(ctx, bot.Batch{Source: string(c.chat), Cursor: next.String(), Events: events}); err != nil {
			return err
		}
	}
	c.in.place = next
	for _, e := range events {
		c.remember(idOf(e))
	}
	return nil
}

// takeAtOnce hands what was pressed to the sink beside what is read back, whose place it
// leaves alone. Slack waits three seconds for the word that it was taken, and does not
// send it again.
func (c *Chat) takeAtOnce(ctx context.Context, n news) error {
	c.in.open.RLock()
	defer c.in.open.RUnlock()
	if len(n.events) == 0 {
		return nil
	}
	return c.insist(ctx, bot.Batch{Source: string(c.chat), Events: n.events})
}

// atOnce tells whether something is taken so: presses, forms and commands with a slash,
// which have no place in a channel's history; but for those that wait behind it.
func (c *Chat) atOnce(n news) bool {
	if n.channel != "" {
		return false
	}
	for _, e := range n.events {
		switch e := e.(type) {
		case bot.Pressed:
			if c.waits(e.Action) {
				return false
			}
		case bot.Said:
			if c.waits(e.Text) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func (c *Chat) waits(line string) bool { return c.behind != nil && c.behind(line) }

// insist gives the sink a batch until it takes it.
func (c *Chat) insist(ctx context.Context, b bot.Batch) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		if c.in.sink == nil {
			return context.Canceled
		}
		err := c.in.sink.Take(ctx, b)
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

package slack

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"watchstander/bot"
)

// intake is where everything that is heard goes through, one after the other, however
// many connections bring it.
type intake struct {
	turn   turn         // of whoever takes or reads back
	open   sync.RWMutex // sink is set under both this and the turn, and read under either
	sink   bot.Sink     // nil while Run does not run
	place  place
	recent map[bot.MessageID]bool
	order  []bot.MessageID
}

// turn is a lock that is waited for until a context ends.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t turn) end() { <-t }

// free tells whether nobody has it just now.
func (t turn) free() bool { return len(t) == 0 }

// breaks counts the times from which nobody listened, and how many of them were made up
// for by a reading back.
type breaks struct{ all, read atomic.Int64 }

// owed tells whether what was said while nobody listened is still to be read.
func (b *breaks) owed() bool { return b.all.Load() > b.read.Load() }

// place is how far each channel was heard, by the channel's id. It is the cursor.
type place map[string]spot

// spot is how far one was.
type spot struct {
	// At is the time stamp up to which all was heard, "" before the channel's history was
	// looked at.
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
		if _, ok := micros(s.At); !ok && s.At != "" {
			delete(p, channel)
		}
	}
	return p
}

func (p place) String() string { return string(marshal(p)) }

// reach notes that a message was heard, whether it was a person's, and whether all before
// it was heard as well.
func (p place) reach(channel, ts string, said, moves bool) {
	now, ok := micros(ts)
	if !ok {
		return
	}
	s := p[channel]
	if before, known := micros(s.At); moves && (!known || now > before) {
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

// errUnread is why something was not taken that must not pass what is not read yet.
var errUnread = errors.New("slack: what was said before it is not read yet")

// take hands what was heard to the sink, for as long as it takes: what is behind it
// waits, so that the order stays. It fails with the context; and with errUnread for what
// lets something run, while it is not known what was said before. As a message it is
// found again by the reading back.
func (c *Chat) take(ctx context.Context, n news) error {
	if err := c.in.turn.take(ctx); err != nil {
		return err
	}
	defer c.in.turn.end()
	owed := c.breaks.owed()
	if owed && slices.ContainsFunc(n.events, c.mustWait) {
		return errUnread
	}
	return c.hand(ctx, []news{n}, !owed)
}

// hand is take for who holds the lock; moves tells whether the place moves with it. While
// a reading back is owed it stays: from there on all is read, and what was taken
// meanwhile is told apart.
func (c *Chat) hand(ctx context.Context, all []news, moves bool) error {
	var events []bot.Event
	next := maps.Clone(c.in.place)
	for _, n := range all {
		for _, e := range n.events {
			if id := idOf(e); id == "" || !c.in.recent[id] {
				events = append(events, e)
			}
		}
		if n.channel != "" {
			next.reach(n.channel, n.ts, len(n.events) > 0, moves)
		}
	}
	if len(events) > 0 {
		if err := c.insist(ctx, bot.Batch{Source: string(c.chat), Cursor: next.String(), Events: events}); err != nil {
			return err
		}
	}
	c.in.place = next
	for _, e := range events {
		c.in.remember(idOf(e))
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
		switch e.(type) {
		case bot.Pressed, bot.Said:
		default:
			return false
		}
		if c.mustWait(e) {
			return false
		}
	}
	return true
}

// mustWait tells of what lets something run: a word against it may stand before it.
func (c *Chat) mustWait(e bot.Event) bool {
	if c.behind == nil {
		return false
	}
	switch e := e.(type) {
	case bot.Pressed:
		return c.behind(e.Action)
	case bot.Said:
		return c.behind(e.Text)
	}
	return false
}

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

func (in *intake) remember(id bot.MessageID) {
	if id == "" || in.recent[id] {
		return
	}
	if len(in.order) >= mostRecent {
		delete(in.recent, in.order[0])
		in.order = in.order[1:]
	}
	in.recent[id] = true
	in.order = append(in.order, id)
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

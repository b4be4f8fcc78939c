package matrix

import (
	"context"
	"errors"
	"net/http"
	"sync"
)

// doorman accepts invitations to configured rooms, rejects all others, and
// learns our display name. It works beside the loop, since the server of a
// room that somebody else invites us to may be as slow as it likes. It is
// owned by Run.
type doorman struct {
	chat *Chat
	wake chan struct{} // one slot

	mu      sync.Mutex
	pending map[string]invitation // by room id
	count   int
}

// invitation is a room to enter, or to turn down. Its number tells whether it
// came anew while it was being answered.
type invitation struct {
	enter  bool
	number int
}

// maxPending bounds what strangers can make us remember. Invitations beyond it
// are left unanswered, which harms nobody.
const maxPending = 1000

func newDoorman(c *Chat) *doorman {
	return &doorman{chat: c, wake: make(chan struct{}, 1), pending: map[string]invitation{}}
}

// told takes the news of one sync.
func (d *doorman) told(a answer) {
	for _, room := range a.left {
		if name, ok := d.chat.names[room]; ok {
			d.chat.log.Warn("the bot is no longer in a room: invite it again", "room", string(name))
		}
	}
	for _, room := range a.invited {
		_, ours := d.chat.names[room]
		d.add(room, ours)
	}
}

func (d *doorman) add(room string, enter bool) {
	d.mu.Lock()
	if enter || len(d.pending) < maxPending {
		d.count++
		d.pending[room] = invitation{enter, d.count}
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default: // it is awake already
	}
}

// work begins with the configured rooms that we are not in: an invitation may
// have come while nobody listened.
func (d *doorman) work(ctx context.Context) {
	var pause backoff
	ready, named := false, false
	for ctx.Err() == nil {
		var failed error
		if !ready {
			failed = d.missing(ctx)
			ready = failed == nil
		}
		if !named {
			err := d.learnName(ctx)
			named = err == nil
			failed = errors.Join(failed, err)
		}
		failed = errors.Join(failed, d.answer(ctx))
		if failed == nil {
			pause.reset()
			select {
			case <-ctx.Done():
			case <-d.wake:
			}
			continue
		}
		wait := pause.next(retryAfter(failed))
		d.chat.log.Debug("seeing to rooms and invitations failed", "error", failed, "next_try_in", wait)
		sleep(ctx, wait)
	}
}

// missing asks to be let into the configured rooms where we are not.
func (d *doorman) missing(ctx context.Context) error {
	joined, err := d.chat.transport.JoinedRooms(ctx)
	if err != nil {
		return d.final(err)
	}
	in := map[string]bool{}
	for _, room := range joined {
		in[room] = true
	}
	for _, room := range d.chat.rooms {
		if !in[room] {
			d.add(room, true)
		}
	}
	return nil
}

func (d *doorman) learnName(ctx context.Context) error {
	name, err := d.chat.transport.DisplayName(ctx, d.chat.user)
	if err != nil {
		return d.final(err)
	}
	// A room's own member event may have told a newer one.
	d.chat.display.CompareAndSwap(nil, &name)
	return nil
}

// answer answers what is pending, our own rooms first: also those that come while
// strangers' invitations are turned down, of which each may take long. What failed
// but may work later stays pending.
func (d *doorman) answer(ctx context.Context) error {
	var failed error
	tried := map[string]int{}
	for {
		room, next, ok := d.next(tried)
		if !ok || ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
		tried[room] = next.number
		err := d.one(ctx, room, next.enter)
		if err != nil && passing(err) {
			failed = err
			if e, ok := errors.AsType[*CallError](err); ok && e.Status == http.StatusTooManyRequests {
				return err
			}
			continue
		}
		d.mu.Lock()
		if d.pending[room].number == next.number {
			delete(d.pending, room)
		}
		d.mu.Unlock()
	}
}

// next is what to answer now: nothing that was tried in this round.
func (d *doorman) next(tried map[string]int) (room string, next invitation, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, x := range d.pending {
		if tried[id] == x.number {
			continue
		}
		if !ok || x.enter && !next.enter {
			room, next, ok = id, x, true
		}
	}
	return room, next, ok
}

func (d *doorman) one(ctx context.Context, room string, enter bool) error {
	c := d.chat
	if !enter {
		err := c.transport.Leave(ctx, room)
		if err == nil {
			c.counts.rejected.Add(1)
			c.log.Info("rejected an invitation to a room that is not configured", "room_id", room)
		}
		return err
	}
	name := string(c.names[room])
	err := c.transport.Join(ctx, room)
	switch {
	case err == nil:
		c.log.Info("entered a room", "room", name)
	case !passing(err):
		c.log.Warn("the bot may not enter a configured room: invite it", "room", name, "error", err)
	}
	return err
}

// final makes nil of a failure that trying again does not mend.
func (d *doorman) final(err error) error {
	if passing(err) {
		return err
	}
	d.chat.log.Warn("the Matrix homeserver refuses a question about ourselves", "error", err)
	return nil
}

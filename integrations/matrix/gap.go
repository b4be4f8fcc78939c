package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"watchstander/bot"
)

// Limits of what is paged back for one room after an outage.
const (
	maxGapEvents = 2000
	maxGapBytes  = 16 << 20
	maxGapPages  = 100
)

// whole gives a timeline without its hole: the events that the answer left out
// since the last sync, then those that it holds, each once, and nothing of
// what was said before we entered the room. A hole that is too long is told in
// an event of its own.
func (c *Chat) whole(ctx context.Context, t timeline, events *[]bot.Event) ([]json.RawMessage, error) {
	if i := c.arrived(t.events); i >= 0 {
		c.looked = false // what was so before we came is asked next
		return t.events[i+1:], nil
	}
	if !t.limited {
		return t.events, nil
	}
	c.counts.gaps.Add(1)
	older, complete, err := c.pageBack(ctx, t)
	if err != nil && (passing(err) || c.revoked(err) != nil) {
		return nil, err // the whole sync is asked for again
	}
	if err != nil {
		// The homeserver will not show it, now or later: go on without.
		c.log.Error("a gap in a room's timeline cannot be read", "room", string(c.names[t.room]), "error", err)
		complete = false
	}
	if !complete {
		c.counts.lost.Add(1)
		c.looked = false // it may have told of the room itself
		c.log.Warn("after an outage more was said in a room than is read back; the oldest part was not heard",
			"room", string(c.names[t.room]), "read_back", len(older))
		*events = append(*events, bot.Undecodable{
			Chat: c.chat, ID: bot.MessageID("gap:" + t.room + ":" + c.place.Next), At: c.now().UTC(),
			Reason: fmt.Sprintf("After an outage only the last %d events in room %q could be read; what was said before them was not heard.",
				len(older)+len(t.events), c.names[t.room]),
		})
	}
	seen := map[string]bool{}
	for _, raw := range t.events {
		seen[eventID(raw)] = true
	}
	older = slices.DeleteFunc(older, func(raw json.RawMessage) bool {
		id := eventID(raw)
		return id != "" && seen[id]
	})
	return append(older, t.events...), nil
}

// arrived is the index of our last entering, -1 if there is none.
func (c *Chat) arrived(raws []json.RawMessage) int {
	for i, raw := range slices.Backward(raws) {
		if c.arrival(raw) {
			return i
		}
	}
	return -1
}

// pageBack reads from the timeline's beginning back to the last sync, and
// gives the oldest event first. complete is false when it had to stop before.
//
// Where the room's newest known event is not among the place, as for a room
// that was configured only now, a page that is not full counts as the end:
// better to miss something than to take history for news.
func (c *Chat) pageBack(ctx context.Context, t timeline) (events []json.RawMessage, complete bool, err error) {
	defer func() { slices.Reverse(events) }()
	if t.prev == "" {
		return nil, false, nil
	}
	size, from := 0, t.prev
	known := c.place.Last[t.room]
	for range maxGapPages {
		page, err := c.transport.Messages(ctx, MessagesQuery{
			Room: t.room, From: from, To: c.place.Next, Limit: pageLimit, Filter: `{"types":` + eventFilter + `}`,
		})
		if err != nil {
			return events, false, err
		}
		for _, raw := range page.Events {
			came := c.arrival(raw)
			if id := eventID(raw); id != "" && id == known || came {
				c.looked = c.looked && !came
				return events, true, nil
			}
			if size += len(raw); size > maxGapBytes || len(events) == maxGapEvents {
				return events, false, nil
			}
			events = append(events, raw)
		}
		if page.Next == "" || page.Next == from || known == "" && len(page.Events) < pageLimit {
			return events, true, nil
		}
		from = page.Next
	}
	return events, false, nil
}

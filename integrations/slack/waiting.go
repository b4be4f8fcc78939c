package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"watchstander/bot"
)

// What comes while history is read back must be acknowledged within Slack's three seconds:
// presses and commands with a slash are not sent again. But it must not be obeyed before
// what is read: the history may hold a denial of what is approved now, or show that the
// message that is pressed is gone. So it is stored beside the place, as a part of the
// cursor, acknowledged, and handed over behind the history; by the next life, if this one
// ends meanwhile.

// Bounds of what waits so: events, and their bytes in the cursor. What is more waits for
// the end of the reading, and is acknowledged then.
const (
	mostWaiting = 200
	maxWaiting  = 256 << 10
)

// waitingName is what waits is called in the cursor, among the channels' ids.
const waitingName = "waiting"

// waits is its form there. It is an object, as the channels' places are: who does not
// know it reads those.
type waits struct {
	Events []waitingEvent `json:"events"`
}

// waitingEvent is one event, under its kind.
type waitingEvent struct {
	Said        *bot.Said        `json:"said,omitempty"`
	Pressed     *bot.Pressed     `json:"pressed,omitempty"`
	Withdrawn   *bot.Withdrawn   `json:"withdrawn,omitempty"`
	Undecodable *bot.Undecodable `json:"undecodable,omitempty"`
}

// cursorOf is what is stored: how far each channel was heard, and what waits.
func cursorOf(p place, waiting []bot.Event) string {
	parts := make(map[string]any, len(p)+1)
	for channel, s := range p {
		parts[channel] = s
	}
	var w waits
	for _, e := range waiting {
		switch e := e.(type) {
		case bot.Said:
			w.Events = append(w.Events, waitingEvent{Said: &e})
		case bot.Pressed:
			w.Events = append(w.Events, waitingEvent{Pressed: &e})
		case bot.Withdrawn:
			w.Events = append(w.Events, waitingEvent{Withdrawn: &e})
		case bot.Undecodable:
			w.Events = append(w.Events, waitingEvent{Undecodable: &e})
		}
	}
	if len(w.Events) > 0 {
		parts[waitingName] = w
	}
	return string(marshal(parts))
}

// parseCursor reads one; what of it cannot be read is left out.
func parseCursor(cursor string) (p place, waiting []bot.Event) {
	p = place{}
	var parts map[string]json.RawMessage
	if json.Unmarshal([]byte(cursor), &parts) != nil {
		return p, nil
	}
	for name, raw := range parts {
		if name == waitingName {
			var w waits
			if json.Unmarshal(raw, &w) == nil {
				waiting = w.list()
			}
			continue
		}
		var s spot
		if json.Unmarshal(raw, &s) != nil {
			continue
		}
		if _, ok := micros(s.At); ok {
			p[name] = s
		}
	}
	return p, waiting
}

func (w waits) list() (events []bot.Event) {
	for _, e := range w.Events {
		switch {
		case e.Said != nil:
			events = append(events, *e.Said)
		case e.Pressed != nil:
			events = append(events, *e.Pressed)
		case e.Withdrawn != nil:
			events = append(events, *e.Withdrawn)
		case e.Undecodable != nil:
			events = append(events, *e.Undecodable)
		}
	}
	// What has no id could not be told apart.
	return slices.DeleteFunc(events, func(e bot.Event) bool { return idOf(e) == "" })
}

// hold has what comes wait from now on. The caller holds the lock.
func (c *Chat) hold() {
	if !c.in.held {
		c.in.held, c.in.free = true, make(chan struct{})
	}
}

// setAside stores what came to be handed over later, and tells whether there was room.
// The place stays where it is. The caller holds the lock.
func (c *Chat) setAside(ctx context.Context, all []news) (bool, error) {
	next := slices.Clone(c.in.waiting)
	for _, e := range c.fresh(all) {
		if !among(next, e) {
			next = append(next, e)
		}
	}
	if len(next) == len(c.in.waiting) {
		return true, nil // a copy, or nothing for the bot
	}
	if len(next) > mostWaiting || len(cursorOf(nil, next)) > maxWaiting {
		return false, nil
	}
	if err := c.insist(ctx, bot.Batch{Source: string(c.chat), Cursor: cursorOf(c.in.place, next)}); err != nil {
		return false, err
	}
	c.in.waiting = next
	return true, nil
}

// among tells whether an event is there already, as what comes twice is.
func among(all []bot.Event, e bot.Event) bool {
	id := idOf(e)
	return id != "" && slices.ContainsFunc(all, func(o bot.Event) bool { return idOf(o) == id })
}

// deliver hands over what was read back, or has waited for it, while what comes is set
// aside. The sink may take its time, and nothing that comes waits for it: so the cursor,
// in which that is stored too, follows by itself. Who dies between the two hands over
// twice what flow knows by its ids. It tells whether people did anything in it.
func (c *Chat) deliver(ctx context.Context, all []news, read bool) (some bool, err error) {
	c.in.mu.Lock()
	events, sink := c.fresh(all), c.in.sink
	c.in.mu.Unlock()
	if len(events) > 0 {
		if err := c.insistOn(ctx, sink, bot.Batch{Source: string(c.chat), Events: events}); err != nil {
			return false, err
		}
	}
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	for _, e := range events {
		c.remember(idOf(e))
	}
	next := c.reached(all, read || !c.in.owed)
	waiting := slices.DeleteFunc(slices.Clone(c.in.waiting), func(e bot.Event) bool { return c.in.recent[idOf(e)] })
	if len(events) > 0 || len(waiting) < len(c.in.waiting) {
		if err := c.insist(ctx, bot.Batch{Source: string(c.chat), Cursor: cursorOf(next, waiting)}); err != nil {
			return false, err
		}
	}
	c.in.place, c.in.waiting = next, waiting
	return slices.ContainsFunc(events, func(e bot.Event) bool { return idOf(e) != "" }), nil
}

// pressed tells whether it is something that has waited and is no message.
func (n news) pressed() bool { return n.channel == "" && n.ts != "" && !n.tombstone }

// inOrder is what was read back with what has waited meanwhile, by the time at which each
// was said or pressed; Slack may have told of one before it gave the other. What was found
// deleted has no time: it counts before all that was pressed. The caller holds the lock.
func (c *Chat) inOrder(read []news) []news {
	pressed := int64(math.MaxInt64)
	all := slices.Clone(read)
	for _, e := range c.in.waiting {
		n := newsOf(e)
		if n.pressed() {
			us, _ := micros(n.ts)
			pressed = min(pressed, us)
		}
		all = append(all, n)
	}
	at := func(n news) int64 {
		us, _ := micros(n.ts)
		if n.tombstone {
			us = min(us, pressed)
		}
		return us
	}
	slices.SortStableFunc(all, func(a, b news) int { return cmp.Compare(at(a), at(b)) })
	return all
}

// letGo hands over what waits, in the order in which it came, until nothing does; then it
// waits no more, unless there was another absence since.
func (c *Chat) letGo(ctx context.Context, returns int) {
	for {
		c.in.mu.Lock()
		if len(c.in.waiting) == 0 {
			if c.in.held && c.in.returns == returns {
				c.in.held = false
				close(c.in.free)
			}
			c.in.mu.Unlock()
			return
		}
		var all []news
		for _, e := range c.in.waiting[:min(len(c.in.waiting), mostAtOnce)] {
			all = append(all, newsOf(e))
		}
		c.in.mu.Unlock()
		if _, err := c.deliver(ctx, all, false); err != nil {
			return // the end; the next life finds it
		}
	}
}

// newsOf is an event that has waited: a message, or something else that has its time.
func newsOf(e bot.Event) news {
	n := news{events: []bot.Event{e}}
	switch e := e.(type) {
	case bot.Said:
		channel, ts, _ := strings.Cut(string(e.ID), "/")
		if _, ok := micros(ts); ok {
			n.channel, n.ts = channel, ts
		} else {
			n.ts = stampOf(e.At) // a command with a slash
		}
	case bot.Pressed:
		n.ts = stampOf(e.At)
	case bot.Withdrawn:
		n.ts = stampOf(e.At)
	case bot.Undecodable:
		n.ts = stampOf(e.At)
	}
	return n
}

package slack

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/pieces"
)

// Socket Mode forgets what happens while nobody is connected: Slack tries again for some
// minutes at most. So what was said meanwhile is read back.
const (
	// overlap is read once more: events come out of order, and late.
	overlap = 10 * time.Minute
	// threadsBack is how old a thread may be of which new replies are looked for.
	threadsBack = 24 * time.Hour
	// Limits of what is read back of one channel.
	maxPages   = 10
	maxThreads = 50
	pageSize   = 200
	mostAtOnce = 100 // events handed over in one transaction
	// readBackTime bounds one reading back, and with it how long what comes waits.
	readBackTime = 2 * time.Minute
	// settle is how long what was pressed meanwhile stays behind what was read: flow works
	// on several commands at a time, and a denial is to be at the agent before an approval.
	settle = 3 * time.Second
)

// wasAway has what was said while nobody listened read back. What comes from now on
// waits until that is done.
func (c *Chat) wasAway() {
	c.roots.broke()
	c.in.mu.Lock()
	c.in.owed = true
	c.in.returns++
	c.hold()
	c.in.mu.Unlock()
	c.readBackSoon()
}

// readBackSoon has it looked whether something is to be read back.
func (c *Chat) readBackSoon() {
	select {
	case c.in.wake <- struct{}{}:
	default:
	}
}

// readsBack reads back whenever that is owed, beside the connections: they must go on to
// acknowledge what they bring.
func (c *Chat) readsBack(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.in.wake:
			c.pay(ctx)
		}
	}
}

// pay reads back if that is owed, and lets go of what waits for it. What cannot be read
// in time is tried again, but nothing waits for that: a Slack that gives no history must
// not make the bot deaf.
func (c *Chat) pay(ctx context.Context) {
	c.in.mu.Lock()
	owed, returns := c.in.owed, c.in.returns
	c.in.mu.Unlock()
	if !owed {
		return
	}
	err := c.catchUp(ctx)
	if ctx.Err() != nil {
		return // what waits is not to be obeyed before what was not read
	}
	if err != nil {
		c.log.Warn("what was said while the bot was away could not be read; it is tried again", "err", err)
	}
	c.in.mu.Lock()
	if err == nil && c.in.returns == returns {
		c.in.owed = false
	}
	c.in.mu.Unlock()
	c.letGo(ctx, returns)
}

// catchUp reads what was said since the place, in all channels, and hands it over in the
// order of its time. A channel that was never heard begins now.
func (c *Chat) catchUp(ctx context.Context) error {
	c.in.mu.Lock()
	begun := map[string]bool{}
	for _, channel := range c.rooms {
		if _, heard := micros(c.in.place[channel].At); !heard {
			c.in.place[channel], begun[channel] = spot{At: stampOf(c.now())}, true
		}
	}
	from := maps.Clone(c.in.place)
	c.in.mu.Unlock()
	reading, cancel := context.WithTimeout(ctx, readBackTime)
	defer cancel()
	var all []news
	for _, room := range slices.Sorted(maps.Keys(c.rooms)) {
		channel := c.rooms[room]
		more, err := c.readBack(reading, room, channel, from[channel], !begun[channel])
		if err != nil {
			return fmt.Errorf("reading room %q back: %w", room, err)
		}
		all = append(all, more...)
	}
	c.in.mu.Lock()
	c.hold()
	all = c.inOrder(all)
	c.in.mu.Unlock()
	pressed := slices.IndexFunc(all, news.pressed)
	if pressed < 0 {
		pressed = len(all)
	}
	obeyed := false // whether there is anything in what was said before
	for chunk := range slices.Chunk(all[:pressed], mostAtOnce) {
		some, err := c.deliver(ctx, chunk, true)
		if err != nil {
			return err
		}
		obeyed = obeyed || some
	}
	if obeyed && pressed < len(all) && !sleep(ctx, settle) {
		return context.Cause(ctx)
	}
	for chunk := range slices.Chunk(all[pressed:], mostAtOnce) {
		if _, err := c.deliver(ctx, chunk, true); err != nil {
			return err
		}
	}
	if len(begun) == 0 || len(all) > 0 {
		return nil
	}
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.insist(ctx, bot.Batch{Source: string(c.chat), Cursor: cursorOf(c.in.place, c.in.waiting)})
}

// patiently asks Slack until it answers: it may want pauses.
func (c *Chat) patiently(ctx context.Context, ask func() error) error {
	for try := 0; ; try++ {
		err := ask()
		if err == nil || !passing(err) || ctx.Err() != nil {
			return err
		}
		c.pause(ctx, try, err, "what was said while the bot was away cannot be read yet")
	}
}

// readBack reads one channel. Where we are not let in, people are told elsewhere.
func (c *Chat) readBack(ctx context.Context, room bot.RoomID, channel string, from spot, heard bool) ([]news, error) {
	since, _ := micros(from.At)
	floor, deep := since-overlap.Microseconds(), since-threadsBack.Microseconds()
	if !heard {
		deep = since // only to see whether we are let in
	}
	var all []news
	var threads []slack.Message
	cursor := ""
	for page := 0; ; page++ {
		var h *slack.GetConversationHistoryResponse
		if err := c.patiently(ctx, func() (err error) {
			h, err = c.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
				ChannelID: channel, Oldest: stampOf(time.UnixMicro(deep)), Limit: pageSize, Cursor: cursor})
			return err
		}); err != nil {
			if what := shutOut(err); what != "" {
				return []news{{events: []bot.Event{c.trouble(room, what, false)}}}, nil
			}
			return nil, wrap(err)
		}
		if page == 0 {
			all = append(all, news{events: []bot.Event{c.trouble(room, "", true)}})
		}
		if !heard {
			return all, nil
		}
		oldest := since
		for _, m := range h.Messages {
			at, _ := micros(m.Timestamp)
			oldest = min(oldest, at)
			if at >= floor || m.SubType == "tombstone" {
				all = append(all, c.again(room, channel, m, from))
			}
			if reply, _ := micros(m.LatestReply); reply >= floor {
				threads = append(threads, m)
			}
		}
		if !h.HasMore || h.ResponseMetaData.NextCursor == "" {
			break
		}
		if cursor = h.ResponseMetaData.NextCursor; page+1 == maxPages {
			if oldest > floor {
				all = append(all, c.gap(room, channel, since, len(all)))
			}
			break
		}
	}
	if len(threads) > maxThreads {
		all = append(all, c.gap(room, channel, since, len(all)))
		threads = threads[:maxThreads]
	}
	for _, root := range threads {
		more, err := c.readThread(ctx, room, channel, root.Timestamp, from)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

func (c *Chat) readThread(ctx context.Context, room bot.RoomID, channel, root string, from spot) ([]news, error) {
	since, _ := micros(from.At)
	floor := since - overlap.Microseconds()
	var all []news
	cursor := ""
	for range maxPages {
		var replies []slack.Message
		var more bool
		var next string
		if err := c.patiently(ctx, func() (err error) {
			replies, more, next, err = c.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: root, Oldest: stampOf(time.UnixMicro(floor)), Limit: pageSize, Cursor: cursor})
			return err
		}); err != nil {
			if refusal(ctx, err).Kind == bot.RootGone {
				return all, nil
			}
			return nil, wrap(err)
		}
		for _, m := range replies {
			if at, _ := micros(m.Timestamp); at >= floor && m.Timestamp != root {
				all = append(all, c.again(room, channel, m, from))
			}
		}
		if cursor = next; !more || next == "" {
			break
		}
	}
	return all, nil
}

// again is a message of the history as if it had come just now.
func (c *Chat) again(room bot.RoomID, channel string, m slack.Message, from spot) news {
	if m.SubType == "tombstone" { // what was deleted without replies leaves nothing to be read
		// What people said below it while it stood comes first.
		now := stampOf(c.now())
		return news{ts: now, tombstone: true, events: []bot.Event{c.deleted(room, channel, m.Timestamp, message{EventTS: now})}}
	}
	n, reason := c.message(room, message{Type: m.Type, Subtype: m.SubType, Channel: channel, User: m.User,
		Team: pieces.Either(m.Team, c.team), Bot: m.BotID, Text: m.Text, TS: m.Timestamp, Thread: m.ThreadTimestamp})
	if reason != "" {
		n.events = append(n.events, c.undecodable(marshal(m.Msg), reason))
	}
	if slices.Contains(from.Heard, m.Timestamp) {
		n.events = nil
	}
	return n
}

// gap tells that more was said than is read back.
func (c *Chat) gap(room bot.RoomID, channel string, since int64, read int) news {
	c.log.Warn("after an outage more was said than is read back; the oldest part was not heard", "room", room, "read_back", read)
	return news{events: []bot.Event{bot.Undecodable{
		Chat: c.chat, ID: bot.MessageID(fmt.Sprintf("gap:%s:%d", channel, since)), At: c.now().UTC(),
		Reason: fmt.Sprintf("After an outage only the newest %d messages in room %q could be read back; what was said before them was not heard.", read, room),
	}}}
}

// stampOf is a time as Slack writes it.
func stampOf(t time.Time) string {
	us := max(t.UnixMicro(), 0)
	return fmt.Sprintf("%s.%06d", strconv.FormatInt(us/1e6, 10), us%1e6)
}

package slack

import (
	"cmp"
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
)

// catchUp reads what was said since the place, in all channels, and hands it over in the
// order of its time. A channel that was never heard begins now. Its caller has the turn.
func (c *Chat) catchUp(ctx context.Context) error {
	breaks := c.breaks.all.Load() // one that comes meanwhile is not made up for by this

	// It is told once all was read.
	all := []news{{events: []bot.Event{c.unread("", true)}}}
	for _, room := range slices.Sorted(maps.Keys(c.rooms)) {
		channel := c.rooms[room]
		since, heard := micros(c.in.place[channel].At)
		if !heard {
			begins := c.in.place[channel] // with what was taken before anything could be read
			begins.At = stampOf(c.now())
			c.in.place[channel] = begins
			since, _ = micros(begins.At)
		}
		more, err := c.readBack(ctx, room, channel, since, heard)
		if err != nil {
			return fmt.Errorf("reading room %q back: %w", room, err)
		}
		all = append(all, more...)
	}
	slices.SortStableFunc(all, func(a, b news) int {
		x, _ := micros(a.ts)
		y, _ := micros(b.ts)
		return cmp.Compare(x, y)
	})
	for chunk := range slices.Chunk(all, 100) {
		if err := c.hand(ctx, chunk, true); err != nil {
			return err
		}
	}
	c.breaks.read.Store(breaks)
	return nil
}

// readBack reads one channel. Where we are not let in, people are told elsewhere.
func (c *Chat) readBack(ctx context.Context, room bot.RoomID, channel string, since int64, heard bool) ([]news, error) {
	floor, deep := since-overlap.Microseconds(), since-threadsBack.Microseconds()
	if !heard {
		deep = since // only to see whether we are let in
	}
	var all []news
	var threads []slack.Message
	cursor := ""
	for page := 0; ; page++ {
		h, err := c.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Oldest: stampOf(time.UnixMicro(deep)), Limit: pageSize, Cursor: cursor})
		if err != nil {
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
				all = append(all, c.again(room, channel, m))
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
		more, err := c.readThread(ctx, room, channel, root.Timestamp, floor)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

func (c *Chat) readThread(ctx context.Context, room bot.RoomID, channel, root string, floor int64) ([]news, error) {
	var all []news
	cursor := ""
	for page := 1; ; page++ {
		replies, more, next, err := c.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: channel, Timestamp: root, Oldest: stampOf(time.UnixMicro(floor)), Limit: pageSize, Cursor: cursor})
		if err != nil {
			if refusal(ctx, err).Kind == bot.RootGone {
				return all, nil
			}
			return nil, wrap(err)
		}
		for _, m := range replies {
			if at, _ := micros(m.Timestamp); at >= floor && m.Timestamp != root {
				all = append(all, c.again(room, channel, m))
			}
		}
		if cursor = next; !more || next == "" {
			return all, nil
		}
		if page == maxPages {
			return append(all, c.threadGap(room, channel, root, floor, len(all))), nil
		}
	}
}

// again is a message of the history as if it had come just now.
func (c *Chat) again(room bot.RoomID, channel string, m slack.Message) news {
	if m.SubType == "tombstone" { // what was deleted without replies leaves nothing to be read
		// What people said below it while it stood comes first.
		now := stampOf(c.now())
		return news{ts: now, events: []bot.Event{c.deleted(room, channel, m.Timestamp, message{EventTS: now})}}
	}
	n, reason := c.message(room, message{Type: m.Type, Subtype: m.SubType, Channel: channel, User: m.User,
		Team: pieces.Either(m.Team, c.team), Bot: m.BotID, Text: m.Text, TS: m.Timestamp, Thread: m.ThreadTimestamp})
	if reason != "" {
		n.events = append(n.events, c.undecodable(marshal(m.Msg), reason))
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

// threadGap tells the same of a thread, which Slack gives from its oldest reply on.
func (c *Chat) threadGap(room bot.RoomID, channel, root string, since int64, read int) news {
	c.log.Warn("after an outage more was said in a thread than is read back; the newest part was not heard", "room", room, "thread", root, "read_back", read)
	return news{events: []bot.Event{bot.Undecodable{
		Chat: c.chat, ID: bot.MessageID(fmt.Sprintf("gap:%s:%s:%d", channel, root, since)), At: c.now().UTC(),
		Reason: fmt.Sprintf("After an outage only the oldest %d messages in a thread of room %q could be read back; what was said after them was not heard.", read, room),
	}}}
}

// stampOf is a time as Slack writes it.
func stampOf(t time.Time) string {
	us := max(t.UnixMicro(), 0)
	return fmt.Sprintf("%s.%06d", strconv.FormatInt(us/1e6, 10), us%1e6)
}

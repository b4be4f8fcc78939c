package slackfake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is what a channel is.
type Kind string

// The kinds of channels; they are the channel_type of their message events.
const (
	Public  Kind = "channel"
	Private Kind = "group"
	DM      Kind = "im"
)

// Channel describes a channel to be made.
type Channel struct {
	// ID begins with "C", "G" or "D"; made up when empty.
	ID   string
	Name string
	Kind Kind // Public when empty
	// Without tells that the bot is no member.
	Without bool
	// User is the other person of a DM.
	User string
	// Shared with another workspace (Slack Connect).
	Shared bool
}

// User is a person or an app.
type User struct {
	ID, Name, RealName string
	// Team is the workspace, the fake's own when empty. People of others meet the bot in
	// shared channels.
	Team string
	// Bot tells that it is an app; BotID and AppID are then set.
	Bot          bool
	BotID, AppID string
	Deleted      bool
}

type channel struct {
	Channel
	members  map[string]bool
	archived bool
	messages []*message // by ts
	last     int64      // microseconds of the last ts
}

// message is one post. Blocks and attachments are decoded JSON.
type message struct {
	ts, thread  string
	user        string // of people and of bots
	botID, app  string
	team        string
	subtype     string
	text        string
	mrkdwn      bool
	blocks      []any
	attachments []any
	metadata    map[string]any
	edited      time.Time
	editor      string
	clientMsgID string
	broadcast   bool
	onlyFor     string // an ephemeral message's one reader
	tombstone   bool
	reactions   []reaction
	files       []string
	unfurled    []any // attachments that Slack itself added
}

type reaction struct {
	name  string
	users []string
}

// Ref names a message.
type Ref struct{ Channel, TS string }

// AddChannel makes a channel and gives its id.
func (f *Fake) AddChannel(c Channel) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.Kind == "" {
		c.Kind = Public
	}
	if c.ID == "" {
		c.ID = f.newID(map[Kind]string{Public: "C", Private: "G", DM: "D"}[c.Kind])
	}
	ch := &channel{Channel: c, members: map[string]bool{}}
	if !c.Without {
		ch.members[f.o.BotUser] = true
	}
	if c.User != "" {
		ch.members[c.User] = true
	}
	f.channels[c.ID] = ch
	f.order = append(f.order, c.ID)
	return c.ID
}

// AddUser makes a person or an app, and gives its id. Nobody needs to be invited to
// speak in a channel.
func (f *Fake) AddUser(u User) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if u.ID == "" {
		u.ID = f.newID("U")
	}
	if u.Team == "" {
		u.Team = f.o.Team
	}
	if u.Name == "" {
		u.Name = strings.ToLower(u.ID)
	}
	if u.RealName == "" {
		u.RealName = u.Name
	}
	if u.Bot && u.BotID == "" {
		u.BotID, u.AppID = f.newID("B"), f.newID("A")
	}
	f.users[u.ID] = &u
	return u.ID
}

// Channels are all channels, in the order in which they were made.
func (f *Fake) Channels() []Channel {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Channel
	for _, id := range f.order {
		all = append(all, f.channels[id].Channel)
	}
	return all
}

// Join and Kick say whether the bot is a member of a channel.
func (f *Fake) Join(channel string) { f.member(channel, true) }

// Kick takes the bot out of a channel; see [Fake.Join].
func (f *Fake) Kick(channel string) { f.member(channel, false) }

func (f *Fake) member(id string, in bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.channels[id]; c != nil {
		if in {
			c.members[f.o.BotUser] = true
		} else {
			delete(c.members, f.o.BotUser)
		}
	}
}

// Archive archives a channel, or brings it back.
func (f *Fake) Archive(channel string, yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.channels[channel]; c != nil {
		c.archived = yes
	}
}

// dm is the direct channel with a person, made where there is none.
func (f *Fake) dm(user string) *channel {
	for _, id := range f.order {
		if c := f.channels[id]; c.Kind == DM && c.User == user {
			return c
		}
	}
	c := &channel{Channel: Channel{ID: f.newID("D"), Kind: DM, User: user, Name: "directmessage"},
		members: map[string]bool{user: true, f.o.BotUser: true}}
	f.channels[c.ID] = c
	f.order = append(f.order, c.ID)
	return c
}

// newID makes up an id of Slack's shape.
func (f *Fake) newID(prefix string) string {
	f.ids++
	n := strings.ToUpper(strconv.FormatInt(int64(f.ids), 36))
	return prefix + "0FAKE" + strings.Repeat("0", max(0, 5-len(n))) + n
}

// secret is an unguessable part of an address. Nobody attacks the fake: it has only to
// be new, and to be recognised in a log.
func (f *Fake) secret() string {
	f.ids++
	return fmt.Sprintf("s3cr3t%08d", f.ids)
}

// stamp is the next time stamp of a channel: from the clock, unique in the channel, and
// growing (documented: "ts" is unique per channel).
func (f *Fake) stamp(c *channel) string {
	us := f.now().UnixMicro()
	us = max(us, c.last+100)
	c.last = us
	return fmt.Sprintf("%d.%06d", us/1e6, us%1e6)
}

func (f *Fake) add(c *channel, m *message) *message {
	m.ts = f.stamp(c)
	c.messages = append(c.messages, m)
	return m
}

func (c *channel) find(ts string) *message {
	i, ok := slices.BinarySearchFunc(c.messages, ts, func(m *message, ts string) int { return compareStamps(m.ts, ts) })
	if !ok {
		return nil
	}
	return c.messages[i]
}

// replies are those of a root, by ts.
func (c *channel) replies(root string) []*message {
	var all []*message
	for _, m := range c.messages {
		if m.thread == root && m.ts != root && m.onlyFor == "" {
			all = append(all, m)
		}
	}
	return all
}

func (c *channel) remove(m *message) {
	c.messages = slices.DeleteFunc(c.messages, func(o *message) bool { return o == m })
}

// compareStamps orders time stamps; they may differ in length.
func compareStamps(a, b string) int {
	if len(a) != len(b) && strings.Count(a, ".") == 1 && strings.Count(b, ".") == 1 {
		as, am, _ := strings.Cut(a, ".")
		bs, bm, _ := strings.Cut(b, ".")
		if len(as) != len(bs) {
			return len(as) - len(bs)
		}
		a, b = as+(am + "000000")[:6], bs+(bm + "000000")[:6]
	}
	return strings.Compare(a, b)
}

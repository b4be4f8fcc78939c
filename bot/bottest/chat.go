package bottest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"watchstander/bot"
)

// Chat is a chat in memory, strict where real ones are lax: it refuses a second
// root with one key, an edit of what is not there, a root in two parts. A test
// can make it slow, deaf or forgetful at a chosen moment.
type Chat struct {
	ID bot.ChatID

	mu    sync.Mutex
	caps  bot.Caps
	posts []Post
	byKey map[bot.SendKey]int
	seq   int
	// fault is asked before a post is stored and may refuse it; lost is asked
	// after, and may keep the receipt back.
	fault func(bot.Sending) error
	lost  func(bot.Sending) error
	down  bool
	// lax takes what is said below a root that is gone, as Matrix does; encoding
	// runs once while the next root is being encoded.
	lax      bool
	encoding func()
	// words are what people said, as it stands there now. eraseFault is asked before
	// one is erased and may refuse it, eraseLost after, and may keep the answer back.
	words                 []Words
	eraseFault, eraseLost func() error
	// unheard is what people did and the bot has not taken; news wakes Run.
	unheard []bot.Batch
	news    chan struct{}
	// Faults are what the bot did that no platform would take.
	faults []string
	sent   func(Post)
	// slack is what stands behind it where the story is played in Slack; then it only
	// keeps the troubles.
	slack *slackRoom
}

// Post is a message as the room has it.
type Post struct {
	ID      bot.MessageID
	Key     bot.SendKey
	Room    bot.RoomID
	Kind    bot.SendKind
	Root    bot.MessageID
	ReplyTo bot.MessageID
	Message bot.Message // as it stands now; a root's newest edit
	Edits   int
	Offers  []string // the bot's own reactions to a root
	At      time.Time
	Gone    bool
}

// NewChat makes one with no pace.
func NewChat(id bot.ChatID) *Chat {
	return &Chat{ID: id, caps: bot.Caps{Threads: true, Edits: true, Offers: true}, byKey: map[bot.SendKey]int{}, news: make(chan struct{}, 1)}
}

// Pace limits the posts a second in one room, as the bot is told.
func (c *Chat) Pace(perSecond float64, burst int) {
	c.caps.RoomPerSecond, c.caps.RoomBurst = perSecond, burst
}

// Caps implements bot.Chat.
func (c *Chat) Caps() bot.Caps {
	if c.slack != nil {
		return c.slack.now().Caps()
	}
	return c.caps
}

// Run implements bot.Chat: it hands over what Hear was given, in order, each
// until it is taken. What was not taken when the bot died waits for the next
// Run, as it does on a platform.
func (c *Chat) Run(ctx context.Context, sink bot.Sink) error {
	if c.slack != nil {
		return c.slack.now().Run(ctx, sink)
	}
	for ctx.Err() == nil {
		b, any := c.next()
		if !any {
			select {
			case <-ctx.Done():
			case <-c.news:
			}
			continue
		}
		if err := sink.Take(ctx, b); err == nil {
			c.taken()
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}

func (c *Chat) next() (b bot.Batch, any bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unheard) == 0 {
		return b, false
	}
	return c.unheard[0], true
}

func (c *Chat) taken() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unheard = c.unheard[1:]
}

// Hear makes people's events reach the bot.
func (c *Chat) Hear(es ...bot.Event) {
	if c.slack != nil {
		c.slack.hear(es...)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range es {
		if s, ok := e.(bot.Said); ok && !slices.ContainsFunc(c.words, func(w Words) bool { return w.Said.ID == s.ID }) {
			c.words = append(c.words, Words{Said: s})
		}
	}
	c.seq++
	c.unheard = append(c.unheard, bot.Batch{Source: string(c.ID), Cursor: fmt.Sprint(c.seq), Events: es})
	select {
	case c.news <- struct{}{}:
	default:
	}
}

type frozen struct {
	Kind    bot.SendKind
	ReplyTo bot.MessageID
	Emoji   string
	Message bot.Message
}

// Encode implements bot.Chat.
func (c *Chat) Encode(o bot.Outgoing) ([]bot.Part, error) {
	if o.Kind == bot.SendRoot {
		c.mu.Lock()
		meanwhile := c.encoding
		c.encoding = nil
		c.mu.Unlock()
		if meanwhile != nil {
			meanwhile()
		}
	}
	if c.slack != nil {
		return c.slack.encode(o)
	}
	if o.Bare {
		o.Message = bare(o.Message)
	}
	body, err := json.Marshal(frozen{o.Kind, o.ReplyTo, o.Emoji, o.Message})
	if err != nil {
		return nil, err
	}
	if len(body) > 64<<10 && o.Kind != bot.SendReply {
		return nil, bot.ErrTooLong
	}
	return []bot.Part{{Body: body}}, nil
}

// Send implements bot.Chat.
func (c *Chat) Send(ctx context.Context, s bot.Sending) (bot.Receipt, error) {
	if c.slack != nil {
		return c.sendToSlack(ctx, s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Unreachable, Cause: errors.New("the chat is down")}
	}
	if c.fault != nil {
		if err := c.fault(s); err != nil {
			return bot.Receipt{}, err
		}
	}
	var f frozen
	if err := json.Unmarshal(s.Body, &f); err != nil {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Rejected, Cause: err}
	}
	if i, twice := c.byKey[s.Key]; twice {
		c.faults = append(c.faults, fmt.Sprintf("key %s was sent twice", s.Key))
		return bot.Receipt{ID: c.posts[i].ID}, nil
	}
	if slices.ContainsFunc(c.posts, func(p Post) bool { return p.ID == s.Root && p.Gone && !c.lax }) {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.RootGone, Cause: errors.New("the root was deleted")}
	}
	id := bot.MessageID(fmt.Sprintf("m%d", len(c.posts)+1))
	now := time.Now().UTC()
	p := Post{ID: id, Key: s.Key, Room: s.Room, Kind: s.Kind, Root: s.Root, ReplyTo: f.ReplyTo, Message: f.Message, At: now}
	if s.Kind == bot.SendEdit {
		i := slices.IndexFunc(c.posts, func(p Post) bool { return p.ID == s.Root })
		if i < 0 || c.posts[i].Kind != bot.SendRoot || c.posts[i].Room != s.Room {
			c.faults = append(c.faults, fmt.Sprintf("an edit of %q, which is no root there", s.Root))
		} else {
			c.posts[i].Message = f.Message
			c.posts[i].Edits++
		}
	}
	if s.Kind == bot.SendOffer {
		i := slices.IndexFunc(c.posts, func(p Post) bool { return p.ID == s.Root })
		if i < 0 || c.posts[i].Kind != bot.SendRoot || c.posts[i].Room != s.Room || f.Emoji == "" || slices.Contains(c.posts[i].Offers, f.Emoji) {
			c.faults = append(c.faults, fmt.Sprintf("an offer of %q under %q", f.Emoji, s.Root))
		} else {
			c.posts[i].Offers = append(c.posts[i].Offers, f.Emoji)
		}
	}
	c.posts = append(c.posts, p)
	c.byKey[s.Key] = len(c.posts) - 1
	if c.sent != nil {
		c.sent(p)
	}
	if c.lost != nil {
		if err := c.lost(s); err != nil {
			return bot.Receipt{}, err
		}
	}
	return bot.Receipt{ID: id, At: now}, nil
}

func (c *Chat) sendToSlack(ctx context.Context, s bot.Sending) (bot.Receipt, error) {
	ask := func(f func(bot.Sending) error) error {
		if f == nil {
			return nil
		}
		return f(s)
	}
	c.mu.Lock()
	fault, lost := c.fault, c.lost
	c.mu.Unlock()
	if err := ask(fault); err != nil {
		return bot.Receipt{}, err
	}
	r, err := c.slack.send(ctx, s)
	if err == nil {
		if err = ask(lost); err != nil {
			r = bot.Receipt{}
		}
	}
	return r, err
}

// Find implements bot.Chat.
func (c *Chat) Find(ctx context.Context, s bot.Sending) (bot.Receipt, bool, error) {
	if c.slack != nil {
		return c.slack.now().Find(ctx, s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return bot.Receipt{}, false, &bot.Refusal{Kind: bot.Unreachable, Cause: errors.New("the chat is down")}
	}
	i, ok := c.byKey[s.Key]
	if !ok {
		return bot.Receipt{}, false, nil
	}
	return bot.Receipt{ID: c.posts[i].ID, At: c.posts[i].At}, true, nil
}

// Unplug makes the chat unreachable, or reachable again.
func (c *Chat) Unplug(down bool) {
	c.mu.Lock()
	c.down = down
	c.mu.Unlock()
	if c.slack != nil {
		c.slack.unplug(down)
	}
}

// Delete removes a message, as a moderator would, without telling the bot.
func (c *Chat) Delete(id bot.MessageID) {
	if c.slack != nil {
		return // the bot is told at once, by Hear
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.posts {
		if c.posts[i].ID == id {
			c.posts[i].Gone = true
		}
	}
}

// Posts are all messages of a room in their order, edits and reactions left out.
func (c *Chat) Posts(room bot.RoomID) []Post {
	if c.slack != nil {
		return c.slack.posts(room)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Post
	for _, p := range c.posts {
		if p.Room == room && p.Kind != bot.SendEdit && p.Kind != bot.SendOffer {
			out = append(out, p)
		}
	}
	return out
}

// Faults are what no platform would have taken.
func (c *Chat) Faults() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slack != nil {
		return append(c.slack.faults(), c.faults...)
	}
	return slices.Clone(c.faults)
}

// lose asks f after each accepted message whether its receipt is kept back.
func (c *Chat) lose(f func(bot.Sending) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = f
}

func (c *Chat) isDown() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down
}

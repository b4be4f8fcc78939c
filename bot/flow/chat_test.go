package flow

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"watchstander/bot"
)

// paper is a chat in memory, whose room "ops" holds what it was sent.
type paper struct {
	mu    sync.Mutex
	posts []bot.Sending
	// longest is the longest body that it takes, 0 for any; onSend is called before a
	// post is taken.
	longest int
	onSend  func(context.Context, bot.Sending) error
	caps    bot.Caps
	// askers are those to whom alone posts would be shown, by their keys.
	askers map[bot.SendKey]bot.UserID
}

func (c *paper) Run(ctx context.Context, _ bot.Sink) error { <-ctx.Done(); return ctx.Err() }
func (c *paper) Caps() bot.Caps                            { return c.caps }

func (c *paper) Encode(o bot.Outgoing) ([]bot.Part, error) {
	b, err := json.Marshal(o.Message)
	if err == nil && c.longest > 0 && len(b) > c.longest {
		err = bot.ErrTooLong
	}
	if o.Message.Aside && o.Asker != "" && !o.Bare {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.askers == nil {
			c.askers = map[bot.SendKey]bot.UserID{}
		}
		c.askers[o.Key] = o.Asker
	}
	return []bot.Part{{Body: b}}, err
}

func (c *paper) Send(ctx context.Context, s bot.Sending) (bot.Receipt, error) {
	if c.onSend != nil {
		if err := c.onSend(ctx, s); err != nil {
			return bot.Receipt{}, err
		}
	}
	return c.accept(s), nil
}

// accept has the room hold a post, however often it is called with the same key at
// different times: as a homeserver that has forgotten the key.
func (c *paper) accept(s bot.Sending) bot.Receipt {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts = append(c.posts, s)
	return bot.Receipt{ID: bot.MessageID("m" + string(s.Key))}
}

func (c *paper) Find(_ context.Context, s bot.Sending) (bot.Receipt, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.posts {
		if p.Key == s.Key {
			return bot.Receipt{ID: bot.MessageID("m" + string(p.Key))}, true, nil
		}
	}
	return bot.Receipt{}, false, nil
}

// said are the bodies that the room holds.
func (c *paper) said() (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.posts {
		out = append(out, string(p.Body))
	}
	return out
}

// shown are those to whom alone the room's posts are shown, "" for what all see.
func (c *paper) shown() (out []bot.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.posts {
		out = append(out, c.askers[p.Key])
	}
	return out
}

// withPaper gives a flow its room.
func withPaper(f *Flow) (*paper, *room) {
	c := &paper{}
	r := newRoom(f, "ops", "paper", c)
	f.rooms["ops"] = r
	return c, r
}

// post has the room's worker post until nothing is due now.
func post(t *testing.T, r *room) {
	t.Helper()
	for range 100 {
		if wait, err := r.idle(t.Context()); err != nil {
			t.Fatal(err)
		} else if wait != 0 {
			return
		}
		if err := r.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("it is never done")
}

package bottest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"watchstander/bot"
)

// Words are a person's message as the room has it.
type Words struct {
	Said bot.Said
	// Erased is the key under which the bot took it away, "" while it stands there.
	Erased bot.EffectKey
}

// self is the bot's own account, as it hears of what it did itself.
const self = bot.UserID("@watchstander:example.org")

// Erase implements bot.Eraser: the bot hears of it, as it does on a platform.
func (c *Chat) Erase(ctx context.Context, e bot.Erasing) error {
	if c.slack != nil {
		return c.slack.now().Erase(ctx, e)
	}
	gone, err := c.erase(e)
	if gone {
		c.Hear(bot.Withdrawn{Chat: c.ID, Room: e.Room, ID: bot.MessageID("erased " + e.Key), Target: e.Message, User: self, At: time.Now().UTC()})
	}
	return err
}

func (c *Chat) erase(e bot.Erasing) (gone bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return false, &bot.Refusal{Kind: bot.Unreachable, Cause: errors.New("the chat is down")}
	}
	if c.eraseFault != nil {
		if err := c.eraseFault(); err != nil {
			return false, err
		}
	}
	i := slices.IndexFunc(c.words, func(w Words) bool { return w.Said.ID == e.Message && w.Said.Room == e.Room })
	switch {
	case i < 0 || e.Key == "":
		c.faults = append(c.faults, fmt.Sprintf("%q is to be erased under the key %q, and nobody said it", e.Message, e.Key))
		return false, &bot.Refusal{Kind: bot.Rejected, Cause: bot.Errorf(bot.CodeNotFound, "there is no such message.")}
	case c.words[i].Erased == "":
		c.words[i].Erased, gone = e.Key, true
	}
	if c.eraseLost != nil {
		err = c.eraseLost()
	}
	return gone, err
}

// erasing sets what comes of the next ones.
func (c *Chat) erasing(words []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eraseFault, c.eraseLost = nil, nil
	count := 1
	if len(words) > 1 {
		var err error
		if count, err = strconv.Atoi(words[1]); err != nil {
			return err
		}
	}
	times := func(r *bot.Refusal) func() error {
		return func() error {
			if count == 0 {
				return nil
			}
			count--
			return r
		}
	}
	switch words[0] {
	case "allowed":
	case "forbidden":
		c.eraseFault = func() error {
			return &bot.Refusal{Kind: bot.Forbidden, Cause: bot.Errorf(bot.CodeForbidden, "deleting other people's messages takes power level 50 in this room, and I have 0.")}
		}
	case "needless":
		c.eraseFault = func() error { return &bot.Refusal{Kind: bot.Rejected, Cause: bot.ErrNeverStood} }
	case "lost":
		c.eraseLost = times(&bot.Refusal{Kind: bot.Unsure, Cause: errors.New("the answer was lost")})
	case "busy":
		after, err := time.ParseDuration(words[2])
		if err != nil {
			return err
		}
		c.eraseFault = times(&bot.Refusal{Kind: bot.Busy, After: after})
	default:
		return fmt.Errorf("erasing is never %q", words[0])
	}
	return nil
}

// Words are what people said in a room.
func (c *Chat) Words(room bot.RoomID) []Words {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Words
	for _, w := range c.words {
		if w.Said.Room == room {
			out = append(out, w)
		}
	}
	return out
}

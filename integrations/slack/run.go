package slack

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"watchstander/bot"
)

const (
	// lookEvery is how often the bot asks Slack for a sign of life, where nothing else
	// came.
	lookEvery = 30 * time.Second
	// apart is the time between the beginnings of connections.
	apart = 2 * time.Minute
	// readBackTime bounds one reading back.
	readBackTime = 2 * time.Minute
	// lookBackEvery is how often it is read back where Slack calls us: nobody tells us
	// when it could not.
	lookBackEvery = 5 * time.Minute
)

// identity is who the bot's token says that we are.
type identity struct{ user, bot string }

// who is our own user's id and our bot's, "" before Slack has told.
func (c *Chat) who() (user, botID string) {
	if i := c.identity.Load(); i != nil {
		return i.user, i.bot
	}
	return "", ""
}

// Run receives until ctx ends; bot.Chat. It fails only, with a *bot.Error of
// CodeForbidden, when Slack does not take the app's credentials, or they are for
// another workspace. Nothing is heard before it is known who we are.
func (c *Chat) Run(ctx context.Context, sink bot.Sink) error {
	c.breaks.all.Add(1) // before Slack may call us: until all is read, nothing moves the place
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("slack: Run runs already")
	}
	defer c.running.Store(false)
	if err := c.identify(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	c.setSink(sink)
	defer c.setSink(nil)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	watched := func(work func(context.Context) error) {
		wg.Go(func() {
			if err := work(ctx); err != nil {
				stop(err)
			}
		})
	}
	watched(c.keep)
	if c.signing == "" {
		for i := range c.connections {
			watched(func(ctx context.Context) error {
				// Not all at once: what is begun together is replaced together.
				if i > 0 && !sleep(ctx, time.Duration(i)*apart) {
					return nil
				}
				return c.connect(ctx)
			})
		}
	} else {
		c.roots.broke()
		c.makeUp(ctx)
	}
	wg.Wait()
	if err, ok := errors.AsType[*bot.Error](context.Cause(ctx)); ok {
		return err
	}
	return nil
}

func (c *Chat) setSink(s bot.Sink) {
	_ = c.in.turn.take(context.Background()) // who has it ends with Run's context
	defer c.in.turn.end()
	c.in.open.Lock()
	defer c.in.open.Unlock()
	c.in.sink = s
}

// identify asks who the bot's token is for, for as long as it takes.
func (c *Chat) identify(ctx context.Context) error {
	for try := 0; ctx.Err() == nil; try++ {
		final, err := c.whoAmI(ctx)
		if final != nil || err == nil {
			return final
		}
		c.pause(ctx, try, err, "Slack does not say whose token this is; nothing is heard until it does")
	}
	return nil
}

// pause waits after a failure, longer after each, and as long as Slack wants. What came
// of the context's end is nobody's trouble.
func (c *Chat) pause(ctx context.Context, try int, err error, what string) {
	if ctx.Err() != nil {
		return
	}
	wait := min(time.Second<<min(try, 5), 30*time.Second)
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		wait = max(wait, limited.RetryAfter)
	}
	c.log.Warn(what, "err", wrap(err), "next_try_in", wait)
	sleep(ctx, wait)
}

// whoAmI asks Slack who we are. What is final no second try mends.
func (c *Chat) whoAmI(ctx context.Context) (final, err error) {
	who, err := c.api.AuthTestContext(ctx)
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok && slices.Contains(revoked, e.Err) {
		return bot.Errorf(bot.CodeForbidden, "Slack does not take the bot token of the chat %q (%s): compare it with the app's page (if it was revoked, install the app again), put the right one into its file, and restart the bot.", c.chat, short(e.Err, 60)).Because(wrap(err)), nil
	}
	if err != nil {
		return nil, err
	}
	if who.TeamID != c.team {
		return bot.Errorf(bot.CodeForbidden, "The bot token of the chat %q is for the workspace %s, and the configuration says %s.", c.chat, short(who.TeamID, 30), c.team), nil
	}
	c.identity.Store(&identity{user: who.UserID, bot: who.BotID})
	if c.signing != "" || c.live.any() {
		c.heard.Store(c.now().UnixMilli()) // else it answers, and brings us nothing
	}
	return nil, nil
}

// makeUp reads back what was said while nobody listened, if that is owed, after whoever
// has the turn.
func (c *Chat) makeUp(ctx context.Context) {
	if !c.breaks.owed() || c.in.turn.take(ctx) != nil {
		return
	}
	defer c.in.turn.end()
	if !c.breaks.owed() {
		return // somebody else has read it meanwhile
	}
	ctx, cancel := context.WithTimeout(ctx, readBackTime)
	defer cancel()
	if err := c.catchUp(ctx); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		c.log.Warn("what was said while the bot was away could not be read; it is tried again", "err", err)
		c.tellUnread(ctx, err)
	}
}

// tellUnread tells people of a reading back that does not succeed before they mend
// something. Its caller has the turn.
func (c *Chat) tellUnread(ctx context.Context, err error) {
	e, ok := errors.AsType[*callError](err)
	if !ok || !slices.Contains(forbidden, e.code) || slices.Contains(revoked, e.code) {
		return // it passes; or Run ends, which is told
	}
	if err := c.insist(ctx, bot.Batch{Source: string(c.chat), Events: []bot.Event{c.unread(e.code, false)}}); err != nil && ctx.Err() == nil {
		c.log.Warn("people could not be told of it", "err", err)
	}
}

// keep looks after what nothing else wakes: a reading back that failed, and whether
// Slack is there at all while nobody says anything.
func (c *Chat) keep(ctx context.Context) error {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	back := c.now()
	for {
		doubted := false
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-c.doubt:
			doubted = true
		}
		if c.signing != "" && c.now().Sub(back) >= lookBackEvery {
			back = c.now()
			c.breaks.all.Add(1)
		}
		if c.in.turn.free() { // else whoever has it may need minutes, and Slack is looked after meanwhile
			c.makeUp(ctx)
		}
		if !doubted && c.now().Sub(c.LastHeard()) < lookEvery {
			continue
		}
		if final := c.lookAfter(ctx); final != nil {
			return final
		}
	}
}

// lookAfter looks whether Slack is there; its error is final.
func (c *Chat) lookAfter(ctx context.Context) error {
	final, err := c.whoAmI(ctx)
	if err != nil && ctx.Err() == nil {
		c.log.Warn("Slack does not answer", "err", wrap(err))
	}
	return final
}

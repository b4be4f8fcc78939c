package slack

import (
	"context"
	"errors"
	"io"
	"log"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"watchstander/bot"
)

const (
	usualConnections = 2
	// maxFrame bounds what one envelope may hold, in bytes.
	maxFrame = 1 << 20
	// steady is how long a connection lives that was none in vain.
	steady = time.Minute
)

// connections counts those that are up: while one is, Slack has somebody to tell.
type connections struct {
	mu sync.Mutex
	up int
}

// more tells whether this is the first.
func (n *connections) more() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.up++
	return n.up == 1
}

func (n *connections) any() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.up > 0
}

func (n *connections) less() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.up--
}

// missed notes that things may have been said that we were not told of.
func (c *Chat) missed() {
	c.breaks.all.Add(1)
	c.roots.broke()
}

// connect keeps one connection up. It fails only when Slack does not take the app's
// credentials.
func (c *Chat) connect(ctx context.Context) error {
	for try := 0; ctx.Err() == nil; try++ {
		began := time.Now()
		err := c.once(ctx)
		if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok && slices.Contains(revoked, e.Err) {
			return bot.Errorf(bot.CodeForbidden, "Slack does not take the app-level token of the chat %q (%s): compare it with the app's page (if it was revoked, make a new one with the scope connections:write), put the right one into its file, and restart the bot.", c.chat, short(e.Err, 60)).Because(wrap(err))
		}
		if time.Since(began) > steady {
			try = 0
		}
		c.pause(ctx, try, err, "a connection to Slack ended")
	}
	return nil
}

// once takes what one connection brings, and those that the library makes in its place
// when Slack asks for it, until one cannot be made.
func (c *Chat) once(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	options := []socketmode.Option{socketmode.OptionReadLimit(maxFrame), socketmode.OptionLog(log.New(io.Discard, "", 0))}
	if c.dialer != nil {
		options = append(options, socketmode.OptionDialer(c.dialer))
	}
	smc := socketmode.New(c.api, options...)
	done := make(chan error, 1)
	go func() { done <- smc.RunContext(ctx) }()
	up := false
	down := func() {
		if up {
			up = false
			c.live.less()
			c.missed() // what Slack had sent over it, and sends over another some minutes later
		}
	}
	// What has its place in a channel is taken in order, behind what is read back; the loop
	// goes on meanwhile, since presses wait for nothing.
	inOrder, failed, over := make(chan func(context.Context) error, mostInOrder), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(over)
		if err := work(ctx, inOrder); err != nil {
			failed <- err
		}
	}()
	behind := func(do func(context.Context) error) error {
		select {
		case inOrder <- do:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-failed:
			return err
		}
	}
	// Whatever ends it, both goroutines are waited for; the library's may be giving us an
	// event.
	ended := func() error {
		stop()
		<-over
		for {
			select {
			case <-smc.Events:
			case err := <-done:
				return err
			}
		}
	}
	defer down()
	for {
		select {
		case err := <-done:
			stop()
			<-over
			return err
		case err := <-failed:
			return errors.Join(err, ended())
		case e := <-smc.Events:
			switch e.Type {
			case socketmode.EventTypeConnecting:
				down()
			case socketmode.EventTypeConnectionError:
				_ = ended()
				if failed, ok := e.Data.(*slack.ConnectionErrorEvent); ok {
					return failed.ErrorObj
				}
				return errors.New("slack: no connection could be made")
			case socketmode.EventTypeHello:
				c.heard.Store(c.now().UnixMilli())
				if !up {
					up = true
					if c.live.more() {
						c.missed() // at once, for what other connections bring
					}
					if c.breaks.owed() {
						if err := behind(func(ctx context.Context) error { c.makeUp(ctx); return nil }); err != nil {
							return errors.Join(err, ended())
						}
					}
				}
			default:
				if err := c.event(ctx, smc, e, behind); err != nil {
					return errors.Join(err, ended())
				}
			}
		}
	}
}

// mostInOrder bounds what a connection holds of what waits for the reading back; beyond
// that it takes nothing more, and Slack sends messages again.
const mostInOrder = 200

// work does one after the other until its context ends, or one fails.
func work(ctx context.Context, todo <-chan func(context.Context) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case do := <-todo:
			select {
			case <-ctx.Done(): // what is read back may not have been: nothing passes it now
				return nil
			default:
			}
			if err := do(ctx); err != nil {
				return err
			}
		}
	}
}

// event takes one event of a connection, at once or behind what is read back. What was
// not taken is not acknowledged.
func (c *Chat) event(ctx context.Context, smc *socketmode.Client, e socketmode.Event, behind func(func(context.Context) error) error) error {
	c.heard.Store(c.now().UnixMilli())
	if e.Type == socketmode.EventTypeErrorBadMessage {
		if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok {
			n := news{events: []bot.Event{c.undecodable(bad.Message, "its kind is not known")}}
			return behind(func(ctx context.Context) error { return c.take(ctx, n) })
		}
	}
	if e.Request == nil || e.Request.EnvelopeID == "" {
		return nil
	}
	n := c.envelope(e.Request.Type, e.Request.Payload)
	if !c.atOnce(n) {
		return behind(func(ctx context.Context) error {
			if c.breaks.owed() && slices.ContainsFunc(n.events, c.mustWait) {
				c.makeUp(ctx)
			}
			switch err := c.take(ctx, n); {
			case errors.Is(err, errUnread): // not acknowledged: its sender sees a warning, or it is found again
				c.log.Warn("a word that lets something run was not taken, since what was said before it could not be read")
			case err != nil:
				return err
			default:
				c.acknowledge(ctx, smc, e, n)
			}
			return nil
		})
	}
	if err := c.takeAtOnce(ctx, n); err != nil {
		return err
	}
	c.acknowledge(ctx, smc, e, n)
	return nil
}

// acknowledge tells Slack that an envelope was taken, with what its sender is to see.
func (c *Chat) acknowledge(ctx context.Context, smc *socketmode.Client, e socketmode.Event, n news) {
	var payload any
	if n.reply != "" {
		payload = told(n.reply)
	}
	if err := smc.AckCtx(ctx, e.Request.EnvelopeID, payload); err != nil && ctx.Err() == nil {
		c.log.Warn("an envelope could not be acknowledged; Slack will send it again", "err", wrap(err))
	}
	if n.ask != nil {
		c.ask(ctx, n.ask)
	}
}

// told is an answer to a command that its sender alone sees.
func told(text string) any {
	return map[string]string{"response_type": "ephemeral", "text": escape(text)}
}

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

// connections counts those that are up: while one is, nothing is missed.
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

// connect keeps one connection up. It fails only when Slack no longer takes the app's
// credentials.
func (c *Chat) connect(ctx context.Context) error {
	for try := 0; ctx.Err() == nil; try++ {
		began := time.Now()
		err := c.once(ctx)
		if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok && slices.Contains(revoked, e.Err) {
			return bot.Errorf(bot.CodeForbidden, "Slack no longer takes the app-level token of the chat %q (%s): make a new one with the scope connections:write, and put it into its file.", c.chat, short(e.Err, 60)).Because(wrap(err))
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
		}
	}
	// Whatever ends it, the library's goroutine is waited for; it may be giving us an event.
	ended := func() error {
		stop()
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
			return err
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
						c.wasAway(ctx)
					}
				}
			default:
				if err := c.event(ctx, smc, e); err != nil {
					return errors.Join(err, ended())
				}
			}
		}
	}
}

// event takes one event of a connection. What was not taken is not acknowledged.
func (c *Chat) event(ctx context.Context, smc *socketmode.Client, e socketmode.Event) error {
	c.heard.Store(c.now().UnixMilli())
	if e.Type == socketmode.EventTypeErrorBadMessage {
		if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok {
			return c.take(ctx, news{events: []bot.Event{c.undecodable(bad.Message, "its kind is not known")}})
		}
	}
	if e.Request == nil || e.Request.EnvelopeID == "" {
		return nil
	}
	n := c.envelope(e.Request.Type, e.Request.Payload)
	if err := c.take(ctx, n); err != nil {
		return err
	}
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
	return nil
}

// told is an answer to a command that its sender alone sees.
func told(text string) any {
	return map[string]string{"response_type": "ephemeral", "text": escape(text)}
}

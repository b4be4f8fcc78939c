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
	// ackWithin is Slack's patience for an acknowledgement, and some of our own kept back.
	ackWithin = 2500 * time.Millisecond
)

// Run receives over Socket Mode until ctx ends; bot.Chat. It fails only when Slack no
// longer takes the app's credentials.
func (c *Chat) Run(ctx context.Context, sink bot.Sink) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for range c.connections {
		wg.Go(func() {
			if err := c.connect(ctx, sink); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// connect keeps one connection up.
func (c *Chat) connect(ctx context.Context, sink bot.Sink) error {
	for try := 0; ctx.Err() == nil; try++ {
		smc := socketmode.New(c.api, socketmode.OptionReadLimit(maxFrame), socketmode.OptionLog(log.New(io.Discard, "", 0)))
		done := make(chan error, 1)
		serving, stop := context.WithCancel(ctx)
		go func() { done <- smc.RunContext(serving) }()
		err := c.serve(serving, smc, sink, done)
		stop()
		if ctx.Err() != nil {
			return nil
		}
		if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok && slices.Contains(revoked, e.Err) {
			return bot.Errorf(bot.CodeForbidden, "Slack no longer accepts the app-level token of the chat %q (%s): make a new one, and put it into its file.", c.chat, short(e.Err, 60)).Because(wrap(err))
		}
		c.log.Warn("a connection to Slack ended", "err", wrap(err))
		t := time.NewTimer(min(time.Second<<min(try, 6), time.Minute))
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

// serve takes what one connection brings, until it has ended.
func (c *Chat) serve(ctx context.Context, smc *socketmode.Client, sink bot.Sink, done <-chan error) error {
	for {
		select {
		case err := <-done:
			return err
		case e := <-smc.Events:
			c.event(ctx, smc, sink, e)
		}
	}
}

// event takes one event of a connection. Of what was not taken nothing is
// acknowledged: Slack sends it again.
func (c *Chat) event(ctx context.Context, smc *socketmode.Client, sink bot.Sink, e socketmode.Event) {
	switch e.Type {
	case socketmode.EventTypeHello:
		c.up(ctx, sink)
		return
	case socketmode.EventTypeConnectionError, socketmode.EventTypeDisconnect, socketmode.EventTypeIncomingError:
		c.log.Info("a connection to Slack is made anew", "why", string(e.Type))
		return
	case socketmode.EventTypeErrorBadMessage:
		c.log.Warn("Slack sent what cannot be read")
		return
	}
	if e.Request == nil || e.Request.EnvelopeID == "" {
		return
	}
	events := c.decode(e)
	if len(events) > 0 {
		taking, cancel := context.WithTimeout(ctx, ackWithin)
		err := sink.Take(taking, bot.Batch{Source: string(c.chat), Events: events})
		cancel()
		if err != nil {
			c.log.Warn("an event was not taken; Slack will send it again", "err", err)
			return
		}
	}
	c.heard.Store(c.now().UnixMilli())
	if err := smc.AckCtx(ctx, e.Request.EnvelopeID, nil); err != nil && ctx.Err() == nil {
		c.log.Warn("an envelope could not be acknowledged; Slack will send it again", "err", wrap(err))
	}
}

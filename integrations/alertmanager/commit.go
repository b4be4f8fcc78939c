package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"watchstander/bot"
)

var (
	errClosed   = errors.New("the webhook endpoint is closed")
	errPanicked = errors.New("the sink panicked")
)

// commit hands events to the sink and waits for it, but no longer than the
// time that Alertmanager can be kept waiting. The sink runs on a goroutine of
// its own, which [Handler.Close] waits for, so that even one that does not heed
// its context cannot hold an answer back.
func (h *Handler) commit(events ...bot.Event) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return errClosed
	}
	h.commits.Add(1)
	h.mu.Unlock()

	ctx, cancel := context.WithTimeoutCause(h.ctx, h.o.CommitTimeout,
		fmt.Errorf("the commit took longer than %s", h.o.CommitTimeout))
	done := make(chan error, 1)
	go func() {
		defer h.commits.Done()
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				h.o.Log.Error("the sink panicked", "panic", p, "stack", string(debug.Stack()))
				done <- errPanicked
			}
		}()
		done <- h.o.Sink.Take(ctx, bot.Batch{Source: "webhook/" + h.o.Endpoint, Events: events})
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select { // it may have ended just now, and ctx by its doing
	case err := <-done:
		return err
	default:
		return context.Cause(ctx)
	}
}

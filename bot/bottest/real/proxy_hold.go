package real

import (
	"context"
	"sync"
	"testing"
	"time"
)

// Hold waits for one request and stops it half-way, until the test lets it go
// on or cuts its connection.
type Hold struct {
	match func(Request) bool
	left  int  // how many matching requests until it bites; the proxy's mutex guards it
	early bool // before the homeserver has seen the request, instead of after

	request Request // to be read after reached is closed
	reached chan struct{}
	decide  sync.Once
	decided chan struct{}
	pass    bool // to be read after decided is closed
}

// HoldReply holds back the reply to the n-th request from now (the first is 1)
// that match likes: the homeserver has accepted the request, and the client
// waits. Requests that the proxy itself refuses are not counted.
func (p *Proxy) HoldReply(n int, match func(Request) bool) *Hold { return p.hold(n, match, false) }

// HoldRequest holds back the n-th matching request itself: the client has
// sent it, and the homeserver knows nothing of it.
func (p *Proxy) HoldRequest(n int, match func(Request) bool) *Hold { return p.hold(n, match, true) }

func (p *Proxy) hold(n int, match func(Request) bool, early bool) *Hold {
	h := &Hold{match: match, left: n, early: early, reached: make(chan struct{}), decided: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds = append(p.holds, h)
	return h
}

// Wait waits until the hold has its request, and returns it: for HoldReply
// with the homeserver's status in Upstream and its words in Answer.
func (h *Hold) Wait(t testing.TB, within time.Duration) Request {
	t.Helper()
	select {
	case <-h.reached:
	case <-time.After(within):
		t.Fatalf("no request for the proxy to hold back came within %s", within)
	}
	return h.request
}

// Reached is closed when the hold has its request.
func (h *Hold) Reached() <-chan struct{} { return h.reached }

// Release lets the request, or the reply, go on, or lets it pass unhindered if
// it has yet to come. After Cut it does nothing.
func (h *Hold) Release() { h.settle(true) }

// Cut breaks the client's connection instead; with HoldRequest the homeserver
// never hears of the request. After Release it does nothing.
func (h *Hold) Cut() { h.settle(false) }

func (h *Hold) settle(pass bool) {
	h.decide.Do(func() {
		h.pass = pass
		close(h.decided)
	})
}

// wait tells the test that the request is there, and returns the test's
// decision: whether to pass it on. When the client goes away or the line is
// unplugged, that decides.
func (h *Hold) wait(ctx context.Context, request Request) bool {
	h.request = request
	close(h.reached)
	select {
	case <-h.decided:
		return h.pass
	case <-ctx.Done():
		return false
	}
}

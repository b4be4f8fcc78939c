package matrix

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memorySink keeps what it took, and refuses when told to.
type memorySink struct {
	mu      sync.Mutex
	batches []bot.Batch
	refuse  func(bot.Batch) error
	taken   chan struct{} // one slot: something was taken
}

func newSink() *memorySink { return &memorySink{taken: make(chan struct{}, 1)} }

func (s *memorySink) Take(_ context.Context, b bot.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(b); err != nil {
			return err
		}
	}
	s.batches = append(s.batches, b)
	select {
	case s.taken <- struct{}{}:
	default:
	}
	return nil
}

func (s *memorySink) events() []bot.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bot.Event
	for _, b := range s.batches {
		all = append(all, b.Events...)
	}
	return all
}

func (s *memorySink) cursor() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.batches) == 0 {
		return ""
	}
	return s.batches[len(s.batches)-1].Cursor
}

// await returns the first event that accept likes.
func await[E bot.Event](t *testing.T, s *memorySink, within time.Duration, accept func(E) bool) E {
	t.Helper()
	end := time.After(within)
	for {
		for _, e := range s.events() {
			if e, ok := e.(E); ok && accept(e) {
				return e
			}
		}
		select {
		case <-s.taken:
		case <-end:
			t.Fatalf("no such %T came within %s; there were %+v", *new(E), within, s.events())
		}
	}
}

// running is a chat that runs.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // to be read after done is closed
}

func run(t *testing.T, c *Chat, s bot.Sink) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = c.Run(ctx, s)
	}()
	t.Cleanup(func() { cancel(); <-r.done })
	return r
}

// stop ends it and wants no error.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	<-r.done
	if r.err != nil {
		t.Fatalf("Run: %v", r.err)
	}
}

// wait waits until it ends by itself.
func (r *running) wait(t *testing.T, within time.Duration) error {
	t.Helper()
	select {
	case <-r.done:
		return r.err
	case <-time.After(within):
		t.Fatalf("Run has not ended within %s", within)
		return nil
	}
}

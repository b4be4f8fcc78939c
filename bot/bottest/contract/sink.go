package contract

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"watchstander/bot"
)

// sink takes what Run hands over. It can refuse, and keeps what it was offered
// apart from what it took.
type sink struct {
	mu      sync.Mutex
	offered []bot.Batch
	taken   []bot.Batch
	refuse  func(context.Context, bot.Batch) error
	news    chan struct{} // closed and made anew with each batch
}

func newSink() *sink { return &sink{news: make(chan struct{})} }

// Take implements bot.Sink.
func (s *sink) Take(ctx context.Context, b bot.Batch) error {
	b.Events = slices.Clone(b.Events)
	s.mu.Lock()
	s.offered = append(s.offered, b)
	refuse := s.refuse
	s.tell()
	s.mu.Unlock()
	if refuse != nil {
		if err := refuse(ctx, b); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, b)
	s.tell()
	return nil
}

func (s *sink) tell() {
	close(s.news)
	s.news = make(chan struct{})
}

func (s *sink) refuseWith(f func(context.Context, bot.Batch) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

// cursor is the last committed one. A batch without one (its source has none)
// leaves it.
func (s *sink) cursor() (cursor string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.taken {
		if b.Cursor != "" {
			cursor = b.Cursor
		}
	}
	return cursor
}

// batches are those that were offered, and those of them that were taken.
func (s *sink) batches() (offered, taken []bot.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.offered), slices.Clone(s.taken)
}

// events are what was taken, in order, but for the adapter's word that its rooms
// are well.
func (s *sink) events() []bot.Event {
	_, taken := s.batches()
	return slices.DeleteFunc(eventsOf(taken), func(e bot.Event) bool {
		t, ok := e.(bot.Troubled)
		return ok && t.Over
	})
}

func eventsOf(bs []bot.Batch) (all []bot.Event) {
	for _, b := range bs {
		all = append(all, b.Events...)
	}
	return all
}

// wait looks at the sink whenever something came, until ok likes it.
func (s *sink) wait(within time.Duration, ok func() bool) bool {
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		s.mu.Lock()
		news := s.news
		s.mu.Unlock()
		if ok() {
			return true
		}
		select {
		case <-news:
		case <-end.C:
			return ok()
		}
	}
}

// await gives the first event of a type that accept likes.
func await[E bot.Event](t *testing.T, s *sink, what string, accept func(E) bool) (found E) {
	t.Helper()
	if !s.wait(patience, func() bool {
		for _, e := range s.events() {
			if e, ok := e.(E); ok && accept(e) {
				found = e
				return true
			}
		}
		return false
	}) {
		t.Fatalf("%s: no such %T came within %s; there were:\n%s", what, found, patience, tellEvents(s.events()))
	}
	return found
}

// awaitSaid waits for one message.
func awaitSaid(t *testing.T, s *sink, id bot.MessageID) bot.Said {
	t.Helper()
	return await(t, s, "message "+string(id), func(e bot.Said) bool { return e.ID == id })
}

// said are the ids of what was taken as said, in order.
func (s *sink) said() (ids []bot.MessageID) { return saidIn(s.events()) }

func saidIn(events []bot.Event) (ids []bot.MessageID) {
	for _, e := range events {
		if e, ok := e.(bot.Said); ok {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

func tellEvents(events []bot.Event) (text string) {
	for _, e := range events {
		text += fmt.Sprintf("  %T %+v\n", e, e)
	}
	return text
}

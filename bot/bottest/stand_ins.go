package bottest

import (
	"context"
	"net/http"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
)

// switchboard is the address that Alertmanager posts to, whoever is behind it.
type switchboard struct {
	mu sync.Mutex
	h  http.Handler
}

func (s *switchboard) to(h *alertmanager.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h = nil
	if h != nil {
		s.h = h
	}
}

func (s *switchboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.h
	s.mu.Unlock()
	if h == nil {
		// Nobody listens: a connection refused, which Alertmanager retries.
		panic(http.ErrAbortHandler)
	}
	h.ServeHTTP(w, r)
}

// painter stands for a Prometheus, where the configuration has one.
type painter struct{}

func (painter) Expression(_ context.Context, expr string, _ time.Duration) (bot.Picture, error) {
	return bot.Picture{Name: "graph.png", PNG: []byte{1}, Alt: expr + " is 9"}, nil
}

func (painter) Alert(_ context.Context, e bot.Episode) (bot.Picture, error) {
	return bot.Picture{Name: e.Name() + ".png", PNG: []byte{1}, Alt: e.Name() + " is 9"}, nil
}

package agent

import (
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// seldom writes some of the lines that a caller can cause, and counts the others:
// a log that is full is cut by whoever keeps it, and what matters goes with it.
type seldom struct {
	log    *slog.Logger
	some   *rate.Limiter
	unsaid atomic.Int64
}

func newSeldom(log *slog.Logger) *seldom {
	return &seldom{log: log, some: rate.NewLimiter(rate.Every(10*time.Second), 20)}
}

func (s *seldom) warn(line string, args ...any) {
	if !s.some.Allow() {
		s.unsaid.Add(1)
		return
	}
	if n := s.unsaid.Swap(0); n > 0 {
		args = append(args, "not_written_before", n)
	}
	s.log.Warn(line, args...)
}

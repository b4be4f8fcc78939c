package restic

import (
	"context"
	"time"

	"watchstander/bot/phrase"
)

// budget is the cause of a context that ended because a piece of work had used up
// its own time, which is another thing than the end of the whole run's.
type budget struct {
	of    string
	limit time.Duration
}

func (b *budget) Error() string {
	return "the time for " + b.of + " (" + phrase.Duration(b.limit) + ") was over"
}

func (b *budget) Unwrap() error { return context.DeadlineExceeded }

func withBudget(ctx context.Context, of string, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, &budget{of, limit})
}

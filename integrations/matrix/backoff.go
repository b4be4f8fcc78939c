package matrix

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff spaces out tries that fail: about 1, 2, 4 … seconds, never more than
// a minute, with chance in it so that a homeserver that comes back is not met
// by all its clients at once. The zero value is ready.
type backoff struct{ fails int }

const maxPause = time.Minute

// next is the pause after one more failure; the other side's own wish, if
// longer, is honoured.
func (b *backoff) next(asked time.Duration) time.Duration {
	pause := min(time.Second<<min(b.fails, 6), maxPause)
	b.fails++
	return max(pause/2+rand.N(pause/2), asked)
}

func (b *backoff) reset() { b.fails = 0 }

// sleep waits, and tells whether ctx still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

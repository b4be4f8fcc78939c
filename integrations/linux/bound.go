package linux

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"watchstander/bot/phrase"
)

// bounds keeps work that can hang forever from holding up its askers, and from
// piling up: of each name at most one piece is under way. A system call in a
// dead filesystem cannot be called off, so its goroutine stays until the kernel
// answers; whoever asks meanwhile hears how long it has been silent.
type bounds struct {
	mu    sync.Mutex
	going map[string]*flight
}

// flight is one piece of work under way. done is closed after value and err are
// set.
type flight struct {
	since time.Time
	done  chan struct{}
	value any
	err   error
}

// silent is the error of what does not answer.
type silent struct{ since time.Duration }

func (s silent) Error() string { return "no answer for " + phrase.Duration(s.since) }

// errCutShort is for askers who have no time left themselves.
var errCutShort = errors.New("the time for this look was over before it answered")

// within runs work, or joins the same work under way, and waits for at most
// limit since it began.
func within[T any](ctx context.Context, b *bounds, name string, limit time.Duration, work func() (T, error)) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, errCutShort
	}
	f := b.join(name, func() (any, error) { return work() })
	// An answer that is there counts, however late the asker comes.
	timer := time.NewTimer(max(0, limit-time.Since(f.since)))
	defer timer.Stop()
	late := error(nil)
	select {
	case <-f.done:
	case <-timer.C:
		late = silent{since: time.Since(f.since)}
	case <-ctx.Done():
		late = errCutShort
	}
	if late != nil {
		select {
		case <-f.done:
		default:
			return none, late
		}
	}
	if f.err != nil {
		return none, f.err
	}
	return f.value.(T), nil
}

// join finds or starts the flight of that name.
func (b *bounds) join(name string, work func() (any, error)) *flight {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.going[name]; f != nil {
		return f
	}
	f := &flight{since: time.Now(), done: make(chan struct{})}
	if b.going == nil {
		b.going = map[string]*flight{}
	}
	b.going[name] = f
	go func() {
		defer func() {
			// A fault of ours in one part must not take the bot down, nor the
			// other parts' answers.
			if fault := recover(); fault != nil {
				f.value, f.err = nil, fmt.Errorf("internal error while reading (%T)", fault)
			}
			b.mu.Lock()
			delete(b.going, name)
			b.mu.Unlock()
			close(f.done)
		}()
		f.value, f.err = work()
	}()
	return f
}

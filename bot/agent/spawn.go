package agent

import (
	"context"
	"io/fs"
	"sync"
	"time"

	"watchstander/bot"
)

// Spawn is a run to be started in a unit of its own.
type Spawn struct {
	Plan        bot.PlanID
	Operation   bot.OperationName
	Unit        string // "watchstander-nixos-rollback-K7QF2MX4.service"
	Description string
	// Limit is when it is ended from outside; the worker gives up earlier.
	Limit time.Duration
	// StopLimit is how long it has after it was told to stop; 0 is systemd's own.
	StopLimit time.Duration
	// File is the digest of the agent's file that an errand must go by; a run has it in
	// its order.
	File string
	// Exits say for people what exit codes of an errand mean.
	Exits map[int]string
	// Writable are the paths that it may write, where that is not everything; nil is
	// everything. They must exist.
	Writable []string
}

// Spawner starts runs where they outlive the agent. Perform is what a run does.
type Spawner interface {
	// Start returns when the unit was taken; an error does not say that it was not.
	Start(context.Context, Spawn) error
	// Running tells whether the unit's process is there, or is on its way.
	Running(ctx context.Context, unit string) (bool, error)
	// Ended lets go of what was kept for the unit.
	Ended(ctx context.Context, unit string)
}

// InProcess is a Spawner whose runs are goroutines of this process: for tests and
// the demo. They outlive a Core as units outlive the agent, and end when the
// spawner is closed.
type InProcess struct {
	// Do performs a run.
	Do func(ctx context.Context, s Spawn) error

	mu      sync.Mutex
	closed  bool
	running map[string]context.CancelCauseFunc
	all     sync.WaitGroup
}

// Start starts a goroutine.
func (p *InProcess) Start(_ context.Context, s Spawn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fs.ErrClosed
	}
	if p.running[s.Unit] != nil {
		return fs.ErrExist
	}
	if p.running == nil {
		p.running = map[string]context.CancelCauseFunc{}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	p.running[s.Unit] = cancel
	p.all.Go(func() {
		defer func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.running, s.Unit)
			cancel(nil)
		}()
		_ = p.Do(ctx, s) // what came of it is in its files, or not
	})
	return nil
}

// Running tells whether the goroutine is there.
func (p *InProcess) Running(_ context.Context, unit string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running[unit] != nil, nil
}

// Ended does nothing.
func (p *InProcess) Ended(context.Context, string) {}

// Stop tells the run of a unit to stop, as systemd does (SIGTERM).
func (p *InProcess) Stop(unit string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cancel := p.running[unit]; cancel != nil {
		cancel(ErrStopped)
	}
}

// Close stops all runs and waits for them.
func (p *InProcess) Close() error {
	p.mu.Lock()
	p.closed = true
	for _, cancel := range p.running {
		cancel(ErrStopped)
	}
	p.mu.Unlock()
	p.all.Wait()
	return nil
}

package restic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// ask lists a repository's snapshots, unless that was done, or tried in vain, less
// than a while ago. What it gives tells how it went; what was known before stays,
// whatever the repository says now.
func (b *Backups) ask(ctx context.Context, r *Repository, every time.Duration) facts {
	lock := b.asking[r.Name]
	select {
	case lock <- struct{}{}:
		defer func() { <-lock }()
	case <-ctx.Done():
		f, _ := b.facts(r)
		f.Fault = &factFault{bot.Unknown, "somebody else was asking it, and had no answer in time"}
		return f
	}
	f, _ := b.facts(r) // what cannot be read is asked anew
	// A clock that was set back must not keep it from being asked.
	if age := b.now().Sub(f.Tried); !f.Tried.IsZero() && age >= 0 && age < every {
		return f
	}
	here := b.place(r) // before it is asked: what is changed meanwhile must not count as asked
	list, err := b.list(ctx, r)
	return b.learn(r, here, list, err)
}

// list asks a repository, whatever is known of it.
func (b *Backups) list(ctx context.Context, r *Repository) ([]host.Snapshot, error) {
	c, err := b.open(r)
	if err != nil {
		return nil, err
	}
	return c.snapshots(ctx, b.c.AskTime)
}

// learn keeps what a repository said, or why it said nothing. Facts are a cache:
// where they cannot be kept, they are asked for again. here is the place that was asked.
func (b *Backups) learn(r *Repository, here string, list []host.Snapshot, err error) facts {
	f, _ := b.facts(r)
	f.Tried, f.Fault = b.now().UTC(), nil
	f.Place = cmp.Or(here, f.Place)
	if err == nil {
		f.Asked, f.Snapshots = f.Tried, list
	} else {
		state, why := finding(err)
		f.Fault = &factFault{state, why}
		// That an asker went away says nothing of the repository: the next one asks.
		if fault, ok := errors.AsType[*Fault](err); ok && fault.Kind == Stopped {
			return f
		}
	}
	_ = b.putFacts(r.Name, f)
	return f
}

// Refresh asks repositories for their snapshots now, all at once and whoever asked
// them last; all of them without names. It is for a process that may reach the
// network, where the agent itself may not: what it learns, looks and the probe of
// the agent tell. Its error names every repository that could not be asked.
func (b *Backups) Refresh(ctx context.Context, names ...string) error {
	failed := make([]error, len(b.c.Repositories))
	var all sync.WaitGroup
	for i := range b.c.Repositories {
		r := &b.c.Repositories[i]
		if len(names) > 0 && !slices.Contains(names, r.Name) {
			continue
		}
		all.Go(func() {
			if f := b.ask(ctx, r, 0); f.Fault != nil {
				failed[i] = fmt.Errorf("%s: %s", r.Name, f.Fault.Why)
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

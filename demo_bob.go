package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/config"
	"watchstander/integrations/console"
)

// bob is the second person, whom a rollback needs and whom the demo plays: he types
// at a console of his own, as anybody else would.
type bob struct {
	keyboard *io.PipeWriter
	left     chan struct{}
	patience time.Duration
	// agree says yes to a plan, in the way of his chat.
	agree func(context.Context, bot.PlanID) error
}

// bobUID is his user: nobody's, so that none of this machine's can be he.
const bobUID = 2_000_000_001

// bobReads is how long he reads a plan, in which the visitor can deny or cancel it.
const bobReads = 25 * time.Second

// newBob sits him down at a console, until he leaves.
func (d *demo) newBob(ctx context.Context) *bob {
	typed, keyboard := io.Pipe()
	b := &bob{keyboard: keyboard, left: make(chan struct{}), patience: bobReads}
	b.agree = func(_ context.Context, id bot.PlanID) error { return b.types("approve " + string(id)) }
	go func() {
		defer close(b.left)
		// What it shows is what the visitor sees, and its end is that of the demo.
		_ = console.Local(ctx, d.h.consoles[0], config.ConsoleUser(bobUID), typed, io.Discard,
			console.ClientOptions{Past: -1, HistoryFile: os.DevNull})
		_ = typed.Close()
	}()
	return b
}

func (b *bob) types(line string) error {
	_, err := fmt.Fprintln(b.keyboard, line)
	return err
}

func (b *bob) leave() {
	_ = b.keyboard.Close() // a pipe's writer closes without fail
	<-b.left
}

// agrees has him agree, after a while, to every plan that the visitor may not agree
// to alone. He says so before.
func (b *bob) agrees(ctx context.Context, a api.Agent, notes chan<- string) {
	var all sync.WaitGroup
	defer all.Wait()
	reads := map[bot.PlanID]bool{}
	for q := (api.Since{Wait: api.MaxWait}); ctx.Err() == nil; {
		page, err := a.Proposals(ctx, q)
		if err != nil {
			wait(ctx, time.Second)
			continue
		}
		q.Stamp = page.Top
		for _, p := range page.Proposals {
			if p.State == bot.Waiting && !p.Plan.Rule.RequesterCounts && !reads[p.Plan.ID] {
				reads[p.Plan.ID] = true
				all.Go(func() { b.reads(ctx, a, p.Plan.ID, notes) })
			}
		}
	}
}

func (b *bob) reads(ctx context.Context, a api.Agent, id bot.PlanID, notes chan<- string) {
	select {
	case notes <- fmt.Sprintf("bob, whom this demo plays, reads the plan too. He agrees in %.0f s, unless you deny or cancel it before.", b.patience.Seconds()):
	case <-ctx.Done():
	}
	wait(ctx, b.patience)
	if p, ok := proposalOf(ctx, a, id); ok && p.State == bot.Waiting {
		_ = b.agree(ctx, id) // it fails when he has left
	}
}

// proposalOf is a plan as its agent has it now.
func proposalOf(ctx context.Context, a api.Agent, id bot.PlanID) (bot.Proposal, bool) {
	for q := (api.Since{}); ; {
		page, err := a.Proposals(ctx, q)
		if err != nil {
			return bot.Proposal{}, false
		}
		for _, p := range page.Proposals {
			if p.Plan.ID == id {
				return p, true
			}
		}
		if !page.More {
			return bot.Proposal{}, false
		}
		q.Stamp = page.Top
	}
}

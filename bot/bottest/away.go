package bottest

import (
	"context"
	"encoding/json"

	"watchstander/bot"
	"watchstander/bot/agent"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// away is a stage's agent for one caller; while the agent is down, nobody
// answers, as at a socket.
type away struct {
	s *stage
	c agent.Caller
}

var _ api.Agent = away{}

// through asks the agent, if it is there.
func through[Q, A any](a away, q Q, ask func(api.Agent, Q) (A, error)) (A, error) {
	a.s.mu.Lock()
	core := a.s.core
	a.s.mu.Unlock()
	if core == nil {
		var none A
		return none, bot.Errorf(bot.CodeUnavailable, "The agent does not answer.").Because(api.ErrAway)
	}
	return ask(core.For(a.c), q)
}

func (a away) Propose(ctx context.Context, q api.Propose) (bot.Proposal, error) {
	return through(a, q, func(x api.Agent, q api.Propose) (bot.Proposal, error) { return x.Propose(ctx, q) })
}

func (a away) Shown(ctx context.Context, q api.Shown) (bot.Proposal, error) {
	return through(a, q, func(x api.Agent, q api.Shown) (bot.Proposal, error) { return x.Shown(ctx, q) })
}

func (a away) Decide(ctx context.Context, q api.Decide) (bot.Proposal, error) {
	return through(a, q, func(x api.Agent, q api.Decide) (bot.Proposal, error) { return x.Decide(ctx, q) })
}

func (a away) Withdraw(ctx context.Context, q api.Withdraw) (bot.Proposal, error) {
	return through(a, q, func(x api.Agent, q api.Withdraw) (bot.Proposal, error) { return x.Withdraw(ctx, q) })
}

func (a away) Cancel(ctx context.Context, q api.Cancel) (bot.Proposal, error) {
	return through(a, q, func(x api.Agent, q api.Cancel) (bot.Proposal, error) { return x.Cancel(ctx, q) })
}

func (a away) Confirm(ctx context.Context, q api.Confirm) (bot.Proposal, error) {
	return through(a, q, func(x api.Agent, q api.Confirm) (bot.Proposal, error) { return x.Confirm(ctx, q) })
}

func (a away) Spend(ctx context.Context, q api.Spend) (api.Nothing, error) {
	return through(a, q, func(x api.Agent, q api.Spend) (api.Nothing, error) { return x.Spend(ctx, q) })
}

func (a away) Statement(ctx context.Context, q api.Statement) (bot.Statement, error) {
	return through(a, q, func(x api.Agent, q api.Statement) (bot.Statement, error) { return x.Statement(ctx, q) })
}

func (a away) Proposals(ctx context.Context, q api.Since) (api.Page, error) {
	return through(a, q, func(x api.Agent, q api.Since) (api.Page, error) { return x.Proposals(ctx, q) })
}

func (a away) Look(ctx context.Context, q api.Look) (json.RawMessage, error) {
	if a.s.looking(q.Name) {
		<-ctx.Done()
		return nil, bot.Errorf(bot.CodeUnavailable, "The agent does not answer.").Because(ctx.Err())
	}
	return through(a, q, func(x api.Agent, q api.Look) (json.RawMessage, error) { return x.Look(ctx, q) })
}

func (a away) Readings(ctx context.Context, q api.Nothing) ([]bot.Reading, error) {
	return through(a, q, func(x api.Agent, q api.Nothing) ([]bot.Reading, error) { return x.Readings(ctx, q) })
}

func (a away) Heads(ctx context.Context, q api.Heads) (journal.Head, error) {
	return through(a, q, func(x api.Agent, q api.Heads) (journal.Head, error) { return x.Heads(ctx, q) })
}

func (a away) Trigger(ctx context.Context, q api.Trigger) (bot.Proposal, error) {
	return through(a, q, func(x api.Agent, q api.Trigger) (bot.Proposal, error) { return x.Trigger(ctx, q) })
}

func (a away) BreakGlass(ctx context.Context, q api.BreakGlass) (bot.Proposal, error) {
	return through(a, q, func(x api.Agent, q api.BreakGlass) (bot.Proposal, error) { return x.BreakGlass(ctx, q) })
}

func (a away) BreakGlassRun(ctx context.Context, q api.BreakGlassRun) (bot.Proposal, error) {
	return through(a, q, func(x api.Agent, q api.BreakGlassRun) (bot.Proposal, error) { return x.BreakGlassRun(ctx, q) })
}

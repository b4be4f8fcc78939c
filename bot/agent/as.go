package agent

import (
	"context"
	"encoding/json"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// For is the agent as one caller has it, without a socket in between: for
// stories, the demo and tests.
func (c *Core) For(caller Caller) api.Agent { return as{c, caller} }

type as struct {
	c *Core
	i Caller
}

var _ api.Agent = as{}

func (a as) Propose(ctx context.Context, q api.Propose) (bot.Proposal, error) {
	return a.c.Propose(ctx, a.i, q)
}

func (a as) Shown(ctx context.Context, q api.Shown) (bot.Proposal, error) {
	return a.c.Shown(ctx, a.i, q)
}

func (a as) Decide(ctx context.Context, q api.Decide) (bot.Proposal, error) {
	return a.c.Decide(ctx, a.i, q)
}

func (a as) Withdraw(ctx context.Context, q api.Withdraw) (bot.Proposal, error) {
	return a.c.Withdraw(ctx, a.i, q)
}

func (a as) Cancel(ctx context.Context, q api.Cancel) (bot.Proposal, error) {
	return a.c.Cancel(ctx, a.i, q)
}

func (a as) Confirm(ctx context.Context, q api.Confirm) (bot.Proposal, error) {
	return a.c.Confirm(ctx, a.i, q)
}

func (a as) Spend(ctx context.Context, q api.Spend) (api.Nothing, error) {
	return a.c.Spend(ctx, a.i, q)
}

func (a as) Statement(ctx context.Context, q api.Statement) (bot.Statement, error) {
	return a.c.Statement(ctx, a.i, q)
}

func (a as) Proposals(ctx context.Context, q api.Since) (api.Page, error) {
	return a.c.Proposals(ctx, a.i, q)
}

func (a as) Look(ctx context.Context, q api.Look) (json.RawMessage, error) {
	return a.c.Look(ctx, a.i, q)
}

func (a as) Readings(ctx context.Context, q api.Nothing) ([]bot.Reading, error) {
	return a.c.Readings(ctx, a.i, q)
}

func (a as) Heads(ctx context.Context, q api.Heads) (journal.Head, error) {
	return a.c.Heads(ctx, a.i, q)
}

func (a as) Trigger(ctx context.Context, q api.Trigger) (bot.Proposal, error) {
	return a.c.Trigger(ctx, a.i, q)
}

func (a as) BreakGlass(ctx context.Context, q api.BreakGlass) (bot.Proposal, error) {
	return a.c.BreakGlass(ctx, a.i, q)
}

func (a as) BreakGlassRun(ctx context.Context, q api.BreakGlassRun) (bot.Proposal, error) {
	return a.c.BreakGlassRun(ctx, a.i, q)
}

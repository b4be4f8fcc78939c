package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/plan"
)

// making is a proposal that is being planned, for those who ask with its key
// meanwhile.
type making struct {
	requester bot.PersonID
	done      chan struct{}
	p         bot.Proposal
	err       error
}

// Propose has the operation planned for somebody who may ask for it.
func (c *Core) Propose(ctx context.Context, caller Caller, q api.Propose) (bot.Proposal, error) {
	if err := only(caller, callerBot); err != nil {
		return bot.Proposal{}, err
	}
	return c.once(ctx, q, func() (*record, error) {
		r, err := c.proposed(ctx, caller, q)
		if err != nil {
			return nil, c.refused(q.Requester, "", q.Said, fmt.Sprintf("Asking for %s", short(string(q.Operation))), err)
		}
		return r, nil
	})
}

// once makes one proposal of one key, however often it is asked for.
func (c *Core) once(ctx context.Context, q api.Propose, do func() (*record, error)) (bot.Proposal, error) {
	if q.Key == "" || len(q.Key) > 64 {
		return bot.Proposal{}, bot.Errorf(bot.CodeInvalid, "A request needs a key.")
	}
	var known *record
	var m *making
	var mine bool
	var err error
	c.locked(func() {
		if id, there := c.byKey[q.Key]; there {
			known = c.records[id]
		} else if m = c.making[q.Key]; m == nil {
			if err = c.room(q.Requester); err == nil {
				m, mine = &making{requester: q.Requester, done: make(chan struct{})}, true
				c.making[q.Key] = m
			}
		}
	})
	switch {
	case err != nil:
		return bot.Proposal{}, err
	case known != nil && !sameQuestion(known.Asked, q):
		return bot.Proposal{}, bot.Errorf(bot.CodeConflict, "This key was used to ask for something else.")
	case known != nil:
		return known.Proposal, nil
	case !mine:
		select {
		case <-m.done:
			return m.p, m.err
		case <-ctx.Done():
			return bot.Proposal{}, bot.Errorf(bot.CodeUnavailable, "The plan is still being made.").Because(ctx.Err())
		}
	}
	r, err := guarded("making a proposal", do)
	c.locked(func() {
		if m.err = err; err == nil {
			m.p = c.records[r.id()].Proposal
		}
		delete(c.making, q.Key)
		close(m.done)
	})
	return m.p, m.err
}

func sameQuestion(a, b api.Propose) bool {
	return a.Host == b.Host && a.Operation == b.Operation && a.Requester == b.Requester &&
		maps.EqualFunc(a.Arguments, b.Arguments, func(x, y []string) bool { return slices.Equal(x, y) })
}

// room tells whether there is room for one more proposal. Not looked at is what
// has ended: it takes disk alone, and of that little.
func (c *Core) room(requester bot.PersonID) error {
	if !c.asking.AllowN(c.now(), 1) {
		return bot.Errorf(bot.CodeUnavailable, "Too much is asked for at once; try again in a minute.")
	}
	all, theirs := len(c.making), 0
	for _, m := range c.making {
		if m.requester == requester {
			theirs++
		}
	}
	for _, r := range c.records {
		if r.Proposal.State.Over() {
			continue
		}
		if all++; r.Proposal.Plan.Requester == requester {
			theirs++
		}
	}
	switch {
	case theirs >= c.o.Limits.OpenPerPerson:
		return bot.Errorf(bot.CodeConflict, "%d requests of %s are open already; decide on some, or cancel them.", theirs, short(string(requester)))
	case all >= c.o.Limits.Open:
		return bot.Errorf(bot.CodeConflict, "%d requests are open already; decide on some, or cancel them.", all)
	}
	return nil
}

func (c *Core) proposed(ctx context.Context, caller Caller, q api.Propose) (*record, error) {
	requester, err := c.who(caller, q.Requester)
	if err != nil {
		return nil, err
	}
	if err := bounded(q.Said); err != nil {
		return nil, err
	}
	if q.Host != "" && q.Host != c.o.Host.Name {
		return nil, bot.Errorf(bot.CodeInvalid, "This is the agent of %s, not of %q.", c.o.Host.Name, short(q.Host))
	}
	op, err := c.operation(q.Operation)
	if err != nil {
		return nil, err
	}
	args, err := c.parsed(ctx, c.plans, op, q.Arguments)
	if err != nil {
		return nil, err
	}
	rule, err := c.settings.Load().Policy.Find(op.Name(), c.o.Host.Name, args, requester.Person)
	if err != nil {
		return nil, err
	}
	return c.mint(ctx, wish{asked: q, op: op, args: args, rule: rule, requester: requester.ID})
}

func (c *Core) operation(name bot.OperationName) (bot.Operation, error) {
	if op, ok := c.operations[name]; ok {
		return op, nil
	}
	return nil, bot.Errorf(bot.CodeNotFound, "The agent of %s cannot do %q.", c.o.Host.Name, short(string(name)))
}

// wish is what a plan is made from.
type wish struct {
	asked     api.Propose
	op        bot.Operation
	args      bot.Arguments // in their normal form
	rule      bot.Rule
	requester bot.PersonID
	standing  string
	glass     string
	entries   []journal.Entry // that go before the plan's own
}

// mint plans, freezes and keeps.
func (c *Core) mint(ctx context.Context, w wish) (*record, error) {
	tokens := c.plans
	if w.glass != "" {
		tokens = c.glass
	}
	draft, err := c.draft(ctx, tokens, w.op, w.args)
	if err != nil {
		return nil, err
	}
	if len(w.rule.Windows) > 0 && draft.WaitFor == nil {
		draft.WaitFor = slices.Clone(c.o.Busy)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := bot.Plan{
		Version: bot.PlanVersion, ID: c.o.IDs.Plan(), Host: c.o.Host.Name, MachineID: c.machineID, BootID: c.bootID,
		Operation: w.op.Name(), Arguments: w.args, Requester: w.requester, Rule: w.rule, MintedAt: c.now(), Draft: draft,
	}
	p.NotAfter = p.MintedAt.Add(w.rule.ValidFor.Duration())
	digest, err := c.frozen(p)
	if err != nil {
		return nil, err
	}
	if err := c.keep(p); err != nil {
		return nil, err
	}
	r := &record{Version: recordVersion, Asked: w.asked, Standing: w.standing, Glass: w.glass, Proposal: bot.Proposal{
		Plan: p, Digest: digest, Key: w.asked.Key, State: bot.Proposed, Decisions: []bot.Decision{}, Progress: []bot.Progress{}}}
	if w.glass != "" {
		r.Proposal.Why = c.say("Break-glass by root: %s", w.glass)
	}
	made := c.entry(journal.KindPlan, p.ID, "%s (%s), asked for by %s under the rule %q.", draft.Summary, p.Operation, p.Requester, w.rule.Name)
	made.By = p.Requester
	made.Fields = fields(made.Fields, w.asked.Said)
	made.Fields[journal.FieldDigest] = digest
	made.Fields["rule"] = w.rule.Name
	if w.asked.Key != "" {
		made.Fields[journal.FieldKey] = string(w.asked.Key)
	}
	for i := range w.entries {
		w.entries[i].Subject = string(p.ID)
	}
	if err := c.commit(r, append(w.entries, made)...); err != nil {
		c.letGo(p)
		return nil, err
	}
	c.settle(r)
	return r, nil
}

// frozen gives the plan's digest. A plan that cannot be shown whole is none.
func (c *Core) frozen(p bot.Plan) (string, error) {
	canonical, err := plan.Canonical(p)
	if err != nil {
		return "", err
	}
	rendered, err := plan.Render(p)
	if err != nil {
		return "", err
	}
	if c.o.Redact(rendered) != rendered {
		return "", bot.Errorf(bot.CodeInvalid, "The plan holds what looks like a secret and would not be shown whole, so that nobody could agree to it: do this one by hand.")
	}
	return plan.Digest(canonical), nil
}

// parsed gives arguments their normal form.
func (c *Core) parsed(ctx context.Context, tokens chan struct{}, op bot.Operation, args bot.Arguments) (bot.Arguments, error) {
	if args == nil {
		args = bot.Arguments{}
	}
	if err := c.boundedArguments(args); err != nil {
		return nil, err
	}
	return looking(ctx, c, tokens, op.Name(), "reading the arguments", func(ctx context.Context) (bot.Arguments, error) { return op.Parse(ctx, args) })
}

func (c *Core) boundedArguments(args bot.Arguments) error {
	const most, longest = 32, 4096
	n := 0
	for name, values := range args {
		n += 1 + len(values)
		for _, v := range append(values, name) {
			if len(v) > longest || strings.ContainsRune(v, 0) || plan.TextFault(v) != "" {
				return bot.Errorf(bot.CodeInvalid, "The argument %q is too long, or holds characters that do not show.", short(name))
			}
		}
	}
	if n > most {
		return bot.Errorf(bot.CodeInvalid, "These are too many arguments.")
	}
	return nil
}

// draft has the operation look at the host.
func (c *Core) draft(ctx context.Context, tokens chan struct{}, op bot.Operation, args bot.Arguments) (bot.Draft, error) {
	return looking(ctx, c, tokens, op.Name(), "planning", func(ctx context.Context) (bot.Draft, error) { return op.Plan(ctx, args) })
}

// looking calls an operation, with bounds on time and number. Errors that are not
// for people are told as unavailable.
func looking[T any](ctx context.Context, c *Core, tokens chan struct{}, op bot.OperationName, what string, f func(context.Context) (T, error)) (T, error) {
	var none T
	ctx, cancel := context.WithTimeout(ctx, c.o.Limits.Planning)
	defer cancel()
	release, err := slot(ctx, tokens)
	if err != nil {
		return none, err
	}
	defer release()
	began := time.Now()
	v, err := guarded(what, func() (T, error) { return f(ctx) })
	if err == nil {
		return v, nil
	}
	c.o.Log.Warn("an operation refuses", "operation", op, "in", what, "took", time.Since(began), "err", err)
	if _, ok := errors.AsType[*bot.Error](err); ok {
		return none, c.hideError(err)
	}
	return none, bot.Errorf(bot.CodeUnavailable, "How %s is for %s cannot be found out; the agent's log has the cause.", c.o.Host.Name, op).Because(err)
}

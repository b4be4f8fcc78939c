package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
)

// retryStart is when a start is tried again that the host did not let begin.
const retryStart = time.Minute

// start takes a proposal that may start to its run: the host is looked at again,
// the proposal judged again, the start written down and journaled, and only then
// the unit started. It stays until the run has ended.
func (c *Core) start(ctx context.Context, id bot.PlanID) {
	if c.begin(ctx, id) {
		c.watch(ctx, id)
	}
}

// begin tells whether the run was begun, or may have been.
func (c *Core) begin(ctx context.Context, id bot.PlanID) (begun bool) {
	var p bot.Plan
	c.locked(func() { p = c.records[id].Proposal.Plan })
	draft, derr := c.again(ctx, p)
	var s *Spawn
	c.locked(func() {
		s, begun = c.ready(ctx, id, draft, derr)
		delete(c.starting, id)
		c.nudge()
	})
	if s == nil {
		return begun
	}
	err := c.o.Spawner.Start(ctx, *s)
	if err == nil {
		return true
	}
	// Whether it began all the same is told by the marker, which is now the agent's
	// or never will be.
	c.o.Log.Error("a run cannot be started", "plan", id, "unit", s.Unit, "err", err)
	c.locked(func() { c.notBegun(c.records[id], "its unit could not be started") })
	return true
}

// again plans anew, as the host is now.
func (c *Core) again(ctx context.Context, p bot.Plan) (bot.Draft, error) {
	op, err := c.operation(p.Operation)
	if err != nil {
		return bot.Draft{}, err
	}
	machine, boot, err := identity(c.o.Host.Files)
	switch {
	case err != nil:
		return bot.Draft{}, bot.Errorf(bot.CodeUnavailable, "Which machine this is cannot be found out.").Because(err)
	case machine != p.MachineID:
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "this is another machine")
	case boot != p.BootID:
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "it was rebooted since")
	}
	tokens := c.plans
	if p.Requester == byRoot {
		tokens = c.glass
	}
	return c.draft(ctx, tokens, op, p.Arguments)
}

// ready does all that comes before the unit is started. It gives what to start,
// nil for nothing, and whether the record says that it runs.
func (c *Core) ready(ctx context.Context, id bot.PlanID, draft bot.Draft, derr error) (_ *Spawn, begun bool) {
	r := c.records[id]
	_, may := c.settle(r) // people may have said something else meanwhile
	r = c.records[id]
	if !may || ctx.Err() != nil {
		return nil, false
	}
	if derr != nil {
		c.cannot(r, derr)
		return nil, false
	}
	if changes := changedFacts(r.Proposal.Plan.Draft.Bound, draft.Bound); len(changes) > 0 {
		c.stale(r, strings.Join(changes, "; "))
		return nil, false
	}
	now := c.now()
	r = r.copied()
	p := &r.Proposal
	s := Spawn{Plan: id, Operation: p.Plan.Operation, Unit: unitName(p.Plan),
		Description: fmt.Sprintf("Watchstander: %s", p.Plan.Draft.Summary), Limit: lifetime(p.Plan, now)}
	if c.undoes(p.Plan.Operation) {
		s.StopLimit = stopLimit(p.Plan.Draft)
	}
	p.State, p.StartedAt, p.Unit, p.QueuedFor = bot.Running, now, s.Unit, time.Time{}
	p.Drift = c.drift(p.Plan.Draft, draft)
	beginBy := p.Plan.NotAfter
	if len(p.Plan.Rule.Windows) > 0 && !p.Until.IsZero() && p.Until.Before(beginBy) {
		beginBy = p.Until // of the window
	}
	agreed := p.Why
	p.Why = ""
	if r.Glass != "" || r.Standing != "" {
		p.Why = agreed
	}
	if err := c.disk.prepare(p.Plan, order{Plan: id, Digest: p.Digest, Unit: s.Unit, BeginBy: beginBy, File: c.settings.Load().Digest}); err != nil {
		c.o.Log.Error("a run cannot be written down", "plan", id, "err", err)
		c.retry[id] = now.Add(retryStart)
		return nil, false
	}
	e := c.entry(journal.KindStart, id, "It is started in %s. %s", s.Unit, agreed)
	e.Fields[journal.FieldDigest] = p.Digest
	e.Fields["unit"] = s.Unit
	for i, d := range p.Drift {
		e.Fields[fmt.Sprintf("drift_%d", i+1)] = d
	}
	if err := c.log(e); err != nil {
		c.cannot(c.records[id], err)
		return nil, false
	}
	// The record says that it runs before anything can: whatever happens from here
	// on, it is not started again. A crash before it leaves an order, of which forgone
	// tells.
	if err := c.save(r); err != nil {
		_ = c.log(c.entry(journal.KindNote, id, "It was not started: that it runs cannot be written down. Nothing was begun.")) // told in the log
		c.retry[id] = now.Add(retryStart)
		return nil, false
	}
	return &s, true
}

// forgone tells of starts that a crash kept from being: the order was written, and
// perhaps journaled, and the record does not say that it runs. Nothing was begun then,
// since that comes after the record. It starts anew if it still may.
func (c *Core) forgone() error {
	for _, r := range c.records {
		if !r.Proposal.State.Open() {
			continue
		}
		_, err := os.Lstat(c.disk.path(runName(r.id(), fileOrder)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := c.log(c.entry(journal.KindNote, r.id(), "The agent stopped when it was about to start this, and may have journaled the start. Nothing was begun; it starts anew if it still may.")); err != nil {
			return err
		}
		if err := c.disk.remove(runName(r.id())); err != nil {
			return err
		}
	}
	return nil
}

// cannot says why a plan that was agreed to does not start.
func (c *Core) cannot(r *record, why error) {
	e, ok := errors.AsType[*bot.Error](why)
	if ok && e.Code != bot.CodeUnavailable && e.Code != bot.CodeInternal {
		c.stale(r, strings.TrimSuffix(e.Message, "."))
		return
	}
	c.retry[r.id()] = c.now().Add(retryStart)
	r = r.copied()
	r.Proposal.Why = c.say("It may start, and cannot yet: %s It is tried again every %s.", bot.ForPeople(why), phrase.Duration(retryStart))
	_ = c.save(r) // told in the log
}

func (c *Core) stale(r *record, what string) {
	why := c.say("%s is no longer as the plan says: %s. Nothing was done; ask again.", c.o.Host.Name, what)
	c.end(r, bot.Stale, why, c.entry(journal.KindStale, r.id(), "%s", why))
}

// notBegun ends a run that did not begin, if that is sure.
func (c *Core) notBegun(r *record, why string) {
	never, err := c.disk.claim(r.id(), c.bootID)
	if err != nil {
		c.o.Log.Error("whether a run began cannot be found out", "plan", r.id(), "err", err)
	}
	if err != nil || !never {
		return // watch will find out
	}
	c.finish(r, outcome{Plan: r.id(), State: bot.Failed, EndedAt: c.now(), Why: "Nothing was done: " + why + ". Ask again."})
}

// changedFacts names those that are other ones now, and those that came or went.
func changedFacts(then, now []bot.Fact) []string {
	values := func(facts []bot.Fact) map[string]string {
		m := map[string]string{}
		for _, f := range facts {
			m[f.Name] += f.Value + "\n" // a name may be there more than once
		}
		return m
	}
	a, b := values(then), values(now)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if v, there := b[name]; !there {
			out = append(out, fmt.Sprintf("%s was %s, and is gone", name, line(a[name])))
		} else if v != a[name] {
			out = append(out, fmt.Sprintf("%s was %s, and is %s", name, line(a[name]), line(v)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if _, there := a[name]; !there {
			out = append(out, fmt.Sprintf("%s is %s, and was not there", name, line(b[name])))
		}
	}
	return out
}

// line is a fact's values in one line.
func line(values string) string {
	return strings.ReplaceAll(strings.TrimSuffix(values, "\n"), "\n", ", ")
}

// drift says what is seen otherwise than the plan says, and does not forbid it.
func (c *Core) drift(then, now bot.Draft) []string {
	const most = 20
	out := changedFacts(then.Observed, now.Observed)
	for _, x := range []struct {
		what     string
		old, new []string
	}{{"the steps", then.Steps, now.Steps}, {"the differences", then.Differences, now.Differences}, {"what no undo brings back", then.Irreversible, now.Irreversible},
		{"what was looked at", conditions(then), conditions(now)}} {
		var changes []string
		for _, l := range x.new {
			if !slices.Contains(x.old, l) {
				changes = append(changes, "now "+l)
			}
		}
		for _, l := range x.old {
			if !slices.Contains(x.new, l) {
				changes = append(changes, "no longer "+l)
			}
		}
		if len(changes) > 0 {
			out = append(out, x.what+": "+strings.Join(changes, "; "))
		}
	}
	for i := range out {
		out[i] = c.say("%s", out[i])
	}
	if n := len(out); n > most {
		out = append(out[:most], fmt.Sprintf("and %d more", n-most))
	}
	return out
}

func conditions(d bot.Draft) []string {
	var out []string
	for _, x := range d.Conditions {
		out = append(out, fmt.Sprintf("%s: %s", x.Text, x.State))
	}
	return out
}

// unitName is plain, and tells a person who reads systemctl what it is.
func unitName(p bot.Plan) string {
	id := strings.TrimPrefix(string(p.ID), "pln_")
	return fmt.Sprintf("watchstander-%s-%s.service", strings.ReplaceAll(string(p.Operation), ".", "-"), id[:min(len(id), 8)])
}

// undoes tells whether an operation has something to bring to an end when it is told
// to stop.
func (c *Core) undoes(name bot.OperationName) bool {
	_, undoes := c.operations[name].(bot.Undoer)
	_, commits := c.operations[name].(bot.Committer)
	return undoes || commits
}

// lifetime is after how long systemd ends a run that did not end by itself: later
// than the worker gives up each of its parts.
func lifetime(p bot.Plan, now time.Time) time.Duration {
	wait := max(0, p.NotAfter.Sub(now))
	return wait + applyLimit(p.Draft) + 3*afterLimit(p.Draft) + p.Rule.ConfirmWithin.Duration() + 10*time.Minute
}

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/plan"
)

const (
	proposalsDir = "proposals"
	runsDir      = "runs"
	// maxRecord is the longest record that is read, in bytes: longer than any can
	// become by the bounds of its parts.
	maxRecord = 4 << 20
)

// record is a proposal with what only the agent need know of it. One that was
// published (in Core.records) is never changed: whoever changes it makes a copy
// and commits that.
type record struct {
	Version  int          `json:"version"`
	Proposal bot.Proposal `json:"proposal"`
	// Asked is the question that it came from; of the standing and the broken glass
	// only the key and the operation are set.
	Asked api.Propose `json:"asked"`
	// Statements that were made about it, to be signed.
	Statements []statement `json:"statements,omitempty"`
	// Standing is the approval under which it ran, and Glass root's reason.
	Standing string `json:"standing,omitempty"`
	Glass    string `json:"glass,omitempty"`
	// ActedAt is when the run's action ended; zero where that is not known.
	ActedAt time.Time `json:"acted_at,omitzero"`
	// Later is a good reading, taken after a standing approval's run had ended without
	// a proof that it helped.
	Later *bot.Reading `json:"later,omitempty"`

	size int // of its file, in bytes
}

const recordVersion = 1

// statement is one that was issued, without the plan in words, and when it was used.
type statement struct {
	Statement bot.Statement `json:"statement"`
	UsedAt    time.Time     `json:"used_at,omitzero"`
}

func (r *record) id() bot.PlanID { return r.Proposal.Plan.ID }

// copied is a record that may be changed: all but what Plan holds.
func (r *record) copied() *record {
	c := *r
	c.Proposal.Decisions = slices.Clone(r.Proposal.Decisions)
	c.Proposal.Progress = slices.Clone(r.Proposal.Progress)
	c.Statements = slices.Clone(r.Statements)
	return &c
}

func recordName(id bot.PlanID) string { return filepath.Join(proposalsDir, string(id)+".json") }

// commit journals what happened, writes the record with a new stamp, and
// publishes it. What could not be journaled or written has not happened; the
// journal may then hold an entry that nothing came of.
func (c *Core) commit(r *record, entries ...journal.Entry) error {
	if len(entries) > 0 {
		if err := c.log(entries...); err != nil {
			return err
		}
	}
	return c.save(r)
}

// save is commit for what the journal need not know, or will know in a moment.
func (c *Core) save(r *record) error {
	r.Proposal.Stamp = c.nextStamp()
	b, err := json.Marshal(r)
	if err != nil {
		return bot.Errorf(bot.CodeInternal, "The proposal cannot be written.").Because(err)
	}
	if err := c.disk.write(recordName(r.id()), append(b, '\n')); err != nil {
		c.o.Log.Error("a proposal cannot be written", "plan", r.id(), "err", err)
		return bot.Errorf(bot.CodeUnavailable, "The agent's state cannot be written, so that nothing was changed: look after its disk.").Because(err)
	}
	r.size = len(b)
	c.records[r.id()] = r
	if r.Asked.Key != "" {
		c.byKey[r.Asked.Key] = r.id()
	}
	c.announce()
	c.nudge() // when it is to be judged again may be another time now
	return nil
}

// find gives a record by its plan's id.
func (c *Core) find(id bot.PlanID) (*record, error) {
	if r, ok := c.records[id]; ok {
		return r, nil
	}
	return nil, bot.Errorf(bot.CodeNotFound, "The agent of %s has no plan %q.", c.o.Host.Name, short(string(id)))
}

// load reads all records. One that cannot be read is put aside and told; it can
// never run, since a run begins with its record.
func (c *Core) load() error {
	entries, err := os.ReadDir(c.disk.path(proposalsDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(proposalsDir, e.Name())
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		r, err := c.loadOne(name)
		if err != nil {
			if err := c.aside(name, err); err != nil {
				return err
			}
			continue
		}
		c.records[r.id()] = r
		c.stamp = max(c.stamp, r.Proposal.Stamp)
		if r.Asked.Key != "" {
			c.byKey[r.Asked.Key] = r.id()
		}
	}
	return errors.Join(c.loadState(), c.loadCodes(), c.loadHeads(), c.keepRoots(), c.forgone())
}

func (c *Core) loadOne(name string) (*record, error) {
	var r record
	b, err := c.disk.read(name, maxRecord)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	canonical, err := plan.Canonical(r.Proposal.Plan)
	switch {
	case err != nil:
		return nil, err
	case r.Version != recordVersion:
		return nil, fmt.Errorf("it is of version %d", r.Version)
	case plan.Digest(canonical) != r.Proposal.Digest:
		return nil, errors.New("the plan is not the one of its digest")
	case name != recordName(r.id()):
		return nil, errors.New("it is another plan's")
	}
	r.size = len(b)
	return &r, nil
}

func (c *Core) aside(name string, why error) error {
	c.o.Log.Error("a proposal cannot be read, and is put aside", "file", name, "err", why)
	id := bot.PlanID(short(strings.TrimSuffix(filepath.Base(name), ".json")))
	e := c.entry(journal.KindNote, id, "The record of %s cannot be read and was put aside: %v. Nothing will come of it any more; if it ran, nobody knows how it ended.", id, why)
	if err := c.log(e); err != nil {
		return err
	}
	return os.Rename(c.disk.path(name), c.disk.path(name+".bad"))
}

// prune forgets what ended long ago. A standing approval's runs are kept for as
// long as its budget counts them.
func (c *Core) prune() {
	now := c.now()
	var over []*record
	for _, r := range c.records {
		if r.Proposal.State.Over() && !c.counts(r, now) {
			over = append(over, r)
		}
	}
	slices.SortFunc(over, func(a, b *record) int { return a.Proposal.EndedAt.Compare(b.Proposal.EndedAt) })
	for i, r := range over {
		if len(over)-i <= c.o.Limits.KeepMost && now.Sub(r.Proposal.EndedAt) < c.o.Limits.Keep {
			break
		}
		if err := errors.Join(c.disk.remove(runName(r.id())), c.disk.remove(recordName(r.id()))); err != nil {
			c.o.Log.Warn("an old proposal cannot be removed", "plan", r.id(), "err", err)
			continue
		}
		delete(c.records, r.id())
		delete(c.byKey, r.Asked.Key)
	}
}

// Proposals gives a page of those that changed since the stamp. Without any, it
// waits as long as it was told to.
func (c *Core) Proposals(ctx context.Context, caller Caller, q api.Since) (api.Page, error) {
	if err := c.may(caller); err != nil {
		return api.Page{}, err
	}
	wait := time.NewTimer(max(0, min(q.Wait, api.MaxWait)))
	defer wait.Stop()
	for {
		var page api.Page
		var changed chan struct{}
		c.locked(func() { page, changed = c.page(q.Stamp), c.changed; page.Locks = c.locks() })
		page.Standing, page.Switch = c.standing(), c.lastSwitch()
		if len(page.Proposals) > 0 || q.Wait <= 0 {
			return page, nil
		}
		select {
		case <-changed:
			continue
		case <-wait.C:
		case <-ctx.Done():
		}
		page.Standing, page.Switch = c.standing(), c.lastSwitch() // they may be others by now
		return page, nil
	}
}

// lastSwitch is what the running system came by, nil where that is unknown.
func (c *Core) lastSwitch() *bot.Change {
	if c.o.LastSwitch == nil {
		return nil
	}
	x, err := guarded("the last switch", func() (*bot.Change, error) { return c.o.LastSwitch(), nil })
	if err != nil {
		c.o.Log.Error("what the running system came by is not told", "err", err)
		return nil
	}
	return x
}

// page holds at most so much that it can be sent as one answer.
func (c *Core) page(since int64) api.Page {
	const mostBytes, most = api.MaxAnswer / 2, 100
	var newer []*record
	for _, r := range c.records {
		if r.Proposal.Stamp > since {
			newer = append(newer, r)
		}
	}
	page := api.Page{Proposals: []bot.Proposal{}, Top: max(since, c.stamp), State: c.state}
	size := 0
	for i, r := range sortedByStamp(newer) {
		if size += r.size; i > 0 && (size > mostBytes || i >= most) {
			page.More = true
			break
		}
		page.Proposals = append(page.Proposals, r.Proposal)
		page.Top = r.Proposal.Stamp
	}
	if !page.More {
		page.Top = max(since, c.stamp)
	}
	return page
}

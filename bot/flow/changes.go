package flow

import (
	"context"
	"errors"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/host"
	"watchstander/bot/store"
)

// What changed on a host before its alerts stands in their roots. Its agent is
// asked beside all else, and once for all of a host's threads: the root never
// waits for the answer, which edits it when it comes. What the agent cannot tell
// is not said: a thread must not claim that nothing changed.
const (
	// changesDelay lets a thread's root go first.
	changesDelay = time.Second
	// changesPause is the least between two looks at one host: in a storm, one
	// serves all threads.
	changesPause = time.Minute
	// changesTime bounds one look.
	changesTime = 15 * time.Second
	// changesFor is how long an agent that does not answer is asked again: later,
	// people have looked themselves.
	changesFor = 10 * time.Minute
	// mostChanges and mostChangeText bound what is taken of one answer.
	mostChanges    = 300
	mostChangeText = 200
)

// metaLooked is when the newest look at a host is, or was, due.
func metaLooked(host string) string { return "looked for changes on " + host }

// lookAtHost has the agent of a host asked what changed there, unless it is about
// to be.
func (c *change) lookAtHost(host string) error {
	if c.f.o.Agents[host] == nil {
		return nil
	}
	last, err := metaTime(c.Tx, metaLooked(host))
	if err != nil || last.After(c.now) {
		return err
	}
	at := c.now.Add(changesDelay)
	if next := last.Add(changesPause); next.After(at) {
		at = next
	}
	if err := c.putMetaTime(metaLooked(host), at); err != nil {
		return err
	}
	return c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), What: bot.LookForChanges{Host: host}, NextTry: at})
}

// lookForChanges asks the agent.
func (f *Flow) lookForChanges(ctx context.Context, e store.Effect, o bot.LookForChanges) error {
	look, cancel := context.WithTimeout(ctx, changesTime)
	defer cancel()
	found, err := host.ChangesOf(look, f.world, o.Host, int(bot.ChangesBefore/time.Hour))
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	now := f.clock.now()
	if err != nil {
		return f.handIn(ctx, bot.Affected{Key: e.Key, Err: err, Final: now.Sub(e.At) > changesFor, At: now})
	}
	return f.handIn(ctx, bot.Looked{Key: e.Key, Changes: found.Changes, At: now})
}

// looked notes what an agent told, and has the roots of its host's open alerts
// tell what is new.
func (c *change) looked(e bot.Looked) error {
	x, was, err := c.effectDone(e.Key)
	if err != nil || !was {
		return err
	}
	of := x.What.(bot.LookForChanges).Host
	var fresh []bot.Change
	for _, n := range e.Changes[:min(len(e.Changes), mostChanges)] {
		// The host is the one that was asked, whatever it calls itself. A boot's id is
		// the same whoever tells of it; others are only good on one host.
		n.Host, n.Text = of, clean.Line(n.Text, mostChangeText)
		if n.Kind != bot.ChangeReboot {
			n.ID = of + " " + n.ID
		}
		added, err := c.AddChange(n)
		if err != nil {
			return err
		}
		if !added {
			continue
		}
		fresh = append(fresh, n)
		// Of switches the agent's news tell, once each, and whose they are.
		if n.Kind != bot.ChangeSwitch {
			if err := c.runAfter(n); err != nil {
				return err
			}
		}
		if err := c.changeRanIn(n); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	threads, err := c.OpenThreads(bot.ThreadAlert, bot.ThreadChecklist)
	if err != nil {
		return err
	}
	for _, th := range threads {
		if !tellsChangesOf(th, of) || !anyBefore(fresh, th.OpenedAt) {
			continue
		}
		th.Version++
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
	}
	return nil
}

// tellsChangesOf tells whether a thread's root has what changed on a host before it.
func tellsChangesOf(th bot.Thread, host string) bool {
	if run := th.State.Checklist; run != nil {
		return run.Incident != nil && (run.Host == "" || run.Host == host)
	}
	return th.State.Alert.Host == host
}

// anyBefore tells whether a thread that opened at a moment tells of a change.
func anyBefore(changes []bot.Change, opened time.Time) bool {
	for _, x := range changes {
		if !x.At.After(opened) && !x.At.Before(opened.Add(-bot.ChangesBefore)) {
			return true
		}
	}
	return false
}

package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/bot/probing"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// lookAtEvidence has the probes asked for a run; the caller puts the thread.
func (c *change) lookAtEvidence(th *bot.Thread) error {
	run := th.State.Checklist
	run.LookAt = nextLook(*run, c.now)
	if !slices.ContainsFunc(run.Items, func(x bot.ItemState) bool { return len(x.Item.Evidence)+len(x.Item.Optional) > 0 }) {
		run.LookAt = time.Time{}
		return nil
	}
	run.Measuring = c.f.o.IDs.Effect()
	return c.makeDue(store.Effect{Key: run.Measuring, Thread: th.ID, What: bot.Measure{Thread: th.ID}})
}

// remeasure has the probes asked again on somebody's word.
func (c *change) remeasure(conv bot.Thread, r store.Request, o bot.Measure) error {
	th, ok, err := c.Thread(o.Thread)
	if err != nil {
		return err
	}
	if !ok || th.State.Checklist == nil || !th.Open() {
		return c.aside(conv, bot.Message{Title: bot.Quoted(bot.ForPeople(errNoRun))})
	}
	if o.Number > len(th.State.Checklist.Items) {
		_, _, err := c.item(o.Thread, o.Number)
		return c.aside(conv, bot.Message{Title: bot.Quoted(bot.ForPeople(err))})
	}
	return c.order(conv, r, o)
}

// measure asks the probes. They are bounded in time each, and one that hangs is unknown.
func (f *Flow) measure(ctx context.Context, e store.Effect) error {
	now := f.clock.now()
	readings := probing.Measure(ctx, f.o.Probes, now)
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	readings = append(readings, f.world.Health(ctx)...)
	if f.asksFor(ctx, e, readState) {
		readings = append(readings, f.rehearsed(ctx))
	}
	readings = append(readings, f.firing(ctx), f.noisy(ctx))
	for _, x := range approvalSpans {
		if len(f.o.Agents) > 0 && f.asksFor(ctx, e, x.what) {
			readings = append(readings, f.approvalsOver(ctx, x.what, x.span))
		}
	}
	// What was read while the bot stops says nothing; the row is still due.
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return f.handIn(ctx, bot.Measured{Key: e.Key, Readings: readings, At: f.clock.now()})
}

// firing is what fires and how long the oldest of it has, as the threads know it.
func (f *Flow) firing(ctx context.Context) bot.Reading {
	now := f.clock.now()
	r := bot.Reading{What: "firing alerts", Source: "the open threads", At: now, State: bot.OK, Unit: "1"}
	var n, acked int
	var since time.Time
	err := f.o.Store.View(ctx, func(tx *store.Tx) error {
		n, acked, since = 0, 0, time.Time{}
		open, err := tx.OpenThreads(bot.ThreadAlert)
		if err != nil {
			return err
		}
		for _, th := range open {
			counts, err := tx.CountEpisodes(th.ID)
			if err != nil {
				return err
			}
			n += counts.Firing
			if th.State.Alert.Ack != nil {
				acked += counts.Firing
			}
			if counts.Firing > 0 && (since.IsZero() || counts.Since.Before(since)) {
				since = counts.Since
			}
		}
		return nil
	})
	untold := f.world.Untold()
	switch {
	case err != nil:
		r.State, r.Note, r.Unit = bot.Unknown, "the state cannot be read; see the log of the bot", ""
		return r
	case n == 0 && untold > 0:
		n = untold
		r.State, r.Figure = bot.NotOK, float64(n)
		r.Value = phrase.Count(n, "alert", "alerts") + " without a thread yet"
	case n == 0:
		r.Value = "none"
	default:
		r.State, r.Figure = bot.NotOK, float64(n)
		r.Value = phrase.Count(n, "alert", "alerts") + ", the oldest for " + phrase.Duration(now.Sub(since))
		if acked > 0 {
			r.Note = phrase.Count(acked, "is acked", "are acked")
		}
	}
	// What Alertmanager has not told for long is not known to be silent.
	for _, am := range f.world.Alertmanagers() {
		if h := f.pollHealth(am, now); h.State != bot.OK && n == 0 {
			r.State, r.Value, r.Note, r.Unit = bot.Unknown, "", am+" does not answer", ""
		}
	}
	return r
}

// deafLittle is for how much of the week alerts may not have been heard.
const deafLittle = time.Hour

// noiseSpan is the span of the reading for checklists.
const noiseSpan = 7 * 24 * time.Hour

// noisy is what fired in a week, as evidence: it is well when nobody missed a critical
// alert and nothing flapped, and unknown where the state does not reach back a week, or the
// bot did not hear all of it.
func (f *Flow) noisy(ctx context.Context) bot.Reading {
	now := f.clock.now()
	r := bot.Reading{What: "noise 7 d", Source: "the bot's threads and journal", At: now, State: bot.OK, Unit: "1"}
	n, err := f.world.Noise(ctx, now.Add(-noiseSpan))
	if err != nil {
		r.State, r.Note, r.Unit = bot.Unknown, "the state cannot be read; see the log of the bot", ""
		return r
	}
	r.Figure, r.Value = float64(len(n.Groups)), "nothing fired"
	if len(n.Groups) > 0 {
		r.Value = phrase.Count(len(n.Groups), "alert", "alerts") + " fired " + phrase.Count(n.Firings, "time", "times")
	}
	unread, flapping := n.Unread(), n.Flapping()
	if unread > 0 {
		r.State, r.Value = bot.NotOK, r.Value+fmt.Sprintf(", %d critical and never acked", unread)
	}
	if flapping > 0 {
		r.State, r.Value = bot.NotOK, r.Value+fmt.Sprintf(", %d flapping", flapping)
	}
	if n.Since.After(n.Asked) {
		r.Note = "known for " + phrase.Duration(now.Sub(n.Since)) + " alone"
		if r.State == bot.OK {
			r.Note += ": " + r.Value
			r.State, r.Value, r.Unit, r.Figure = bot.Unknown, "", "", 0
		}
	}
	var why []string
	if n.Deaf > deafLittle {
		why = append(why, "not all alerts could be heard for "+phrase.Duration(n.Deaf))
	}
	for _, d := range n.Doubts {
		why = append(why, strings.TrimSuffix(d, "."))
	}
	if why == nil {
		return r
	}
	if r.Note != "" {
		why = slices.Insert(why, 0, r.Note)
	}
	r.Note = strings.Join(why, "; ")
	if r.State == bot.OK { // what fired is known; that nothing else did is not
		r.State = bot.Unknown
	}
	return r
}

// measured applies what the probes read: it ticks what evidence alone may tick, takes a
// tick of its own back where the evidence has turned, and leaves people's words alone.
func (c *change) measured(e bot.Measured) error {
	x, was, err := c.effectDone(e.Key)
	if err != nil || !was {
		return err
	}
	if err := c.keepForScorecard(e); err != nil {
		return err
	}
	o := x.What.(bot.Measure)
	th, ok, err := c.Thread(o.Thread)
	if err != nil || !ok || th.State.Checklist == nil {
		return err
	}
	run := th.State.Checklist
	if !th.Open() { // it ended meanwhile, and its summary stands
		if x.Request == "" {
			return nil
		}
		return c.tell(x, "", bot.Message{Title: bot.Quoted(bot.ForPeople(errNoRun))})
	}
	first := run.MeasuredAt.IsZero()
	if run.Measuring == e.Key {
		run.Measuring = ""
	}
	run.MeasuredAt = e.At
	var known []bot.Reading
	if slices.ContainsFunc(e.Readings, func(r bot.Reading) bool { return r.Blank }) {
		if known, err = c.Measured(run.Name); err != nil {
			return err
		}
	}
	var changed []view.ItemNews
	for i := range run.Items {
		item := &run.Items[i]
		if o.Number > 0 && item.Number != o.Number || len(item.Item.Evidence)+len(item.Item.Optional) == 0 {
			continue
		}
		before := item.Status
		if err := c.judge(run, th.ID, item, known, e); err != nil {
			return err
		}
		if item.Status != before {
			changed = append(changed, view.ItemNews{Item: *item, Was: before})
		}
	}
	th.Version++
	if x.Request != "" || first || len(changed) > 0 { // a look of ours that changed nothing is none of people's business
		if err := c.log(&th, x.Person, view.Looked(*run, o, first, changed, c.style())); err != nil {
			return err
		}
	}
	if run.Incident == nil || len(changed) > 0 { // of an incident it is told each time
		if err := c.finish(&th); err != nil {
			return err
		}
	}
	if err := c.putRun(&th); err != nil {
		return err
	}
	if err := c.show(th, nil); err != nil {
		return err
	}
	if x.Request == "" {
		return nil
	}
	conv, ok, err := c.Thread(x.Thread)
	if err != nil || !ok || conv.State.Conversation == nil {
		return err
	}
	return c.confirm(conv, th.ID, "Looked again.")
}

// judge gives an item its evidence, keeps the figures, and moves its tick.
func (c *change) judge(run *bot.ChecklistState, id bot.ThreadID, item *bot.ItemState, known []bot.Reading, e bot.Measured) error {
	others := func(r bot.Reading) bool { return run.Host != "" && r.Host != "" && r.Host != run.Host }
	item.Evidence, item.Verdict = item.Item.Judge(slices.DeleteFunc(slices.Clone(e.Readings), others), slices.DeleteFunc(slices.Clone(known), others), e.At)
	item.Before = nil
	for _, r := range item.Evidence {
		if r.State == bot.Unknown {
			continue
		}
		old, ok, err := c.ReadingBefore(run.Name, id, r.Host, r.What)
		if err != nil {
			return err
		}
		if ok {
			item.Before = append(item.Before, old)
		}
		if err := c.PutReading(run.Name, id, r); err != nil {
			return err
		}
	}
	switch {
	case item.Item.Person != "":
	case item.Status == bot.ItemOpen && item.By == "" && item.Verdict == bot.OK: // somebody who opened it again has seen the figure
		item.Status, item.By, item.At, item.Reason = bot.ItemDone, "", e.At, ""
	case item.Status == bot.ItemDone && item.By == "" && item.Verdict != bot.OK:
		item.Status, item.At, item.Reason = bot.ItemOpen, e.At, ""
	}
	return nil
}

package flow

import (
	"fmt"
	"strings"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// mostComments is how many comments of an item its root keeps; its log has all.
const mostComments = 5

// onChecklist applies what somebody said of a checklist, and answers.
func (c *change) onChecklist(conv bot.Thread, r store.Request, o bot.Outcome) error {
	var err error
	switch o := o.(type) {
	case bot.RunChecklist:
		var th bot.Thread
		if th, err = c.runChecklist(o.Name, r.Person, o.Why); err == nil {
			return c.confirm(conv, th.ID, "Begun: "+th.State.Checklist.Title+".")
		}
	case bot.PauseSchedule:
		var m bot.Message
		if m, err = c.pauseSchedule(o, r.Person); err == nil {
			return c.answer(conv, m)
		}
	case bot.SetItem:
		err = c.onItem(conv, o.Thread, o.Number, func(th *bot.Thread, x *bot.ItemState) (string, error) { return c.setItem(th, x, r.Person, o) })
	case bot.CommentItem:
		err = c.onItem(conv, o.Thread, o.Number, func(th *bot.Thread, x *bot.ItemState) (string, error) {
			x.Comments = append(x.Comments, bot.Comment{By: r.Person, At: c.now, Text: o.Text})
			x.Comments = x.Comments[max(len(x.Comments)-mostComments, 0):]
			return "Noted.", c.log(th, r.Person, view.Commented(*x, r.Person, o.Text))
		})
	case bot.AssignItem:
		err = c.onItem(conv, o.Thread, o.Number, func(th *bot.Thread, x *bot.ItemState) (string, error) {
			if x.Assigned == o.To {
				return "", bot.Errorf(bot.CodeConflict, "It is so already.")
			}
			x.Assigned = o.To
			if err := c.assignedFollowUp(*x); err != nil {
				return "", err
			}
			return "Assigned.", c.log(th, r.Person, view.Assigned(*x, r.Person))
		})
	}
	if err != nil && isPeoples(err) {
		return c.aside(conv, bot.Message{Title: bot.Quoted(bot.ForPeople(err))})
	}
	return err
}

// onItem changes one item of a run.
func (c *change) onItem(conv bot.Thread, id bot.ThreadID, number int, do func(*bot.Thread, *bot.ItemState) (string, error)) error {
	th, x, err := c.item(id, number)
	if err != nil {
		return err
	}
	said, err := do(&th, x)
	if err != nil {
		return err
	}
	return c.changedRun(conv, th, said)
}

// changedRun puts and shows a run that somebody changed, and answers where its log is not
// seen.
func (c *change) changedRun(conv, th bot.Thread, said string) error {
	th.Version++
	if err := c.putRun(&th); err != nil {
		return err
	}
	if err := c.show(th, nil); err != nil {
		return err
	}
	return c.confirm(conv, th.ID, said)
}

// item finds an item of a run; what is wrong with it is told to people.
func (c *change) item(id bot.ThreadID, number int) (bot.Thread, *bot.ItemState, error) {
	th, ok, err := c.Thread(id)
	if err != nil {
		return th, nil, err
	}
	if !ok || th.State.Checklist == nil {
		return th, nil, errNoRun
	}
	items := th.State.Checklist.Items
	if number < 1 || number > len(items) {
		return th, nil, bot.Errorf(bot.CodeInvalid, "It has the items 1 to %d.", len(items))
	}
	return th, &items[number-1], nil
}

// setItem puts an item where somebody says. A run that ended because nothing was left
// goes on when something is left again, until its time is over.
func (c *change) setItem(th *bot.Thread, x *bot.ItemState, by bot.PersonID, o bot.SetItem) (string, error) {
	run := th.State.Checklist
	if !th.Open() && run.Incident != nil {
		return "", bot.Errorf(bot.CodeConflict, "It was closed %s; what its steps came to stands there. `followup …` notes what is still to be done.", c.style().Time(th.ClosedAt))
	}
	if !th.Open() && (run.Until.IsZero() || !run.Until.After(c.now) || c.succeeded(*th)) {
		return "", bot.Errorf(bot.CodeConflict, "That run ended %s. What it left stands in the next one; `checklist %s` shows it.", c.style().Time(th.ClosedAt), run.Name)
	}
	if x.Status == o.Status && x.By != "" && x.By != by && x.Status != bot.ItemOpen {
		// Two people at once: the first one's word stands, and the second hears of it.
		return "", bot.Errorf(bot.CodeConflict, "%s put item %d at %s already, %s.", x.By, x.Number, x.Status, c.style().Time(x.At))
	}
	if x.Status == o.Status && (x.By == by || x.Status == bot.ItemOpen) && x.Reason == o.Reason && x.Until.Equal(o.Until) {
		return "", bot.Errorf(bot.CodeConflict, "Item %d is %s already.", x.Number, x.Status)
	}
	was := x.Status
	x.Status, x.By, x.At, x.Reason, x.Until = o.Status, by, c.now, o.Reason, o.Until
	if err := c.log(th, by, view.ItemSet(*run, *x, was, by, c.style())); err != nil {
		return "", err
	}
	if err := c.followedUp(*x, by); err != nil {
		return "", err
	}
	text := fmt.Sprintf("put item %d (%s) of %s at %s", x.Number, x.Item.ID, run.Name, x.Status)
	if err := c.journal(journal.Entry{Kind: journal.KindNote, By: by, Host: run.Host, Subject: string(th.ID), Text: text,
		Fields: map[string]string{journal.FieldThread: string(th.ID), "reason": o.Reason}}); err != nil {
		return "", err
	}
	if !th.Open() && (run.Left() > 0 || run.Returns()) {
		th.ClosedAt = bot.Thread{}.ClosedAt
	}
	return fmt.Sprintf("Item %d is %s.", x.Number, x.Status), c.finish(th)
}

// succeeded tells whether a later run has taken over what a run left.
func (c *change) succeeded(th bot.Thread) bool {
	last, ok, err := c.LatestThread(th.Subject)
	return err == nil && ok && last.ID != th.ID
}

// finish ends a run in which nothing is left, and nothing returns before its time is over;
// an incident is over when somebody says so.
func (c *change) finish(th *bot.Thread) error {
	run := th.State.Checklist
	if !th.Open() || run.Left() > 0 || run.Returns() {
		return nil
	}
	if run.Incident != nil {
		return c.log(th, "", view.AllStepsDone())
	}
	th.ClosedAt = c.now
	return c.log(th, "", view.RunSummary(*run, "", c.style()))
}

// planOffered notes the plan that an item's offered operation came to, so that its
// outcome ticks the item.
func (c *change) planOffered(o bot.Ask, p bot.Proposal) error {
	if o.Item == 0 {
		return nil
	}
	th, x, err := c.item(o.Thread, o.Item)
	if isPeoples(err) {
		return nil // the run was pruned meanwhile
	}
	if err != nil {
		return err
	}
	x.Plan = p.Plan.ID
	th.Version++
	return c.putRun(&th)
}

// offeredEnded puts the items right whose offered operation ended: its evidence alone
// ticks them.
func (c *change) offeredEnded(p bot.Proposal) error {
	if !p.State.Over() {
		return nil
	}
	open, err := c.OpenThreads(bot.ThreadChecklist)
	if err != nil {
		return err
	}
	for _, th := range open {
		run := th.State.Checklist
		for i := range run.Items {
			x := &run.Items[i]
			if x.Plan != p.Plan.ID || x.Status != bot.ItemOpen {
				continue
			}
			if p.State == bot.Done {
				// That it was done says nothing of what it found.
				x.Evidence, x.Verdict = p.Evidence, restoreTest(p).State
			}
			if p.State == bot.Done && x.Verdict == bot.OK {
				x.Status, x.By, x.At, x.Reason = bot.ItemDone, "", c.now, "by "+strings.ToLower(string(p.Plan.ID))
			}
			if err := c.log(&th, "", view.Offered(*x, p, c.style())); err != nil {
				return err
			}
			th.Version++
			if err := c.finish(&th); err != nil {
				return err
			}
			if err := c.putRun(&th); err != nil {
				return err
			}
			if err := c.show(th, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

package flow

import (
	"fmt"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/view"
)

// What is to be done after an incident is a row of its own until somebody ends it. The
// next run of its list has it as an item, and from there it is carried like any other.

// mostTaken is how many follow-ups one run takes, the oldest first; the others wait for
// the next.
const mostTaken = 100

// usualTakes is the list that takes follow-ups for which none is named.
const usualTakes = "weekly"

// takes is the list whose next run takes a follow-up: the one that was named for it, the
// weekly one, or else the first that comes round. False where none does.
func (s *Settings) takes(named string) (Schedule, bool) {
	for _, name := range []string{named, usualTakes} {
		if x, ok := s.schedule(name); ok && x.Cron != "" {
			return x, true
		}
	}
	i := slices.IndexFunc(s.Checklists, func(x Schedule) bool { return x.Cron != "" })
	if i < 0 {
		return Schedule{}, false
	}
	return s.Checklists[i], true
}

func (c *change) addFollowUp(th *bot.Thread, by bot.PersonID, o bot.AddFollowUp) error {
	run := th.State.Checklist
	in := run.Incident
	if in.FollowUps >= bot.MostFollowUps {
		return bot.Errorf(bot.CodeConflict, "It has %d follow-ups, and holds no more: make one of several.", bot.MostFollowUps)
	}
	in.FollowUps++
	x := bot.FollowUp{Origin: th.ID, OriginTitle: run.IncidentName(), Number: in.FollowUps, Text: o.Text, By: by, At: c.now,
		Owner: o.Owner, Due: o.Due, List: o.List, Status: bot.ItemOpen}
	if err := c.PutFollowUp(x); err != nil {
		return err
	}
	list, ok := c.s.takes(x.List)
	next := list.Checklist.Title
	if !ok {
		next = ""
	}
	row, _, err := c.Schedule(list.Name)
	if err != nil {
		return err
	}
	at := row.Next
	if row.Paused(at) {
		at = time.Time{} // that one passes
	}
	return c.log(th, by, view.ToFollowUp(x, next, at, c.style()))
}

// takeFollowUps gives a run the items that are follow-ups, behind those of its list.
func (c *change) takeFollowUps(s Schedule, run *bot.ChecklistState) error {
	if s.Cron == "" || run.Host != "" {
		return nil
	}
	open, err := c.OpenFollowUps()
	if err != nil {
		return err
	}
	taken := 0
	for _, x := range open {
		if list, ok := c.s.takes(x.List); !ok || list.Name != s.Name || taken == mostTaken {
			continue
		}
		taken++
		run.Items = append(run.Items, bot.ItemState{Number: len(run.Items) + 1, Status: bot.ItemOpen, Assigned: x.Owner, FollowUp: &x,
			Item: bot.Item{ID: x.ItemID(), Task: x.Text, Person: "Nothing measures it."}})
	}
	return nil
}

// followedUp notes what somebody said of an item that is a follow-up, and tells its
// incident. One that is deferred is open still.
func (c *change) followedUp(item bot.ItemState, by bot.PersonID) error {
	if item.FollowUp == nil {
		return nil
	}
	x, ok, err := c.FollowUp(item.FollowUp.Origin, item.FollowUp.Number)
	if err != nil || !ok {
		return err
	}
	was := x.Status
	switch item.Status {
	case bot.ItemDone, bot.ItemSkipped:
		x.Status, x.EndedBy, x.EndedAt, x.Reason = item.Status, by, c.now, item.Reason
	default:
		x.Status, x.EndedBy, x.EndedAt, x.Reason = bot.ItemOpen, "", time.Time{}, ""
	}
	if x.Status == was {
		return nil
	}
	if err := c.PutFollowUp(x); err != nil {
		return err
	}
	text := fmt.Sprintf("put follow-up %d of %s at %s", x.Number, x.OriginTitle, x.Status)
	if err := c.journal(journal.Entry{Kind: journal.KindNote, By: by, Subject: string(x.Origin), Text: text,
		Fields: map[string]string{journal.FieldThread: string(x.Origin), "reason": item.Reason}}); err != nil {
		return err
	}
	origin, ok, err := c.Thread(x.Origin)
	if err != nil || !ok {
		return err // it was pruned
	}
	if err := c.log(&origin, by, view.FollowedUp(x)); err != nil {
		return err
	}
	origin.Version++
	return c.PutThread(origin, "", c.now)
}

// assignedFollowUp keeps who is to do one.
func (c *change) assignedFollowUp(item bot.ItemState) error {
	if item.FollowUp == nil {
		return nil
	}
	x, ok, err := c.FollowUp(item.FollowUp.Origin, item.FollowUp.Number)
	if err != nil || !ok || x.Owner == item.Assigned {
		return err
	}
	x.Owner = item.Assigned
	if err := c.PutFollowUp(x); err != nil {
		return err
	}
	origin, ok, err := c.Thread(x.Origin)
	if err != nil || !ok {
		return err
	}
	origin.Version++
	return c.PutThread(origin, "", c.now)
}

package flow

import (
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// An incident is a run of a checklist that people open, and that they alone close, unless
// its list says how long it lasts. Its steps are worked like any run's items
// (apply_checklists.go); what is different is here.

// onIncident applies what somebody said of an incident, and answers.
func (c *change) onIncident(conv bot.Thread, r store.Request, o bot.Outcome) error {
	var err error
	switch o := o.(type) {
	case bot.OpenIncident:
		err = c.openIncident(conv, r, o)
	case bot.CloseIncident:
		err = c.inIncident(conv, o.Thread, func(th *bot.Thread) (string, error) {
			in := th.State.Checklist.Incident
			if !th.Open() {
				by := "Its time"
				if in.EndedBy != "" {
					by = string(in.EndedBy)
				}
				return "", bot.Errorf(bot.CodeConflict, "%s has closed it already, %s.", by, c.style().Time(th.ClosedAt))
			}
			return "Closed: " + th.State.Checklist.IncidentName() + ".", c.closeIncident(th, c.now, r.Person, o.Why)
		})
	case bot.LeadIncident:
		err = c.inIncident(conv, o.Thread, func(th *bot.Thread) (string, error) { return "Noted.", c.lead(th, r.Person, o.To) })
	case bot.AddFinding:
		err = c.inIncident(conv, o.Thread, func(th *bot.Thread) (string, error) {
			in := th.State.Checklist.Incident
			if len(in.Findings) >= bot.MostFindings {
				return "", bot.Errorf(bot.CodeConflict, "It has %d findings, and holds no more: write the rest down elsewhere, and say where in the closing's reason.", bot.MostFindings)
			}
			found := bot.Comment{By: r.Person, At: c.now, Text: o.Text}
			in.Findings = append(in.Findings, found)
			return "Noted.", c.log(th, r.Person, view.Found(found))
		})
	case bot.AddFollowUp:
		err = c.inIncident(conv, o.Thread, func(th *bot.Thread) (string, error) { return "Noted.", c.addFollowUp(th, r.Person, o) })
	}
	if err != nil && isPeoples(err) {
		return c.aside(conv, bot.Message{Title: bot.Quoted(bot.ForPeople(err))})
	}
	return err
}

// inIncident changes one.
func (c *change) inIncident(conv bot.Thread, id bot.ThreadID, do func(*bot.Thread) (string, error)) error {
	th, ok, err := c.Thread(id)
	if err != nil {
		return err
	}
	if !ok || th.State.Checklist == nil || th.State.Checklist.Incident == nil {
		return bot.Errorf(bot.CodeNotFound, "That is no incident; `incident` lists those that are open.")
	}
	said, err := do(&th)
	if err != nil {
		return err
	}
	return c.changedRun(conv, th, said)
}

func incidentSubject(name string) string { return "incident:" + strings.ToLower(name) }

// openIncidents are the open ones.
func openIncidents(tx *store.Tx) ([]bot.Thread, error) {
	open, err := tx.OpenThreads(bot.ThreadChecklist)
	open = slices.DeleteFunc(open, func(th bot.Thread) bool { return th.State.Checklist.Incident == nil })
	slices.SortStableFunc(open, func(a, b bot.Thread) int { return a.OpenedAt.Compare(b.OpenedAt) })
	return open, err
}

func (c *change) openIncident(conv bot.Thread, r store.Request, o bot.OpenIncident) error {
	s, ok := c.s.schedule(o.List)
	if !ok || !s.Timed {
		return bot.Errorf(bot.CodeNotFound, "No list %q of steps is configured any more.", o.List)
	}
	open, err := openIncidents(c.Tx)
	if err != nil {
		return err
	}
	for _, th := range open {
		in := th.State.Checklist.Incident
		if strings.EqualFold(in.Name, o.Name) || o.About != "" && in.About == o.About {
			return bot.Errorf(bot.CodeConflict, "%s is open already, by %s since %s: `%s`. Go on there.",
				th.State.Checklist.IncidentName(), in.By, c.style().Time(th.State.Checklist.Firing), th.ID)
		}
	}
	th := c.newThread(bot.ThreadChecklist, incidentSubject(o.Name))
	th.Severity = o.Severity
	in := &bot.IncidentState{Name: o.Name, What: o.What, By: r.Person, Lead: r.Person, About: o.About}
	run := &bot.ChecklistState{Name: s.Name, Title: s.Title, Firing: c.now, Incident: in}
	th.State.Checklist = run
	if former, ok, err := c.LatestThread(th.Subject); err != nil {
		return err
	} else if ok {
		th.Former = former.ID
	}
	if s.Lasts > 0 {
		run.Until = c.now.Add(s.Lasts)
	}
	run.RemindAt = remindAt(*run, s.Remind, c.now)
	for i, x := range s.Items {
		run.Items = append(run.Items, bot.ItemState{Item: x, Number: i + 1, Status: bot.ItemOpen})
	}
	rooms := append([]bot.RoomID{conv.State.Conversation.Room}, s.Rooms...)
	if o.About != "" {
		if err := c.fromAlert(&th); err != nil {
			return err
		}
	}
	if err := c.lookAtIncident(&th); err != nil {
		return err
	}
	if err := c.journalIncident(th, r.Person, "opened", o.What); err != nil {
		return err
	}
	if err := c.ranSchedule(s); err != nil {
		return err
	}
	if err := c.putRun(&th); err != nil {
		return err
	}
	if err := c.show(th, rooms); err != nil {
		return err
	}
	if in.About != "" && in.About == conv.State.Conversation.About {
		if _, shown, err := c.View(in.About, conv.State.Conversation.Room); shown || err != nil {
			return err // the alert's own log tells it
		}
	}
	return c.confirm(conv, th.ID, "Open: "+run.IncidentName()+". You lead; its thread has the steps.")
}

// remindAt is when people are told that a run is open: before its end, or for one without
// an end after a while, and again.
func remindAt(run bot.ChecklistState, remind time.Duration, now time.Time) time.Time {
	at := now.Add(remind)
	if !run.Until.IsZero() {
		at = run.Until.Add(-remind)
	}
	if remind <= 0 || !at.After(now) {
		return time.Time{}
	}
	return at
}

// fromAlert names the alert's thread in the incident, and the incident there.
func (c *change) fromAlert(th *bot.Thread) error {
	run := th.State.Checklist
	alert, ok, err := c.Thread(run.Incident.About)
	if err != nil {
		return err
	}
	if !ok || alert.State.Alert == nil {
		run.Incident.About = "" // it was pruned meanwhile
		return nil
	}
	run.Host, run.Incident.AboutTitle = alert.State.Alert.Host, view.TitleOf(alert)
	if th.Severity == bot.SeverityUnknown {
		th.Severity = alert.Severity
	}
	if err := c.log(&alert, run.Incident.By, view.IncidentOpened(*th)); err != nil {
		return err
	}
	return c.PutThread(alert, "", c.now)
}

// lookAtIncident has the evidence measured, and the agents asked what changed before.
func (c *change) lookAtIncident(th *bot.Thread) error {
	hosts := c.s.Hosts
	if host := th.State.Checklist.Host; host != "" {
		hosts = []string{host}
	}
	for _, host := range hosts {
		if err := c.lookAtHost(host); err != nil {
			return err
		}
	}
	return c.lookAtEvidence(th)
}

// ranSchedule notes when a list was last opened, for `schedule`.
func (c *change) ranSchedule(s Schedule) error {
	row, known, err := c.Schedule(s.Name)
	if err != nil || !known {
		return err
	}
	row.Ran = c.now
	return c.PutSchedule(row)
}

func (c *change) lead(th *bot.Thread, by, to bot.PersonID) error {
	in := th.State.Checklist.Incident
	switch {
	case !th.Open():
		return bot.Errorf(bot.CodeConflict, "It is closed since %s.", c.style().Time(th.ClosedAt))
	case in.Lead == to:
		return bot.Errorf(bot.CodeConflict, "%s leads already.", to)
	}
	in.Lead = to
	if err := c.journalIncident(*th, by, "put "+string(to)+" in the lead of", ""); err != nil {
		return err
	}
	return c.log(th, by, view.Leads(*in, by))
}

func (c *change) journalIncident(th bot.Thread, by bot.PersonID, did, reason string) error {
	run := th.State.Checklist
	return c.journal(journal.Entry{Kind: journal.KindNote, Host: run.Host, By: by, Subject: string(th.ID), Text: did + " " + run.IncidentName(),
		Fields: map[string]string{journal.FieldThread: string(th.ID), "reason": reason}})
}

package flow

import (
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// answered applies what a command came to: an answer, a change of our state, or
// an effect that is then due.
func (c *change) answered(e bot.Answered) error {
	r, ok, err := c.Request(e.Request)
	if err != nil || !ok || r.Done {
		return err // answered already, before a crash
	}
	r.Done = true
	if err := c.PutRequest(r); err != nil {
		return err
	}
	conv, ok, err := c.Thread(r.Thread)
	if err != nil || !ok {
		return err
	}
	if err := c.eraseCode(conv, r); err != nil {
		return err
	}
	if e.Err != nil || !store.HoldsCode(e.Outcome) { // else it goes with the word
		if err := c.spendLine(conv, r); err != nil {
			return err
		}
	}
	if e.Err != nil {
		c.f.o.Metrics.Commands.WithLabelValues("error").Inc()
		return c.aside(conv, bot.Message{Title: bot.Quoted(bot.ForPeople(e.Err))})
	}
	c.f.o.Metrics.Commands.WithLabelValues("ok").Inc()
	switch o := e.Outcome.(type) {
	case bot.Say:
		return c.answer(conv, o.Message)
	case bot.TakeAck:
		return c.takeAck(conv, r, o)
	case bot.DropAck:
		th, ok, err := c.Thread(o.Thread)
		if err != nil || !ok {
			return err
		}
		if th.State.Alert == nil || th.State.Alert.Ack == nil {
			return c.aside(conv, bot.Message{Title: bot.Line(bot.T("Nobody has acked this."))})
		}
		if err := c.dropAck(th, r.Person); err != nil {
			return err
		}
		return c.confirm(conv, o.Thread, "Ack taken back.")
	case bot.Ask:
		return c.ask(conv, r, o)
	case bot.Decide:
		return c.decide(conv, r, o)
	case bot.Cancel:
		return c.onPlan(conv, r, o.Plan, o)
	case bot.Confirm:
		return c.onPlan(conv, r, o.Plan, o)
	case bot.SetItem, bot.CommentItem, bot.AssignItem, bot.RunChecklist, bot.PauseSchedule:
		return c.onChecklist(conv, r, o)
	case bot.OpenIncident, bot.CloseIncident, bot.LeadIncident, bot.AddFinding, bot.AddFollowUp:
		return c.onIncident(conv, r, o)
	case bot.OpenMaintenance, bot.CloseMaintenance:
		return c.onMaintenance(conv, r, o)
	case bot.Measure:
		return c.remeasure(conv, r, o)
	case bot.MakeSilence, bot.EndSilence, bot.DrawGraph, bot.MakeReport:
		return c.order(conv, r, o)
	}
	return c.answer(conv, bot.Message{Title: bot.Line(bot.T("Done."))})
}

// affected applies what an effect on the outside came to.
func (c *change) affected(e bot.Affected) error {
	x, ok, err := c.Effect(e.Key)
	if err != nil || !ok || x.State != store.EffectDue {
		return err
	}
	x.Tries++
	if th, ok, err := c.ofMaintenance(x); err != nil || ok {
		if err == nil {
			err = c.affectedMaintenance(th, x, e)
		}
		return err
	}
	_, picture := x.What.(bot.DrawGraph)
	if picture && e.Err != nil && x.Tries >= effectTries {
		// A picture that could not be drawn in all that time is old news.
		x.State = store.EffectFailed
		return c.PutEffect(x)
	}
	if e.Err != nil && !e.Final {
		x.NextTry = c.now.Add(max(backoff(x.Tries, 2*time.Second, time.Minute), askedToWait(e.Err)))
		if err := c.PutEffect(x); err != nil || x.Tries > 1 || x.Request == "" || kindOf(x.What) == "" {
			return err
		}
		return c.agentSilent(x, e.Err)
	}
	x.Result, x.State = e.Result, store.EffectDone
	if e.Err != nil {
		x.State = store.EffectFailed
	}
	if err := c.PutEffect(x); err != nil {
		return err
	}
	if o, ok := x.What.(bot.LookForChanges); ok {
		c.f.log.Info("what changed on a host is unknown; its alerts' threads say nothing of it", "host", o.Host, "err", e.Err)
		return nil
	}
	if o, ok := x.What.(bot.EraseMessage); ok {
		return c.erased(x, o, e.Err)
	}
	if o, ok := x.What.(bot.SpendCodes); ok {
		return c.spent(x, o, e.Err)
	}
	if kindOf(x.What) != "" {
		return c.answeredByAgent(x, e)
	}
	am := alertmanagerOf(x.What)
	c.after = append(c.after, func() { c.f.pollSoon(am) })

	var m bot.Message
	about := aboutOf(x.What)
	switch o := x.What.(type) {
	case bot.MakeSilence:
		s := o.Silence
		s.CreatedBy = string(x.Person)
		m = view.Silenced(s, e.Result, c.style())
		if o.Note != "" {
			m.Blocks = append(m.Blocks, bot.Para{Text: bot.Quoted(o.Note)})
		}
		if e.Err != nil {
			m = view.Failed("The silence", bot.ForPeople(e.Err))
		} else if err := c.journalSilence(journal.KindSilence, x, m.Title.String()); err != nil {
			return err
		}
	case bot.EndSilence:
		m = view.Unsilenced(x.Person, o.IDs)
		if e.Err != nil {
			m = view.Failed("Ending the silence", bot.ForPeople(e.Err))
		} else if err := c.journalSilence(journal.KindUnsilence, x, m.Title.String()); err != nil {
			return err
		}
	}
	return c.tell(x, about, m)
}

// effectDone takes an effect as done, and tells whether it was due until now.
func (c *change) effectDone(key bot.EffectKey) (x store.Effect, was bool, err error) {
	x, ok, err := c.Effect(key)
	if err != nil || !ok || x.State != store.EffectDue {
		return x, false, err
	}
	x.State = store.EffectDone
	return x, true, c.PutEffect(x)
}

// drawn puts a picture, or the reason why there is none, into the log.
func (c *change) drawn(e bot.Drawn) error {
	x, was, err := c.effectDone(e.Key)
	if err != nil || !was {
		return err
	}
	if e.Picture != nil {
		return c.tell(x, aboutOf(x.What), view.PictureOf(*e.Picture))
	}
	if x.Request == "" {
		// Nobody asked for it; a thread need not say that it has no picture.
		c.f.log.Info("no graph for a thread", "thread", x.Thread, "reason", e.Reason)
		return nil
	}
	return c.tell(x, "", view.NoPicture(e.Reason))
}

// tell says an effect's outcome in the thread that it is about, or in the
// conversation in which it was asked for.
func (c *change) tell(x store.Effect, about bot.ThreadID, m bot.Message) error {
	if about == "" {
		about = x.Thread
	}
	th, ok, err := c.Thread(about)
	if err != nil || !ok {
		return err
	}
	if th.Kind == bot.ThreadConversation {
		return c.answer(th, m)
	}
	if err := c.log(&th, x.Person, m); err != nil {
		return err
	}
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	if x.Request == "" {
		return nil
	}
	conv, ok, err := c.Thread(x.Thread)
	if err != nil || !ok || conv.State.Conversation == nil {
		return err
	}
	if conv.State.Conversation.About == about {
		if _, shown, err := c.View(about, conv.State.Conversation.Room); shown || err != nil {
			return err
		}
	}
	return c.answer(conv, m)
}

func aboutOf(o bot.Outcome) bot.ThreadID {
	switch o := o.(type) {
	case bot.MakeSilence:
		return o.Thread
	case bot.EndSilence:
		return o.Thread
	case bot.DrawGraph:
		return o.Thread
	}
	return ""
}

func alertmanagerOf(o bot.Outcome) string {
	switch o := o.(type) {
	case bot.MakeSilence:
		return o.Alertmanager
	case bot.EndSilence:
		return o.Alertmanager
	}
	return ""
}

package flow

import (
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// takeAck writes who is on it, and which alerts that covers.
func (c *change) takeAck(conv bot.Thread, r store.Request, o bot.TakeAck) error {
	th, ok, err := c.Thread(o.Thread)
	if err != nil {
		return err
	}
	if !ok || th.State.Alert == nil {
		return c.aside(conv, bot.Message{Title: bot.Line(bot.T("Only an alert's thread can be acked."))})
	}
	es, err := c.Episodes(th.ID)
	if err != nil {
		return err
	}
	a := bot.Ack{By: r.Person, At: c.now, Comment: o.Comment, Severity: bot.SeverityInfo}
	firing, late := 0, 0
	seen := seenUntil(r)
	var live []*bot.Episode
	for _, e := range es {
		if e.Resolved {
			continue
		}
		live = append(live, &e)
		if e.FirstAt.After(seen) {
			late++ // it came after the ack was written
			continue
		}
		a.Covers = append(a.Covers, e.ID)
		if !e.Suppressed() {
			firing++
		}
		if e.Severity.Rank() > a.Severity.Rank() {
			a.Severity = e.Severity
		}
	}
	if len(a.Covers) == 0 && late > 0 {
		return c.aside(conv, bot.Message{Title: bot.Line(bot.T("What fires here now came after you wrote this. Look at it, and ack again if you mean it."))})
	}
	if len(a.Covers) == 0 {
		return c.aside(conv, bot.Message{Title: bot.Line(bot.T("Nothing fires here any more; there is nothing to ack."))})
	}
	st := th.State.Alert
	if st.Ack != nil && st.Ack.By == r.Person && st.Ack.Comment == o.Comment && slices.Equal(st.Ack.Covers, a.Covers) {
		// Nothing changed, so the log says nothing: the answer must be an answer.
		return c.aside(conv, bot.Message{Title: bot.Line(bot.T("You have acked this already."))})
	}
	if s := conv.State.Conversation; s.Press {
		a.Press = s.Message
	}
	st.Ack, st.Reminded = &a, 0
	if c.s.AckReminder > 0 {
		st.RemindAt = c.now.Add(c.s.AckReminder)
	}
	th.NextAt = c.nextLook(th)
	th.Version++
	if err := c.log(&th, r.Person, view.Acked(r.Person, o.Comment, len(a.Covers), len(a.Covers)-firing)); err != nil {
		return err
	}
	if err := c.journalThread(journal.KindAck, th, r.Person, string(r.Person)+" acked "+view.TitleOf(th)+". "+o.Comment); err != nil {
		return err
	}
	if why := ackFalls(a, live); why != "" {
		st.Ack, st.RemindAt = nil, time.Time{}
		th.NextAt = c.nextLook(th)
		if err := c.log(&th, "", view.Unacked("", why)); err != nil {
			return err
		}
	}
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	return c.confirm(conv, th.ID, "Acked.")
}

// ackFalls says why an ack does not cover what fires, "" while it does.
func ackFalls(a bot.Ack, live []*bot.Episode) string {
	for _, e := range live {
		switch {
		case e.Suppressed():
		case e.Severity.Rank() > a.Severity.Rank():
			return "the severity rose to " + e.Severity.String()
		case !slices.Contains(a.Covers, e.ID):
			return "another alert fires that " + string(a.By) + " had not seen"
		}
	}
	return ""
}

// ackLag is how long a message may take from its writer to us and still count as
// written now.
const ackLag = 10 * time.Second

// seenUntil is the newest moment of which the asker can have known: now, or what
// was before a line that waited for us (in an outage) was written.
func seenUntil(r store.Request) time.Time {
	if r.At.Sub(r.SaidAt) <= ackLag {
		return r.At
	}
	return r.SaidAt.Add(ackLag)
}

func (c *change) dropAck(th bot.Thread, by bot.PersonID) error {
	th.State.Alert.Ack, th.State.Alert.RemindAt = nil, time.Time{}
	th.NextAt = c.nextLook(th)
	th.Version++
	if err := c.log(&th, by, view.Unacked(by, "")); err != nil {
		return err
	}
	if err := c.journalThread(journal.KindUnack, th, by, string(by)+" took the ack of "+view.TitleOf(th)+" back"); err != nil {
		return err
	}
	return c.PutThread(th, "", c.now)
}

// confirm answers where the thread's own log would not be seen: a command given
// in the thread sees its effect there. The answer ends with what people know the
// thread by: a plan's says its own id, and that is what commands want.
func (c *change) confirm(conv bot.Thread, about bot.ThreadID, text string) error {
	if conv.State.Conversation.About == about {
		if _, shown, err := c.View(about, conv.State.Conversation.Room); shown || err != nil {
			return err
		}
	}
	id := string(about)
	if th, ok, err := c.Thread(about); err != nil {
		return err
	} else if ok && th.State.Plan != nil {
		id = string(th.State.Plan.Proposal.Plan.ID)
	}
	return c.answer(conv, bot.Message{Title: bot.Line(bot.T(text+" "), bot.M(id))})
}

// judgeAck drops an ack that no longer covers what fires.
func (c *change) judgeAck(g *group, live []*bot.Episode) error {
	st := g.thread.State.Alert
	a := st.Ack
	if a == nil {
		return nil
	}
	why := ackFalls(*a, live)
	if why == "" {
		return nil
	}
	st.Ack, st.RemindAt = nil, time.Time{}
	return c.log(&g.thread, "", view.Unacked("", why))
}

// nextLook is when an alert's thread is due by itself.
func (c *change) nextLook(th bot.Thread) time.Time {
	if st := th.State.Alert; st != nil && st.Ack != nil && th.Open() {
		return st.RemindAt
	}
	return time.Time{}
}

// remind tells of an ack that seems forgotten. A reminder changes nothing; each
// waits twice as long as the one before, up to a day.
func (c *change) remind(th bot.Thread) error {
	st := th.State.Alert
	n, err := c.CountEpisodes(th.ID)
	if err != nil {
		return err
	}
	if st.Ack != nil && n.Firing > 0 && c.s.AckReminder > 0 {
		if err := c.log(&th, "", view.Forgotten(*st.Ack, n.Firing, c.style())); err != nil {
			return err
		}
	}
	st.RemindAt = time.Time{}
	if st.Ack != nil && n.Live() > 0 && c.s.AckReminder > 0 {
		st.Reminded++
		st.RemindAt = c.now.Add(min(c.s.AckReminder<<min(st.Reminded, 10), max(24*time.Hour, c.s.AckReminder)))
	}
	th.NextAt = c.nextLook(th)
	return c.PutThread(th, "", c.now)
}

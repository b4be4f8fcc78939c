package flow

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// ask has a host's agent plan what somebody asked for.
func (c *change) ask(conv bot.Thread, r store.Request, o bot.Ask) error {
	host, err := c.f.agentHost(o.Host)
	if err != nil {
		return c.aside(conv, bot.Message{Title: bot.Quoted(bot.ForPeople(err))})
	}
	o.Host = host
	if room, err := c.hasRoom(conv, r, o); err != nil || !room {
		return err
	}
	if err := c.journal(journal.Entry{Kind: journal.KindRequest, Host: host, By: r.Person, Subject: string(r.ID),
		Text: string(r.Person) + " asked for " + string(o.Operation) + argumentWords(o.Arguments), Fields: askFields(o, conv)}); err != nil {
		return err
	}
	return c.ordered(conv, r, o)
}

// argumentWords are " (max 32GiB, min 4GiB)", nothing where there are none.
func argumentWords(a bot.Arguments) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		words = append(words, name+" "+strings.Join(a[name], " "))
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

func askFields(o bot.Ask, conv bot.Thread) map[string]string {
	f := map[string]string{"operation": string(o.Operation), "room": string(conv.State.Conversation.Room)}
	if a := conv.State.Conversation.Account; a != "" {
		f["account"] = string(a)
	}
	return f
}

// order makes an effect of what a command came to, unless too many of the same
// person's wait.
func (c *change) order(conv bot.Thread, r store.Request, what bot.Outcome) error {
	if room, err := c.hasRoom(conv, r, what); err != nil || !room {
		return err
	}
	return c.ordered(conv, r, what)
}

// hasRoom tells whether one more order may wait; what must not is refused here.
func (c *change) hasRoom(conv bot.Thread, r store.Request, what bot.Outcome) (bool, error) {
	open, err := c.CountOpenOrders(r.Person)
	if err != nil {
		return false, err
	}
	full, tell, err := c.full(metaFullOrders, open, r.Person)
	if err != nil || !full {
		return err == nil, err
	}
	if passes, err := c.stops(r.Person, what); err != nil || passes {
		return passes, err
	}
	return false, c.orderTurnedAway(conv, r, tell)
}

// ordered makes an effect of what a command came to.
func (c *change) ordered(conv bot.Thread, r store.Request, what bot.Outcome) error {
	return c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), Thread: conv.ID, Request: r.ID, Person: r.Person, What: what})
}

// decide looks whether a word on a plan can count, before the agent is given it.
// What cannot is refused here, politely, and journaled.
func (c *change) decide(conv bot.Thread, r store.Request, o bot.Decide) error {
	th, ok, err := c.planThread(o.Plan)
	if err != nil {
		return err
	}
	if !ok {
		return c.noPlan(conv, r, o.Plan, o)
	}
	if agreed := c.agreedAlready(th, r, o); agreed != "" {
		return c.saidAlready(conv, r, o, "agreed already", agreed)
	}
	if why := c.undecidable(th, conv, r, o); why != "" {
		if err := c.journalPlan(journal.KindRefusal, th, r.Person, "a word of "+string(r.Person)+" does not count: "+why,
			map[string]string{"verdict": string(o.Verdict), "room": string(conv.State.Conversation.Room)}); err != nil {
			return err
		}
		if err := c.wordEnds(conv, r, o); err != nil {
			return err
		}
		return c.aside(conv, bot.Message{Title: bot.Quoted(why)})
	}
	if same, err := c.onItsWay(r, o); err != nil {
		return err
	} else if same {
		return c.saidAlready(conv, r, o, "on its way", "Your word is on its way to the agent already; once is enough.")
	}
	return c.wordTo(th, conv, r, o)
}

// saidAlready answers a word that says once more what its giver has said. For reactions
// that do, once is enough.
func (c *change) saidAlready(conv bot.Thread, r store.Request, o bot.Decide, which, why string) error {
	if err := c.wordEnds(conv, r, o); err != nil {
		return err
	}
	if conv.State.Conversation.Press {
		if fresh, err := c.FirstSeen(which, string(o.Plan)+" "+string(r.Person), c.now); err != nil || !fresh {
			return err
		}
	}
	return c.aside(conv, bot.Message{Title: bot.Quoted(why)})
}

// onItsWay tells whether the same word of the same person is on its way to the agent, and
// no other one of theirs that it may be meant to correct. One with a proof is another:
// the one before may lack it, or have a wrong one.
func (c *change) onItsWay(r store.Request, o bot.Decide) (same bool, err error) {
	if o.Code != "" || o.Signature != "" {
		return false, nil
	}
	untold, err := c.UntoldDecisions()
	if err != nil {
		return false, err
	}
	for _, x := range untold {
		d, ok := x.What.(bot.Decide)
		if !ok || x.Person != r.Person || d.Plan != o.Plan {
			continue
		}
		if d.Verdict != o.Verdict || o.Reason != "" && o.Reason != d.Reason {
			return false, nil
		}
		same = true
	}
	return same, nil
}

// wordTo gives a word to the agent of its plan.
func (c *change) wordTo(th, conv bot.Thread, r store.Request, what bot.Outcome) error {
	room, err := c.hasRoom(conv, r, what)
	if err != nil {
		return err
	}
	if !room {
		return c.wordEnds(conv, r, what)
	}
	if err := c.spendWord(conv, r, what, th.State.Plan.Host); err != nil {
		return err
	}
	return c.ordered(conv, r, what)
}

// wordEnds has the code of a word that goes to no agent used up at all of them.
func (c *change) wordEnds(conv bot.Thread, r store.Request, what bot.Outcome) error {
	if !store.HoldsCode(what) {
		return nil // then it is done already
	}
	return c.spendLine(conv, r)
}

func (c *change) noPlan(conv bot.Thread, r store.Request, id bot.PlanID, what bot.Outcome) error {
	if err := c.wordEnds(conv, r, what); err != nil {
		return err
	}
	return c.aside(conv, bot.Message{Title: bot.Quoted("There is no plan " + string(id) + ".")})
}

// agreedAlready tells somebody whose approval counts that it does, "" else.
func (c *change) agreedAlready(th bot.Thread, r store.Request, o bot.Decide) string {
	p := th.State.Plan.Proposal
	if o.Verdict == bot.Approve && p.State == bot.Running && slices.ContainsFunc(p.Decisions, func(d bot.Decision) bool {
		return d.Person == r.Person && d.Verdict == bot.Approve && d.Withdrawn.IsZero()
	}) {
		return "You have agreed already; it is running."
	}
	if o.Verdict != bot.Approve || !p.State.Open() {
		return ""
	}
	j := gate.Judge(gate.Case{Proposal: p, Person: c.s.People, Now: c.now})
	if !slices.Contains(j.Counted, r.Person) {
		return ""
	}
	return fmt.Sprintf("You have agreed already; %d of %d agreed.", len(j.Counted), int(p.Plan.Rule.Count))
}

// undecidable says why a word does not count, "" when it may: the agent judges
// again.
func (c *change) undecidable(th bot.Thread, conv bot.Thread, r store.Request, o bot.Decide) string {
	st := th.State.Plan
	p := st.Proposal
	room := conv.State.Conversation.Room
	if !p.State.Open() {
		return "Nothing can be decided any more: it is " + string(p.State) + "."
	}
	if o.Verdict == bot.Approve {
		switch shown := st.Shown[room]; {
		case st.Closed != "":
			return st.Closed
		case shown.IsZero():
			return "The whole plan does not stand in this room, so nobody can agree to it here."
		case r.SaidAt.Before(shown.Add(-ackLag)):
			return "You wrote that before the whole plan stood here. Read it, and say so again if you mean it."
		}
	}
	d := bot.Decision{ID: "about to be given", Person: r.Person, Verdict: o.Verdict, Reason: o.Reason, At: c.now, Door: string(c.s.Rooms[room].Chat)}
	switch {
	case o.Code != "":
		d.StepUp = bot.StepTOTP
	case o.Signature != "":
		d.StepUp, d.Door = bot.StepSSH, string(bot.StepSSH)
	}
	if p.ShownAt.IsZero() {
		p.ShownAt = st.Shown[room]
	}
	p.Decisions = append(slices.Clone(p.Decisions), d)
	j := gate.Judge(gate.Case{Proposal: p, Person: c.s.People, Now: c.now})
	for _, i := range j.Ignored {
		if i.Decision.ID != d.ID {
			continue
		}
		why := "Your word does not count: " + i.Why + "."
		rule := p.Plan.Rule
		who, known := c.s.People(r.Person)
		if o.Verdict == bot.Approve && known && gate.Holds(who, rule.Approvers) && (rule.RequesterCounts || r.Person != p.Plan.Requester) &&
			len(rule.StepUp) > 0 && !slices.Contains(rule.StepUp, d.StepUp) {
			why += " " + view.ProofWanted(*st) // a proof is all that it lacks
		}
		return why
	}
	return ""
}

// onPlan orders what is neither an approval nor a denial.
func (c *change) onPlan(conv bot.Thread, r store.Request, id bot.PlanID, what bot.Outcome) error {
	th, ok, err := c.planThread(id)
	if err != nil {
		return err
	}
	if !ok {
		return c.noPlan(conv, r, id, what)
	}
	return c.wordTo(th, conv, r, what)
}

// decisionID is a message's or a reaction's, over all chats.
func decisionID(room bot.RoomID, message bot.MessageID) string {
	return string(room) + " " + string(message)
}

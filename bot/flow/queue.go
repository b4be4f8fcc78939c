package flow

import (
	"errors"
	"fmt"
	"slices"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
)

// mostOpen is how many commands of one person may wait for their answer, and how
// many orders that came of them may wait to be done outside. Whoever has more is
// somebody else than a person at a keyboard, or does not look at the answers.
const mostOpen = 8

// Names in the state of what somebody was told of their full queue.
const (
	metaFullCommands = "told of a full queue of commands: "
	metaFullOrders   = "told of a full queue of orders: "
)

// full tells whether so many is too many, and whether that is to be said: once,
// until the queue is shorter.
func (c *change) full(name string, open int64, who bot.PersonID) (full, tell bool, err error) {
	full = open >= mostOpen
	told, err := c.Meta(name + string(who))
	if err != nil || full == (told != "") {
		return full, false, err
	}
	mark := ""
	if full {
		mark = c.now.Format("2006-01-02T15:04:05Z")
	}
	return full, full, c.PutMeta(name+string(who), mark)
}

// stopsWaiting tells whether a line is somebody's first "no" to a plan that is not
// over: one that denies or cancels it, as none of their lines does that wait for their
// answer. It passes a full queue as stops has it pass that of orders.
func (c *change) stopsWaiting(conv bot.ConversationState, line string) (bool, error) {
	word, plan, err := c.noOf(conv.About, line)
	if err != nil || word == "" {
		return false, err
	}
	open, err := c.OpenRequestsOf(conv.By)
	if err != nil {
		return false, err
	}
	for _, r := range open {
		th, ok, err := c.Thread(r.Thread)
		if err != nil {
			return false, err
		}
		if !ok || th.State.Conversation == nil {
			continue
		}
		if w, p, err := c.noOf(th.State.Conversation.About, r.Line); err != nil || w == word && p == plan {
			return false, err
		}
	}
	return true, nil
}

// noOf is the word by which a line denies or cancels a plan that is not over, and the
// plan's thread; "" for all other lines.
func (c *change) noOf(about bot.ThreadID, line string) (word string, plan bot.ThreadID, err error) {
	word, id, ok := c.f.o.Interpreter.Stops(line, about != "")
	if !ok {
		return "", "", nil
	}
	var th bot.Thread
	if id == "" {
		th, _, err = c.Thread(about)
	} else if th, err = planNamed(c.Tx, id); none(err) {
		return "", "", nil
	}
	if err != nil || th.State.Plan == nil || th.State.Plan.Proposal.State.Over() {
		return "", "", err
	}
	return word, th.ID, nil
}

// none tells whether there is no such thing, or more than one, rather than that the
// state cannot be read.
func none(err error) bool {
	_, ok := errors.AsType[*bot.Error](err)
	return ok
}

// turnAway refuses a line of somebody whose commands wait in numbers.
func (c *change) turnAway(conv bot.ConversationState, r store.Request, tell bool) error {
	th := c.newConversation(conv)
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	line, _ := c.f.o.Interpreter.WithoutCode(r.Line)
	if err := c.journalTurnedAway(r.Person, conv, line, "commands"); err != nil {
		return err
	}
	if err := c.spendLine(th, r); err != nil {
		return err
	}
	if err := c.eraseCode(th, r); err != nil || !tell {
		return err
	}
	return c.aside(th, fullQueue("commands", "answered"))
}

// stops tells whether an order is somebody's first "no" to a plan: a denial or a
// cancellation of which none of theirs waits already. It can only keep something from
// running, so that it passes a full queue; there is one for each plan at most.
func (c *change) stops(who bot.PersonID, what bot.Outcome) (bool, error) {
	waiting := c.UntoldCancels
	switch o := what.(type) {
	case bot.Cancel:
	case bot.Decide:
		if o.Verdict != bot.Deny {
			return false, nil
		}
		waiting = c.UntoldDecisions
	default:
		return false, nil
	}
	xs, err := waiting()
	return !slices.ContainsFunc(xs, func(x store.Effect) bool {
		d, decides := x.What.(bot.Decide)
		return x.Person == who && planOf(x.What) == planOf(what) && (!decides || d.Verdict == bot.Deny)
	}), err
}

// orderTurnedAway refuses what a command came to, likewise.
func (c *change) orderTurnedAway(conv bot.Thread, r store.Request, tell bool) error {
	line, _ := c.f.o.Interpreter.WithoutCode(r.Line)
	if err := c.journalTurnedAway(r.Person, *conv.State.Conversation, line, "orders"); err != nil || !tell {
		return err
	}
	return c.aside(conv, fullQueue("orders", "done"))
}

func (c *change) journalTurnedAway(who bot.PersonID, conv bot.ConversationState, line, what string) error {
	f := map[string]string{"room": string(conv.Room), "message": string(conv.Message), "line": line}
	if conv.Account != "" {
		f["account"] = string(conv.Account)
	}
	return c.journal(journal.Entry{Kind: journal.KindRefusal, By: who, Fields: f,
		Text: fmt.Sprintf("a line of %s was refused: %d %s of theirs wait", who, mostOpen, what)})
}

func fullQueue(what, until string) bot.Message {
	return bot.Message{Tone: bot.ToneWarning, Title: bot.Quoted(fmt.Sprintf(
		"%d %s of yours wait; I take no more but a denial or a cancellation of each plan, reactions included, until one of them is %s. This one is not done: give it again then.", mostOpen, what, until))}
}

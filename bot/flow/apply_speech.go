package flow

import (
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// said takes a person's message: a command becomes a request, which a worker
// runs; talk between people is left alone.
func (c *change) said(e bot.Said) error {
	if _, ok := c.s.Rooms[e.Room]; !ok {
		return nil
	}
	line := strings.TrimSpace(e.Text)
	if line == "" && e.Addressed {
		line = "help" // our name alone: who is new asks so
	}
	if line == "" || !c.f.o.Interpreter.Meant(line, e.Addressed || e.Private) {
		return nil
	}
	person, ok := c.s.Person(e.Chat, e.User)
	if !ok {
		return c.stranger(e.Chat, e.User, bot.ConversationState{Room: e.Room, Message: e.ID, Root: e.Root, At: e.At}, "")
	}
	conv := bot.ConversationState{Room: e.Room, Message: e.ID, Root: e.Root, By: person.ID, Account: e.User, At: e.At}
	if e.Root != "" {
		v, ok, err := c.ViewByRoot(e.Room, e.Root)
		if err != nil {
			return err
		}
		if !ok || !v.OwnRoot {
			var th bot.Thread
			if v, th, ok, err = c.formerRoot(e.Room, e.Root); err != nil {
				return err
			}
			ok = ok && th.Kind != bot.ThreadPlan // they cannot read it there, and do not mean it
		}
		if ok && v.OwnRoot {
			conv.About = v.Thread
		}
	}
	return c.request(conv, line, e.At)
}

// formerRoot finds the thread that had a root which is deleted: people go on below what
// is left of it.
func (c *change) formerRoot(room bot.RoomID, root bot.MessageID) (v store.View, th bot.Thread, ok bool, err error) {
	s, ok, err := c.SendByRemote(room, root)
	if err != nil || !ok || s.Kind != bot.SendRoot && s.Kind != bot.SendEdit {
		return v, th, false, err
	}
	if th, ok, err = c.Thread(s.Thread); err != nil || !ok {
		return v, th, false, err
	}
	v, ok, err = c.View(s.Thread, room)
	return v, th, ok, err
}

// pressed takes a button or a reaction: it counts only on a message of ours, and
// only when it stands for a command there.
func (c *change) pressed(e bot.Pressed) error {
	v, ok, err := c.ViewByMessage(e.Room, e.Target)
	if err == nil && ok && !v.OwnRoot {
		// A conversation's: people had talked to us below a root that is gone.
		v, _, ok, err = c.formerRoot(e.Room, e.Target)
	}
	if err != nil || !ok || !v.OwnRoot {
		return err
	}
	th, ok, err := c.Thread(v.Thread)
	if err != nil || !ok {
		return err
	}
	former := th.Kind == bot.ThreadPlan && e.Target != v.Root
	if former && e.Action == "" {
		return nil // a plan is agreed to at its head alone; below, people only nod to each other
	}
	line := e.Action
	if line == "" {
		a, ok := view.ActionFor(th, e.Emoji)
		if !ok {
			return nil
		}
		line = a.Name
	}
	person, ok := c.s.Person(e.Chat, e.User)
	if !ok {
		// Who is not told would take it for done.
		return c.stranger(e.Chat, e.User, bot.ConversationState{Room: e.Room, Message: e.ID, Root: v.Root, Press: true, At: e.At}, th.ID)
	}
	conv := bot.ConversationState{Room: e.Room, Message: e.ID, Root: v.Root, About: v.Thread, By: person.ID, Press: true, Account: e.User, At: e.At}
	if former {
		return c.aside(c.newConversation(conv), bot.Message{Title: bot.Line(bot.T("The message that you pressed was deleted, so nothing was done. Look at the one in its place, and press there."))})
	}
	return c.request(conv, line, e.At)
}

// request stores a command with the conversation in which its answer is said.
// It is done before anybody sees an answer, and it is done once: the event's id
// was noted in this transaction.
func (c *change) request(conv bot.ConversationState, line string, said time.Time) error {
	r := store.Request{ID: c.f.o.IDs.Request(), Room: conv.Room, Person: conv.By, Line: line, SaidAt: said, At: c.now, NextTry: c.now}
	open, err := c.CountOpenRequests(conv.By)
	if err != nil {
		return err
	}
	if full, tell, err := c.full(metaFullCommands, open, conv.By); err != nil {
		return err
	} else if full {
		if passes, err := c.stopsWaiting(conv, line); err != nil {
			return err
		} else if !passes {
			return c.turnAway(conv, r, tell)
		}
	}
	th := c.newConversation(conv)
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	r.Thread = th.ID
	return c.PutRequest(r)
}

// newConversation is a thread whose root is somebody's message: only its log is
// said. It is closed from the start, since nothing in it changes.
func (c *change) newConversation(conv bot.ConversationState) bot.Thread {
	th := c.newThread(bot.ThreadConversation, "conversation")
	th.Version, th.ClosedAt = 0, c.now
	th.State.Conversation = &conv
	return th
}

// aside says something in a conversation that only whoever is answered needs to see.
func (c *change) aside(th bot.Thread, m bot.Message) error {
	m.Aside = true
	return c.answer(th, m)
}

// answer says something in a conversation.
func (c *change) answer(th bot.Thread, m bot.Message) error {
	conv := th.State.Conversation
	if err := c.log(&th, "", m); err != nil {
		return err
	}
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	v, ok, err := c.View(th.ID, conv.Room)
	if err != nil {
		return err
	}
	if !ok {
		v = store.View{Thread: th.ID, Room: conv.Room, Root: conv.Root, Priority: store.PriorityAnswer}
	}
	return c.PutView(v, th, c.now)
}

// strangerPause is how often one unknown account is told that it is unknown, of its
// presses on each thread by itself.
const strangerPause = time.Hour

// stranger is polite to people who are not configured, and not too often.
func (c *change) stranger(chat bot.ChatID, user bot.UserID, conv bot.ConversationState, pressed bot.ThreadID) error {
	what := "a command"
	if pressed != "" {
		what = "a press"
	}
	c.f.log.Warn(what+" by somebody unknown was refused", "chat", chat, "room", conv.Room, "user", user)
	fresh, err := c.FirstSeen("stranger "+string(chat), string(user)+" "+string(pressed)+" "+c.now.Truncate(strangerPause).Format(time.RFC3339), c.now)
	if err != nil || !fresh {
		return err
	}
	e := journal.Entry{Kind: journal.KindRefusal, Text: what + " by somebody unknown was refused",
		Fields: map[string]string{"account": string(user), "room": string(conv.Room), "chat": string(chat)}}
	if pressed != "" {
		e.Fields[journal.FieldThread] = string(pressed)
	}
	if err := c.journal(e); err != nil {
		return err
	}
	conv.Account = user
	return c.aside(c.newConversation(conv), bot.Message{Title: bot.Line(
		bot.T("I answer only to the people in my configuration. Its keeper can add your account: "), bot.M(string(user)))})
}

// withdrawn takes back what a message or a reaction had done, as far as it can
// be taken back.
func (c *change) withdrawn(e bot.Withdrawn) error {
	v, ok, err := c.ViewByRoot(e.Room, e.Target)
	if err != nil {
		return err
	}
	if ok && v.OwnRoot {
		return c.rootGone(v)
	}
	if err := c.partGone(e); err != nil {
		return err
	}
	if err := c.callOff(e); err != nil {
		return err
	}
	if err := c.decisionWithdrawn(e); err != nil {
		return err
	}
	return c.pressWithdrawn(e)
}

// callOff drops a command whose message or reaction is gone before it was obeyed.
func (c *change) callOff(e bot.Withdrawn) error {
	requests, err := c.OpenRequests(e.Room)
	if err != nil {
		return err
	}
	for _, r := range requests {
		th, ok, err := c.Thread(r.Thread)
		if err != nil {
			return err
		}
		if !ok || th.State.Conversation == nil || th.State.Conversation.Message != e.Target {
			continue
		}
		r.Done = true
		if err := c.PutRequest(r); err != nil {
			return err
		}
		if line, had := c.f.o.Interpreter.WithoutCode(r.Line); had {
			if err := c.ForgetLine(r.ID, line); err != nil {
				return err
			}
			if err := c.spendLine(th, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// rootGone makes a thread's root anew: what hangs below a deleted message is
// seen by nobody.
func (c *change) rootGone(v store.View) error {
	th, ok, err := c.Thread(v.Thread)
	if err != nil || !ok {
		return err
	}
	if err := c.DropSends(v.Thread, v.Room); err != nil {
		return err
	}
	if conv := th.State.Conversation; conv != nil && !conv.Lost {
		// Whoever asked still wants to know.
		conv.Lost, conv.Root, v.Root = true, "", ""
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		return c.PutView(v, th, c.now)
	}
	if !th.Open() {
		// Somebody tidied up. What is over need not come back, but what fires again
		// needs a root that people can see.
		v.Root, v.Offered, v.ShownVersion, v.SaidSeq = "", 0, th.Version, th.LastSeq
		v.Remade++
		return c.PutView(v, th, c.now)
	}
	v.Root, v.ShownVersion, v.Offered = "", 0, 0
	v.Remade++
	if th.Kind == bot.ThreadPlan {
		planHidden(&th, &v)
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
	}
	return c.PutView(v, th, c.now)
}

// pressWithdrawn takes an ack back that was given by the reaction.
func (c *change) pressWithdrawn(e bot.Withdrawn) error {
	threads, err := c.ThreadsAckedBy(e.Target)
	if err != nil || len(threads) == 0 {
		return err
	}
	p, ok := c.s.Person(e.Chat, e.User)
	if !ok || p.ID != threads[0].State.Alert.Ack.By {
		return nil
	}
	return c.dropAck(threads[0], p.ID)
}

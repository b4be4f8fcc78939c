package console

import (
	"context"
	"strings"
	"time"
	"unicode"

	"watchstander/bot"
)

// takeTime bounds one line's way into the state. It is longer than a commit may
// take, so that as a rule the answer is known.
const takeTime = 45 * time.Second

// typed is a line that the sink was given, with the client it came from.
type typed struct {
	said said
	from *client
}

// say gives a person's line to the sink. The person is told that it is taken
// only when it is committed.
func (cl *client) say(ctx context.Context, s say) {
	if why := faultOf(s); why != "" {
		cl.refuse(refused{N: s.N, Why: why})
		return
	}
	now := time.Now().Round(0).UTC().Truncate(time.Millisecond)
	name, _ := cl.c.o.Person(cl.user)
	t := typed{from: cl, said: said{At: now, ID: messageID(cl.user, cl.session, s.N), User: cl.user, Name: name, Thread: s.Thread, Text: cl.c.o.Hide(s.Text)}}
	if s.Thread > 0 {
		root, ok := cl.c.rootOf(s.Thread)
		if !ok {
			cl.refuse(refused{N: s.N, Why: noThread(s.Thread)})
			return
		}
		t.said.Root = root
	}
	cl.c.await(t)
	take, cancel := context.WithTimeout(ctx, takeTime)
	defer cancel()
	err := cl.sink.Take(take, bot.Batch{Source: string(cl.c.o.ID), Events: []bot.Event{bot.Said{
		Chat: cl.c.o.ID, Room: cl.c.o.Room, ID: t.said.ID, Root: t.said.Root, User: cl.user,
		// Whoever types here speaks to the bot.
		Text: s.Text, At: now, Addressed: true,
	}}})
	if err != nil {
		cl.c.abandon(t.said.ID)
		cl.c.log.Error("a console's line was not taken", "user", cl.user, "id", t.said.ID, "err", err)
		cl.refuse(refused{N: s.N, Why: bot.ForPeople(err), Again: true})
		return
	}
	cl.c.settle(t.said.ID)
	cl.out.put(true, line(toClient{Taken: &taken{s.N}}))
}

func (cl *client) refuse(r refused) { cl.out.put(true, line(toClient{Refused: &r})) }

// faultOf tells why a line cannot be taken, "" when it can.
func faultOf(s say) string {
	switch {
	case s.N <= 0:
		return "It has no number."
	case strings.TrimSpace(s.Text) == "":
		return "It is empty."
	case len(s.Text) > maxText:
		return "It is longer than 8 KiB."
	case strings.ContainsFunc(withoutSignature(s.Text), func(r rune) bool { return r != '\t' && unicode.IsControl(r) }):
		return "It holds control characters."
	case s.Thread < 0 || s.Thread > maxThread:
		return noThread(s.Thread)
	}
	return ""
}

// await notes a line whose commit is under way.
func (c *Chat) await(t typed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[t.said.ID] = t
}

func (c *Chat) abandon(id bot.MessageID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// settle writes a committed line into the transcript and shows it to the other
// clients.
func (c *Chat) settle(id bot.MessageID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled(id)
}

// settled does it once. An answer can come before the sink's own word: then it
// is called first for the answer's sake, and the question stands before it.
func (c *Chat) settled(id bot.MessageID) {
	t, ok := c.waiting[id]
	if !ok {
		return
	}
	delete(c.waiting, id)
	if c.transcript.saidIDs[id] {
		return // said once more, and recognised
	}
	b := line(toClient{Said: &t.said})
	if err := c.transcript.say(b, t.said); err != nil {
		c.log.Error("a typed line is missing in the console's transcript", "id", id, "err", err)
	}
	c.tell(b, t.from)
}

// rootOf finds a thread by its short number.
func (c *Chat) rootOf(number int) (bot.MessageID, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	th := c.transcript.byNum[number]
	if th == nil {
		return "", false
	}
	return bot.MessageID(th.env.Key), true
}

package bottest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/contract"
)

// TestContract asks of the stories' chat what is asked of the real ones: a story
// is worth no more than its chat is like them.
func TestContract(t *testing.T) {
	const finished = "a story hears finished events: what adapters leave out never comes up"
	contract.Run(t, contract.Subject{Place: newPlace, Lacks: map[contract.Ability]string{
		contract.Edits:       finished,
		contract.Notices:     finished,
		contract.Forgery:     "people's words do not stand among the posts",
		contract.Refusals:    "what it cannot read is all that it turns down for good by itself",
		contract.Revocation:  "there are no credentials",
		contract.Credentials: "there are no credentials",
		contract.Variants:    finished,
		contract.OtherRooms:  "rooms are whatever the story's configuration names",
		contract.Display:     "a post is kept as the message that it was, and drawn by nobody",
	}})
}

func newPlace(*testing.T) *contract.Place {
	c := NewChat("matrix")
	w := &witness{c: c}
	return &contract.Place{
		Chat: c.ID, Room: "ops",
		// The chat is the platform as well; what restarts is its Run.
		Make:   func(*testing.T, contract.Setup) (bot.Chat, func()) { return c, func() {} },
		Person: w.person(),
		Trouble: contract.Trouble{
			LoseReply: func(*testing.T) {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.lost = func(bot.Sending) error {
					c.lost = nil
					return &bot.Refusal{Kind: bot.Unsure, Cause: errors.New("the answer was lost")}
				}
			},
			Busy: func(_ *testing.T, wait time.Duration) func() {
				set := func(f func(bot.Sending) error) {
					c.mu.Lock()
					defer c.mu.Unlock()
					c.fault = f
				}
				set(func(bot.Sending) error { return &bot.Refusal{Kind: bot.Busy, After: wait} })
				return func() { set(nil) }
			},
			Powerless: func(*testing.T) {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.eraseFault = func() error {
					return &bot.Refusal{Kind: bot.Forbidden, Cause: bot.Errorf(bot.CodeForbidden, "I may not.")}
				}
			},
			Unplug: func(*testing.T) func() { c.Unplug(true); return func() { c.Unplug(false) } },
			Nobody: func(*testing.T, contract.Setup) (bot.Chat, func()) {
				down := NewChat("matrix")
				down.Unplug(true)
				return down, func() {}
			},
		},
	}
}

// witness is a person of a story.
type witness struct {
	c *Chat
	n int
}

const aliceHere = bot.UserID("@alice:example.org")

func (w *witness) person() contract.Person {
	return contract.Person{
		User: aliceHere,
		Say:  func(_ *testing.T, text string) bot.MessageID { return w.say("", text) },
		SayIn: func(_ *testing.T, root bot.MessageID, text string) bot.MessageID {
			return w.say(root, text)
		},
		React: func(_ *testing.T, target bot.MessageID, emoji string) bot.MessageID {
			id := w.next()
			w.c.Hear(bot.Pressed{Chat: w.c.ID, Room: "ops", ID: id, Target: target, User: aliceHere, Emoji: emoji, At: time.Now().UTC()})
			return id
		},
		Withdraw: func(_ *testing.T, id bot.MessageID) { w.withdraw(id) },
		Delete: func(_ *testing.T, id bot.MessageID) {
			w.c.Delete(id)
			w.withdraw(id)
		},
		See: w.see,
	}
}

func (w *witness) next() bot.MessageID {
	w.n++
	return bot.MessageID(fmt.Sprintf("u%d", w.n))
}

func (w *witness) say(root bot.MessageID, text string) bot.MessageID {
	id := w.next()
	w.c.Hear(bot.Said{Chat: w.c.ID, Room: "ops", ID: id, Root: root, User: aliceHere, Text: text, At: time.Now().UTC()})
	return id
}

func (w *witness) withdraw(target bot.MessageID) {
	w.c.Hear(bot.Withdrawn{Chat: w.c.ID, Room: "ops", ID: w.next(), Target: target, User: aliceHere, At: time.Now().UTC()})
}

func (w *witness) see(*testing.T) (posts []contract.Post) {
	for _, x := range w.c.Words("ops") {
		if x.Erased == "" {
			posts = append(posts, contract.Post{ID: x.Said.ID, Root: x.Said.Root, Faces: []string{x.Said.Text}})
		}
	}
	for _, p := range w.c.Posts("ops") {
		if p.Gone {
			continue
		}
		x := contract.Post{ID: p.ID, Mine: true, Root: p.Root, Answers: p.ReplyTo, Faces: []string{p.Text()}, Offers: p.Offers, Markup: len(p.Message.Actions) > 0}
		look := func(t bot.Text) {
			for _, s := range t {
				x.Markup = x.Markup || s.Style != bot.Plain || s.URL != ""
				if s.URL != "" {
					x.Links = append(x.Links, s.URL)
				}
			}
		}
		look(p.Message.Title)
		look(p.Message.Note)
		for _, b := range p.Message.Blocks {
			switch b := b.(type) {
			case bot.Para:
				look(b.Text)
				continue
			case bot.Picture:
				x.Attachments = append(x.Attachments, contract.Attachment{Name: b.Name, Picture: true, Data: b.PNG})
			case bot.File:
				x.Attachments = append(x.Attachments, contract.Attachment{Name: b.Name, Data: b.Data})
			}
			x.Markup = true
		}
		posts = append(posts, x)
	}
	return posts
}

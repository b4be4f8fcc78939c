package flow

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
)

// literal takes every line for a command, and codes out of lines.
type literal struct{ Interpreter }

func (literal) Meant(string, bool) bool { return true }

func (literal) Interpret(context.Context, string, bot.Call) (bot.Outcome, error) {
	return bot.Say{Message: bot.Message{Title: bot.Quoted("done")}}, nil
}

func (literal) Codes(string) []string { return nil }

func (literal) Stops(line string, inThread bool) (word string, plan bot.PlanID, ok bool) {
	word, id, _ := strings.Cut(line, " ")
	return word, bot.PlanID(id), (word == "deny" || word == "cancel") && (id != "" || inThread)
}

func (literal) WithoutCode(line string) (string, bool) {
	masked := strings.ReplaceAll(line, "123456", "CODE")
	return masked, masked != line
}

// One account's lines do not pile up: of what is beyond eight it hears once until
// there is room again, and each refused line is journaled, without a code in it.
func TestOnePersonsCommandsDoNotPileUp(t *testing.T) {
	f, take := newFlow(t)
	f.o.Interpreter = literal{}
	f.settings.Load().Person = func(_ bot.ChatID, u bot.UserID) (bot.Person, bool) { return bot.Person{ID: bot.PersonID(u)}, true }
	n := 0
	say := func(who bot.UserID, line string) {
		n++
		take(bot.Said{ID: bot.MessageID(fmt.Sprint("e", n)), Room: "ops", User: who, Text: line, At: time.Now()})
	}
	// look tells how many commands wait, how many were refused, and how many answers
	// stand in the log of conversations.
	look := func() (open, refused, answers int) {
		t.Helper()
		if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
			rs, err := tx.OpenRequests("ops")
			if err != nil {
				return err
			}
			open, refused, answers = len(rs), 0, 0
			for e, err := range tx.JournalAll() {
				if err != nil {
					return err
				}
				if e.Kind == journal.KindRefusal {
					refused++
					if strings.Contains(e.Fields["line"], "123456") {
						t.Error("the journal holds a code")
					}
				}
			}
			vs, err := tx.DueViews("ops", time.Now().Add(time.Hour), 1000)
			answers = len(vs)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return open, refused, answers
	}
	for range 20 {
		say("mallory", "approve pln_X 123456")
	}
	say("alice", "status")
	if open, refused, answers := look(); open != mostOpen+1 || refused != 20-mostOpen || answers != 1 {
		t.Errorf("%d wait, %d were refused, %d answers", open, refused, answers)
	}
	var first bot.RequestID
	if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
		rs, err := tx.OpenRequests("ops")
		first = rs[0].ID
		return err
	}); err != nil {
		t.Fatal(err)
	}
	take(bot.Answered{Request: first, Outcome: bot.Say{}, At: time.Now()})
	say("mallory", "status")
	say("mallory", "status")
	say("mallory", "status")
	if open, refused, answers := look(); open != mostOpen+1 || refused != 22-mostOpen || answers != 3 {
		t.Errorf("after one was answered %d wait, %d were refused, %d answers", open, refused, answers)
	}
}

// A "no" is not held up by what else its writer has waiting: a denial, and a
// cancellation, of each plan passes a full queue once. What lets things run does not.
func TestANoPassesAFullQueue(t *testing.T) {
	f, take := newFlow(t)
	f.o.Interpreter = literal{}
	for i := range int64(2) {
		id := bot.PlanID(fmt.Sprint("pln_", i))
		take(bot.Told{Host: "vulcan", At: time.Now(), Proposals: []bot.Proposal{
			{Plan: bot.Plan{ID: id, Host: "vulcan", Draft: bot.Draft{Summary: "restart nginx"}}, Digest: "d", State: bot.Waiting, Stamp: i + 1}}})
	}
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		c := &change{Tx: tx, f: f, s: f.settings.Load(), now: f.clock.now(), ctx: t.Context()}
		conv := c.newConversation(bot.ConversationState{Room: "ops", Message: "m", By: "alice"})
		if err := c.PutThread(conv, "", c.now); err != nil {
			return err
		}
		gives := func(what bot.Outcome) (taken bool) {
			t.Helper()
			before, err := c.CountOpenOrders("alice")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.order(conv, store.Request{ID: f.o.IDs.Request(), Person: "alice"}, what); err != nil {
				t.Fatal(err)
			}
			after, err := c.CountOpenOrders("alice")
			if err != nil {
				t.Fatal(err)
			}
			return after > before
		}
		for range mostOpen {
			if !gives(bot.Ask{Host: "mars"}) {
				t.Error("an order is refused too soon")
			}
		}
		for _, x := range []struct {
			what  bot.Outcome
			taken bool
		}{
			{bot.Ask{Host: "mars"}, false},
			{bot.Decide{Plan: "pln_0", Verdict: bot.Approve}, false},
			{bot.Decide{Plan: "pln_0", Verdict: bot.Deny}, true},
			{bot.Decide{Plan: "pln_0", Verdict: bot.Deny}, false}, // it waits already
			{bot.Decide{Plan: "pln_1", Verdict: bot.Deny}, true},
			{bot.Cancel{Plan: "pln_0"}, true},
			{bot.Cancel{Plan: "pln_0"}, false},
			{bot.Confirm{Plan: "pln_0"}, false},
		} {
			if taken := gives(x.what); taken != x.taken {
				t.Errorf("%+v is taken: %v", x.what, taken)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Nor is it held up by commands of its writer that wait for their answer: a denial and a
// cancellation of each plan that is not over pass once, typed or by a reaction.
func TestANoPassesAFullQueueOfCommands(t *testing.T) {
	f, take := newFlow(t)
	f.o.Interpreter = literal{}
	f.settings.Load().Person = func(_ bot.ChatID, u bot.UserID) (bot.Person, bool) { return bot.Person{ID: bot.PersonID(u)}, true }
	states := map[bot.PlanID]bot.ProposalState{"pln_AAAA": bot.Waiting, "pln_BBBB": bot.Waiting, "pln_CCCC": bot.Waiting, "pln_OVER": bot.Denied}
	var stamp int64
	for id, s := range states {
		stamp++
		take(bot.Told{Host: "vulcan", At: time.Now(), Proposals: []bot.Proposal{
			{Plan: bot.Plan{ID: id, Host: "vulcan", Draft: bot.Draft{Summary: "restart nginx"}}, Digest: "d", State: s, Stamp: stamp}}})
	}
	// The third plan's thread stands in the room, so that people react to it.
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		th, _, err := tx.LatestThread("plan:pln_CCCC")
		if err != nil {
			return err
		}
		return tx.PutView(store.View{Thread: th.ID, Room: "ops", Root: "root", OwnRoot: true}, th, time.Now())
	}); err != nil {
		t.Fatal(err)
	}
	open := func() (n int64) {
		t.Helper()
		if err := f.o.Store.View(t.Context(), func(tx *store.Tx) (err error) {
			n, err = tx.CountOpenRequests("alice")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := 0
	said := func(line string) bot.Event {
		return bot.Said{ID: bot.MessageID(fmt.Sprint("e", n)), Room: "ops", User: "alice", Text: line, At: time.Now()}
	}
	pressed := func(emoji string) bot.Event {
		return bot.Pressed{ID: bot.MessageID(fmt.Sprint("e", n)), Room: "ops", Target: "root", User: "alice", Emoji: emoji, At: time.Now()}
	}
	for n = range mostOpen {
		take(said("status"))
	}
	if got := open(); got != mostOpen {
		t.Fatalf("%d wait", got)
	}
	for _, x := range []struct {
		name  string
		event func() bot.Event
		taken bool
	}{
		{"a look", func() bot.Event { return said("status") }, false},
		{"an approval", func() bot.Event { return said("approve pln_AAAA") }, false},
		{"a denial", func() bot.Event { return said("deny pln_AAAA") }, true},
		{"it once more", func() bot.Event { return said("deny pln_AAAA") }, false},
		{"it by the beginning of the id", func() bot.Event { return said("deny pln_AAA") }, false},
		{"a cancellation", func() bot.Event { return said("cancel pln_AAAA") }, true},
		{"it once more", func() bot.Event { return said("cancel pln_AAAA") }, false},
		{"a denial of another plan", func() bot.Event { return said("deny pln_BBBB") }, true},
		{"a denial of what is over", func() bot.Event { return said("deny pln_OVER") }, false},
		{"a denial of no plan", func() bot.Event { return said("deny pln_NONE") }, false},
		{"a reaction that agrees", func() bot.Event { return pressed("✅") }, false},
		{"a reaction that denies", func() bot.Event { return pressed("❌") }, true},
		{"it once more", func() bot.Event { return pressed("❌") }, false},
		{"it in words", func() bot.Event { return said("deny pln_CCCC") }, false},
	} {
		n++
		before := open()
		take(x.event())
		if taken := open() > before; taken != x.taken {
			t.Errorf("%s is taken: %v", x.name, taken)
		}
	}
}

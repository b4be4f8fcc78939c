package flow

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// Somebody fills a form in while the root that it belongs to is deleted: what they say
// still counts, also where people had talked to the bot below that root. Of a plan, whose
// new root they have not read, they are told that nothing was done.
func TestAFormOfARootThatIsGone(t *testing.T) {
	f, take := newFlow(t)
	f.o.Interpreter = literal{}
	f.settings.Load().Person = func(_ bot.ChatID, u bot.UserID) (bot.Person, bool) { return bot.Person{ID: bot.PersonID(u)}, true }
	f.settings.Load().ApprovalsRoom = "ops"
	_, r := withPaper(f)
	take(fires("vulcan", "a", time.Now()))
	take(bot.Told{Host: "vulcan", At: time.Now(), Proposals: []bot.Proposal{
		{Plan: bot.Plan{ID: "pln_V", Host: "vulcan", Draft: bot.Draft{Summary: "restart nginx"}}, Digest: "d", State: bot.Waiting, Stamp: 1}}})
	post(t, r)
	root := func(kind bot.ThreadKind) (v store.View) {
		t.Helper()
		if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
			ths, err := tx.OpenThreads(kind)
			if err != nil || len(ths) != 1 {
				t.Fatal(len(ths), err)
			}
			v, _, err = tx.View(ths[0].ID, "ops")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return v
	}
	// open are the lines of the commands that wait, and what each is about.
	open := func() map[string]bot.ThreadID {
		t.Helper()
		out := map[string]bot.ThreadID{}
		if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
			rs, err := tx.OpenRequests("ops")
			if err != nil {
				return err
			}
			for _, r := range rs {
				th, _, err := tx.Thread(r.Thread)
				if err != nil {
					return err
				}
				out[r.Line] = th.State.Conversation.About
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	alert, plan := root(bot.ThreadAlert), root(bot.ThreadPlan)
	take(bot.Said{Room: "ops", ID: "e1", User: "alice", Root: alert.Root, Text: "alerts", At: time.Now()})
	take(bot.Answered{Request: request(t, f), Outcome: bot.Say{Message: bot.Message{Title: bot.Quoted("one")}}, At: time.Now()})
	post(t, r)
	for i, v := range []store.View{alert, plan} {
		take(bot.Withdrawn{Room: "ops", ID: bot.MessageID("gone" + string(v.Root)), Target: v.Root, At: time.Now()})
		if i == 0 {
			post(t, r) // the plan's is not there yet
		}
	}
	take(bot.Pressed{Room: "ops", ID: "f1", Target: alert.Root, User: "alice", Action: "silence 2h because it is mended", At: time.Now()})
	if got := open(); len(got) != 1 || got["silence 2h because it is mended"] != alert.Thread {
		t.Errorf("of the alert's form %v waits", got)
	}
	said := len(open())
	for _, e := range []bot.Event{
		bot.Pressed{Room: "ops", ID: "f2", Target: plan.Root, User: "alice", Emoji: "❌", At: time.Now()},
		bot.Pressed{Room: "ops", ID: "f3", Target: plan.Root, User: "bob", Action: "deny because the backup runs", At: time.Now()},
	} {
		take(e)
	}
	post(t, r)
	c := r.chat.(*paper)
	told := strings.Count(strings.Join(c.said(), "\n"), "nothing was done")
	if got := open(); len(got) != said || told != 1 {
		t.Errorf("of the plan's form %v waits, and it is told %d times that nothing was done:\n%s", got, told, strings.Join(c.said(), "\n"))
	}
}

// request is the only command that waits.
func request(t *testing.T, f *Flow) (id bot.RequestID) {
	t.Helper()
	if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
		rs, err := tx.OpenRequests("ops")
		if err != nil || len(rs) != 1 {
			t.Fatal(len(rs), err)
		}
		id = rs[0].ID
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

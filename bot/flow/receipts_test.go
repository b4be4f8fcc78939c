package flow

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// quick is a room whose next post reaches people before its receipt reaches the bot,
// and a person who answers or presses it at once. It tells which thread their word is
// taken to be about, which one the post begins, and how long the word waited.
func quick(t *testing.T, during func(f *Flow, s bot.Sending), e func(bot.MessageID) bot.Event) (about bot.ThreadID, thread bot.ThreadID, waited time.Duration) {
	t.Helper()
	f, take := newFlow(t)
	f.o.Interpreter = literal{}
	f.settings.Load().Person = func(bot.ChatID, bot.UserID) (bot.Person, bool) { return bot.Person{ID: "alice"}, true }
	c, r := withPaper(f)
	take(fires("vulcan", "a", time.Now()))
	done := make(chan struct{})
	c.onSend = func(_ context.Context, s bot.Sending) error {
		if s.Kind != bot.SendRoot {
			return nil
		}
		go func() {
			defer close(done)
			began := time.Now()
			if err := f.Take(t.Context(), bot.Batch{Source: "test", Events: []bot.Event{e(bot.MessageID("m" + string(s.Key)))}}); err != nil {
				t.Error(err)
			}
			waited = time.Since(began)
		}()
		time.Sleep(300 * time.Millisecond)
		during(f, s)
		return nil
	}
	post(t, r)
	<-done
	synctest.Wait()
	time.Sleep(time.Minute)
	if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
		rs, err := tx.OpenRequests("ops")
		if err != nil || len(rs) == 0 {
			return err
		}
		conv, _, err := tx.Thread(rs[0].Thread)
		if err != nil {
			return err
		}
		about = conv.State.Conversation.About
		ths, err := tx.OpenThreads(bot.ThreadAlert)
		if err == nil {
			thread = ths[0].ID
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return about, thread, waited
}

// Who answers or presses a root sooner than its receipt arrives means that root all
// the same.
func TestAWordThatComesBeforeTheReceipt(t *testing.T) {
	for what, e := range map[string]func(bot.MessageID) bot.Event{
		"an answer": func(m bot.MessageID) bot.Event {
			return bot.Said{ID: "e1", Room: "ops", Root: m, User: "u", Text: "ack looking", At: time.Now()}
		},
		"a press": func(m bot.MessageID) bot.Event {
			return bot.Pressed{ID: "e1", Room: "ops", Target: m, User: "u", Emoji: "✅", At: time.Now()}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			about, thread, waited := quick(t, func(*Flow, bot.Sending) {}, e)
			if about != thread {
				t.Errorf("%s was taken to be about %q, and the thread is %s", what, about, thread)
			}
			if waited != 300*time.Millisecond {
				t.Errorf("%s waited %v", what, waited)
			}
		})
	}
}

// Somebody else's message is none of ours, however long it is waited for: not until
// whatever is sent meanwhile has its receipt, and never longer than some seconds.
func TestAWordBelowSomebodyElsesMessageGoesOn(t *testing.T) {
	other := func(bot.MessageID) bot.Event {
		return bot.Said{ID: "e1", Room: "ops", Root: "of bob", User: "u", Text: "status", At: time.Now()}
	}
	synctest.Test(t, func(t *testing.T) {
		if about, _, waited := quick(t, func(*Flow, bot.Sending) {}, other); about != "" || waited != 300*time.Millisecond {
			t.Errorf("about %q, after %v", about, waited)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		if about, _, waited := quick(t, func(*Flow, bot.Sending) { time.Sleep(20 * time.Second) }, other); about != "" || waited != receiptWait {
			t.Errorf("about %q, after %v", about, waited)
		}
	})
}

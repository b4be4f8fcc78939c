package slack

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/integrations/slack/slackfake"
)

// listening is a chat that listens to a fake of Slack, with alice in its channel, until the
// test ends.
func listening(t *testing.T) (*witness, *Chat, *taker) {
	t.Helper()
	w := &witness{mode: "socket", fake: slackfake.New(slackfake.Options{})}
	t.Cleanup(w.fake.Close)
	w.channel, w.alice = w.fake.AddChannel(slackfake.Channel{Name: "ops"}), w.fake.AddUser(slackfake.User{Name: "alice"})
	c, err := New(w.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s := &taker{}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, s) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w, c, s
}

// A form is asked in a modal: it tells what would come of it, wants what it must have,
// and comes to one command however often Slack is told to take it.
func TestForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s := listening(t)
		time.Sleep(time.Second)
		s.took()

		parts, err := c.Encode(bot.Outgoing{Key: "key_1", Room: "ops", Kind: bot.SendRoot, Message: bot.Message{Tone: bot.ToneCritical, Title: bot.Line(bot.T("DiskFull")), Actions: []bot.Action{
			{Name: "silence", Label: "Silence until …", Form: &bot.Form{About: `Silences {alertname="<!channel> *Disk*"}: 3 alerts now.`,
				Questions: []bot.Question{{Label: "For how long?", Hint: "2h"}, {Word: "because", Label: "Why?", Hint: "Alertmanager shows it.", Optional: true, Long: true}}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Send(t.Context(), bot.Sending{Key: "key_1", Room: "ops", Kind: bot.SendRoot, Body: parts[0].Body, Since: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		at := slackfake.Ref{Channel: w.channel, TS: stamp(w.channel, r.ID)}
		if err := w.fake.Press(at, "Silence until …", w.alice); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		views, took := w.fake.Views(w.alice), s.took()
		if len(views) != 1 || views[0].Title != "Silence" || !strings.Contains(views[0].Text, `{alertname="<!channel> *Disk*"}: 3 alerts now.`) || len(views[0].Fields) != 2 || len(took) != 0 {
			t.Fatalf("asked is %+v, taken %+v", views, took)
		}
		if err := w.fake.Submit(views[0].ID, map[string]string{"answer1": "no time is given"}); err == nil {
			t.Error("it can be sent without a time")
		}
		if err := w.fake.Submit(views[0].ID, map[string]string{"answer0": "2h", "answer1": "the disk\nis changed"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if took = s.took(); len(took) != 1 || took[0].(bot.Pressed).Action != "silence 2h because the disk is changed" || took[0].(bot.Pressed).Target != r.ID {
			t.Errorf("taken is %+v", took)
		}
		if v, _ := w.fake.View(views[0].ID); v.Open {
			t.Error("the modal stays")
		}
		if x := append(w.fake.Faults(), refusedBy(w)...); len(x) > 0 || len(w.fake.Pings()) > 0 {
			t.Errorf("Slack says %v, and pings %v", x, w.fake.Pings())
		}
	})
}

// A modal that Slack does not open in the time that its trigger lives holds up nothing
// else that the connection brings: it is acknowledged within Slack's three seconds of
// that.
func TestAFormThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s := listening(t)
		time.Sleep(time.Second)
		parts, err := c.Encode(bot.Outgoing{Key: "key_1", Room: "ops", Kind: bot.SendRoot, Message: bot.Message{Title: bot.Line(bot.T("DiskFull")), Actions: []bot.Action{
			{Name: "deny", Label: "Deny", Form: &bot.Form{Questions: []bot.Question{{Label: "Why?"}}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Send(t.Context(), bot.Sending{Key: "key_1", Room: "ops", Kind: bot.SendRoot, Body: parts[0].Body, Since: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		w.fake.Trouble(slackfake.Trouble{What: slackfake.TakeAndHang, Method: "views.open"})
		if err := w.fake.Press(slackfake.Ref{Channel: w.channel, TS: stamp(w.channel, r.ID)}, "Deny", w.alice); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.took()
		w.fake.Say(w.channel, w.alice, "status", "")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if took := s.took(); len(took) != 1 {
			t.Errorf("three seconds later %+v is taken", took)
		}
	})
}

package slack

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/integrations/slack/slackfake"
)

// A connection that dies takes along what Slack had sent over it. The other one, which
// still stands, lets nothing run before that was read back, though Slack tells of it again
// only later.
func TestOneOfTwoConnectionsDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &absence{t: t, witness: &witness{mode: "socket"}, sink: &taker{}}
		a.fake = slackfake.New(slackfake.Options{Retries: []time.Duration{time.Hour}})
		defer a.fake.Close()
		a.channel, a.alice = a.fake.AddChannel(slackfake.Channel{Name: "ops"}), a.fake.AddUser(slackfake.User{Name: "alice"})
		o := a.options()
		o.Connections, o.Behind = 2, func(line string) bool { return strings.HasPrefix(line, "approve") }
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx, a.sink) }()
		time.Sleep(apart + time.Minute)
		if n := a.fake.Connections(); n != 2 {
			t.Fatalf("%d connections stand", n)
		}
		a.fake.Mute(1)
		for _, said := range []string{"deny 1", "deny 2"} { // one of them over the silent one
			a.fake.Say(a.channel, a.alice, said, "")
			time.Sleep(time.Second)
		}
		if got := inWords(a.sink.took()); len(got) != 1 {
			t.Fatalf("before it is known to be dead, %q are taken", got)
		}
		a.fake.Cut(1)
		time.Sleep(time.Second)
		for _, said := range []string{"approve 1", "approve 2"} {
			a.fake.Say(a.channel, a.alice, said, "")
			time.Sleep(5 * time.Second)
		}
		got := inWords(a.sink.took())
		if len(got) != 3 || !strings.HasPrefix(got[0], "said deny") || !slices.Equal(got[1:], []string{"said approve 1", "said approve 2"}) {
			t.Errorf("taken are %q, want the denial first", got)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// In HTTP mode Slack may call before it is known who we are. What other apps say then is
// nothing to be taken, and moves the place no further than all that was missed before.
func TestCalledBeforeAllIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := away(t, "http")
		time.Sleep(time.Hour)
		a.fake.Trouble(slackfake.Trouble{What: slackfake.Fail, Method: "auth.test", Times: 3})
		_, end := a.life()
		defer end()
		time.Sleep(500 * time.Millisecond)
		a.fake.BotSays(a.channel, "U0OTHER", "B0OTHER", "a deployment began", "")
		time.Sleep(5 * time.Minute)
		if got, want := inWords(a.sink.took()), []string{"said missed"}; !slices.Equal(got, want) {
			t.Errorf("taken are %q, want %q", got, want)
		}
	})
}

// A thread of which more was said than is read back leaves a gap that is told, as a
// channel does.
func TestAThreadTooLongToBeReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := away(t, "socket")
		a.fake.SetLimits(slackfake.Limits{Off: true, MostHistory: 15})
		for range 15*maxPages + 5 {
			a.fake.Say(a.channel, a.alice, "in the thread", a.root.TS)
		}
		time.Sleep(10 * time.Minute)
		_, end := a.life()
		defer end()
		time.Sleep(time.Minute)
		got := inWords(a.sink.took())
		if i := slices.IndexFunc(got, func(s string) bool {
			return strings.HasPrefix(s, "unread After an outage only the oldest 140 messages in a thread")
		}); i < 0 {
			t.Errorf("%d are taken, and none of them tells that there is more: %q", len(got), slices.DeleteFunc(got, func(s string) bool { return s == "said in the thread" }))
		}
	})
}

// Where Slack does not let the bot read what was said, an approval does nothing: people are
// told why and what to do, until it is mended.
func TestHistoryIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := away(t, "socket")
		lift := a.fake.Trouble(slackfake.Trouble{What: slackfake.Refuse, Method: "conversations.history", Error: "missing_scope", Times: -1})
		_, end := a.life()
		defer end()
		told := func() (last bot.Troubled, found bool) {
			for _, e := range a.sink.took() {
				if e, ok := e.(bot.Troubled); ok && e.Subject == "slack chat slack unread" {
					last, found = e, true
				}
			}
			return last, found
		}
		time.Sleep(time.Minute)
		if e, found := told(); !found || e.Over || !strings.Contains(e.Text, "missing_scope") || !strings.Contains(e.Text, "install the app again") || !strings.Contains(e.Text, "no approval") {
			t.Errorf("people are told %+v", e)
		}
		lift()
		time.Sleep(time.Minute)
		if e, found := told(); !found || !e.Over {
			t.Errorf("once it is mended, they are told %+v", e)
		}
	})
}

// What passes by itself troubles nobody.
func TestHistoryFailsForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := away(t, "socket")
		a.fake.Trouble(slackfake.Trouble{What: slackfake.Fail, Method: "conversations.history", Times: 2})
		_, end := a.life()
		defer end()
		time.Sleep(5 * time.Minute)
		for _, e := range a.sink.took() {
			if e, ok := e.(bot.Troubled); ok && !e.Over {
				t.Errorf("people are told %+v", e)
			}
		}
	})
}

// Where Slack calls us, and could not for longer than it tries, what was said is found all
// the same, and before anything that it may speak against.
func TestSlackCannotReachUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := away(t, "http")
		_, end := a.life()
		defer end()
		time.Sleep(time.Minute)
		a.sink.took()
		a.door.lock(true)
		a.fake.Say(a.channel, a.alice, "deny 1", "")
		time.Sleep(20 * time.Minute)
		a.door.lock(false)
		time.Sleep(lookBackEvery + lookEvery)
		a.fake.Say(a.channel, a.alice, "approve 1", "")
		time.Sleep(time.Minute)
		if got, want := inWords(a.sink.took()), []string{"said deny 1", "said approve 1"}; !slices.Equal(got, want) {
			t.Errorf("taken are %q, want %q", got, want)
		}
	})
}

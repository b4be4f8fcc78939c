package slack

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/integrations/slack/slackfake"
)

// absence is a channel in which things happen while the bot is away, and a Slack whose
// history can be held back.
type absence struct {
	*witness
	t    *testing.T
	sink *taker
	hold atomic.Pointer[chan struct{}]
	root slackfake.Ref
}

// away has the bot post a message with buttons, go away, and miss "missed". Slack tries
// again to tell of things as it does, or after retries.
func away(t *testing.T, mode string, retries ...time.Duration) *absence {
	t.Helper()
	a := &absence{t: t, witness: &witness{mode: mode}, sink: &taker{}}
	o := slackfake.Options{Retries: retries}
	if mode == "http" {
		o.RequestURL, o.Deliver, o.SigningSecret = "https://bot.example/slack", slackfake.Handler(&a.door), signing
	}
	a.fake = slackfake.New(o)
	t.Cleanup(a.fake.Close)
	a.channel, a.alice = a.fake.AddChannel(slackfake.Channel{Name: "ops"}), a.fake.AddUser(slackfake.User{Name: "alice"})
	c, end := a.life()
	time.Sleep(time.Second)
	parts, err := c.Encode(bot.Outgoing{Key: "key_1", Room: "ops", Kind: bot.SendRoot, Message: bot.Message{Title: bot.Line(bot.T("DiskFull")), Actions: []bot.Action{
		{Name: "ack", Label: "Ack"}, {Name: "approve", Label: "Approve"}, {Name: "deny", Label: "Deny", Form: &bot.Form{Questions: []bot.Question{{Label: "Why?"}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Send(t.Context(), bot.Sending{Key: "key_1", Room: "ops", Kind: bot.SendRoot, Body: parts[0].Body, Since: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	a.root = slackfake.Ref{Channel: a.channel, TS: stamp(a.channel, r.ID)}
	synctest.Wait()
	end()
	a.fake.Say(a.channel, a.alice, "missed", "")
	time.Sleep(10 * time.Minute) // longer than Slack tries to tell of it
	a.sink.took()
	return a
}

// holding keeps the answers back with which Slack gives its history.
type holding struct {
	http.RoundTripper
	hold *atomic.Pointer[chan struct{}]
}

func (h holding) RoundTrip(q *http.Request) (*http.Response, error) {
	resp, err := h.RoundTripper.RoundTrip(q)
	if held := h.hold.Load(); err == nil && held != nil && strings.HasSuffix(q.URL.Path, "/conversations.history") {
		select {
		case <-*held:
		case <-q.Context().Done():
			_ = resp.Body.Close()
			return nil, q.Context().Err()
		}
	}
	return resp, err
}

// life runs the bot from where the last one ended, until end.
func (a *absence) life() (c *Chat, end func()) {
	a.t.Helper()
	o := a.options()
	o.Cursor, o.RoundTripper = a.sink.stored(), holding{o.RoundTripper, &a.hold}
	o.Behind = func(line string) bool { return strings.HasPrefix(line, "approve") }
	c, err := New(o)
	if err != nil {
		a.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, a.sink) }()
	if a.mode == "http" {
		a.door.open(c.Handler())
	}
	return c, func() {
		a.t.Helper()
		a.door.open(nil)
		stop()
		if err := <-ended; err != nil {
			a.t.Error(err)
		}
		c.Close()
	}
}

func (a *absence) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond) // what comes next comes later
}

// inWords are events in a few words: but for the news that rooms are well.
func inWords(events []bot.Event) (all []string) {
	for _, e := range events {
		switch e := e.(type) {
		case bot.Said:
			all = append(all, "said "+e.Text)
		case bot.Pressed:
			all = append(all, "pressed "+e.Action)
		case bot.Withdrawn:
			all = append(all, "gone "+string(e.Target))
		case bot.Undecodable:
			all = append(all, "unread "+e.Reason)
		}
	}
	return all
}

// unacknowledged are the presses and commands that Slack lost: their people saw a warning.
func (a *absence) unacknowledged() (kinds []string) {
	for _, l := range a.fake.Lost() {
		if l.Kind != "events_api" {
			kinds = append(kinds, l.Kind)
		}
	}
	return kinds
}

// While history is read back, what is pressed or given with a slash is stored and
// acknowledged at once; what lets something run waits behind what was said before it, and
// is obeyed then. The place of what is read is left alone: nothing of it is missed, also
// where the bot is killed before it was given.
func TestPressedWhileReadingBack(t *testing.T) {
	for _, mode := range []string{"socket", "http"} {
		for _, killed := range []bool{false, true} {
			t.Run(mode+map[bool]string{true: " and killed"}[killed], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := away(t, mode)
					held := make(chan struct{})
					a.hold.Store(&held)
					_, end := a.life()
					synctest.Wait()

					a.must(a.fake.Press(a.root, "Ack", a.alice))
					a.must(a.fake.Slash("/ws", "status", a.alice, a.channel))
					a.must(a.fake.Press(a.root, "Deny", a.alice))
					synctest.Wait()
					views := a.fake.Views(a.alice)
					if len(views) != 1 {
						t.Fatalf("%d questions are asked while history is read", len(views))
					}
					a.must(a.fake.Submit(views[0].ID, map[string]string{"answer0": "too big"}))
					synctest.Wait()
					if got, want := inWords(a.sink.took()), []string{"pressed ack", "said status", "pressed deny too big"}; !slices.Equal(got, want) {
						t.Errorf("taken at once are %q, want %q", got, want)
					}
					time.Sleep(4 * time.Second)
					if lost := a.unacknowledged(); len(lost) > 0 || a.fake.Figures().LateAcks > 0 || a.fake.Pending() > 0 {
						t.Errorf("not acknowledged in time are %q, %d late, %d still", lost, a.fake.Figures().LateAcks, a.fake.Pending())
					}
					if mode == "socket" {
						a.must(a.fake.Press(a.root, "Approve", a.alice))
						a.fake.Say(a.channel, a.alice, "meanwhile", "")
						time.Sleep(time.Second)
						if got := inWords(a.sink.took()); len(got) > 0 {
							t.Errorf("%q passes what is read back", got)
						}
					}
					if killed {
						end()
						_, end = a.life()
						synctest.Wait()
					}
					a.hold.Store(nil)
					close(held)
					time.Sleep(10 * time.Minute)
					got := inWords(a.sink.took())
					want := []string{"said missed"}
					if mode == "socket" && !killed {
						want = []string{"said missed", "pressed approve"}
					}
					if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
						t.Errorf("then %q is taken, want %q first", got, want)
					}
					if mode == "socket" && !slices.Contains(got, "said meanwhile") {
						t.Errorf("what was said meanwhile is missing in %q", got)
					}
					end()
					_, end = a.life()
					time.Sleep(time.Minute)
					if got := inWords(a.sink.took()); len(got) > 0 {
						t.Errorf("in the next life %q are taken again", got)
					}
					end()
				})
			})
		}
	}
}

// A reading back that fails is made up for from where it should have begun, whatever is
// heard meanwhile.
func TestAReadingBackThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := away(t, "socket")
		a.fake.Trouble(slackfake.Trouble{What: slackfake.Fail, Method: "conversations.history", Times: 1})
		_, end := a.life()
		defer end()
		time.Sleep(time.Second)
		a.fake.Say(a.channel, a.alice, "meanwhile", "")
		time.Sleep(time.Second)
		if got := inWords(a.sink.took()); !slices.Equal(got, []string{"said meanwhile"}) {
			t.Errorf("taken are %q", got)
		}
		time.Sleep(5 * time.Minute)
		if got := inWords(a.sink.took()); !slices.Equal(got, []string{"said missed"}) {
			t.Errorf("then %q, want what was missed, once", got)
		}
	})
}

// A word that lets something run is not taken while what was said before it cannot be
// read; as a message it is found again, in its order.
func TestApproveBeforeAllIsRead(t *testing.T) {
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := away(t, mode)
				a.fake.Trouble(slackfake.Trouble{What: slackfake.Fail, Method: "conversations.history", Times: 3})
				_, end := a.life()
				defer end()
				time.Sleep(time.Second)
				a.must(a.fake.Press(a.root, "Approve", a.alice))
				a.fake.Say(a.channel, a.alice, "approve 1", "")
				time.Sleep(4 * time.Second)
				if got := inWords(a.sink.took()); len(got) > 0 {
					t.Errorf("%q passes what is not read", got)
				}
				if lost := a.unacknowledged(); !slices.Equal(lost, []string{"interactive"}) {
					t.Errorf("warnings are seen for %q, want one for the press", lost)
				}
				time.Sleep(5 * time.Minute)
				if got, want := inWords(a.sink.took()), []string{"said missed", "said approve 1"}; !slices.Equal(got, want) {
					t.Errorf("then %q, want %q", got, want)
				}
			})
		})
	}
}

// A break while history is read is made up for by another reading: what was said in it may
// lie behind what was read.
func TestABreakWhileReadingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := away(t, "socket", time.Second)
		held := make(chan struct{})
		a.fake.Trouble(slackfake.Trouble{What: slackfake.Fail, Method: "conversations.history", Times: 1})
		_, end := a.life()
		defer end()
		time.Sleep(time.Second)
		a.hold.Store(&held)
		time.Sleep(lookEvery) // it is tried again, and was answered with all that was said until now
		a.fake.Unreachable(true)
		a.fake.Cut(0)
		time.Sleep(time.Second)
		a.fake.Say(a.channel, a.alice, "in the break", "")
		time.Sleep(2 * time.Second) // Slack tells of it no more
		a.fake.Unreachable(false)
		time.Sleep(5 * time.Second) // it is connected again before the reading ends
		a.hold.Store(nil)
		close(held)
		time.Sleep(10 * time.Minute)
		if got, want := inWords(a.sink.took()), []string{"said missed", "said in the break"}; !slices.Equal(got, want) {
			t.Errorf("taken are %q, want %q", got, want)
		}
	})
}

// What is taken before a new channel was looked at is not taken again in the next life.
func TestTakenBeforeTheFirstLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &absence{t: t, witness: &witness{mode: "http"}, sink: &taker{}}
		a.fake = slackfake.New(slackfake.Options{RequestURL: "https://bot.example/slack", Deliver: slackfake.Handler(&a.door), SigningSecret: signing})
		defer a.fake.Close()
		a.channel, a.alice = a.fake.AddChannel(slackfake.Channel{Name: "ops"}), a.fake.AddUser(slackfake.User{Name: "alice"})
		o := a.options()
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.breaks.all.Add(1)
		c.setSink(a.sink)
		said := a.fake.Say(a.channel, a.alice, "first", "")
		n, _ := c.message("ops", message{Type: "message", Channel: a.channel, User: a.alice, Team: o.Team, Text: "first", TS: said.TS})
		if err := c.take(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		c.makeUp(t.Context())
		if got := inWords(a.sink.took()); !slices.Equal(got, []string{"said first"}) {
			t.Errorf("taken are %q", got)
		}
		_, end := a.life()
		time.Sleep(time.Minute)
		end()
		if got := inWords(a.sink.took()); len(got) > 0 {
			t.Errorf("in the next life %q are taken again", got)
		}
	})
}

package slack

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
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

// away has the bot post a message with buttons, go away, and miss "missed".
func away(t *testing.T, mode string) *absence {
	t.Helper()
	a := &absence{t: t, witness: &witness{mode: mode}, sink: &taker{}}
	o := slackfake.Options{}
	if mode == "http" {
		o.RequestURL, o.Deliver, o.SigningSecret = "https://bot.example/slack", slackfake.Handler(&a.door), signing
	}
	a.fake = slackfake.New(o)
	t.Cleanup(a.fake.Close)
	a.channel, a.alice = a.fake.AddChannel(slackfake.Channel{Name: "ops"}), a.fake.AddUser(slackfake.User{Name: "alice"})
	c, end := a.life()
	time.Sleep(time.Second)
	parts, err := c.Encode(bot.Outgoing{Key: "key_1", Room: "ops", Kind: bot.SendRoot, Message: bot.Message{Title: bot.Line(bot.T("DiskFull")), Actions: []bot.Action{
		{Name: "ack", Label: "Ack"}, {Name: "deny", Label: "Deny", Form: &bot.Form{Questions: []bot.Question{{Label: "Why?"}}}}}}})
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

// What comes while history is read back is stored and acknowledged at once, and handed
// over behind what was read: once, and by the next life if this one is killed.
func TestHandlerWhileReadingBack(t *testing.T) {
	for _, mode := range []string{"socket", "http"} {
		for _, killed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, killed %t", mode, killed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := away(t, mode)
					held := make(chan struct{})
					a.hold.Store(&held)
					_, end := a.life()
					synctest.Wait()
					acked := a.fake.Figures().Acked

					a.must(a.fake.Press(a.root, "Ack", a.alice))
					a.must(a.fake.Slash("/ws", "status", a.alice, a.channel))
					a.must(a.fake.Press(a.root, "Deny", a.alice))
					synctest.Wait()
					views := a.fake.Views(a.alice)
					if len(views) != 1 {
						t.Fatalf("%d questions are asked while history is read", len(views))
					}
					a.must(a.fake.Submit(views[0].ID, map[string]string{"answer0": "too big"}))
					a.fake.Say(a.channel, a.alice, "said meanwhile", "")
					a.must(nil)
					synctest.Wait()
					// All five are, before the history has been given; and not yet obeyed.
					if f := a.fake.Figures(); f.Acked != acked+5 || a.fake.Pending() > 0 {
						t.Errorf("%d of 5 are acknowledged", f.Acked-acked)
					}
					if took := a.sink.took(); len(took) > 0 {
						t.Errorf("before the history is read, %q are taken", inWords(took))
					}
					time.Sleep(4 * time.Second)
					if lost := a.unacknowledged(); len(lost) > 0 || a.fake.Figures().LateAcks > 0 {
						t.Errorf("not acknowledged in time are %q and %d", lost, a.fake.Figures().LateAcks)
					}

					if killed {
						end()
						if took := a.sink.took(); len(took) > 0 {
							t.Errorf("at the end %q are taken", inWords(took))
						}
						_, end = a.life()
						synctest.Wait()
					}
					a.hold.Store(nil)
					close(held)
					synctest.Wait()
					// What was read gets a moment to be dealt with first.
					if got, want := inWords(a.sink.took()), []string{"said missed"}; !slices.Equal(got, want) {
						t.Errorf("of the history %q are taken, want %q", got, want)
					}
					time.Sleep(10 * time.Minute)
					want := []string{"pressed ack", "said status", "pressed deny too big", "said said meanwhile"}
					if got := inWords(a.sink.took()); !slices.Equal(got, want) {
						t.Errorf("taken are %q, want %q", got, want)
					}
					if strings.Contains(a.sink.stored(), waitingName) {
						t.Errorf("something still waits: %s", a.sink.stored())
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

// Slack may want pauses while history is read, and fail: what comes waits for the end of
// that, and is acknowledged. So a denial that is read counts before the press that came
// first.
func TestPausesWhileReadingBack(t *testing.T) {
	for name, trouble := range map[string]slackfake.Trouble{
		"busy":    {What: slackfake.TooMany, RetryAfter: 40 * time.Second},
		"failing": {What: slackfake.Refuse, Error: "internal_error", Times: 3},
		"broken":  {What: slackfake.Fail, Times: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := away(t, "socket")
				trouble.Method = "conversations.history"
				a.fake.Trouble(trouble)
				_, end := a.life()
				defer end()
				synctest.Wait()
				a.must(a.fake.Press(a.root, "Ack", a.alice))
				a.fake.Say(a.channel, a.alice, "said meanwhile", "")
				synctest.Wait()
				if a.fake.Pending() > 0 || len(a.sink.took()) > 0 {
					t.Errorf("%d are not acknowledged", a.fake.Pending())
				}
				time.Sleep(time.Minute)
				// What was pressed before it was said counts before it, though the history
				// has it by now.
				if got, want := inWords(a.sink.took()), []string{"said missed", "pressed ack", "said said meanwhile"}; !slices.Equal(got, want) {
					t.Errorf("taken are %q, want %q", got, want)
				}
			})
		})
	}
}

// A line that breaks again while history is read has it read once more, and lets nothing
// wait for ever, nor be lost or come twice.
func TestAwayAgainWhileReadingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := away(t, "socket")
		held := make(chan struct{})
		a.hold.Store(&held)
		_, end := a.life()
		defer end()
		synctest.Wait()
		a.must(a.fake.Press(a.root, "Ack", a.alice))
		synctest.Wait()
		a.fake.Cut(0)
		a.fake.Say(a.channel, a.alice, "missed again", "")
		time.Sleep(10 * time.Second)
		a.must(a.fake.Slash("/ws", "status", a.alice, a.channel))
		synctest.Wait()
		if took := a.sink.took(); len(took) > 0 || len(a.unacknowledged()) > 0 {
			t.Errorf("before the history is read, %q are taken, and %q lost", inWords(took), a.unacknowledged())
		}
		a.hold.Store(nil)
		close(held)
		time.Sleep(10 * time.Minute)
		a.must(a.fake.Slash("/ws", "help", a.alice, a.channel))
		synctest.Wait()
		if got, want := inWords(a.sink.took()), []string{"said missed", "pressed ack", "said missed again", "said status", "said help"}; !slices.Equal(got, want) {
			t.Errorf("taken are %q, want %q", got, want)
		}
	})
}

// A Slack that gives no history does not make the bot deaf; and what it gives later is not
// missed, though newer things were heard meanwhile, also by a former life.
func TestNoHistory(t *testing.T) {
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprint("killed ", killed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := away(t, "socket")
				time.Sleep(time.Hour)
				lift := a.fake.Trouble(slackfake.Trouble{What: slackfake.Refuse, Method: "conversations.history", Error: "missing_scope", Times: -1})
				_, end := a.life()
				synctest.Wait()
				a.must(a.fake.Press(a.root, "Ack", a.alice))
				a.fake.Say(a.channel, a.alice, "said meanwhile", "")
				synctest.Wait()
				if got, want := inWords(a.sink.took()), []string{"pressed ack", "said said meanwhile"}; !slices.Equal(got, want) {
					t.Errorf("without a history %q are taken, want %q", got, want)
				}
				if killed {
					end()
					_, end = a.life()
					synctest.Wait()
				}
				lift()
				time.Sleep(2 * lookEvery)
				if got, want := inWords(a.sink.took()), []string{"said missed"}; !slices.Equal(got, want) {
					t.Errorf("of the history %q are taken, want %q", got, want)
				}
				end()
			})
		})
	}
}

// What is too much to be stored beside the place waits for the end of the reading.
func TestTooMuchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, nil)
		s := &taker{}
		c.open(s)
		said := func(n int) news {
			return news{events: []bot.Event{bot.Said{Chat: "slack", Room: "ops", ID: messageID("C024BE91L", stampOf(noon.Add(time.Duration(n)*time.Second))), Text: strings.Repeat("x", 1000)}}}
		}
		for i := range mostWaiting {
			if err := c.take(t.Context(), said(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.take(t.Context(), said(0)); err != nil { // a copy
			t.Fatal(err)
		}
		long := said(mostWaiting)
		long.events = []bot.Event{bot.Said{ID: "long", Text: strings.Repeat("x", maxWaiting)}}
		var done atomic.Int64
		for _, n := range []news{said(mostWaiting), long} {
			go func() {
				if c.take(t.Context(), n) == nil {
					done.Add(1)
				}
			}()
		}
		synctest.Wait()
		if done.Load() > 0 || len(s.took()) > 0 || len(s.stored()) > maxWaiting+mostWaiting {
			t.Errorf("%d are taken that have no room; %d bytes are stored", done.Load(), len(s.stored()))
		}
		c.letGo(t.Context(), 0)
		synctest.Wait()
		if took := s.took(); len(took) != mostWaiting+2 || done.Load() != 2 {
			t.Errorf("taken are %d, and %d that had no room", len(took), done.Load())
		}
	})
}

// What waits is a part of the cursor, in a form that older versions pass over.
func TestWaitingInCursor(t *testing.T) {
	events := []bot.Event{
		bot.Said{Chat: "slack", Room: "ops", ID: "C1/slash/U1/1.2", User: "T1/U1", Text: "<status>", At: noon, Addressed: true},
		bot.Pressed{Chat: "slack", Room: "ops", ID: "C1/1.000002/U1/press0/1.000003", Target: "C1/1.000002", User: "T1/U1", Action: "ack", At: noon},
		bot.Withdrawn{Chat: "slack", Room: "ops", ID: "C1/1.000002/deleted", Target: "C1/1.000002", At: noon},
		bot.Undecodable{Chat: "slack", ID: "undecodable:1", Reason: "why", Body: []byte{'x', 0xff}, At: noon},
	}
	at := place{"C1": {At: "1732800000.000100", Heard: []string{"1732800000.000100"}}}
	text := cursorOf(at, events)
	p, waiting := parseCursor(text)
	if !reflect.DeepEqual(p, at) || !reflect.DeepEqual(waiting, events) {
		t.Errorf("%s is read as %v and %v", text, p, waiting)
	}
	for _, bad := range []string{`{"waiting":1}`, `{"waiting":{"events":[{}]}}`, `{"waiting":{"events":[{"said":1}]}}`, `{"waiting":{"events":[{"said":{"Text":"status"}}]}}`} {
		if p, waiting := parseCursor(bad); len(p)+len(waiting) > 0 {
			t.Errorf("%s is read as %v and %v", bad, p, waiting)
		}
	}
}

// Things count in the order in which people did them, and what was found deleted before
// all that was pressed since.
func TestInOrder(t *testing.T) {
	c := idle(t, nil)
	said := func(text string, after time.Duration) bot.Said {
		return bot.Said{ID: messageID("C024BE91L", stampOf(noon.Add(after))), Text: text, At: noon.Add(after)}
	}
	read := func(e bot.Said) news {
		return news{channel: "C024BE91L", ts: stamp("C024BE91L", e.ID), events: []bot.Event{e}}
	}
	c.in.waiting = []bot.Event{
		bot.Pressed{ID: "p1", Action: "deny", At: noon.Add(5 * time.Second)},
		said("told of again", 2*time.Second),
		bot.Said{ID: "C024BE91L/slash/U1/1.2", Text: "with a slash", At: noon.Add(7 * time.Second)},
	}
	gone := news{ts: stampOf(noon.Add(time.Minute)), tombstone: true, events: []bot.Event{bot.Withdrawn{ID: "w", Target: "root"}}}
	var events []bot.Event
	for _, n := range c.inOrder([]news{read(said("approve", 6*time.Second)), gone, read(said("told of again", 2*time.Second)), read(said("no", time.Second))}) {
		events = append(events, n.events...)
	}
	want := []string{"said no", "said told of again", "said told of again", "gone root", "pressed deny", "said approve", "said with a slash"}
	if got := inWords(events); !slices.Equal(got, want) {
		t.Errorf("they count as %q, want %q", got, want)
	}
}

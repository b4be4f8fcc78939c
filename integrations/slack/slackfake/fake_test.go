package slackfake

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a fake with a client of the library's.
type bench struct {
	*testing.T
	*Fake
	api  *slack.Client
	http *http.Client
	ops  string
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

const alice, bob = "U0ALICE", "U0BOB"

// inBubble plays a test on fake time, over pipes.
func inBubble(t *testing.T, o Options, play func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, o)
		defer b.end()
		play(b)
	})
}

func newBench(t *testing.T, o Options) *bench {
	b := &bench{T: t, Fake: New(o)}
	b.ctx, b.stop = context.WithCancel(t.Context())
	b.http = &http.Client{Transport: b.Transport(), Timeout: 20 * time.Second}
	b.api = slack.New(b.BotToken(), slack.OptionAPIURL(b.URL()), slack.OptionHTTPClient(b.http), slack.OptionAppLevelToken(b.AppToken()))
	b.ops = b.AddChannel(Channel{ID: "C0OPS", Name: "ops"})
	b.AddUser(User{ID: alice, Name: "alice"})
	b.AddUser(User{ID: bob, Name: "bob"})
	return b
}

func (b *bench) end() {
	b.stop()
	b.Close()
	b.http.CloseIdleConnections()
	b.wg.Wait()
}

// got is what an app has received.
type got struct {
	mu  sync.Mutex
	all []socketmode.Event
}

func (g *got) events() []socketmode.Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]socketmode.Event(nil), g.all...)
}

// connect keeps n connections of the library's; what comes is acknowledged by handle.
func (b *bench) connect(n int, handle func(*socketmode.Client, socketmode.Event)) *got {
	g := &got{}
	for range n {
		smc := socketmode.New(b.api, socketmode.OptionDialer(b.Dialer()), socketmode.OptionLog(log.New(io.Discard, "", 0)))
		b.wg.Go(func() { _ = smc.RunContext(b.ctx) })
		b.wg.Go(func() {
			for {
				select {
				case <-b.ctx.Done():
					return
				case e := <-smc.Events:
					if e.Request == nil || e.Request.EnvelopeID == "" {
						continue
					}
					g.mu.Lock()
					g.all = append(g.all, e)
					g.mu.Unlock()
					handle(smc, e)
				}
			}
		})
	}
	synctest.Wait()
	return g
}

func ack(smc *socketmode.Client, e socketmode.Event) { _ = smc.Ack(*e.Request) }

// settle lets d pass, and all that follows happen.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (b *bench) post(o ...slack.MsgOption) (string, error) {
	_, ts, err := b.api.PostMessageContext(b.ctx, b.ops, o...)
	return ts, err
}

func (b *bench) mustPost(o ...slack.MsgOption) string {
	b.Helper()
	ts, err := b.post(o...)
	if err != nil {
		b.Fatalf("posting: %v; %+v", err, b.Refused())
	}
	return ts
}

func code(err error) string {
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		return "429"
	}
	var e slack.SlackErrorResponse
	if errors.As(err, &e) {
		return e.Err
	}
	if err != nil {
		return "other: " + err.Error()
	}
	return ""
}

func TestPostsAreReadBackWithTheirMetadata(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		meta := slack.SlackMetadata{EventType: "watchstander_post", EventPayload: map[string]any{"key": "k1"}}
		root := b.mustPost(slack.MsgOptionText("root", false), slack.MsgOptionMetadata(meta))
		reply := b.mustPost(slack.MsgOptionText("reply", false), slack.MsgOptionTS(root))
		if root >= reply {
			b.Errorf("the reply's ts %s is not after %s", reply, root)
		}
		h, err := b.api.GetConversationHistoryContext(b.ctx, &slack.GetConversationHistoryParameters{ChannelID: b.ops, IncludeAllMetadata: true})
		if err != nil || len(h.Messages) != 1 || h.Messages[0].Metadata.EventPayload["key"] != "k1" || h.Messages[0].ReplyCount != 1 {
			b.Fatalf("history: %v %+v", err, h)
		}
		if h, _ = b.api.GetConversationHistoryContext(b.ctx, &slack.GetConversationHistoryParameters{ChannelID: b.ops}); h.Messages[0].Metadata.EventPayload != nil {
			b.Errorf("a payload came without being asked for: %v", h.Messages[0].Metadata)
		}
		all, _, _, err := b.api.GetConversationRepliesContext(b.ctx, &slack.GetConversationRepliesParameters{ChannelID: b.ops, Timestamp: root})
		if err != nil || len(all) != 2 || all[1].Text != "reply" || all[1].ThreadTimestamp != root || all[1].BotID != "B0WATCH" {
			b.Fatalf("replies: %v %+v", err, all)
		}
	})
}

func TestDeletedRoots(t *testing.T) {
	inBubble(t, Options{Limits: Limits{Off: true}}, func(b *bench) {
		replies := func(ts string) ([]slack.Message, string) {
			all, _, _, err := b.api.GetConversationRepliesContext(b.ctx, &slack.GetConversationRepliesParameters{ChannelID: b.ops, Timestamp: ts, Limit: 1, Inclusive: true})
			return all, code(err)
		}
		bare := b.mustPost(slack.MsgOptionText("bare", false))
		if err := b.Delete(Ref{b.ops, bare}); err != nil {
			b.Fatal(err)
		}
		if _, e := replies(bare); e != "thread_not_found" {
			b.Errorf("a root without replies: %q, want thread_not_found", e)
		}
		root := b.mustPost(slack.MsgOptionText("root", false))
		reply := b.mustPost(slack.MsgOptionText("reply", false), slack.MsgOptionTS(root))
		_ = b.Delete(Ref{b.ops, root})
		if all, e := replies(root); e != "" || len(all) != 1 || all[0].SubType != "tombstone" || all[0].User != "USLACKBOT" {
			b.Errorf("a root with replies: %q %+v", e, all)
		}
		for _, gone := range []string{root, bare} {
			_, _, shown, err := b.api.PostMessageWithResponseContext(b.ctx, b.ops, slack.MsgOptionText("late", false), slack.MsgOptionTS(gone))
			if err != nil || shown.ThreadTimestamp != "" {
				b.Errorf("a reply to a deleted root: %v, in thread %q", err, shown.ThreadTimestamp)
			}
		}
		if _, _, _, err := b.api.UpdateMessageContext(b.ctx, b.ops, root, slack.MsgOptionText("x", false)); code(err) != "cant_update_message" {
			b.Errorf("updating a tombstone: %v", err)
		}
		_ = b.Delete(Ref{b.ops, reply})
		if _, e := replies(root); e != "thread_not_found" {
			b.Errorf("a tombstone outlived its last reply: %q", e)
		}
		h, _ := b.api.GetConversationHistoryContext(b.ctx, &slack.GetConversationHistoryParameters{ChannelID: b.ops})
		if len(h.Messages) != 2 || h.Messages[0].Text != "late" {
			b.Errorf("history after it all: %+v", h.Messages)
		}
	})
}

func TestEventsComeOverSocketMode(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		g := b.connect(2, ack)
		if n := b.Connections(); n != 2 {
			b.Fatalf("%d connections", n)
		}
		at := b.Mention(b.ops, alice, "status", "")
		settle(time.Second)
		var kinds []string
		for _, e := range g.events() {
			inner := e.Data.(slackevents.EventsAPIEvent).InnerEvent
			kinds = append(kinds, inner.Type)
			switch m := inner.Data.(type) {
			case *slackevents.MessageEvent:
				if m.User != alice || m.TimeStamp != at.TS || m.Channel != b.ops || m.ChannelType != "channel" || m.Text != "<@U0WATCH> status" || m.ClientMsgID == "" {
					b.Errorf("message: %+v", m)
				}
			case *slackevents.AppMentionEvent:
				if m.TimeStamp != at.TS {
					b.Errorf("app_mention: %+v", m)
				}
			}
		}
		if len(kinds) != 2 || !strings.Contains(strings.Join(kinds, " "), "app_mention") {
			b.Errorf("events: %v", kinds)
		}
		if x := b.Figures(); x.Acked != 2 || x.Retried != 0 || b.Pending() != 0 {
			b.Errorf("figures: %+v, pending %d", x, b.Pending())
		}
		settle(time.Hour) // pings keep the connections up
		if x := b.Figures(); b.Connections() != 2 || x.Sent != 2 {
			b.Errorf("after an hour: %d connections, %+v", b.Connections(), x)
		}
	})
}

func TestWhatIsNotAcknowledgedComesAgain(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		start := time.Now()
		var at []time.Duration
		g := b.connect(2, func(smc *socketmode.Client, e socketmode.Event) {
			at = append(at, time.Since(start))
			if e.Request.RetryAttempt == 2 {
				ack(smc, e)
			}
		})
		b.Say(b.ops, alice, "hello", "")
		settle(10 * time.Minute)
		all := g.events()
		if len(all) != 3 || all[1].Request.RetryReason != "timeout" || all[2].Request.RetryAttempt != 2 {
			b.Fatalf("%d deliveries, at %v", len(all), at)
		}
		ids := map[string]bool{}
		for _, e := range all {
			ids[e.Request.EnvelopeID] = true
		}
		if len(ids) != 3 || at[1] != 4*time.Second || at[2] != 67*time.Second || len(b.Lost()) != 0 {
			b.Errorf("envelopes %v at %v, lost %v", ids, at, b.Lost())
		}
	})
}

func TestAnAcknowledgementOfAConnectionThatIsGoneDoesNotCount(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		first := true
		g := b.connect(1, func(smc *socketmode.Client, e socketmode.Event) {
			if first {
				first = false
				b.Cut(0)
				settleShort(b)
			}
			ack(smc, e)
		})
		b.Say(b.ops, alice, "hello", "")
		settle(time.Minute)
		all := g.events()
		if len(all) != 2 || all[1].Request.RetryAttempt != 1 {
			b.Fatalf("%d deliveries, want the second one too: %+v", len(all), b.Figures())
		}
		if b.Pending() != 0 {
			b.Errorf("still pending: %d", b.Pending())
		}
	})
}

func settleShort(b *bench) { b.wait(nil, 100*time.Millisecond) }

func TestWhileNobodyIsConnectedEventsAreTriedThreeTimesMore(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		b.Say(b.ops, alice, "lost", "")
		settle(2 * time.Minute)
		b.Say(b.ops, alice, "found", "")
		settle(5 * time.Minute)
		if lost := b.Lost(); len(lost) != 1 || lost[0].Reason != "connection_failed" {
			b.Errorf("lost: %+v", lost)
		}
		g := b.connect(1, ack)
		settle(2 * time.Minute)
		if all := g.events(); len(all) != 1 {
			b.Errorf("%d events came", len(all))
		}
	})
}

func TestConnectionsAreReplacedAndBounded(t *testing.T) {
	inBubble(t, Options{ConnectionLife: 5 * time.Minute}, func(b *bench) {
		g := b.connect(1, ack)
		settle(30 * time.Minute)
		if b.Connections() != 1 {
			b.Errorf("%d connections after half an hour of refreshes", b.Connections())
		}
		b.Disconnect(0, "refresh_requested")
		settle(time.Minute)
		b.Say(b.ops, alice, "still there?", "")
		settle(time.Minute)
		if len(g.events()) != 1 {
			b.Errorf("%d events", len(g.events()))
		}
		_, url, err := b.api.StartSocketModeContext(b.ctx)
		if err != nil {
			b.Fatal(err)
		}
		for i := range 2 {
			ws, resp, err := b.Dialer().DialContext(b.ctx, url, nil)
			if (err == nil) != (i == 0) {
				b.Errorf("dial %d of one ticket: %v", i+1, err)
			}
			if err == nil {
				_ = ws.Close()
			}
			_ = resp.Body.Close()
		}
	})
}

func TestTheEleventhConnectionIsRefused(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		dial := func() *websocket.Conn {
			_, url, err := b.api.StartSocketModeContext(b.ctx)
			if err != nil {
				b.Fatal(err)
			}
			ws, resp, err := b.Dialer().DialContext(b.ctx, url, nil)
			if err != nil {
				b.Fatal(err)
			}
			_ = resp.Body.Close()
			return ws
		}
		first := func(ws *websocket.Conn) (kind, reason string) {
			var m struct{ Type, Reason string }
			if err := ws.ReadJSON(&m); err != nil {
				b.Fatal(err)
			}
			return m.Type, m.Reason
		}
		for range 10 {
			ws := dial()
			defer ws.Close()
			if kind, _ := first(ws); kind != "hello" {
				b.Errorf("a connection began with %s", kind)
			}
		}
		ws := dial()
		defer ws.Close()
		if kind, reason := first(ws); kind != "disconnect" || reason != "too_many_websockets" {
			b.Errorf("the eleventh began with %s %s", kind, reason)
		}
		if _, _, err := ws.ReadMessage(); err == nil {
			b.Error("the eleventh goes on")
		}
		if b.Connections() != 10 {
			b.Errorf("%d connections", b.Connections())
		}
	})
}

func TestASilentConnectionIsLeft(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		g := b.connect(1, ack)
		b.Mute(0)
		b.Say(b.ops, alice, "hello?", "")
		settle(5 * time.Minute)
		if all := g.events(); len(all) != 1 || all[0].Request.RetryAttempt != 2 {
			b.Errorf("%d events over another connection: %+v", len(all), b.Figures())
		}
	})
}

func TestPressesComeOnce(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		g := b.connect(1, func(*socketmode.Client, socketmode.Event) {})
		if err := b.Slash("/ws", "status", alice, b.ops); err != nil {
			b.Fatal(err)
		}
		settle(10 * time.Minute)
		if lost := b.Lost(); len(g.events()) != 1 || len(lost) != 1 || lost[0].Kind != "slash_commands" || lost[0].Reason != "timeout" {
			b.Errorf("%d deliveries, lost %+v", len(g.events()), lost)
		}
	})
}

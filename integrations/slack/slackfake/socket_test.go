package slackfake

import (
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

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

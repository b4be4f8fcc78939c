package real_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// sending puts an event on its way on another goroutine, for whose end the test
// waits. The channel gets how it went.
func sending(t *testing.T, u *real.User, room, txn string) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		ended <- u.Do(t.Context(), http.MethodPut, real.Path("rooms", room, "send", "m.room.message", txn),
			map[string]any{"msgtype": "m.text", "body": txn}, nil)
	})
	t.Cleanup(wg.Wait)
	return ended
}

func TestProxyBeforeHomeserver(t *testing.T) {
	t.Parallel()
	hs := real.StartHomeserver(t, real.HomeserverOptions{})
	alice := hs.NewUser(t, "alice")
	room := alice.CreateRoom(t, real.RoomOptions{})
	proxy := real.StartProxy(t, hs.URL)
	bot := alice.Via(proxy.URL)

	t.Run("a reply is held back", func(t *testing.T) {
		held := proxy.HoldReply(2, func(q real.Request) bool { return q.Kind == real.KindSend && q.Room == room })
		bot.Say(t, room, "the first goes through")
		ended := sending(t, bot, room, "held")
		request := held.Wait(t, soon)
		if request.Txn != "held" || request.Upstream != http.StatusOK || !bytes.Contains(request.Answer, []byte("event_id")) {
			t.Errorf("held is %+v, answered %s", request, request.Answer)
		}
		alice.Await(t, room, soon, "the homeserver shows what it accepted", body("held"))
		select {
		case err := <-ended:
			t.Fatalf("the client has its answer though it is held back: %v", err)
		default:
		}
		held.Release()
		if err := <-ended; err != nil {
			t.Errorf("after the release: %v", err)
		}
	})

	t.Run("a held reply is cut, and the same transaction sent again", func(t *testing.T) {
		held := proxy.HoldReply(1, real.OfKind(real.KindSend))
		ended := sending(t, bot, room, "cut")
		first := held.Wait(t, soon)
		held.Cut()
		if err := <-ended; err == nil {
			t.Error("the client has an answer though the line was cut")
		}
		if err := <-sending(t, bot, room, "cut"); err != nil {
			t.Fatal(err)
		}
		sends := proxy.Requests(real.KindSend)
		if last := sends[len(sends)-1]; last.Txn != first.Txn || last.Returned != http.StatusOK {
			t.Errorf("sent again: %+v", last)
		}
		marker := alice.Say(t, room, "marker")
		events := alice.Await(t, room, soon, "the marker shows", real.Has(marker))
		if n := count(events, "cut"); n != 1 {
			t.Errorf("the room shows the message %d times", n)
		}
	})

	t.Run("a request is cut before the homeserver hears of it", func(t *testing.T) {
		held := proxy.HoldRequest(1, real.OfKind(real.KindSend))
		ended := sending(t, bot, room, "unheard")
		if request := held.Wait(t, soon); request.Upstream != 0 {
			t.Errorf("the homeserver said %d", request.Upstream)
		}
		held.Cut()
		if err := <-ended; err == nil {
			t.Error("the client has an answer though the line was cut")
		}
		marker := alice.Say(t, room, "second marker")
		events := alice.Await(t, room, soon, "the marker shows", real.Has(marker))
		if n := count(events, "unheard"); n != 0 {
			t.Errorf("the room shows the message %d times", n)
		}
	})

	t.Run("a client gives up while its reply is held", func(t *testing.T) {
		held := proxy.HoldReply(1, real.OfKind(real.KindSend))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = bot.Do(ctx, http.MethodPut, real.Path("rooms", room, "send", "m.room.message", "left"), map[string]any{}, nil)
		})
		held.Wait(t, soon)
		cancel()
		wg.Wait()
		bot.Say(t, room, "and the proxy goes on")
	})

	t.Run("the homeserver is away and comes back", func(t *testing.T) {
		hs.Stop(t)
		err := <-sending(t, bot, room, "nobody there")
		status, ok := errors.AsType[*real.StatusError](err)
		if !ok || status.Status != http.StatusBadGateway {
			t.Errorf("without a homeserver: %v", err)
		}
		hs.Start(t)
		bot.Say(t, room, "back again")
	})
}

func body(want string) func([]real.Event) error {
	return func(events []real.Event) error {
		if count(events, want) == 0 {
			return errors.New("nobody said " + want)
		}
		return nil
	}
}

func count(events []real.Event, body string) (n int) {
	for _, e := range events {
		if e.Body() == body {
			n++
		}
	}
	return n
}

// standIn is no homeserver; it only says what it was asked. What the proxy
// refuses by itself needs no more.
func standIn(t *testing.T) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"event_id":"$`+r.Method+`"}`)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestProxyLimitsSends(t *testing.T) {
	t.Parallel()
	proxy := real.StartProxy(t, standIn(t).URL)
	bot := &real.User{ID: "@bot:house.test", URL: proxy.URL}
	const room = "!a:house.test"

	proxy.Limit(0.001, 3) // a token in a quarter of an hour: none comes back meanwhile
	var passed, refused int
	for range 10 {
		err := <-sending(t, bot, room, real.NewTxn())
		switch m, ok := errors.AsType[*real.MatrixError](err); {
		case err == nil:
			passed++
		case ok && m.Code == "M_LIMIT_EXCEEDED" && m.Status == http.StatusTooManyRequests && m.RetryAfter > 10*time.Minute:
			refused++
		default:
			t.Fatal(err)
		}
	}
	if passed != 3 || refused != 7 {
		t.Errorf("%d passed and %d were refused", passed, refused)
	}
	err := bot.Do(t.Context(), http.MethodPut, real.Path("rooms", room, "send", "m.reaction", "r"), nil, nil)
	if m, ok := errors.AsType[*real.MatrixError](err); !ok || m.Code != "M_LIMIT_EXCEEDED" {
		t.Errorf("a reaction is a send too: %v", err)
	}
	for range 5 {
		if err := bot.Do(t.Context(), http.MethodGet, real.Path("sync"), nil, nil); err != nil {
			t.Errorf("only sends are limited: %v", err)
		}
	}
	if n := proxy.Count(real.KindSync); n != 5 {
		t.Errorf("%d syncs were counted", n)
	}

	proxy.Limit(20, 1)
	bot.Say(t, room, "the bucket is empty now")
	real.Eventually(t, soon, "a token comes back", func() error {
		return <-sending(t, bot, room, real.NewTxn())
	})
	proxy.Limit(0, 0)
	for range 10 {
		bot.Say(t, room, "no limit any more")
	}
}

func TestProxyUnplugged(t *testing.T) {
	t.Parallel()
	proxy := real.StartProxy(t, standIn(t).URL)
	bot := &real.User{ID: "@bot:house.test", URL: proxy.URL}
	const room = "!a:house.test"

	held := proxy.HoldReply(1, real.OfKind(real.KindSend))
	ended := sending(t, bot, room, "in the air")
	held.Wait(t, soon)
	proxy.Unplug()
	if err := <-ended; err == nil {
		t.Error("what was in the air has an answer")
	}
	if err := <-sending(t, bot, room, "unplugged"); err == nil {
		t.Error("an unplugged proxy answers")
	}
	proxy.Plug()
	bot.Say(t, room, "plugged in")

	proxy.Fail(http.StatusServiceUnavailable)
	err := <-sending(t, bot, room, "failing")
	if _, ok := errors.AsType[*real.MatrixError](err); ok || err == nil {
		t.Errorf("a gateway's answer is no homeserver's: %v", err)
	}
	proxy.Plug()
	bot.Redact(t, room, "$event", "")
	if sends, redacts := proxy.Count(real.KindSend), proxy.Count(real.KindRedact); sends != 4 || redacts != 1 {
		t.Errorf("%d sends and %d redactions were counted", sends, redacts)
	}
	if all := proxy.Requests(""); len(all) != 5 || all[3].Returned != http.StatusServiceUnavailable || all[3].Upstream != 0 {
		t.Errorf("all requests: %+v", all)
	}
}

func TestProxyForManyAtOnce(t *testing.T) {
	t.Parallel()
	proxy := real.StartProxy(t, standIn(t).URL)
	bot := &real.User{ID: "@bot:house.test", URL: proxy.URL}
	proxy.Limit(0.001, 5)
	held := proxy.HoldReply(3, real.OfKind(real.KindSend))
	var ended []<-chan error
	for range 20 {
		ended = append(ended, sending(t, bot, "!a:house.test", real.NewTxn()))
	}
	held.Wait(t, soon)
	held.Release()
	passed := 0
	for _, e := range ended {
		if <-e == nil {
			passed++
		}
	}
	if passed != 5 || proxy.Count(real.KindSend) != 20 {
		t.Errorf("%d of %d passed where five may at once", passed, proxy.Count(real.KindSend))
	}
}

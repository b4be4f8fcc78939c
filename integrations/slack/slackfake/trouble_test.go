package slackfake

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
)

func TestCallsAreTakenWithoutAnAnswer(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		for _, c := range []struct {
			what  What
			taken bool
		}{{TakeAndDrop, true}, {TakeAndFail, true}, {TakeAndHang, true}, {Drop, false}, {Fail, false}, {TooMany, false}, {Refuse, false}} {
			before := len(b.Rendered(b.ops))
			b.Trouble(Trouble{What: c.what, Method: "chat.postMessage", Error: "fatal_error", RetryAfter: 7 * time.Second})
			start := time.Now()
			_, err := b.post(slack.MsgOptionText("x", false))
			if taken := len(b.Rendered(b.ops)) > before; err == nil || taken != c.taken {
				b.Errorf("trouble %d: taken %v, %v", c.what, taken, err)
			}
			limited := (*slack.RateLimitedError)(nil)
			if errors.As(err, &limited) != (c.what == TooMany) || limited != nil && limited.RetryAfter != 7*time.Second {
				b.Errorf("trouble %d: %v", c.what, err)
			}
			if c.what == TakeAndHang && time.Since(start) != 20*time.Second {
				b.Errorf("gave up after %s", time.Since(start))
			}
			time.Sleep(10 * time.Second)
			b.mustPost(slack.MsgOptionText("well again", false))
		}
		unanswered := 0
		for _, c := range b.Calls() {
			if c.Unanswered && c.Took {
				unanswered++
			}
		}
		if unanswered != 3 {
			b.Errorf("%d calls were taken and not answered", unanswered)
		}
	})
}

func TestALateEditLandsAfterItsSuccessor(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		ts := b.mustPost(slack.MsgOptionText("0", false))
		b.Trouble(Trouble{What: Late, Method: "chat.update", Delay: time.Minute})
		ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
		defer cancel()
		if _, _, _, err := b.api.UpdateMessageContext(ctx, b.ops, ts, slack.MsgOptionText("1", false)); err == nil {
			b.Error("answered")
		}
		if _, _, _, err := b.api.UpdateMessageContext(b.ctx, b.ops, ts, slack.MsgOptionText("2", false)); err != nil {
			b.Error(err)
		}
		settle(2 * time.Minute)
		if s, _ := b.Message(Ref{b.ops, ts}); s.Text != "1" {
			b.Errorf("%q stands, not what landed last", s.Text)
		}
	})
}

func TestUnreachable(t *testing.T) {
	inBubble(t, Options{}, func(b *bench) {
		b.Unreachable(true)
		if _, err := b.post(slack.MsgOptionText("x", false)); err == nil {
			b.Error("reached")
		}
		b.Unreachable(false)
		b.mustPost(slack.MsgOptionText("x", false))
	})
}

func TestEventsArePostedAndSigned(t *testing.T) {
	type request struct {
		kind, retry, reason string
		at                  time.Duration
	}
	var mu sync.Mutex // the bot's handler is called by several goroutines
	var all []request
	fails, bad := 0, 0
	start := time.Time{}
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		v, err := slack.NewSecretsVerifier(r.Header, "fake-signing-secret")
		if err == nil {
			_, _ = v.Write(body)
			err = v.Ensure()
		}
		if err != nil {
			bad++
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		all = append(all, request{r.Header.Get("Content-Type"), r.Header.Get("X-Slack-Retry-Num"), r.Header.Get("X-Slack-Retry-Reason"), time.Since(start)})
		var challenge struct{ Challenge string }
		if json.Unmarshal(body, &challenge) == nil && challenge.Challenge != "" {
			_, _ = io.WriteString(w, challenge.Challenge)
			return
		}
		if fails > 0 {
			fails--
			mu.Unlock()
			<-r.Context().Done()
			mu.Lock()
		}
	})
	inBubble(t, Options{RequestURL: "https://bot.example/slack", Deliver: Handler(app)}, func(b *bench) {
		start = time.Now()
		if err := b.VerifyURL(); err != nil {
			b.Error(err)
		}
		for _, how := range []Forgery{BadSignature, NoSignature, NoTimestamp, Stale, FromFuture, OtherVersion, ChangedBody, ShortSignature} {
			if status, err := b.Forge(how, b.ops, alice, "approve"); err != nil || status != http.StatusUnauthorized {
				b.Errorf("forgery %d: %d %v", how, status, err)
			}
		}
		all, bad = nil, 0
		fails = 1
		b.Say(b.ops, alice, "hello", "")
		settle(10 * time.Second)
		b.SignBadly(BadSignature)
		b.Say(b.ops, alice, "again", "")
		_ = b.Slash("/ws", "status", alice, b.ops)
		settle(10 * time.Second)
		want := []request{{"application/json", "", "", 0}, {"application/json", "1", "http_timeout", 4 * time.Second},
			{"application/x-www-form-urlencoded", "", "", 10 * time.Second}, {"application/json", "1", "http_error", 11 * time.Second}}
		if len(all) != len(want) || bad != 1 {
			b.Fatalf("%+v, %d refused", all, bad)
		}
		for i := range want {
			if all[i] != want[i] {
				b.Errorf("%+v, want %+v", all[i], want[i])
			}
		}
		if b.Pending() != 0 || len(b.Lost()) != 0 {
			b.Errorf("pending %d, lost %v", b.Pending(), b.Lost())
		}
		if _, _, err := b.api.StartSocketModeContext(b.ctx); err == nil {
			b.Error("Socket Mode is on too")
		}
	})
}

func TestOnARealAddress(t *testing.T) {
	b := newBench(t, Options{Addr: "127.0.0.1:0"})
	defer b.end()
	api := slack.New(b.BotToken(), slack.OptionAPIURL(b.URL()), slack.OptionHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	if _, err := api.AuthTestContext(b.ctx); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerIsHeldBack(t *testing.T) {
	hold := make(chan struct{})
	var accepted []Call
	inBubble(t, Options{OnAccept: func(c Call) {
		accepted = append(accepted, c)
		<-hold
	}}, func(b *bench) {
		hold = make(chan struct{}) // one of the bubble's
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		defer cancel()
		if _, _, err := b.api.PostMessageContext(ctx, b.ops, slack.MsgOptionText("x", false)); err == nil {
			b.Error("answered")
		}
		synctest.Wait()
		if len(b.Rendered(b.ops)) != 1 || len(accepted) != 1 || accepted[0].TS == "" {
			b.Errorf("accepted: %+v", accepted)
		}
		close(hold)
	})
}

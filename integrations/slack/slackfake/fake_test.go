package slackfake

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
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
	var handling sync.Mutex
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
					handling.Lock()
					handle(smc, e)
					handling.Unlock()
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

package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

// The token is somebody else's: nothing is heard, since the bot's own reactions
// would count as that person's presses.
func TestSomebodyElsesToken(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	f := &fakeTransport{who: "@alice:house.test", sync: func(context.Context, SyncQuery) (json.RawMessage, error) {
		t.Error("it listens")
		stop()
		return nil, errTest
	}}
	err := newFake(t, f).Run(ctx, newSink())
	if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeForbidden || !strings.Contains(e.Message, "@alice:house.test") {
		t.Errorf("%v", err)
	}
}

// While the homeserver does not say whose token it is, it is asked again, and
// nothing is heard; once it says so, all is.
func TestWhoseTokenIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		f := &fakeTransport{unsaid: []error{&CallError{Call: "whoami", Status: 502}, &CallError{Call: "whoami", Status: 429, After: time.Minute}}}
		s := &script{steps: []step{{answer: news("s2", ops, `{"events":[`+text1("$1", "status")+`]}`)}}}
		sink := newSink()
		sink.refuse = func(bot.Batch) error {
			if time.Since(began) < time.Minute {
				t.Error("it listens before it is known whose token it is")
			}
			return nil
		}
		play(t, f, s, sink, func(o *Options) { o.Cursor = "s1" })
		wantTexts(t, sink, "status")
	})
	// A token that was revoked is not asked for again.
	f := &fakeTransport{unsaid: []error{&CallError{Call: "whoami", Status: 401, Code: "M_UNKNOWN_TOKEN"}}}
	if e, ok := errors.AsType[*bot.Error](newFake(t, f).Run(t.Context(), newSink())); !ok || e.Code != bot.CodeForbidden {
		t.Error("it goes on")
	}
	// An answer that names nobody is none, and no other account's.
	c, _ := over(t, answers(200, "", `{}`))
	if who, err := c.transport.WhoAmI(t.Context()); err == nil || !passing(err) {
		t.Errorf("%q, %v", who, err)
	}
}

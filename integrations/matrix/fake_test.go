package matrix

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"watchstander/bot"
)

// fakeTransport answers from functions; what is not set answers emptily.
type fakeTransport struct {
	sync      func(context.Context, SyncQuery) (json.RawMessage, error)
	messages  func(MessagesQuery) (Page, error)
	relations func(event, relType, from string) (Page, error)
	send      func(room, txn string, content json.RawMessage) (string, error)
	event     func(id string) (json.RawMessage, error)
	redact    func(event, txn string) error
	upload    func(name, kind string, data []byte) (string, error)
	join      func(room string) error
	leave     func(room string) error
	joined    []string
	who       string            // whose token it is; the bot's when empty
	unsaid    []error           // how the first questions whose token it is fail
	state     map[string]string // room + " " + type → content

	mu    sync.Mutex
	calls []string
}

func (f *fakeTransport) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeTransport) Sync(ctx context.Context, q SyncQuery) (json.RawMessage, error) {
	return f.sync(ctx, q)
}

func (f *fakeTransport) Messages(_ context.Context, q MessagesQuery) (Page, error) {
	f.note("messages %s from %q to %q", q.Room, q.From, q.To)
	if f.messages == nil {
		return Page{}, nil
	}
	return f.messages(q)
}

func (f *fakeTransport) Relations(_ context.Context, _, event, relType, from string) (Page, error) {
	f.note("relations %s %s from %q", event, relType, from)
	if f.relations == nil {
		return Page{}, nil
	}
	return f.relations(event, relType, from)
}

func (f *fakeTransport) Send(_ context.Context, room, _, txn string, content json.RawMessage) (string, error) {
	return f.send(room, txn, content)
}

func (f *fakeTransport) Event(_ context.Context, _, id string) (json.RawMessage, error) {
	f.note("event %s", id)
	return f.event(id)
}

func (f *fakeTransport) Redact(_ context.Context, _, event, txn, _ string) error {
	f.note("redact %s under %s", event, txn)
	return f.redact(event, txn)
}

func (f *fakeTransport) Upload(_ context.Context, name, kind string, data []byte) (string, error) {
	return f.upload(name, kind, data)
}

func (f *fakeTransport) JoinedRooms(context.Context) ([]string, error) { return f.joined, nil }

func (f *fakeTransport) Join(_ context.Context, room string) error {
	f.note("join %s", room)
	if f.join == nil {
		return nil
	}
	return f.join(room)
}

func (f *fakeTransport) Leave(_ context.Context, room string) error {
	f.note("leave %s", room)
	if f.leave == nil {
		return nil
	}
	return f.leave(room)
}

func (f *fakeTransport) State(_ context.Context, room, kind string) (json.RawMessage, error) {
	if content, ok := f.state[room+" "+kind]; ok {
		return json.RawMessage(content), nil
	}
	return nil, &CallError{Call: "state", Status: 404, Code: "M_NOT_FOUND"}
}

func (f *fakeTransport) WhoAmI(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.unsaid) > 0 {
		err := f.unsaid[0]
		f.unsaid = f.unsaid[1:]
		return "", err
	}
	return cmp.Or(f.who, botUser), nil
}
func (f *fakeTransport) DisplayName(context.Context, string) (string, error) {
	return "Night Watch", nil
}
func (f *fakeTransport) Versions(context.Context) ([]string, error) { return []string{"v1.11"}, nil }
func (f *fakeTransport) Close()                                     {}

const (
	botUser = "@watchstander:house.test"
	alice   = "@alice:house.test"
	ops     = "!ops:house.test"
)

func newFake(t testing.TB, f *fakeTransport, change ...func(*Options)) *Chat {
	t.Helper()
	if f.joined == nil {
		f.joined = []string{ops}
	}
	o := Options{Chat: "matrix", User: botUser, Rooms: map[bot.RoomID]string{"ops": ops}, Transport: f}
	for _, c := range change {
		c(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// script answers syncs in turn; after the last it waits for the context.
type script struct {
	mu     sync.Mutex
	steps  []step
	asked  []string // the since of each
	filter []string
	waits  []time.Duration
}

type step struct {
	answer string
	err    error
}

func (s *script) sync(ctx context.Context, q SyncQuery) (json.RawMessage, error) {
	s.mu.Lock()
	s.asked = append(s.asked, q.Since)
	s.filter = append(s.filter, q.Filter)
	s.waits = append(s.waits, q.Wait)
	if len(s.steps) == 0 {
		s.mu.Unlock()
		<-ctx.Done()
		return nil, &CallError{Call: "sync", Ended: ctx.Err()}
	}
	now := s.steps[0]
	s.steps = s.steps[1:]
	s.mu.Unlock()
	return json.RawMessage(now.answer), now.err
}

var errTest = errors.New("the test says no")

// event writes one event of a room.
func event(id, kind, sender, content string) string {
	return fmt.Sprintf(`{"event_id":%q,"type":%q,"sender":%q,"origin_server_ts":1795462820000,"content":%s}`, id, kind, sender, content)
}

func text1(id, body string) string {
	return event(id, "m.room.message", alice, fmt.Sprintf(`{"msgtype":"m.text","body":%q}`, body))
}

// news is a sync's answer with one room.
func news(next, room, timeline string) string {
	return fmt.Sprintf(`{"next_batch":%q,"rooms":{"join":{%q:{"timeline":%s}}}}`, next, room, timeline)
}

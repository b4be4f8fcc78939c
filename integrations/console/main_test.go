package console

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
)

func TestMain(m *testing.M) {
	// The same binary is the other process where a test needs one.
	if role := os.Getenv("CONSOLE_TEST_ROLE"); role != "" {
		os.Exit(play(role))
	}
	goleak.VerifyTestMain(m)
}

// sink is a bot.Sink that keeps what it took, answers by a function, and
// refuses when told to.
type sink struct {
	mu     sync.Mutex
	said   []bot.Said
	refuse func(bot.Said) error
	answer func(bot.Said)
	taken  chan bot.Said
}

func newSink() *sink { return &sink{taken: make(chan bot.Said, 1000)} }

func (s *sink) Take(_ context.Context, b bot.Batch) error {
	s.mu.Lock()
	refuse, answer := s.refuse, s.answer
	s.mu.Unlock()
	for _, e := range b.Events {
		e := e.(bot.Said)
		if refuse != nil {
			if err := refuse(e); err != nil {
				return err
			}
		}
		s.mu.Lock()
		s.said = append(s.said, e)
		s.mu.Unlock()
		s.taken <- e // before whoever said it can know
		if answer != nil {
			answer(e)
		}
	}
	return nil
}

// answers and refuses have the sink answer by a function, and refuse by one, from the
// next line on: a client that comes back may say one at any moment.
func (s *sink) answers(f func(bot.Said)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

func (s *sink) refuses(f func(bot.Said) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

// server is a Chat that runs, with a sink.
type server struct {
	*Chat
	sink   *sink
	t      testing.TB
	socket string
	stop   func() error // once; ends Run and gives its error
}

// folder is a short one: a socket's path has little room.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "con")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func serve(t testing.TB, o Options) *server {
	t.Helper()
	if o.ID == "" {
		o.ID, o.Room = "console", "console"
	}
	if o.Socket == "" && o.Listener == nil {
		o.Socket = filepath.Join(folder(t), "s")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Chat: c, sink: newSink(), t: t, socket: o.Socket}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, s.sink) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		err := <-done
		if cerr := c.Close(); cerr != nil {
			t.Errorf("Close: %v", cerr)
		}
		return err
	})
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	// A local client is admitted only while Run runs. That the file is there is not
	// enough: until the bot listens at it, who comes is turned away. It is made and
	// listened at under the folder's lock.
	if o.Socket != "" {
		waitFor(t, "the socket", func() bool { _, err := os.Stat(o.Socket); return err == nil })
		release, err := alone(t.Context(), filepath.Dir(o.Socket))
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	return s
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) { w.t.Logf("%s", b); return len(b), nil }

// outgoing sends a message as flow does.
func (s *server) post(o bot.Outgoing) bot.MessageID {
	s.t.Helper()
	r, err := s.try(o)
	if err != nil {
		s.t.Fatalf("Send: %v", err)
	}
	return r.ID
}

func (s *server) try(o bot.Outgoing) (bot.Receipt, error) {
	s.t.Helper()
	o.Room = s.o.Room
	parts, err := s.Encode(o)
	if err != nil || len(parts) != 1 {
		s.t.Fatalf("Encode: %d parts, %v", len(parts), err)
	}
	return s.Send(s.t.Context(), bot.Sending{Key: o.Key, Room: o.Room, Kind: o.Kind, Root: o.Root, Body: parts[0].Body, Since: time.Now()})
}

func (s *server) root(key string, m bot.Message) bot.MessageID {
	s.t.Helper()
	return s.post(bot.Outgoing{Key: bot.SendKey(key), Kind: bot.SendRoot, Message: m})
}

func (s *server) edit(key string, root bot.MessageID, m bot.Message) {
	s.t.Helper()
	s.post(bot.Outgoing{Key: bot.SendKey(key), Kind: bot.SendEdit, Root: root, Message: m})
}

func (s *server) reply(key string, root bot.MessageID, m bot.Message) {
	s.t.Helper()
	s.post(bot.Outgoing{Key: bot.SendKey(key), Kind: bot.SendReply, Root: root, Message: m})
}

func (s *server) answer(key string, to bot.MessageID, m bot.Message) {
	s.t.Helper()
	s.post(bot.Outgoing{Key: bot.SendKey(key), Kind: bot.SendReply, ReplyTo: to, Message: m})
}

// waitFor polls what no channel tells.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("%s has not come in 10 s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func text(s string) bot.Text { return bot.Line(bot.T(s)) }

func plain(s string) bot.Message { return bot.Message{Title: text(s)} }

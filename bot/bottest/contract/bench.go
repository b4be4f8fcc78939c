package contract

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
)

// patience is how long anything may take that is to happen. It is never waited
// for in full, but in a test that fails.
const patience = 30 * time.Second

// bench is what one test works with: a place, and the bot's half of it at work.
type bench struct {
	*testing.T
	*Place
	lacks map[Ability]string
	chat  bot.Chat
	sink  *sink
	log   *record

	release func()
	cancel  context.CancelFunc
	ended   chan struct{}
	runErr  error // to be read after ended is closed

	mu   sync.Mutex
	errs []error
}

// newBench makes a place with the bot in it, and waits until the bot hears.
func newBench(t *testing.T, s Subject) *bench {
	t.Helper()
	b := &bench{T: t, Place: s.Place(t), lacks: s.Lacks, log: &record{out: t.Output()}}
	before := goleak.IgnoreCurrent()
	b.begin("")
	t.Cleanup(func() {
		b.end()
		if err := goleak.Find(before); err != nil {
			t.Errorf("after the end something goes on: %v", err)
		}
		b.checkSecrets()
	})
	b.listen()
	return b
}

func (b *bench) setup(cursor string) Setup {
	return Setup{Cursor: cursor, Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
}

// begin makes the adapter and lets it run.
func (b *bench) begin(cursor string) {
	b.Helper()
	b.chat, b.release = b.Make(b.T, b.setup(cursor))
	b.sink, b.ended = newSink(), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	chat, sink, ended := b.chat, b.sink, b.ended
	go func() {
		defer close(ended)
		b.runErr = chat.Run(ctx, sink)
	}()
}

// end stops the bot in good order; Run must take that for no failure.
func (b *bench) end() {
	b.Helper()
	if b.cancel == nil {
		return
	}
	b.cancel()
	select {
	case <-b.ended:
	case <-time.After(patience):
		b.Fatalf("Run has not ended %s after its context", patience)
	}
	if b.runErr != nil {
		b.note(b.runErr)
		b.Errorf("Run: %v", b.runErr)
	}
	b.release()
	b.cancel = nil
}

// restart ends the bot and begins it anew, with the cursor that was stored.
func (b *bench) restart() {
	b.Helper()
	cursor := b.sink.cursor()
	b.end()
	b.begin(cursor)
}

// listen waits until the bot hears what is said: on some platforms the first
// start begins with what happens then. What arrived so far is forgotten.
func (b *bench) listen() {
	b.Helper()
	var last bot.MessageID
	for i := range 60 {
		last = b.Person.Say(b.T, fmt.Sprintf("are you there? %d", i))
		if b.sink.wait(time.Second, func() bool { return len(b.sink.said()) > 0 }) {
			break
		}
	}
	awaitSaid(b.T, b.sink, last)
	b.sink.mu.Lock()
	defer b.sink.mu.Unlock()
	n := len(b.sink.taken)
	b.sink.taken, b.sink.offered = b.sink.taken[n-1:], nil
	b.sink.taken[0].Events = nil // its cursor is kept
}

// marker says something and waits for it, so that everything before has come.
func (b *bench) marker() bot.MessageID {
	b.Helper()
	id := b.Person.Say(b.T, "that was all")
	awaitSaid(b.T, b.sink, id)
	return id
}

// freeze encodes as flow does.
func (b *bench) freeze(o bot.Outgoing) []bot.Sending {
	b.Helper()
	o.Room = b.Room
	parts, err := b.chat.Encode(o)
	if err != nil {
		b.note(err)
		b.Fatalf("Encode %s: %v", o.Key, err)
	}
	var all []bot.Sending
	for i, p := range parts {
		all = append(all, bot.Sending{Key: o.Key.Part(i), Room: o.Room, Kind: o.Kind, Root: o.Root,
			Body: p.Body, Attachment: p.Attachment, Since: time.Now().UTC()})
	}
	return all
}

// post encodes and sends, and gives the receipts of all parts.
func (b *bench) post(o bot.Outgoing) []bot.Receipt {
	b.Helper()
	var all []bot.Receipt
	for _, s := range b.freeze(o) {
		all = append(all, b.send(s))
	}
	return all
}

func (b *bench) send(s bot.Sending) bot.Receipt {
	b.Helper()
	r, err := b.try(s)
	if err != nil {
		b.Fatalf("Send %s: %v", s.Key, err)
	}
	if r.ID == "" {
		b.Fatalf("Send %s: the receipt names nothing", s.Key)
	}
	return r
}

func (b *bench) try(s bot.Sending) (bot.Receipt, error) {
	r, err := b.chat.Send(b.Context(), s)
	b.note(err)
	return r, err
}

// root posts one and gives its id.
func (b *bench) root(key bot.SendKey, m bot.Message) bot.MessageID {
	b.Helper()
	return b.post(bot.Outgoing{Key: key, Kind: bot.SendRoot, Message: m})[0].ID
}

func (b *bench) reply(key bot.SendKey, root bot.MessageID, m bot.Message) bot.MessageID {
	b.Helper()
	return b.post(bot.Outgoing{Key: key, Kind: bot.SendReply, Root: root, Message: m})[0].ID
}

// find looks for a post, and wants no error.
func (b *bench) find(s bot.Sending) (bot.Receipt, bool) {
	b.Helper()
	r, ok, err := b.chat.Find(b.Context(), s)
	if err != nil {
		b.note(err)
		b.Fatalf("Find %s: %v", s.Key, err)
	}
	return r, ok
}

// eventually asks again and again, with growing pauses.
func (b *bench) eventually(what string, check func() error) {
	b.Helper()
	end := time.Now().Add(patience)
	for pause := 2 * time.Millisecond; ; pause = min(pause*3/2, 200*time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("%s: not within %s: %v", what, patience, err)
		}
		<-time.After(pause)
	}
}

// refusal wants an error to be one, of one of these kinds. What is no refusal
// counts as unsure, by the contract.
func (b *bench) refusal(err error, kinds ...bot.RefusalKind) *bot.Refusal {
	b.Helper()
	b.note(err)
	if err == nil {
		b.Fatalf("it was taken, want one of the refusals %q", kinds)
	}
	r, ok := errors.AsType[*bot.Refusal](err)
	if !ok {
		r = &bot.Refusal{Kind: bot.Unsure, Cause: err}
	}
	for _, k := range kinds {
		if r.Kind == k {
			return r
		}
	}
	b.Fatalf("%v: want one of the refusals %q", err, kinds)
	return nil
}

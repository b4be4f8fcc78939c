package console

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/contract"
)

// TestContract asks of this adapter what is asked of every chat, with a person
// who speaks the protocol by hand.
func TestContract(t *testing.T) {
	contract.Run(t, contract.Subject{Place: newPlace, Lacks: map[contract.Ability]string{
		contract.Edits:       "a typed line is not changed",
		contract.Reactions:   "a terminal has none",
		contract.Offers:      "a terminal has no reactions",
		contract.Deletes:     "nothing is taken out of the transcript",
		contract.Notices:     "programs have no way of their own to speak",
		contract.Forgery:     "nobody but the bot writes keys",
		contract.LostReplies: "there is nothing between the bot and its transcript",
		contract.BusyTimes:   "there is nobody to be busy",
		contract.BrokenLines: "there is no line",
		contract.Absence:     "there is nobody to be absent",
		contract.Refusals:    "the transcript takes whatever it can read",
		contract.Revocation:  "there are no credentials",
		contract.Credentials: "there are no credentials",
		contract.Rights:      "the transcript is the bot's own",
		contract.Backlog:     "a line that is not taken is typed again by the person",
	}})
}

func newPlace(t *testing.T) *contract.Place {
	dir := folder(t)
	w := &witness{socket: filepath.Join(dir, "s"), me: UserOf(uint32(os.Getuid())), roots: map[bot.MessageID]int{}, more: make(chan struct{}, 1), end: make(chan struct{})}
	var working sync.WaitGroup
	working.Go(w.work)
	t.Cleanup(func() { close(w.end); working.Wait() })
	return &contract.Place{
		Chat: "console", Room: "console",
		Make: func(t *testing.T, s contract.Setup) (bot.Chat, func()) {
			c, err := New(Options{ID: "console", Room: "console", Socket: w.socket, Log: filepath.Join(dir, "log"), Logger: s.Log})
			if err != nil {
				t.Fatal(err)
			}
			return c, func() { c.Close() }
		},
		Person: contract.Person{
			User: w.me,
			Say:  func(_ *testing.T, text string) bot.MessageID { return w.say(say{Text: text}) },
			SayIn: func(t *testing.T, root bot.MessageID, text string) bot.MessageID {
				w.see(t) // knows the threads' numbers then
				return w.say(say{Thread: w.roots[root], Text: text})
			},
			See: w.see,
		},
	}
}

// witness is a person whose lines are said until they are taken, in order.
type witness struct {
	socket string
	me     bot.UserID
	roots  map[bot.MessageID]int
	more   chan struct{}
	end    chan struct{}

	mu    sync.Mutex
	n     int
	queue []say
}

const witnessSession = "the session of the witness"

func (w *witness) say(s say) bot.MessageID {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	s.N = w.n
	w.queue = append(w.queue, s)
	select {
	case w.more <- struct{}{}:
	default:
	}
	return messageID(w.me, witnessSession, s.N)
}

func (w *witness) work() {
	for {
		w.mu.Lock()
		var next *say
		if len(w.queue) > 0 {
			next = &w.queue[0]
		}
		w.mu.Unlock()
		if next == nil {
			select {
			case <-w.more:
				continue
			case <-w.end:
				return
			}
		}
		if w.once(*next) {
			w.mu.Lock()
			w.queue = w.queue[1:]
			w.mu.Unlock()
			continue
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-w.end:
			return
		}
	}
}

// once says one line, and tells whether that is all: it was taken, or the bot
// went without a word. Nobody knows then whether it was taken, and it is not said
// again, lest it arrive twice.
func (w *witness) once(s say) (settled bool) {
	_ = w.attach(0, func(conn net.Conn, in lines) error {
		if _, err := conn.Write(append(line(toServer{Say: &s}), '\n')); err != nil {
			return err
		}
		settled = true
		return untilLast(in, func(l toClient) bool {
			if l.Refused != nil {
				settled = !l.Refused.Again
			}
			return l.Taken != nil && l.Taken.N == s.N || l.Refused != nil || l.Bye != nil
		})
	})
	return settled
}

func untilLast(in lines, last func(toClient) bool) error {
	for {
		b, err := in.next()
		if err != nil {
			return err
		}
		var l toClient
		if err := json.Unmarshal(b, &l); err != nil {
			return err
		}
		if last(l) {
			return nil
		}
	}
}

func (w *witness) attach(past int, do func(net.Conn, lines) error) error {
	conn, err := net.Dial("unix", w.socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-w.end:
			conn.Close()
		case <-stop:
		}
	})
	defer watching.Wait()
	defer close(stop)
	if _, err := conn.Write(append(line(hello{Version: version, Session: witnessSession, Past: past}), '\n')); err != nil {
		return err
	}
	in := newLines(conn, maxTold)
	if _, err := in.next(); err != nil {
		return err
	}
	return do(conn, in)
}

// see reads the transcript as a client gets it, and draws it as one does.
func (w *witness) see(t *testing.T) (out []contract.Post) {
	t.Helper()
	err := w.attach(maxPast, func(_ net.Conn, in lines) error {
		return untilLast(in, func(l toClient) bool {
			switch {
			case l.Said != nil:
				out = append(out, contract.Post{ID: l.Said.ID, Root: l.Said.Root, Faces: []string{l.Said.Text}})
			case l.Post != nil:
				out = append(out, w.post(t, *l.Post))
			}
			return l.Done != nil
		})
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return out
}

func (w *witness) post(t *testing.T, p post) contract.Post {
	f, err := frameOf(p)
	if err != nil {
		t.Fatal(err)
	}
	plain := &painter{zone: time.UTC}
	at := place{at: p.At, thread: p.Thread}
	x := contract.Post{ID: bot.MessageID(f.Key), Mine: true, Root: f.Root, Answers: f.ReplyTo, Markup: len(f.Message.Actions) > 0}
	if f.Kind == bot.SendRoot {
		w.roots[x.ID] = p.Thread
		x.Faces = append(x.Faces, plain.root(at, f.Message))
	} else {
		x.Faces = append(x.Faces, plain.answer(at, f.Message))
	}
	look := func(t bot.Text) {
		for _, s := range t {
			x.Markup = x.Markup || s.Style != "" || s.URL != ""
			if a, ok := address(s.URL); ok {
				x.Links = append(x.Links, a)
			}
		}
	}
	look(f.Message.Title)
	look(f.Message.Note)
	for _, b := range f.Message.Blocks {
		switch b := b.(type) {
		case bot.Para:
			look(b.Text)
		case bot.Fields:
			for _, y := range b.Fields {
				look(y.Value)
			}
		case bot.List:
			for _, y := range b.Items {
				look(y)
			}
		case bot.Picture:
			x.Attachments = append(x.Attachments, contract.Attachment{Name: b.Name, Picture: true, Data: b.PNG})
		case bot.File:
			x.Attachments = append(x.Attachments, contract.Attachment{Name: b.Name, Data: b.Data})
		}
	}
	return x
}

package console

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

// sessionOf is a session at a terminal, to which lines can be said by hand.
func sessionOf(out *bytes.Buffer) *session {
	return &session{out: out, edits: &editor{}, waiting: map[int]*pending{}, asked: map[int]*inquiry{},
		paint: &painter{zone: time.UTC}, o: ClientOptions{Wait: usualWait}}
}

func (s *session) saidAndTaken(n, thread int, text string) {
	s.waiting[n] = &pending{say: say{N: n, Thread: thread, Text: text}, id: bot.MessageID(text), when: time.Now()}
	s.taken(n)
}

// A line that gets no answer must not take the answers of those after it, which
// would then be told to be taken only.
func TestUnansweredLineStealsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := sessionOf(&out)
		wait := func() string {
			t.Helper()
			time.Sleep(2 * patience)
			out.Reset()
			if err := s.overdue(t.Context()); err != nil {
				t.Fatal(err)
			}
			return out.String()
		}
		s.saidAndTaken(1, 1, "ack")
		if got := wait(); got != "-- taken: ack\n" {
			t.Errorf("of a line without an answer it says %q", got)
		}
		for n, text := range []string{"silence 1h", "unack", "ack again"} {
			s.saidAndTaken(n+2, 1, text)
			s.answered(post{Thread: 1}, frame{})
			if got := wait(); got != "" {
				t.Errorf("after the answer to %q it says %q", text, got)
			}
		}
		// Two at once, of which the first got no answer.
		s.saidAndTaken(5, 1, "ack")
		s.saidAndTaken(6, 1, "graph")
		s.answered(post{Thread: 1}, frame{})
		if got := wait(); got != "" {
			t.Errorf("after an answer to two it says %q", got)
		}
		// A named answer is for that line alone; other threads are no answer at all.
		s.saidAndTaken(7, 1, "status")
		s.saidAndTaken(8, 1, "alerts")
		s.answered(post{Thread: 1}, frame{envelope: envelope{ReplyTo: "alerts"}})
		s.answered(post{Thread: 2}, frame{})
		s.answered(post{}, frame{envelope: envelope{ReplyTo: "somebody else's"}})
		if got := wait(); got != "-- taken: status\n" {
			t.Errorf("of the line that was not named it says %q", got)
		}
	})
}

// What is said in a thread while a line is on its way does not make it taken.
func TestNotTakenThoughSomethingWasSaid(t *testing.T) {
	s := serve(t, Options{})
	s.root("root", diskFull())
	var out screen
	s.sink.refuses(func(e bot.Said) error {
		s.reply("log "+string(e.ID), "root", acked())
		if e.Text == "ack" {
			// The client has read it before the line's fate is known.
			waitFor(t, "the log's line", func() bool { return strings.Contains(out.String(), "covers 2 alerts") })
			return errors.New("the disk is full")
		}
		return nil
	})
	err := Attach(t.Context(), s.socket, strings.NewReader("@t1 ack\n@t1 unack\n"), &out, named())
	if err == nil || bot.ForPeople(err) != "1 line was not taken." || !strings.Contains(out.String(), "not taken (ack)") || strings.Contains(out.String(), "(unack)") {
		t.Errorf("it ends with %v and shows %s", err, out.String())
	}
}

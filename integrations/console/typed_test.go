package console

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"watchstander/bot"
)

// threadedNames are some as main gives them.
var threadedNames = []string{"ack", "alerts", "al", "backup run", "graph", "silence", "unsilence"}

// A thread's label behind a command's name says where the line is said; anywhere
// else it is a word.
func TestAim(t *testing.T) {
	for _, c := range []struct {
		text string
		in   int
		want order
	}{
		{"ack t1", 0, order{thread: 1, text: "ack"}},
		{"ack t1", 2, order{thread: 1, text: "ack"}},
		{"ack @t1", 2, order{thread: 1, text: "ack"}},
		{"@t2 ack t1", 0, order{thread: 1, text: "ack"}},
		{"ack  t1   on  it", 2, order{thread: 1, text: "ack on  it"}},
		{"Ack t1", 0, order{thread: 1, text: "Ack"}},
		{"alerts t12", 0, order{thread: 12, text: "alerts"}},
		{"al t12", 0, order{thread: 12, text: "al"}},
		{"silence t1 2h \"a  b\"", 0, order{thread: 1, text: "silence 2h \"a  b\""}},
		{"graph t1 #2", 0, order{thread: 1, text: "graph #2"}},
		{"backup run t3", 0, order{thread: 3, text: "backup run"}},
		{"! ack t1", 2, order{thread: 1, text: "! ack"}},
		{"ws: ack t1", 2, order{thread: 1, text: "ws: ack"}},
		{"Watchstander ack t1", 2, order{thread: 1, text: "Watchstander ack"}},
		// A label that no thread has is refused by the server, not taken for a word.
		{"ack t77", 2, order{thread: 77, text: "ack"}},
		// Words.
		{"ack", 2, order{thread: 2, text: "ack"}},
		{`ack "t1"`, 2, order{thread: 2, text: `ack "t1"`}},
		{`ack "t1 is slow"`, 2, order{thread: 2, text: `ack "t1 is slow"`}},
		{"ack as in t1", 2, order{thread: 2, text: "ack as in t1"}},
		{"ack t1's disk", 2, order{thread: 2, text: "ack t1's disk"}},
		{"ack t1, t2", 2, order{thread: 2, text: "ack t1, t2"}},
		{"ack t01", 2, order{thread: 2, text: "ack t01"}},
		{"ack t0", 2, order{thread: 2, text: "ack t0"}},
		{"ack 1", 2, order{thread: 2, text: "ack 1"}},
		{"silence 2h t1", 2, order{thread: 2, text: "silence 2h t1"}},
		{"alerts find t1", 0, order{text: "alerts find t1"}},
		{"acks t1", 0, order{text: "acks t1"}},
		{"status t1", 0, order{text: "status t1"}},
		{"backup t1", 0, order{text: "backup t1"}},
		{"t1", 0, order{text: "t1"}},
	} {
		c.want.do = doSay
		if got := understand(c.text, c.in, threadedNames); got != c.want {
			t.Errorf("%q in %d: %+v, want %+v", c.text, c.in, got, c.want)
		}
	}
	if got := understand("ack t1", 2, nil); got.thread != 2 || got.text != "ack t1" {
		t.Errorf("for a server that names no such commands it becomes %+v", got)
	}
}

// The way of a label from the keyboard to the sink.
func TestLabels(t *testing.T) {
	s := serve(t, Options{Threaded: func() []string { return threadedNames }})
	s.pong()
	one := s.root("one", diskFull())
	two := s.root("two", diskFull())
	var out bytes.Buffer
	err := Attach(t.Context(), s.socket, strings.NewReader("ack t1 on it\n/in t2\nack t1\nack \"t1\"\nack t77\n/in t77\nack\n"), &out, named())
	if err == nil || bot.ForPeople(err) != "2 lines were not taken." {
		t.Errorf("it ends with %v", err)
	}
	var got []bot.Said
	for range 4 {
		got = append(got, <-s.sink.taken)
	}
	for i, want := range []struct {
		root bot.MessageID
		text string
	}{{one, "ack on it"}, {one, "ack"}, {two, `ack "t1"`}, {"", "ack"}} {
		if got[i].Root != want.root || got[i].Text != want.text {
			t.Errorf("line %d comes as %q in %q, want %q in %q", i+1, got[i].Text, got[i].Root, want.text, want.root)
		}
	}
	if strings.Count(out.String(), "There is no thread t77.") != 2 {
		t.Errorf("the screen shows %s", out.String())
	}
}

// A thread that the client has not met may be there all the same.
func TestEnter(t *testing.T) {
	s := serve(t, Options{})
	s.pong()
	root := s.root("one", diskResolved()) // over, so that it is not told at first
	s.root("two", diskFull())
	o := atTerminal(t)
	o.Past = 1
	x := sit(t, s, o)
	x.await("> ")
	x.press("/in t77\rack\r")
	x.await("There is no thread t77.")
	if e := <-s.sink.taken; e.Root != "" {
		t.Errorf("the sink got %+v", e)
	}
	x.press("/in t1\rack\r")
	x.await("t1> ")
	if e := <-s.sink.taken; e.Root != root {
		t.Errorf("the sink got %+v", e)
	}
	x.press("\x04")
	x.wantEnd("")
}

func TestComplete(t *testing.T) {
	o := offers{words: []string{"ack", "backup run", "backup status", "backup verify", "silence", "silences", "status"},
		threaded: threadedNames}
	for _, n := range []int{12, 3, 12} {
		o.thread(n)
	}
	for _, m := range []bot.Message{
		{Note: bot.Text{bot.M("thr_ABCDEFGH")}}, {Note: bot.Text{bot.M("thr_ABXYZ"), bot.M("other"), bot.T("thr_plain")}}, {Title: bot.Text{bot.M("thr_a b"), bot.M("thr_ABXYZ")}},
	} {
		o.noteIDs(m)
	}
	if want := []string{"thr_ABCDEFGH", "thr_ABXYZ"}; !slices.Equal(o.ids, want) {
		t.Errorf("it remembers the ids %q, want %q", o.ids, want)
	}
	for _, c := range []struct {
		before, after string
		several       int
	}{
		{"st", "status ", 0},
		{"backup ", "backup ", 3},
		{"ba", "backup ", 0},
		{"backup v", "backup verify ", 0},
		{"@t12 st", "@t12 status ", 0},
		{"@", "@t", 0},
		{"@t", "@t", 2},
		{"@t1", "@t12 ", 0},
		{"/in t3", "/in t3 ", 0},
		{"/h", "/h", 2},
		{"/hi", "/history ", 0},
		{"xyz", "xyz", 0},
		{"sil", "silence", 0},
		{"silence", "silence", 2},
		{"silence ", "silence t", 0},
		{"ack t", "ack t", 2},
		{"ack t1", "ack t12 ", 0},
		{"ack @", "ack @t", 0},
		{"@t3 ack t1", "@t3 ack t12 ", 0},
		{"silence th", "silence thr_AB", 0},
		{"silence thr_AB", "silence thr_AB", 2},
		{"silence thr_ABX", "silence thr_ABXYZ ", 0},
		{"ack t1 because t", "ack t1 because t", 0},
		{"status t", "status t", 0},
	} {
		after, several := o.complete(c.before)
		if after != c.after || len(several) != c.several {
			t.Errorf("Tab after %q: %q and %q", c.before, after, several)
		}
	}
}

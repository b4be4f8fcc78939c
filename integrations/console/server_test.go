package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

func TestConversation(t *testing.T) {
	zone, _ := time.LoadLocation("Europe/Berlin")
	s := serve(t, Options{Zone: func() *time.Location { return zone }, Completions: func() []string { return []string{"ack", "status"} }})
	s.sink.answers(func(e bot.Said) { s.answer("answer to "+e.Text, e.ID, plain("pong")) })
	alice, bob := s.attach(20), s.attach(20)
	me := UserOf(uint32(os.Getuid()))
	if h := alice.hi; h.Version != 1 || h.User != me || h.Zone != "Europe/Berlin" || h.Room != "console" || fmt.Sprint(h.Words) != "[ack status]" {
		t.Errorf("the hello is %+v", h)
	}
	before := time.Now().Add(-time.Second)
	alice.send(toServer{Say: &say{N: 1, Text: " ping  <&> "}})
	e := <-s.sink.taken
	want := bot.Said{Chat: "console", Room: "console", ID: messageID(me, "a-session-of-mine", 1), User: me, Text: " ping  <&> ", At: e.At, Addressed: true}
	if e != want || e.At.Before(before) || e.At.After(time.Now()) || e.At.Location() != time.UTC {
		t.Errorf("the sink got %+v, want %+v", e, want)
	}
	// The answer went out before Take returned; bob reads the question first.
	if w := bob.next(); w.Said == nil || w.Said.ID != e.ID || w.Said.Text != e.Text || w.Said.User != me {
		t.Errorf("bob reads %s first", line(w))
	}
	if f, err := frameOf(bob.nextPost()); err != nil || f.ReplyTo != e.ID {
		t.Errorf("bob reads %+v, %v", f, err)
	}
	if f, err := frameOf(alice.nextPost()); err != nil || f.ReplyTo != e.ID {
		t.Errorf("alice reads %+v, %v", f, err)
	}
	if w := alice.next(); w.Taken == nil || w.Taken.N != 1 {
		t.Errorf("alice reads %s, want that her line is taken", line(w))
	}

	s.sink.answers(nil)
	root := s.root("root", diskFull())
	alice.nextPost()
	alice.send(toServer{Say: &say{N: 2, Thread: 1, Text: "ack"}})
	if e := <-s.sink.taken; e.Root != root {
		t.Errorf("in the thread: %+v", e)
	}
	for n, c := range map[int]say{
		3: {Thread: 9, Text: "ack"}, 4: {Text: " "}, 5: {Text: "a\nb"}, 6: {Text: "\x1b[2J"}, 7: {Text: strings.Repeat("x", maxText+1)}, 8: {Thread: -1, Text: "x"}, 0: {Text: "no number"},
	} {
		c.N = n
		alice.send(toServer{Say: &c})
		for {
			w := alice.next()
			if w.Taken != nil && w.Taken.N == 2 {
				continue
			}
			if w.Refused == nil || w.Refused.N != n || w.Refused.Why == "" || w.Refused.Again {
				t.Errorf("%+v: %s, want a refusal", c, line(w))
			}
			break
		}
	}
	if len(s.sink.taken) != 0 {
		t.Errorf("the sink got %+v", <-s.sink.taken)
	}
}

func TestNotTaken(t *testing.T) {
	s := serve(t, Options{})
	alice, bob := s.attach(0), s.attach(0)
	var ids []bot.MessageID
	s.sink.refuses(func(e bot.Said) error {
		ids = append(ids, e.ID)
		if len(ids) == 1 {
			return errors.New("sqlite: secret detail")
		}
		return nil
	})
	alice.send(toServer{Say: &say{N: 7, Text: "silence 1h"}})
	if w := alice.next(); w.Refused == nil || !w.Refused.Again || strings.Contains(w.Refused.Why, "secret") {
		t.Errorf("alice reads %s", line(w))
	}
	alice.send(toServer{Say: &say{N: 7, Text: "silence 1h"}})
	if w := alice.next(); w.Taken == nil {
		t.Errorf("alice reads %s", line(w))
	}
	if len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("the ids are %v, want one twice", ids)
	}
	if w := bob.next(); w.Said == nil || w.Said.Text != "silence 1h" {
		t.Errorf("bob reads %s", line(w))
	}
	// Said once more, as a client might after a lost answer: recognised.
	alice.send(toServer{Say: &say{N: 7, Text: "silence 1h"}})
	if w := alice.next(); w.Taken == nil {
		t.Errorf("alice reads %s", line(w))
	}
	s.root("root", diskFull())
	if w := bob.next(); w.Post == nil {
		t.Errorf("bob reads a line twice: %s", line(w))
	}
}

func TestAskingForThePast(t *testing.T) {
	s := serve(t, Options{})
	root := s.root("one", diskFull())
	s.edit("one2", root, diskResolved())
	s.root("two", diskFull())
	s.reply("re", root, acked())
	s.answer("aside", "", plain("aside"))
	r := s.attach(0)
	ask := func(w toServer, n int) (got string) {
		t.Helper()
		r.send(w)
		for {
			w := r.next()
			if w.Done != nil {
				if w.Done.N != n {
					t.Errorf("done %d, want %d", w.Done.N, n)
				}
				return got + w.Done.Note
			}
			if w.Re == nil || *w.Re != n {
				t.Errorf("the answer's line has number %v", w.Re)
			}
			f, err := frameOf(*w.Post)
			if err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprintf("%s:%s ", f.Key, f.Message.Tone)
		}
	}
	for n, c := range []struct {
		ask  toServer
		want string
	}{
		{toServer{Threads: &asking{}}, "two:critical "},
		{toServer{Threads: &asking{All: true}}, "one:ok two:critical "},
		{toServer{Show: &asking{Thread: 1}}, "one:ok re: "},
		{toServer{Show: &asking{Thread: 3}}, "There is no thread t3."},
		{toServer{History: &asking{Last: 2}}, "re: aside: "},
		{toServer{History: &asking{Last: -5}}, "aside: "},
		{toServer{History: &asking{Last: 1 << 40}}, "one:ok two:critical re: aside: "},
	} {
		for _, a := range []*asking{c.ask.Threads, c.ask.Show, c.ask.History} {
			if a != nil {
				a.N = n + 1
			}
		}
		if got := ask(c.ask, n+1); got != c.want {
			t.Errorf("%s: %q, want %q", line(c.ask), got, c.want)
		}
	}
}

func TestRules(t *testing.T) {
	s := serve(t, Options{})
	for name, c := range map[string]struct{ send, bye string }{
		"no hello":        {"{}\n", "no hello"},
		"no JSON":         {"hello\n", "no hello"},
		"another version": {`{"watchstander":99,"session":"12345678"}` + "\n", "version 1"},
		"no session":      {`{"watchstander":1}` + "\n", "no session"},
		"a long hello":    {strings.Repeat("x", maxAsked+1), "No hello"},
		"a long line":     {`{"watchstander":1,"session":"12345678"}` + "\n" + strings.Repeat("x", maxAsked+1), "too long"},
		"nonsense":        {`{"watchstander":1,"session":"12345678"}` + "\n[1]\n", "understood"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.dial()
			r.t = t
			if _, err := r.conn.Write([]byte(c.send)); err != nil {
				t.Fatal(err)
			}
			r.wantBye(c.bye)
		})
	}
	if len(s.sink.taken) != 0 {
		t.Errorf("the sink got %+v", <-s.sink.taken)
	}
}

func TestManyClients(t *testing.T) {
	s := serve(t, Options{})
	var all []*raw
	for range maxClients {
		all = append(all, s.attach(0))
	}
	for range 3 {
		s.dial().wantBye("16 consoles")
	}
	for i := range 50 {
		s.root(fmt.Sprint("k", i), diskFull())
	}
	for _, r := range all {
		for i := range 50 {
			if p := r.nextPost(); p.Thread != i+1 {
				t.Fatalf("post %d comes as %d", i+1, p.Thread)
			}
		}
	}
	all[3].conn.Close()
	waitFor(t, "a free place", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.clients) < maxClients })
	s.attach(0)
}

// A client that does not read must hold nobody up, and is dropped.
func TestSlowClient(t *testing.T) {
	s := serve(t, Options{})
	slow, good := s.attach(0), s.attach(0)
	began := time.Now()
	big := line(toClient{Post: &post{Frame: line(strings.Repeat("x", 500<<10))}})
	const posts = 40 // 20 MB: more than all that waits for one client
	done, kept := make(chan struct{}), make(chan bool)
	go func() {
		defer close(done)
		for range posts {
			good.nextPost()
			kept <- true
		}
	}()
	for range posts {
		s.mu.Lock()
		s.tell(big, nil)
		s.mu.Unlock()
		<-kept // the good one keeps up
	}
	<-done
	waitFor(t, "the end of the slow client", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.clients) == 1 })
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("it took %s", d)
	}
	good.send(toServer{Say: &say{N: 1, Text: "still here"}})
	<-s.sink.taken
	// What it still gets ends in whole lines, or in the middle of one.
	for {
		b, err := slow.in.next()
		if err != nil {
			break
		}
		if !json.Valid(b) {
			t.Fatalf("a line is broken: %.80s", b)
		}
	}
}

// A client that starts to read again before its last moments are over is told
// why it was dropped.
func TestSlowClientIsTold(t *testing.T) {
	ours, theirs := net.Pipe()
	o := newOutbox(theirs)
	for o.put(false, []byte(`{"filler":"`+strings.Repeat("x", 1000)+`"}`)) {
	}
	done := make(chan struct{})
	go func() { defer close(done); o.write(theirs); theirs.Close() }()
	in := newLines(ours, maxTold)
	if _, err := in.next(); err != nil {
		t.Fatal(err)
	}
	o.drop("too slow")
	var last []byte
	for {
		b, err := in.next()
		if err != nil {
			break
		}
		last = append(last[:0], b...)
	}
	<-done
	if string(last) != `{"bye":"too slow","again":true}` {
		t.Errorf("the last line is %s", last)
	}
}

// A client that asks without reading gets nothing more to ask with.
func TestAskingWithoutReading(t *testing.T) {
	s := serve(t, Options{})
	for i := range 50 {
		s.root(fmt.Sprint("k", i), longList())
	}
	r := s.attach(0)
	_ = r.conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	var err error
	for n := 1; err == nil && n < 100_000; n++ {
		_, err = r.conn.Write(append(line(toServer{History: &asking{N: n, Last: 500}}), '\n'))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server went on reading: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for cl := range s.clients {
		cl.out.mu.Lock()
		if cl.out.bytes > 2*maxWaitingBytes {
			t.Errorf("%d bytes wait for it", cl.out.bytes)
		}
		cl.out.mu.Unlock()
	}
}

func TestGoodbye(t *testing.T) {
	s := serve(t, Options{})
	a, b := s.attach(0), s.dial() // one has said hello, one has not
	waitFor(t, "both", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.clients) == 2 })
	if err := s.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	a.wantBye("stops")
	b.wantBye("stops")
	if _, err := os.Stat(s.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket stays: %v", err)
	}
}

package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

// screen is an output that can be watched.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
	// all is what was ever written; b loses what was awaited.
	all []byte
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, b...)
	return s.b.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func named() ClientOptions {
	return ClientOptions{Env: env("TERM", "xterm"), Name: func(bot.UserID) string { return "alice" }}
}

// pong answers everything.
func (s *server) pong() {
	s.sink.answers(func(e bot.Said) {
		go s.post(bot.Outgoing{Key: bot.SendKey("pong-" + e.ID), Kind: bot.SendReply, Root: e.Root, ReplyTo: toOutside(e), Message: plain("pong to " + e.Text)})
	})
}

// toOutside: as flow does, an answer names its question only outside threads.
func toOutside(e bot.Said) bot.MessageID {
	if e.Root != "" {
		return ""
	}
	return e.ID
}

func TestPipe(t *testing.T) {
	s := serve(t, Options{})
	s.pong()
	s.root("root", diskFull())
	for name, c := range map[string]struct {
		in, want string
		err      string
	}{
		"one line":     {"status\n", "XX:XX · pong to status\n", ""},
		"no end":       {"status", "XX:XX · pong to status\n", ""},
		"two in order": {"one\n\n  two  \r\n", "XX:XX · pong to one\nXX:XX · pong to two\n", ""},
		"in a thread":  {"@t1 ack\n/t1 silence 1h\n", "XX:XX   t1 │ · pong to ack\nXX:XX   t1 │ · pong to silence 1h\n", ""},
		"stay in one":  {"/in t1\nack\n/out\nstatus\n", "XX:XX   t1 │ · pong to ack\nXX:XX · pong to status\n", ""},
		"nothing":      {"", "", ""},
		"quit early":   {"/quit\nstatus\n", "", ""},
		"no thread":    {"@t9 ack\nstatus\n", "!! not taken (ack): There is no thread t9.\nXX:XX · pong to status\n", "1 line was not taken"},
		"too long":     {strings.Repeat("x", maxText+1) + "\nstatus\n", "!! not taken: a line is longer than 8 KiB\nXX:XX · pong to status\n", "1 line was not taken"},
		"controls":     {"a\x1b[2Jb\n", "!! not taken (a␛[2Jb): It holds control characters.\n", "1 line was not taken"},
		"slashes":      {"//etc/hosts\n/nonsense\n", "XX:XX · pong to /etc/hosts\n!! There is no /nonsense; /help lists what there is. (A line for the bot that begins with a slash begins with two.)\n", "1 line was not taken"},
		"threads":      {"/threads\n", "t1   ■ CRITICAL ×2 DiskFull (instance=vulcan, job=node)  TIME\n-- /threads all lists those that are over, too\n", ""},
		"show nothing": {"/show t5\n", "!! There is no thread t5.\n", "1 line was not taken"},
		"save nothing": {"/save\n", "!! No picture or file has come yet.\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := Attach(t.Context(), s.socket, strings.NewReader(c.in), &out, named())
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("the error is %v, want %q", err, c.err)
			}
			if got := withoutTimes(out.String()); got != c.want {
				t.Errorf("it shows\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// withoutTimes puts signs in the place of what the clock says.
func withoutTimes(s string) string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if len(l) > 5 && l[2] == ':' {
			l = "XX:XX" + l[5:]
		}
		if i := strings.LastIndex(l, ")  "); i > 0 && strings.HasPrefix(l, "t") {
			l = l[:i] + ")  TIME"
		}
		out = append(out, l)
	}
	return strings.Join(out, "\n")
}

func TestPipeOverAFile(t *testing.T) {
	s := serve(t, Options{})
	s.pong()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var out screen
	done := make(chan error, 1)
	go func() { done <- Attach(t.Context(), s.socket, r, &out, named()) }()
	io.WriteString(w, "status\n")
	waitFor(t, "the answer", func() bool { return strings.Contains(out.String(), "pong to status") })
	// The bot goes; a console whose input waits must end nevertheless.
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || bot.ForPeople(err) != "The bot stops." {
		t.Errorf("the error is %v", err)
	}
	r.Close()
}

func TestLocal(t *testing.T) {
	s := serve(t, Options{})
	s.pong()
	var out bytes.Buffer
	if err := Local(t.Context(), s.Chat, "demo", strings.NewReader("status\n"), &out, named()); err != nil {
		t.Error(err)
	}
	if e := <-s.sink.taken; e.User != "demo" || !strings.Contains(out.String(), "pong to status") {
		t.Errorf("the sink got %+v, and the screen %q", e, out.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	idle, _ := New(Options{ID: "x", Room: "x"})
	if err := Local(ctx, idle, "demo", strings.NewReader(""), &out, named()); !errors.Is(err, context.Canceled) {
		t.Errorf("without Run: %v", err)
	}
}

// Who embeds a console can have a word with its person.
func TestNotes(t *testing.T) {
	s := serve(t, Options{})
	notes := make(chan string)
	o := named()
	o.Notes = notes
	in, typed := io.Pipe()
	var out screen
	done := make(chan error, 1)
	go func() { done <- Local(t.Context(), s.Chat, "demo", in, &out, o) }()
	notes <- "the story\x1b[2J is over"
	typed.Close()
	if err := <-done; err != nil || out.String() != "-- the story␛[2J is over\n" {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestNobodyThere(t *testing.T) {
	dir := folder(t)
	err := Attach(t.Context(), filepath.Join(dir, "s"), strings.NewReader(""), io.Discard, named())
	if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeUnavailable {
		t.Errorf("without a socket: %v", err)
	}
	// What listens there is no bot.
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for _, hi := range []string{"SSH-2.0-x\n", `{"watchstander":7}` + "\n", "", `{"bye":"go away\u001b"}` + "\n"} {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, hi)
			conn.Close()
		}
	}()
	for _, want := range []string{"no bot that this program understands", "no bot that this program understands", "closed the connection", "turned this console away: go away␛"} {
		err := Attach(t.Context(), filepath.Join(dir, "s"), strings.NewReader(""), io.Discard, named())
		if err == nil || !strings.Contains(bot.ForPeople(err), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}

// A pipe's line that was taken and that nobody answers ends after a while, on
// fake time; taken is taken.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{ID: "console", Room: "console"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		sk := newSink()
		go func() { done <- c.Run(ctx, sk) }()
		began := time.Now()
		var out bytes.Buffer
		err = Local(ctx, c, "demo", strings.NewReader("anybody?\n"), &out, named())
		if err != nil || time.Since(began) != usualWait || !strings.Contains(out.String(), "-- taken, but nothing was said to it in 1 min: anybody?") {
			t.Errorf("after %s: %v, %q", time.Since(began), err, out.String())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A bot that hangs does not hang whoever asks it from a pipe.
func TestHungServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		go func() {
			in := newLines(theirs, maxTold)
			if _, err := in.next(); err != nil {
				return
			}
			_, _ = theirs.Write(append(line(hello{Version: version, User: "uid:1"}), '\n'))
			_, _ = theirs.Write(append(line(toClient{Done: &done{}}), '\n'))
			for {
				if _, err := in.next(); err != nil {
					return
				}
			}
		}()
		began := time.Now()
		var out bytes.Buffer
		err := converse(t.Context(), ours, nil, strings.NewReader("/threads\nstatus\n"), &out, named())
		if err == nil || time.Since(began) != 2*usualWait || !strings.Contains(out.String(), "no answer in 1 min: /threads") ||
			!strings.Contains(out.String(), "nobody knows whether this was taken: status") {
			t.Errorf("after %s: %v, %s", time.Since(began), err, out.String())
		}
	})
}

// What was refused and is typed again goes under the same number, so that the
// bot can know it again; what is typed anew later does not.
func TestTypedAgain(t *testing.T) {
	s := serve(t, Options{})
	var ids []bot.MessageID
	fail := 1
	s.sink.refuses(func(e bot.Said) error {
		ids = append(ids, e.ID)
		if fail--; fail >= 0 {
			return errors.New("the disk is slow")
		}
		return nil
	})
	s.pong()
	var out bytes.Buffer
	err := Attach(t.Context(), s.socket, strings.NewReader("silence 1h\nsilence 1h\nsilence 1h\n"), &out, named())
	if err == nil {
		t.Error("the refusal is no error")
	}
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] == ids[2] {
		t.Errorf("the ids are %v", ids)
	}
	if !strings.Contains(out.String(), "it will not be done twice") {
		t.Errorf("the screen shows %q", out.String())
	}
}

func TestSave(t *testing.T) {
	s := serve(t, Options{})
	root := s.root("root", diskFull())
	s.reply("pic", root, picture())
	s.reply("evil", "", hostile())
	dir := filepath.Join(folder(t), "pictures") // made when it is needed
	o := named()
	o.Past, o.SaveDir = 10, dir
	for range 2 {
		var out bytes.Buffer
		if err := Attach(t.Context(), s.socket, strings.NewReader("/save t1\n/save\n"), &out, o); err != nil {
			t.Errorf("%v, %s", err, out.String())
		}
		if !strings.Contains(out.String(), "saved to "+dir+"/graph") {
			t.Errorf("the screen shows %s", out.String())
		}
	}
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
		if info, _ := e.Info(); info.Mode() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	if want := []string{"gpj-1.exe", "gpj.exe", "graph-1.png", "graph.png"}; !slices.Equal(names, want) {
		t.Errorf("the folder holds %v, want %v", names, want)
	}
}

func TestUnderstand(t *testing.T) {
	for _, c := range []struct {
		text string
		in   int
		want order
	}{
		{"", 0, order{}},
		{"  status ", 0, order{do: doSay, text: "status"}},
		{"ack", 7, order{do: doSay, thread: 7, text: "ack"}},
		{"@t12 ack now", 0, order{do: doSay, thread: 12, text: "ack now"}},
		{"@t12 ack", 7, order{do: doSay, thread: 12, text: "ack"}},
		{"/t12 ack", 0, order{do: doSay, thread: 12, text: "ack"}},
		{"@t12", 0, order{do: doEnter, thread: 12}},
		{"@team hello", 3, order{do: doSay, thread: 3, text: "@team hello"}},
		{"@t hello", 0, order{do: doSay, text: "@t hello"}},
		{"@t+1 hello", 0, order{do: doSay, text: "@t+1 hello"}},
		{"@t99999999999999999999 x", 0, order{do: doSay, text: "@t99999999999999999999 x"}},
		{"#3", 7, order{do: doSay, thread: 7, text: "#3"}},
		{"/in t12", 0, order{do: doEnter, thread: 12}},
		{"/in 12", 0, order{do: doEnter, thread: 12}},
		{"/in @t12", 0, order{do: doEnter, thread: 12}},
		{"/in", 0, order{do: doRefuse, text: "Which thread? /in t12"}},
		{"/out", 7, order{do: doLeave}},
		{"/show", 7, order{do: doShow, thread: 7}},
		{"/show x", 7, order{do: doRefuse, text: "Which thread? /show t12"}},
		{"/save", 0, order{do: doSave}},
		{"/save t3", 0, order{do: doSave, thread: 3}},
		{"/history", 0, order{do: doPast, count: 50}},
		{"/history 9999", 0, order{do: doPast, count: maxPast}},
		{"/history -1", 0, order{do: doRefuse, text: "How many? /history 50"}},
		{"/threads all", 0, order{do: doList, all: true}},
		{"/q", 0, order{do: doQuit}},
		{"//x", 0, order{do: doSay, text: "/x"}},
	} {
		if got := understand(c.text, c.in, nil); got != c.want {
			t.Errorf("%q in %d: %+v, want %+v", c.text, c.in, got, c.want)
		}
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(folder(t), "watchstander", "console_history")
	h := openHistory(path)
	for _, l := range []string{"one", "", " secret", "two", "two"} {
		h.Add(l)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the history: %v, %v", info, err)
	}
	h = openHistory(path)
	if h.Len() != 2 || h.At(0) != "two" || h.At(1) != "one" {
		t.Errorf("it remembers %q", h.typed)
	}
	for i := range 5 * maxRemembered {
		h.Add(strings.Repeat("x", 1+i%7))
	}
	if h = openHistory(path); h.Len() > 2*maxRemembered {
		t.Errorf("it remembers %d lines", h.Len())
	}
	if p := historyPath(env("HOME", "/home/a", "XDG_STATE_HOME", "relative")); p != "/home/a/.local/state/watchstander/console_history" {
		t.Errorf("the path is %q", p)
	}
	if p := historyPath(env()); p != "" {
		t.Errorf("without a home the path is %q", p)
	}
}

package console

import (
	"encoding/json"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// A bot that restarts finds the person where it left them: told what was missed,
// and nothing twice.
func TestAttachingAgain(t *testing.T) {
	dir := folder(t)
	options := Options{Socket: filepath.Join(dir, "s"), Log: filepath.Join(dir, "log")}
	s := serve(t, options)
	s.pong()
	s.root("old", plain("long before"))
	began := time.Now()
	waitFor(t, "another millisecond", func() bool { return time.Since(began) > 2*time.Millisecond })
	o := atTerminal(t)
	o.Past = -1
	x := sit(t, s, o)
	x.await("> ")
	s.root("root", diskFull())
	x.await("DiskFull")
	x.press("status\r")
	x.await("pong to status")
	<-s.sink.taken
	// One line is taken and has no answer yet, of another nobody knows.
	s.sink.answers(nil)
	x.press("ack thr_X\r")
	late := <-s.sink.taken
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	x.await("The bot stops.")

	s = serve(t, options)
	// Before the person is back, or while: once it is told in any case.
	s.edit("edit", "root", diskResolved())
	s.root("new", plain("meanwhile"))
	s.answer("late", late.ID, plain("pong at last"))
	s.pong()
	missed := []string{"attached again", "is now", "meanwhile", "pong at last"}
	waitFor(t, "what was missed", func() bool {
		return !slices.ContainsFunc(missed, func(part string) bool { return !strings.Contains(x.shown.String(), part) })
	})
	x.press("@t2 again\r")
	if e := <-s.sink.taken; e.Root != "root" || e.Text != "again" || e.ID == late.ID {
		t.Errorf("after the restart comes %+v", e)
	}
	waitFor(t, "an answer", func() bool { return strings.Contains(x.shown.String(), "pong to again") })
	for _, part := range missed {
		if strings.Count(x.shown.String(), part) != 1 {
			t.Errorf("%q is not shown once: %s", part, x.shown.String())
		}
	}
	if got := x.shown.String(); strings.Contains(got, "long before") || strings.Contains(got, "pong to status") || strings.Contains(got, "» ") {
		t.Errorf("the past is told again: %s", got)
	}
	x.press("\x04")
	x.wantEnd("")
}

// What was shown is not shown again, and what is older than the session neither.
func TestFresh(t *testing.T) {
	now := time.Now()
	s := &session{began: now}
	if !s.fresh("before", now.Add(-time.Hour), time.Time{}) || !s.fresh("a", now, time.Time{}) {
		t.Error("what comes by itself is not shown")
	}
	s.catching = true
	for _, c := range []struct {
		key     string
		at      time.Time
		changed time.Time
		want    bool
	}{
		{"before", now.Add(-time.Hour), time.Time{}, false},
		{"older", now.Add(-time.Hour), time.Time{}, false},
		{"older", now.Add(-time.Hour), now.Add(time.Second), true},
		{"older", now.Add(-time.Hour), now.Add(time.Second), false},
		{"a", now, time.Time{}, false},
		{"a", now, now.Add(time.Second), true},
		{"new", now.Add(time.Second), time.Time{}, true},
		{"new", now.Add(time.Second), time.Time{}, false},
	} {
		if got := s.fresh(c.key, c.at, c.changed); got != c.want {
			t.Errorf("%s of %s, changed %s: %t", c.key, c.at, c.changed, got)
		}
	}
}

// Who may not come back is told why, and leaves.
func TestNotWantedAgain(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	s := serve(t, Options{Socket: path})
	x := sit(t, s, atTerminal(t))
	x.await("> ")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	x.await("attaches again")
	serve(t, Options{Socket: path, Person: func(bot.UserID) (string, bool) { return "", false }})
	<-x.done
	if x.err == nil || !strings.Contains(bot.ForPeople(x.err), "does not know") {
		t.Errorf("it ended with %v", x.err)
	}
}

// A line whose fate is unknown when the bot dies goes under its number again.
func TestUnknownLineAgain(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	x := sit(t, &server{socket: path}, atTerminal(t))
	var said []say
	hello := line(hello{Version: version, User: "uid:1"})
	for range 2 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		r := &raw{t: t, conn: conn, in: newLines(conn, maxTold)}
		if _, err := r.in.next(); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(append(hello, '\n')); err != nil {
			t.Fatal(err)
		}
		r.send(toClient{Done: &done{}})
		x.await("attached ") // "to", the first time, and then "again"
		x.press("silence 1h\r")
		b, err := r.in.next()
		if err != nil {
			t.Fatal(err)
		}
		var asked toServer
		if err := json.Unmarshal(b, &asked); err != nil || asked.Say == nil {
			t.Fatalf("it says %s", b)
		}
		said = append(said, *asked.Say)
		conn.Close() // as a killed process does
		x.await("(typed again, it")
		x.await("attaches again")
	}
	l.Close()
	if said[0] != said[1] || said[0].Text != "silence 1h" {
		t.Errorf("it was said as %+v", said)
	}
	x.press("half a line\x03")
	x.press("\x03")
	x.wantEnd("")
}

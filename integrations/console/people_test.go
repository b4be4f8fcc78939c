package console

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"watchstander/bot"
)

// A stranger is told so, and the log does not say that they were attached.
func TestStranger(t *testing.T) {
	var log screen
	s := serve(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Person: func(u bot.UserID) (string, bool) { return "", u == "uid:4242" }})
	r := s.dial()
	// It may have been closed before this is written.
	_, _ = r.conn.Write(append(line(hello{Version: version, Session: "a-session-of-mine", Past: 20}), '\n'))
	r.wantBye("does not know")
	waitFor(t, "the client's end", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.clients) == 0 })
	if got := log.String(); !strings.Contains(got, "turned away") || strings.Contains(got, "is attached") {
		t.Errorf("the log says %s", got)
	}
}

// people is a configuration that can be replaced: who I am, and the zone.
type people struct{ name, zone string }

// A reload sends away who is no person any more, and tells the others what has
// changed.
func TestReloaded(t *testing.T) {
	var now atomic.Pointer[people]
	now.Store(&people{"rooty", "Europe/Berlin"})
	s := serve(t, Options{
		Zone:   func() *time.Location { z, _ := time.LoadLocation(now.Load().zone); return z },
		Person: func(bot.UserID) (string, bool) { name := now.Load().name; return name, name != "" },
	})
	r := s.attach(0)
	if r.hi.Name != "rooty" || r.hi.Zone != "Europe/Berlin" {
		t.Errorf("the greeting is %+v", r.hi)
	}
	now.Store(&people{"dora", "Asia/Tokyo"})
	s.Reloaded()
	if w := r.next(); w.Hello == nil || w.Hello.Name != "dora" || w.Hello.Zone != "Asia/Tokyo" {
		t.Errorf("after a reload comes %s", line(w))
	}
	now.Store(&people{})
	s.Reloaded()
	s.root("root", diskFull()) // nothing of it may be read
	w := r.next()
	if w.Bye == nil || !strings.Contains(*w.Bye, "does not know") {
		t.Errorf("whoever is gone reads %s", line(w))
	}
	s.dial().wantBye("does not know")
	if len(s.sink.taken) != 0 {
		t.Error("something was said")
	}
}

// Who typed and who did it are one person under one name.
func TestNames(t *testing.T) {
	var now atomic.Pointer[people]
	now.Store(&people{name: "rooty"})
	s := serve(t, Options{Person: func(bot.UserID) (string, bool) { return now.Load().name, true }})
	s.pong()
	if err := Attach(t.Context(), s.socket, strings.NewReader("status\n"), &bytes.Buffer{}, named()); err != nil {
		t.Fatal(err)
	}
	o := named() // the host calls me alice
	o.Past = 10
	var out bytes.Buffer
	if err := Attach(t.Context(), s.socket, strings.NewReader(""), &out, o); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "» rooty: status") {
		t.Errorf("the screen shows %s", out.String())
	}
	x := sit(t, s, atTerminal(t))
	x.await("attached to console as rooty")
	now.Store(&people{name: "dora"})
	s.Reloaded()
	other := s.attach(0)
	other.send(toServer{Say: &say{N: 1, Text: "ping"}})
	x.await("dora: ")
	x.press("\x04")
	x.wantEnd("")
	if s.hello(UserOf(uint32(os.Getuid()))).Name != "dora" {
		t.Error("a new client is not greeted by the new name")
	}
}

// An answer to somebody else's line names them: "Your word was taken" would else be
// read as an answer to who sees it.
func TestAnswersToOthers(t *testing.T) {
	s := serve(t, Options{Person: func(u bot.UserID) (string, bool) {
		if u == "uid:4242" {
			return "bob", true
		}
		return "alice", true
	}})
	s.pong()
	x := sit(t, s, atTerminal(t))
	x.await("attached to console as alice")
	if err := Local(t.Context(), s.Chat, "uid:4242", strings.NewReader("approve pln_AAAA\n"), &bytes.Buffer{}, named()); err != nil {
		t.Fatal(err)
	}
	x.await("to bob: ") // in another look than the answer
	x.await("pong to approve pln_AAAA")
	x.press("status\r")
	x.await("pong to status")
	x.press("\x04")
	x.wantEnd("")
}

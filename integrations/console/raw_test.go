package console

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"
)

// raw is a client that speaks the protocol by hand.
type raw struct {
	t    testing.TB
	conn net.Conn
	in   lines
	hi   hello
	past []toClient
}

func (s *server) dial() *raw {
	s.t.Helper()
	var conn net.Conn
	waitFor(s.t, "a listener", func() (ok bool) {
		var err error
		conn, err = net.Dial("unix", s.socket)
		return err == nil
	})
	s.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{t: s.t, conn: conn, in: newLines(conn, maxTold)}
}

func (r *raw) send(v any) {
	r.t.Helper()
	if _, err := r.conn.Write(append(line(v), '\n')); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) next() toClient {
	r.t.Helper()
	b, err := r.in.next()
	if err != nil {
		r.t.Fatalf("the next line: %v", err)
	}
	var w toClient
	if err := json.Unmarshal(b, &w); err != nil {
		r.t.Fatalf("%s: %v", b, err)
	}
	return w
}

func (r *raw) nextPost() post {
	r.t.Helper()
	w := r.next()
	if w.Post == nil {
		r.t.Fatalf("not a post: %s", line(w))
	}
	return *w.Post
}

func (r *raw) wantBye(part string) {
	r.t.Helper()
	for {
		w := r.next()
		if w.Bye == nil {
			continue
		}
		if !strings.Contains(*w.Bye, part) {
			r.t.Errorf("bye says %q, want %q in it", *w.Bye, part)
		}
		if b, err := r.in.next(); err == nil {
			r.t.Errorf("after the bye comes %s", b)
		}
		return
	}
}

// attach says hello and reads the past.
func (s *server) attach(past int) *raw {
	s.t.Helper()
	r := s.dial()
	r.send(hello{Version: version, Session: "a-session-of-mine", Past: past})
	b, err := r.in.next()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r.hi); err != nil {
		s.t.Fatal(err)
	}
	for {
		w := r.next()
		if w.Done != nil {
			return r
		}
		r.past = append(r.past, w)
	}
}

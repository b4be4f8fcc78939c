package console

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"watchstander/bot"
)

// link is one connection to the bot, with the goroutines that serve it.
type link struct {
	conn     net.Conn
	outgoing *outbox
	told     chan told
	end      chan struct{}
	serving  sync.WaitGroup
}

func newLink(conn net.Conn) *link {
	l := &link{conn: conn, outgoing: newOutbox(conn), told: make(chan told), end: make(chan struct{})}
	// A failed write closes nothing: why the server went is still to be read.
	l.serving.Go(func() { l.outgoing.write(conn) })
	l.serving.Go(l.hear)
	return l
}

func (l *link) close() {
	close(l.end)
	l.conn.Close()
	l.outgoing.finish("", false)
	l.serving.Wait()
}

// told is one line of the server, or why there are no more.
type told struct {
	line toClient
	hi   hello // the first line, if it is one
	err  error
}

// hear hands the server's lines over until there are no more.
func (l *link) hear() {
	r := newLines(l.conn, maxTold)
	for first := true; ; first = false {
		var w told
		b, err := r.next()
		switch {
		case err != nil:
			w.err = err
		case first:
			if json.Unmarshal(b, &w.hi) != nil || w.hi.Version == 0 {
				_ = json.Unmarshal(b, &w.line) // a bye, else nothing
			}
		case json.Unmarshal(b, &w.line) != nil:
			continue // of a version to come
		}
		select {
		case l.told <- w:
		case <-l.end:
			return
		}
		if w.err != nil {
			return
		}
	}
}

// dial opens the bot's socket.
func dial(ctx context.Context, socket string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, fs.ErrPermission):
		return nil, bot.Errorf(bot.CodeForbidden, "You may not open %s; its group may.", socket).Because(err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return nil, gone{bot.Errorf(bot.CodeUnavailable, "No bot answers at %s. Does it run?", socket).Because(err)}
	}
	return nil, bot.Errorf(bot.CodeUnavailable, "%s cannot be opened: %v.", socket, err).Because(err)
}

// gone is why there is no connection, where one may come about again by itself:
// the bot restarts, as a rule.
type gone struct{ why *bot.Error }

func (g gone) Error() string { return g.why.Error() }
func (g gone) Unwrap() error { return g.why }

// How long a terminal waits before it tries to attach again.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// missedPast is how many messages a client asks for that attaches again. It shows
// those that it has not shown.
const missedPast = 200

// absence is the time without the bot, and until it has greeted again.
type absence struct {
	// at is when the next attempt is due, or when the greeting must have come.
	at   time.Time
	wait time.Duration
}

// part ends a connection that is lost. At a terminal the person stays, and the
// client attaches again; err is non-nil when it cannot be so.
func (s *session) part(g gone) error {
	if s.edits == nil || s.dial == nil || s.ended {
		return g.why
	}
	again := s.away != nil
	if s.link != nil {
		s.link.close()
		s.link = nil
	}
	if again {
		s.away.wait = min(2*s.away.wait, lastRetry)
	} else {
		s.away = &absence{wait: firstRetry}
	}
	s.away.at = time.Now().Add(s.away.wait)
	text := ""
	for _, n := range sorted(s.asked) {
		text += s.paint.warn("There was no answer: /%s", s.asked[n].kind)
		delete(s.asked, n)
	}
	if !again {
		text += s.paint.warn("%s This console attaches again when it can; Ctrl-C leaves.", bot.ForPeople(g.why))
	}
	s.more()
	return s.print(text)
}

// reattach tries to come back. An attempt that has no greeting in time has
// failed.
func (s *session) reattach(ctx context.Context) error {
	if s.link != nil {
		return gone{bot.Errorf(bot.CodeUnavailable, "The bot does not answer.")}
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	s.link = newLink(conn)
	s.away.at = time.Now().Add(2 * helloTime)
	s.link.outgoing.put(true, line(hello{Version: version, Session: s.id, Past: missedPast}))
	return nil
}

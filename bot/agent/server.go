package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
)

// Bounds of what a caller can hold.
const (
	// maxConns are the connections that one socket has at once, and maxOfOne those of
	// one user: the rest are closed at once.
	maxConns = 64
	maxOfOne = 24

	headerTime = 5 * time.Second
	bodyTime   = 10 * time.Second
	idleTime   = 2 * time.Minute
	// answerTime is beyond the longest that the core takes: planning.
	answerTime = 6 * time.Minute
)

// ServerOptions are what a Server is made of.
type ServerOptions struct {
	Core *Core
	// Bot is the socket of the bot alone, Human that of people on the host.
	Bot, Human net.Listener
	// BotUID is the only user who is let in at Bot. Not even root is.
	BotUID int
	Log    *slog.Logger
	// Peer tells the user at the other end of a connection; nil asks the kernel.
	Peer func(net.Conn) (uid int, err error)
}

// Server offers a Core at two Unix sockets. Who calls is what the kernel says of
// the socket's other end, never what the caller says.
type Server struct {
	o ServerOptions
}

// NewServer makes a server; nothing is answered before Run.
func NewServer(o ServerOptions) *Server {
	if o.Peer == nil {
		o.Peer = peerUID
	}
	return &Server{o}
}

// Run answers until ctx ends, and returns when all answers are given.
func (s *Server) Run(ctx context.Context) error {
	doors := []struct {
		l   net.Listener
		who func(uid int) (Caller, bool)
	}{
		{s.o.Bot, func(uid int) (Caller, bool) { return Bot(), uid == s.o.BotUID }},
		{s.o.Human, func(uid int) (Caller, bool) { return Human(uid), uid != s.o.BotUID }},
	}
	var wg sync.WaitGroup
	errs := make([]error, len(doors))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for i, d := range doors {
		if d.l == nil {
			continue
		}
		h := s.server(ctx, d.who)
		wg.Go(func() {
			if err := h.Serve(&counted{Listener: d.l, peer: s.o.Peer, of: map[int]int{}}); !errors.Is(err, http.ErrServerClosed) {
				errs[i] = err
				stop()
			}
		})
		wg.Go(func() {
			<-ctx.Done()
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), bodyTime)
			defer cancel()
			if err := h.Shutdown(ending); err != nil {
				errs[i] = errors.Join(errs[i], h.Close())
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

type callerKey struct{}

func (s *Server) server(ctx context.Context, who func(int) (Caller, bool)) *http.Server {
	return &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, IdleTimeout: idleTime, WriteTimeout: answerTime, MaxHeaderBytes: 8 << 10,
		ErrorLog:    slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			conn, ok := c.(*countedConn)
			if !ok {
				return ctx
			}
			if caller, ok := who(conn.uid); ok {
				return context.WithValue(ctx, callerKey{}, caller)
			}
			s.o.Log.Warn("a user was turned away at a socket", "uid", conn.uid)
			return ctx
		},
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	caller, ok := r.Context().Value(callerKey{}).(Caller)
	if !ok {
		fail(w, bot.Errorf(bot.CodeForbidden, "This socket is not for you."))
		return
	}
	q, known := questions[r.URL.Path]
	switch {
	case !known:
		fail(w, bot.Errorf(bot.CodeNotFound, "There is no such question."))
		return
	case r.Method != http.MethodPost || r.URL.RawQuery != "":
		fail(w, bot.Errorf(bot.CodeInvalid, "Questions are put by POST, with all of them in the body."))
		return
	}
	defer func() {
		if p := recover(); p != nil {
			s.o.Log.Error("panic in an answer", "path", r.URL.Path, "panic", p)
			fail(w, bot.Errorf(bot.CodeInternal, "Internal error; the log of the agent has the cause."))
		}
	}()
	answer, err := q(r.Context(), s.o.Core.For(caller), http.MaxBytesReader(w, r.Body, api.MaxRequest))
	if err != nil {
		fail(w, err)
		return
	}
	body, err := json.Marshal(answer)
	if err == nil && len(body) > api.MaxAnswer {
		err = bot.Errorf(bot.CodeUnavailable, "The answer has %d bytes, more than travel at once.", len(body))
	}
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // whoever went away asks again
}

func fail(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*bot.Error](err)
	if !ok {
		e = bot.Errorf(bot.CodeInternal, "%s", bot.ForPeople(err))
	}
	body, _ := json.Marshal(api.Failure{Code: e.Code, Message: e.Message}) // two strings
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(api.Status(e.Code))
	_, _ = w.Write(body)
}

// counted bounds the connections of a socket.
type counted struct {
	net.Listener
	peer func(net.Conn) (int, error)

	mu  sync.Mutex
	all int
	of  map[int]int
}

type countedConn struct {
	net.Conn
	uid  int
	once sync.Once
	done func()
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.done)
	return err
}

// Accept gives the next connection that may be held; others are closed.
func (l *counted) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, err := l.peer(c)
		if err == nil && l.take(uid) {
			return &countedConn{Conn: c, uid: uid, done: func() { l.give(uid) }}, nil
		}
		_ = c.Close() // it was never ours
	}
}

func (l *counted) take(uid int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxConns || l.of[uid] >= maxOfOne {
		return false
	}
	l.all++
	l.of[uid]++
	return true
}

func (l *counted) give(uid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.of[uid]--; l.of[uid] == 0 {
		delete(l.of, uid)
	}
}

var errNoPeer = fmt.Errorf("agent: the other end of a connection has no user")

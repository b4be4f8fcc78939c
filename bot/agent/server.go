package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
)

// times bound how long a caller can hold a connection.
type times struct {
	header, body, idle time.Duration
	// answer is beyond the longest that the core takes: planning.
	answer time.Duration
}

var usualTimes = times{header: 5 * time.Second, body: 10 * time.Second, idle: 2 * time.Minute, answer: 6 * time.Minute}

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
	o     ServerOptions
	times times // tests have little
	// unanswered and turnedAway are told now and then: callers must not be able to
	// drown the log's other lines.
	unanswered, turnedAway *seldom
}

// NewServer makes a server; nothing is answered before Run.
func NewServer(o ServerOptions) *Server {
	if o.Peer == nil {
		o.Peer = peerUID
	}
	return &Server{o: o, times: usualTimes, unanswered: newSeldom(o.Log), turnedAway: newSeldom(o.Log)}
}

// Run answers until ctx ends, and returns when all answers are given.
func (s *Server) Run(ctx context.Context) error {
	doors := []struct {
		l   net.Listener
		who func(uid int) (caller Caller, share int, known bool)
	}{
		{s.o.Bot, s.atBot}, {s.o.Human, s.atHuman},
	}
	var wg sync.WaitGroup
	served, ended := make([]error, len(doors)), make([]error, len(doors))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for i, d := range doors {
		if d.l == nil {
			continue
		}
		h := s.server(ctx)
		wg.Go(func() {
			if err := h.Serve(&counted{Listener: d.l, peer: s.o.Peer, who: d.who, of: map[int]int{}, log: s.turnedAway}); !errors.Is(err, http.ErrServerClosed) {
				served[i] = err
				stop()
			}
		})
		wg.Go(func() {
			<-ctx.Done()
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.times.body)
			defer cancel()
			if err := h.Shutdown(ending); err != nil {
				ended[i] = h.Close()
			}
		})
	}
	wg.Wait()
	return errors.Join(errors.Join(served...), errors.Join(ended...))
}

// atBot knows the bot's user alone.
func (s *Server) atBot(uid int) (Caller, int, bool) {
	if uid != s.o.BotUID {
		return Caller{}, strangers, false
	}
	return Bot(), uid, true
}

// atHuman lets everybody ask but the bot. Who is nobody's user is told so by the
// core, and has the strangers' share of connections.
func (s *Server) atHuman(uid int) (Caller, int, bool) {
	if uid == s.o.BotUID {
		return Caller{}, strangers, false
	}
	if _, person := s.o.Core.personOf(uid); !person && uid != 0 {
		return Human(uid), strangers, true
	}
	return Human(uid), uid, true
}

type callerKey struct{}

func (s *Server) server(ctx context.Context) *http.Server {
	return &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: s.times.header, ReadTimeout: s.times.body, IdleTimeout: s.times.idle, WriteTimeout: s.times.answer, MaxHeaderBytes: 8 << 10,
		// "OPTIONS *" is a question like others: net/http would answer it to anybody.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if conn, ok := c.(*countedConn); ok && conn.known {
				return context.WithValue(ctx, callerKey{}, conn.caller)
			}
			return ctx
		},
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	caller, ok := r.Context().Value(callerKey{}).(Caller)
	if !ok {
		w.Header().Set("Connection", "close") // whoever is refused holds nothing
		s.fail(w, r, bot.Errorf(bot.CodeForbidden, "This socket is not for you."))
		return
	}
	q, known := questions[r.URL.Path]
	switch {
	case !known:
		s.fail(w, r, bot.Errorf(bot.CodeNotFound, "There is no such question."))
		return
	case r.Method != http.MethodPost || r.URL.RawQuery != "":
		s.fail(w, r, bot.Errorf(bot.CodeInvalid, "Questions are put by POST, with all of them in the body."))
		return
	}
	defer func() {
		if p := recover(); p != nil {
			s.o.Log.Error("panic in an answer", "path", r.URL.Path, "panic", p)
			s.fail(w, r, bot.Errorf(bot.CodeInternal, "Internal error; the log of the agent has the cause."))
		}
	}()
	asked, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer, err := q(r.Context(), s.o.Core.For(caller), asked)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	body, err := json.Marshal(answer)
	if err == nil && len(body) > api.MaxAnswer {
		err = bot.Errorf(bot.CodeUnavailable, "The answer has %d bytes, more than travel at once.", len(body))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // whoever went away asks again
}

// read reads the body whole, in its time.
func (s *Server) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, api.MaxRequest))
	if long, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, bot.Errorf(bot.CodeInvalid, "The question is longer than %d bytes.", long.Limit)
	}
	if err != nil {
		return nil, bot.Errorf(bot.CodeInvalid, "The question did not come whole.").Because(err)
	}
	return body, nil
}

// fail answers with an error. Its cause stays here, in the log.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*bot.Error](err)
	if !ok {
		e = bot.Errorf(bot.CodeInternal, "Internal error; the log of the agent has the cause.").Because(err)
	}
	if e.Code == bot.CodeInternal || e.Code == bot.CodeUnavailable {
		s.unanswered.warn("a question has no answer", "path", short(r.URL.Path), "err", err)
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
	who  func(uid int) (caller Caller, share int, known bool)
	log  *seldom

	mu  sync.Mutex
	all int
	of  map[int]int
}

type countedConn struct {
	net.Conn
	caller Caller
	known  bool // false: a stranger, who is told so
	once   sync.Once
	done   func()
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.done)
	return err
}

// strangers have one share together, so that they cannot keep others out.
const strangers = -1

// Accept gives the next connection that may be held; others are closed.
func (l *counted) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, err := l.peer(c)
		if err != nil {
			l.log.warn("a connection from nobody", "err", err)
			_ = c.Close() // it was never ours
			continue
		}
		caller, share, known := l.who(uid)
		if !known {
			l.log.warn("a user was turned away at a socket", "uid", uid)
		}
		if l.take(share) {
			return &countedConn{Conn: c, caller: caller, known: known, done: func() { l.give(share) }}, nil
		}
		_ = c.Close()
	}
}

func (l *counted) take(uid int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Root gets in whatever others hold.
	if l.of[uid] >= maxOfOne || l.all >= maxConns && uid != 0 {
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

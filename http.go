package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"watchstander/bot"
)

// server is the HTTP side: webhooks, health, figures, and what chat platforms call there.
func (h *house) server() *http.Server {
	mux := h.calledAt(h.config.Listen)
	for _, w := range h.handlers {
		mux.Handle(w.Path(), w)
	}
	ready := &readiness{ask: h.flow.Unready}
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if why := ready.why(r.Context()); why != "" {
			plain(w, http.StatusServiceUnavailable, why)
			return
		}
		plain(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{Registry: h.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn)}))
	return h.serverOf(mux)
}

// calledAt has what chat platforms call at an address. It tells that it is alive, too,
// for proxies and for `check`.
func (h *house) calledAt(address string) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "alive") })
	for _, c := range h.called {
		if c.address == address {
			mux.Handle(c.path, c.handler)
		}
	}
	return mux
}

// bound is a server with the listener that it has.
type bound struct {
	server   *http.Server
	listener net.Listener
}

// calledElsewhere listens on the further addresses that chat platforms call.
func (h *house) calledElsewhere(ctx context.Context) (out []bound, err error) {
	seen := map[string]bool{h.config.Listen: true}
	for _, c := range h.called {
		if seen[c.address] {
			continue
		}
		seen[c.address] = true
		var listen net.ListenConfig
		l, err := listen.Listen(ctx, "tcp", c.address)
		if err != nil {
			for _, b := range out {
				_ = b.listener.Close() // nobody was let in
			}
			return nil, bot.Errorf(bot.CodeUnavailable, "The address %s cannot be listened on.", c.address).Because(err)
		}
		h.log.Info("listening for a chat", "listen", l.Addr().String(), "path", c.path)
		out = append(out, bound{h.serverOf(h.calledAt(c.address)), l})
	}
	return out, nil
}

func (h *house) serverOf(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		// Who is known has a deadline of its own for the body; nobody else holds a
		// connection for longer.
		ReadTimeout: 15 * time.Second,
		// Nor by leaving its answers unread; a webhook's comes within half of this.
		WriteTimeout:   time.Minute,
		ErrorLog:       slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
}

// readiness keeps an answer for a moment: asking writes to the state, which
// strangers must not make it do as often as they like.
type readiness struct {
	ask  func(context.Context) string
	mu   sync.Mutex
	at   time.Time
	said string
}

const readinessKept = 5 * time.Second

func (r *readiness) why(ctx context.Context) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at.IsZero() || time.Since(r.at) > readinessKept {
		// A caller that leaves must not leave its failure to the next one.
		r.said, r.at = r.ask(context.WithoutCancel(ctx)), time.Now()
	}
	return r.said
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // a client that is gone need not hear it
}

// stopTime is how long everything may take to end after it was asked to:
// systemd and people wait no longer.
const stopTime = 8 * time.Second

// run serves until ctx ends: first no more webhooks, then no more work, then
// the files are closed. What was answered with 200 is on the disk by then.
func (h *house) run(ctx context.Context, listener net.Listener) error {
	servers, err := h.calledElsewhere(ctx)
	if err != nil {
		_ = listener.Close() // nobody was let in
		return err
	}
	servers = append(servers, bound{h.server(), listener})
	flowCtx, stopFlow := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFlow()
	flowDone := make(chan error, 1)
	go func() { flowDone <- h.flow.Run(flowCtx) }()

	served := make(chan error, len(servers))
	for _, b := range servers {
		go func() { served <- b.server.Serve(b.listener) }()
	}

	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
	case failed = <-flowDone:
		flowDone <- nil
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime/2)
	defer cancel()
	var stopping sync.WaitGroup
	for _, b := range servers {
		stopping.Go(func() {
			if err := b.server.Shutdown(stopCtx); err != nil {
				h.log.Warn("requests under way were cut off; their senders try again", "err", err)
				_ = b.server.Close() // its listeners are closed already; connections cannot fail usefully
			}
		})
	}
	stopping.Wait()
	for _, w := range h.handlers {
		w.Close()
	}
	stopFlow()
	err = errors.Join(failed, <-flowDone)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

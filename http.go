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
)

// server is the HTTP side: webhooks, health, figures.
func (h *house) server() *http.Server {
	mux := http.NewServeMux()
	for _, w := range h.handlers {
		mux.Handle(w.Path(), w)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "alive") })
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
	return &http.Server{
		Handler:           mux,
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
	flowCtx, stopFlow := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFlow()
	flowDone := make(chan error, 1)
	go func() { flowDone <- h.flow.Run(flowCtx) }()

	srv := h.server()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()

	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
	case failed = <-flowDone:
		flowDone <- nil
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime/2)
	defer cancel()
	if err := srv.Shutdown(stopCtx); err != nil {
		h.log.Warn("webhooks under way were cut off; Alertmanager sends them again", "err", err)
		_ = srv.Close() // its listeners are closed already; connections cannot fail usefully
	}
	for _, w := range h.handlers {
		w.Close()
	}
	stopFlow()
	err := errors.Join(failed, <-flowDone)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

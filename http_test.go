package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/flow"
	"watchstander/integrations/alertmanager"
)

type nobody struct{}

func (nobody) Take(context.Context, bot.Batch) error { return nil }

// front is the HTTP side of a house with one webhook.
func front(t *testing.T, log *slog.Logger, registry *prometheus.Registry) *http.Server {
	t.Helper()
	h, err := alertmanager.NewHandler(alertmanager.HandlerOptions{Endpoint: "main", Credentials: []alertmanager.Credential{alertmanager.Bearer(knownToken)},
		Sink: nobody{}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return (&house{config: &config.Config{}, handlers: []*alertmanager.Handler{h}, log: log, flow: flow.New(flow.Options{Settings: &flow.Settings{}}), registry: registry}).server()
}

const knownToken = "tttttttttttttttttttttttttttttttt"

// over lets the server serve a listener until the test ends.
func over(t *testing.T, srv *http.Server, l net.Listener) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-served })
}

// dialer serves on the loopback, and gives what opens a connection and sends the
// beginning of a request.
func dialer(t *testing.T, srv *http.Server) func(begin string) (net.Conn, *bufio.Reader) {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over(t, srv, l)
	return func(begin string) (net.Conn, *bufio.Reader) {
		t.Helper()
		conn, err := net.DialTimeout("tcp", l.Addr().String(), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, begin)
		return conn, bufio.NewReader(conn)
	}
}

// A stranger that promises a body and sends none has its answer at once, and its
// connection is not kept for longer than any other's.
func TestAStrangerHoldsNoConnection(t *testing.T) {
	srv := front(t, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if srv.ReadTimeout <= 0 || srv.ReadHeaderTimeout <= 0 || srv.WriteTimeout <= 0 || srv.IdleTimeout <= 0 || srv.MaxHeaderBytes <= 0 {
		t.Errorf("the server waits for ever: %+v", srv)
	}
	srv.ReadTimeout = 100 * time.Millisecond
	_, in := dialer(t, srv)("POST /webhook/main HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized || !answer.Close {
		t.Errorf("it is answered %d, closing: %v", answer.StatusCode, answer.Close)
	}
	if _, err := in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection goes on: %v", err)
	}
}

// Wherever a body is promised that nobody reads, it is waited for only so long;
// who is known has longer.
func TestBodiesAreWaitedForOnlySoLong(t *testing.T) {
	srv := front(t, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	srv.ReadTimeout = 100 * time.Millisecond
	dial := dialer(t, srv)
	const body = `{"version":"4","groupKey":"{}:{}","receiver":"ws","status":"firing","externalURL":"http://am","groupLabels":{},"alerts":[
		{"status":"firing","labels":{"alertname":"A"},"annotations":{},"startsAt":"2026-11-27T00:00:00Z","endsAt":"0001-01-01T00:00:00Z"}]}`
	conn, known := dial(fmt.Sprintf("POST /webhook/main HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", knownToken, len(body), body[:10]))
	for _, where := range []string{"PUT /webhook/main", "POST /readyz", "POST /metrics", "POST /nowhere"} {
		_, in := dial(where + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
		if _, err := io.Copy(io.Discard, in); err != nil {
			t.Errorf("%s: the connection goes on: %v", where, err)
		}
	}
	fmt.Fprint(conn, body[10:])
	answer, err := http.ReadResponse(known, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("who is known is answered %s", answer.Status)
	}
}

// piped is a listener with one connection, which holds nothing that is not read.
type piped chan net.Conn

func (p piped) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p piped) Close() error   { close(p); return nil }
func (p piped) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// A stranger that does not read its answer is let go of.
func TestUnreadAnswersHoldNoConnection(t *testing.T) {
	srv := front(t, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	srv.WriteTimeout = 100 * time.Millisecond
	here, there := net.Pipe()
	defer here.Close()
	l := make(piped, 1)
	l <- there
	over(t, srv, l)
	if err := here.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	const request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	fmt.Fprint(here, request)
	if _, err := fmt.Fprint(here, request); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection goes on: %v", err)
	}
}

// broken is a collector that fails.
type broken struct{}

var brokenDesc = prometheus.NewDesc("watchstander_broken", "Nothing.", nil, nil)

func (broken) Describe(ch chan<- *prometheus.Desc) { ch <- brokenDesc }
func (broken) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(brokenDesc, errors.New("the state is locked"))
}

// One figure that cannot be told takes no other with it, and the log says why.
func TestMetricsGoOnWithoutABrokenOne(t *testing.T) {
	var log bytes.Buffer
	registry := prometheus.NewRegistry()
	registry.MustRegister(broken{}, prometheus.NewCounter(prometheus.CounterOpts{Name: "watchstander_well_total"}))
	srv := front(t, slog.New(slog.NewTextHandler(&log, nil)), registry)
	w := httptest.NewRecorder()
	srv.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "watchstander_well_total 0") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "the state is locked") {
		t.Errorf("logged is %q", log.String())
	}
	log.Reset()
	srv.ErrorLog.Print("a connection's trouble")
	if !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("logged is %q", log.String())
	}
}

// Whoever asks for readiness again and again makes the state write once.
func TestReadinessIsKept(t *testing.T) {
	asked := 0
	r := readiness{ask: func(ctx context.Context) string { asked++; return "why" }}
	for range 10 {
		if r.why(t.Context()) != "why" {
			t.Error("another answer")
		}
	}
	if asked != 1 {
		t.Errorf("it was asked %d times", asked)
	}
}

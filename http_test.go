package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"watchstander/bot"
	"watchstander/bot/flow"
	"watchstander/integrations/alertmanager"
)

type nobody struct{}

func (nobody) Take(context.Context, bot.Batch) error { return nil }

// A stranger that promises a body and sends none has its answer at once, and its
// connection is not kept.
func TestAStrangerHoldsNoConnection(t *testing.T) {
	h, err := alertmanager.NewHandler(alertmanager.HandlerOptions{Endpoint: "main", Credentials: []alertmanager.Credential{alertmanager.Bearer(strings.Repeat("t", 32))},
		Sink: nobody{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	srv := (&house{handlers: []*alertmanager.Handler{h}, log: slog.New(slog.DiscardHandler), flow: flow.New(flow.Options{Settings: &flow.Settings{}}), registry: prometheus.NewRegistry()}).server()
	if srv.ReadTimeout <= 0 || srv.ReadHeaderTimeout <= 0 || srv.IdleTimeout <= 0 {
		t.Errorf("the server waits for ever: %+v", srv)
	}
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	defer func() { srv.Close(); <-served }()
	conn, err := net.DialTimeout("tcp", l.Addr().String(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /webhook/main HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized || !answer.Close {
		t.Errorf("it is answered %d, closing: %v", answer.StatusCode, answer.Close)
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("the connection goes on")
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

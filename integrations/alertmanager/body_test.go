package alertmanager_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
)

// A body that does not come is not waited for, and what is slow but there is.
func TestWebhookSlowBody(t *testing.T) {
	e := newEndpoint(t, func(o *alertmanager.HandlerOptions) { o.ReadTimeout = 300 * time.Millisecond })
	server := httptest.NewServer(e)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	if _, err := fmt.Fprintf(conn, "POST /webhook/main HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 500\r\n\r\n{", token); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(start.Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 503 ") {
		t.Errorf("after %s: %v, %q", time.Since(start), err, answer)
	}
	server.Close() // the handler has returned
	if e.results[0] != alertmanager.ResultUnread || len(e.inbox.events) != 0 {
		t.Errorf("results %q, events %+v", e.results, e.inbox.events)
	}
}

// The read deadline must not cut off the commit that follows.
func TestWebhookDeadlineIsLifted(t *testing.T) {
	e := newEndpoint(t, func(o *alertmanager.HandlerOptions) {
		o.ReadTimeout = 100 * time.Millisecond
		o.Sink = sinkFunc(func(ctx context.Context, _ bot.Batch) error {
			select {
			case <-time.After(400 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return errors.New("cut off")
			}
		})
	})
	server := httptest.NewServer(e)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for range 2 { // the second on the same connection
		r, err := http.NewRequest(http.MethodPost, server.URL+e.Path(), strings.NewReader(body(alertJSON)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("status %s", resp.Status)
		}
	}
}

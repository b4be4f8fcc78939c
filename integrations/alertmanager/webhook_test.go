package alertmanager_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
)

// endpoint is a handler with what it did.
type endpoint struct {
	*alertmanager.Handler
	inbox   *inbox
	log     *bytes.Buffer
	mu      sync.Mutex
	results []string
}

func newEndpoint(t *testing.T, change func(*alertmanager.HandlerOptions)) *endpoint {
	t.Helper()
	e := &endpoint{inbox: &inbox{}, log: &bytes.Buffer{}}
	o := alertmanager.HandlerOptions{
		Endpoint:    "main",
		Credentials: []alertmanager.Credential{alertmanager.Bearer(token)},
		Sink:        e.inbox,
		Observe:     func(r string) { e.mu.Lock(); e.results = append(e.results, r); e.mu.Unlock() },
		Log:         slog.New(slog.NewTextHandler(e.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	h, err := alertmanager.NewHandler(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	e.Handler = h
	return e
}

func (e *endpoint) post(body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, e.Path(), strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func TestNewHandlerRefuses(t *testing.T) {
	_, err := alertmanager.NewHandler(alertmanager.HandlerOptions{
		Endpoint: "../x",
		Credentials: []alertmanager.Credential{
			{}, alertmanager.Bearer(""), alertmanager.Bearer("hunter2\n"), alertmanager.Basic("u", ""), alertmanager.HMAC("", "hunter2"),
		},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"may hold only", "no sink", "credential 1 is empty", "token is empty", "line break", "password is empty", "no usable name"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v holds a secret", err)
	}
}

func TestWebhookAnswers(t *testing.T) {
	auth := []string{"Authorization", "Bearer " + token}
	for _, tt := range []struct {
		name   string
		change func(*alertmanager.HandlerOptions)
		body   string
		header []string
		status int
		result string
		reason string // of the Refused event; "": none
	}{
		{name: "stored", body: body(alertJSON), status: 200, result: "stored"},
		{
			name: "its receiver", body: body(alertJSON, `"receiver":"ops\\.chat"`), status: 200, result: "stored",
			change: func(o *alertmanager.HandlerOptions) { o.Receivers = []string{"a", "ops.chat"} },
		},
		{
			name: "another receiver", body: body(alertJSON), status: 403, result: "receiver",
			change: func(o *alertmanager.HandlerOptions) { o.Receivers = []string{"ops"} },
			reason: "the delivery is for a receiver that this endpoint is not configured for",
		},
		{
			name: "invalid", body: body(with("labels", `{"s3cret":5}`)), status: 400, result: "invalid",
			reason: "the delivery is not what Alertmanager sends: alerts[0].labels: holds a value that is not a string",
		},
		{
			name: "too large", body: strings.Repeat(" ", 1025), status: 413, result: "too_large",
			change: func(o *alertmanager.HandlerOptions) { o.MaxBody = 1024 },
			reason: "the delivery was larger than 1 KiB; set max_alerts or group by more labels in Alertmanager",
		},
		{
			name: "just not too large", body: body(alertJSON) + strings.Repeat(" ", 1024-len(body(alertJSON))), status: 200, result: "stored",
			change: func(o *alertmanager.HandlerOptions) { o.MaxBody = 1024 },
		},
		{
			name: "compressed", body: "\x1f\x8b", header: []string{"Content-Encoding", "gzip"}, status: 415, result: "encoding",
			reason: "the delivery was compressed, which is not served; switch it off in the proxy before the bot",
		},
		{name: "identity", body: body(alertJSON), header: []string{"Content-Encoding", "identity"}, status: 200, result: "stored"},
		{name: "another content type", body: body(alertJSON), header: []string{"Content-Type", "text/plain"}, status: 200, result: "stored"},
		{
			name: "not stored", body: body(alertJSON), status: 503, result: "unavailable",
			change: func(o *alertmanager.HandlerOptions) { o.Sink.(*inbox).fail = 1 },
		},
		{
			name: "a refusal that nobody could be told of", body: "{", status: 503, result: "unavailable",
			change: func(o *alertmanager.HandlerOptions) { o.Sink.(*inbox).fail = 1 },
		},
		{
			name: "a sink that panics", body: body(alertJSON), status: 503, result: "unavailable",
			change: func(o *alertmanager.HandlerOptions) {
				o.Sink = sinkFunc(func(context.Context, bot.Batch) error { panic("s3cret") })
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
			e := newEndpoint(t, func(o *alertmanager.HandlerOptions) {
				o.Now = func() time.Time { return at }
				if tt.change != nil {
					tt.change(o)
				}
			})
			w := e.post(tt.body, slices.Concat(auth, tt.header)...)
			if w.Code != tt.status || !reflect.DeepEqual(e.results, []string{tt.result}) {
				t.Errorf("status %d, results %q: %s", w.Code, e.results, w.Body)
			}
			if (w.Header().Get("Retry-After") != "") != (w.Code == 503) {
				t.Errorf("status %d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
			var refused []bot.Event
			if tt.reason != "" {
				refused = []bot.Event{bot.Refused{Endpoint: "main", Reason: tt.reason, Status: tt.status, At: at.UTC()}}
			}
			if tt.status != 200 && !reflect.DeepEqual(e.inbox.events, refused) {
				t.Errorf("events %+v, want %+v", e.inbox.events, refused)
			}
			if tt.status == 200 {
				if d, ok := e.inbox.events[0].(bot.Delivery); !ok || d.Endpoint != "main" || !d.At.Equal(at) || d.At.Location() != time.UTC {
					t.Errorf("stored %+v", e.inbox.events)
				}
			}
			if strings.Contains(w.Body.String(), "s3cret") {
				t.Errorf("the answer quotes: %s", w.Body)
			}
		})
	}
}

type sinkFunc func(context.Context, bot.Batch) error

func (f sinkFunc) Take(ctx context.Context, b bot.Batch) error { return f(ctx, b) }

func TestWebhookBatch(t *testing.T) {
	var got bot.Batch
	e := newEndpoint(t, func(o *alertmanager.HandlerOptions) {
		o.Sink = sinkFunc(func(_ context.Context, b bot.Batch) error { got = b; return nil })
	})
	e.post(body(alertJSON), "Authorization", "Bearer "+token)
	if got.Source != "webhook/main" || got.Cursor != "" || len(got.Events) != 1 || e.Path() != "/webhook/main" {
		t.Errorf("batch %+v at %s", got, e.Path())
	}
}

func TestWebhookMethods(t *testing.T) {
	e := newEndpoint(t, nil)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH"} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(method, e.Path(), nil))
		if w.Code != 405 || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
	if len(e.inbox.events) != 0 {
		t.Errorf("strangers can have things announced: %+v", e.inbox.events)
	}
}

// Whoever signs too large a body is known, and so announced; so are wrong
// signatures, and not what is too large even to tell.
func TestWebhookTooLargeSigned(t *testing.T) {
	large := strings.Repeat(" ", 3000)
	huge := strings.Repeat(" ", 5000)
	for _, tt := range []struct {
		name, body, signature string
		status, announced     int
	}{
		{"signed", large, sign("s3cret", large), 413, 1},
		{"signed with another secret", large, sign("other", large), 401, 1},
		{"too large even to sum up", huge, sign("s3cret", huge), 413, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEndpoint(t, func(o *alertmanager.HandlerOptions) {
				o.MaxBody = 1024
				o.Credentials = []alertmanager.Credential{alertmanager.HMAC("X-Signature", "s3cret")}
			})
			if w := e.post(tt.body, "X-Signature", tt.signature); w.Code != tt.status || len(e.inbox.events) != tt.announced {
				t.Errorf("status %d, events %+v", w.Code, e.inbox.events)
			}
		})
	}
}

// A sink that does not heed its context holds back neither the answer nor, once
// it is done, Close.
func TestWebhookCommitTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		e := newEndpoint(t, func(o *alertmanager.HandlerOptions) {
			o.Sink = sinkFunc(func(ctx context.Context, _ bot.Batch) error {
				if deadline, ok := ctx.Deadline(); !ok || !deadline.Equal(started.Add(5*time.Second)) {
					t.Errorf("deadline %v", deadline)
				}
				time.Sleep(time.Minute)
				return nil
			})
		})
		w := e.post(body(alertJSON), "Authorization", "Bearer "+token)
		if took := time.Since(started); w.Code != 503 || took != 5*time.Second {
			t.Errorf("status %d after %s", w.Code, took)
		}
		e.Close()
		if took := time.Since(started); took != time.Minute {
			t.Errorf("closed after %s", took)
		}
		if w := e.post(body(alertJSON), "Authorization", "Bearer "+token); w.Code != 503 {
			t.Errorf("after Close: %d", w.Code)
		}
	})
}

// Strangers with made-up signatures fill no memory: only so many of their bodies
// are read at once.
func TestWebhookStrangersAreBounded(t *testing.T) {
	h, err := alertmanager.NewHandler(alertmanager.HandlerOptions{Endpoint: "main", Credentials: []alertmanager.Credential{alertmanager.HMAC("X-Sig", strings.Repeat("k", 32))},
		Sink: sinkFunc(func(context.Context, bot.Batch) error { return nil }), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	post := func(body io.Reader) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, h.Path(), body)
		r.Header.Set("X-Sig", strings.Repeat("0", 64))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	var pipes []*io.PipeWriter
	var waiting sync.WaitGroup
	codes := make(chan int, 4)
	for range 4 {
		in, out := io.Pipe()
		pipes = append(pipes, out)
		waiting.Go(func() { codes <- post(in) })
		if _, err := out.Write([]byte("{")); err != nil { // its body is being read
			t.Fatal(err)
		}
	}
	if code := post(strings.NewReader("{}")); code != http.StatusServiceUnavailable {
		t.Errorf("the fifth is answered %d", code)
	}
	for _, out := range pipes {
		out.Close()
	}
	waiting.Wait()
	close(codes)
	for code := range codes {
		if code != http.StatusUnauthorized {
			t.Errorf("a stranger is answered %d", code)
		}
	}
	if code := post(strings.NewReader("{}")); code != http.StatusUnauthorized {
		t.Errorf("later one is answered %d", code)
	}
}

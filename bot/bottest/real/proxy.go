package real

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a client and a homeserver. As it is started it passes
// everything on; its knobs may be turned at any time and on any goroutine.
type Proxy struct {
	URL string

	onward *httputil.ReverseProxy

	mu       sync.Mutex
	line     context.Context // ends when the line is cut; every exchange hangs on it
	cut      context.CancelFunc
	fail     int // the status of all answers, if not 0
	limit    bucket
	holds    []*Hold
	requests []*Request
}

// StartProxy starts a proxy before the homeserver at target. The homeserver
// may be stopped and started behind it.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatalf("the proxy cannot stand before %q: %v", target, err)
	}
	p := &Proxy{}
	p.line, p.cut = context.WithCancel(context.Background())
	p.onward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Accept-Encoding") // held answers are kept as they can be read
		},
		// A connection for each request: a kept one would break, and a PUT with
		// it, when the homeserver was restarted in between.
		Transport:      &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		ModifyResponse: p.answered,
		ErrorHandler:   p.unanswered,
		ErrorLog:       log.New(io.Discard, "", 0), // a cut line is no news here
	}
	server := httptest.NewServer(p)
	p.URL = server.URL
	t.Cleanup(func() {
		p.Unplug() // whoever still waits is sent away
		server.Close()
	})
	return p
}

// Limit lets only so many sends and redactions through per second, after a first
// burst, and answers the others as homeservers do: 429, M_LIMIT_EXCEEDED and
// retry_after_ms. Zero per second lifts the limit.
func (p *Proxy) Limit(perSecond float64, burst int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = bucket{rate: perSecond, size: float64(max(1, burst)), level: float64(max(1, burst)), at: time.Now()}
}

// Unplug breaks every connection, those in use too, and every new one, until
// Plug.
func (p *Proxy) Unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

// Fail answers everything with this status and a gateway's HTML page, without
// asking the homeserver, until Plug.
func (p *Proxy) Fail(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = status
}

// Plug ends Unplug and Fail.
func (p *Proxy) Plug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = 0
	if p.line.Err() != nil {
		p.line, p.cut = context.WithCancel(context.Background())
	}
}

// exchange is one request on its way through the proxy.
type exchange struct {
	request *Request // kept in p.requests; p.mu guards it
	hold    *Hold    // nil: nobody waits for this one
}

type exchangeKey struct{}

// ServeHTTP takes one request of the client's.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away while it spoke
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	x := &exchange{request: classify(r, body)}
	v := p.judge(x)

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := context.AfterFunc(v.line, cancel)
	defer stop()
	switch {
	case v.line.Err() != nil:
		panic(http.ErrAbortHandler)
	case v.fail != 0:
		p.note(x, 0, v.fail)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(v.fail)
		_, _ = io.WriteString(w, "<html><body><h1>"+http.StatusText(v.fail)+"</h1></body></html>")
		return
	case v.retryAfter > 0:
		p.note(x, 0, http.StatusTooManyRequests)
		refuse(w, v.retryAfter)
		return
	}
	if x.hold != nil && x.hold.early {
		if !x.hold.wait(ctx, p.copyOf(x)) {
			panic(http.ErrAbortHandler)
		}
		x.hold = nil
	}
	p.onward.ServeHTTP(w, r.WithContext(context.WithValue(ctx, exchangeKey{}, x)))
}

type verdict struct {
	line       context.Context
	fail       int
	retryAfter time.Duration
}

// judge writes the request down and looks at every knob once.
func (p *Proxy) judge(x *exchange) verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, x.request)
	v := verdict{line: p.line, fail: p.fail}
	if v.line.Err() != nil || v.fail != 0 {
		return v
	}
	if x.request.Kind == KindSend || x.request.Kind == KindRedact {
		if v.retryAfter = p.limit.take(time.Now()); v.retryAfter > 0 {
			return v
		}
	}
	for i, h := range p.holds {
		if !h.match(*x.request) {
			continue
		}
		if h.left--; h.left == 0 {
			x.hold = h
			p.holds = append(p.holds[:i:i], p.holds[i+1:]...)
			break
		}
	}
	return v
}

// refuse answers as Dendrite does when its own limit is reached.
func refuse(w http.ResponseWriter, after time.Duration) {
	ms := (after + time.Millisecond - 1).Milliseconds() // rounded up: that long is enough
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = io.WriteString(w, `{"errcode":"M_LIMIT_EXCEEDED","error":"You are sending too many requests too quickly!","retry_after_ms":`+
		strconv.FormatInt(ms, 10)+`}`)
}

var errCut = errors.New("the test cut the line")

// answered is called with the homeserver's answer, before the client gets it.
func (p *Proxy) answered(resp *http.Response) error {
	ctx := resp.Request.Context()
	x := ctx.Value(exchangeKey{}).(*exchange)
	p.note(x, resp.StatusCode, 0)
	if x.hold != nil {
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		resp.Body = io.NopCloser(bytes.NewReader(answer))
		request := p.copyOf(x)
		request.Answer = answer
		if !x.hold.wait(ctx, request) {
			return errCut
		}
	}
	p.note(x, resp.StatusCode, resp.StatusCode)
	return nil
}

// unanswered is called when there is nothing to pass back: the homeserver is
// down (a gateway says 502 then), or the line to the client is cut.
func (p *Proxy) unanswered(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errCut) || r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	x := r.Context().Value(exchangeKey{}).(*exchange)
	p.note(x, 0, http.StatusBadGateway)
	w.WriteHeader(http.StatusBadGateway)
}

func (p *Proxy) note(x *exchange, upstream, returned int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x.request.Upstream, x.request.Returned = upstream, returned
}

func (p *Proxy) copyOf(x *exchange) Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *x.request
}

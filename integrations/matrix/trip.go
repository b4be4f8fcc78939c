package matrix

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"
)

// maxAfter bounds how long a homeserver can tell us to be quiet.
const maxAfter = 15 * time.Minute

var errAnswerTooLarge = errors.New("the answer is longer than we read")

// trip is the lower half of the HTTP client of one request: it gives the
// request its context, bounds the answer, and keeps what gomatrix forgets.
type trip struct {
	ctx   context.Context
	below http.RoundTripper
	limit int64

	status int
	after  time.Duration
	handed bool // to the transport below
	// The hooks that set these may run on the transport's own goroutines.
	asked, connected, wrote atomic.Bool
}

// client follows no redirect: the token goes where the configuration says, and
// nowhere else.
func (t *trip) client() *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip sends the one request.
func (t *trip) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(t.ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { t.asked.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { t.connected.Store(true) },
		WroteHeaders: func() { t.wrote.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { t.wrote.Store(true) },
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.handed = true
	request = request.Clone(ctx)
	request.Header.Set("User-Agent", "watchstander")
	response, err := t.below.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	t.status = response.StatusCode
	t.after = parseRetryAfter(response.Header.Get("Retry-After"), time.Now())
	limit := t.limit
	if response.StatusCode/100 != 2 {
		limit = min(limit, 64<<10)
	}
	response.Body = &boundBody{body: response.Body, left: limit}
	return response, nil
}

// reached tells whether the homeserver may have got the request. It is denied
// only for what cannot have sent a byte of it: no connection came about.
func (t *trip) reached(err error) bool {
	switch {
	case !t.handed:
		return false
	case t.status != 0 || t.wrote.Load():
		return true
	}
	if t.asked.Load() {
		return t.connected.Load()
	}
	// A round tripper that knows no hooks: only errors of connecting are clear.
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return false
	}
	return true
}

// boundBody gives an error, rather than an early end, when an answer is too
// long.
type boundBody struct {
	body io.ReadCloser
	left int64
}

func (b *boundBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		// One more byte decides: an answer of just that length is fine.
		var one [1]byte
		n, err := b.body.Read(one[:])
		if n > 0 {
			return 0, errAnswerTooLarge
		}
		return 0, err
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.body.Read(p)
	b.left -= int64(n)
	return n, err
}

// Close reads a last line break first: gomatrix stops after the JSON, and a
// connection whose answer was not read to its end is not used again.
func (b *boundBody) Close() error {
	_, _ = io.CopyN(io.Discard, b.body, 512)
	return b.body.Close()
}

// parseRetryAfter reads seconds or a date; 0 for anything else.
func parseRetryAfter(s string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, maxAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(s); err == nil {
		return min(max(0, at.Sub(now)), maxAfter)
	}
	return 0
}

package alertmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"watchstander/bot/phrase"
)

var errNotJSONAnswer = errors.New("the answer is not JSON")

// guard stands between the generated client and the network: it adds the
// credentials (after the generated client has had its chance to dump the
// request into a log), refuses answers that are no API's, and bounds their size.
type guard struct {
	next     http.RoundTripper
	auth     Auth
	maxBytes int64
}

// clockKey is the context's key for a *time.Time that gets the peer's own clock,
// from the Date header: a peer's "up since" can only be judged by it.
type clockKey struct{}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	switch {
	case g.auth.Bearer != "":
		r.Header.Set("Authorization", "Bearer "+g.auth.Bearer)
	case g.auth.User != "":
		r.SetBasicAuth(g.auth.User, g.auth.Password)
	}
	resp, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if clock, ok := r.Context().Value(clockKey{}).(*time.Time); ok {
		if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			*clock = at
		}
	}
	if resp.StatusCode/100 != 2 {
		defer func() { _ = resp.Body.Close() }() // what is needed of it has been read
		return nil, g.statusError(resp)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if r.Method != http.MethodDelete && kind != "application/json" {
		_ = resp.Body.Close() // nothing of it is wanted
		return nil, errNotJSONAnswer
	}
	// It fails instead of ending early, so that a cut list is never taken for a
	// short one.
	resp.Body = http.MaxBytesReader(nil, resp.Body, g.maxBytes)
	return resp, nil
}

// statusError is an answer other than 2xx. To make it an error here keeps the
// HTTP client from following redirects, with which our credentials would travel.
type statusError struct {
	code int
	text string // what Alertmanager says of a bad request; one line, no secret
}

func (e *statusError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("status %d", e.code)
	}
	return fmt.Sprintf("status %d: %s", e.code, e.text)
}

// refused tells that the request itself is at fault, and always will be.
func (e *statusError) refused() bool {
	return e.code == http.StatusBadRequest || e.code == http.StatusUnprocessableEntity
}

func (g *guard) statusError(resp *http.Response) error {
	e := &statusError{code: resp.StatusCode}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil || !e.refused() {
		return e
	}
	// Alertmanager answers with a string, the library that it is built on with
	// an object.
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &e.text) != nil && json.Unmarshal(body, &object) == nil {
		e.text = object.Message
	}
	// A proxy could echo the request.
	e.text = g.auth.scrub(strings.Join(strings.Fields(clean(e.text)), " "))
	if runes := []rune(e.text); len(runes) > 300 {
		e.text = string(runes[:300]) + "…"
	}
	return e
}

// defaultTransport is used where the caller gives none.
func defaultTransport(timeout time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: timeout}).DialContext,
		TLSHandshakeTimeout: timeout,
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   true,
	}
}

// surelyNotSent tells that a request never reached anybody, so that it may be
// sent to another peer without being done twice.
func surelyNotSent(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return true
	}
	_, noName := errors.AsType[*net.DNSError](err)
	return noName
}

func tooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

const saysForbidden = "refuses our credentials"

// sentence says err to people, as the predicate of "the peer …". It is made of
// our own words and numbers: the text of a transport's error may hold
// addresses, and an answer's may hold anything.
func sentence(err error, timeout time.Duration) string {
	code := 0
	if status, ok := errors.AsType[*statusError](err); ok {
		code = status.code
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "does not answer within " + phrase.Duration(timeout)
	case errors.Is(err, context.Canceled):
		return "was not heard to the end"
	case surelyNotSent(err):
		return "cannot be reached"
	case tooLarge(err):
		return "answers with more than is taken"
	case errors.Is(err, errNotJSONAnswer):
		return "answers, but not as Alertmanager's API does"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return saysForbidden
	case code == http.StatusNotFound:
		return "has no API v2 at this address"
	case code >= 300 && code < 400:
		return "redirects elsewhere; configure the address that it redirects to"
	case code != 0:
		return fmt.Sprintf("answers with status %d", code)
	}
	if _, network := errors.AsType[net.Error](err); network || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "broke the connection off"
	}
	return "gives an answer that cannot be read"
}

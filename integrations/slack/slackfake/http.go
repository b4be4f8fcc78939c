package slackfake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// HTTP mode (documented: "HTTP request URLs", "Verifying requests from Slack").

// Handler makes a handler a way to deliver: no network is between it and the fake.
func Handler(h http.Handler) http.RoundTripper { return handler{h} }

type handler struct{ h http.Handler }

func (x handler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}}
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:1234"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }() // as a server does
		x.h.ServeHTTP(w, in)
	}()
	select {
	case <-done:
		return w.result(r), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// recorder is a response in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func (w *recorder) result(r *http.Request) *http.Response {
	return &http.Response{StatusCode: orStatus(w.status, http.StatusOK), Header: w.header, Body: io.NopCloser(&w.body), Request: r, ProtoMajor: 1, ProtoMinor: 1}
}

// Forgery is a way in which a request is not Slack's.
type Forgery int

// Forgeries.
const (
	Genuine        Forgery = iota
	BadSignature           // signed with another secret
	NoSignature            // not signed
	NoTimestamp            // without the time
	Stale                  // well signed, ten minutes ago
	FromFuture             // well signed, in ten minutes
	OtherVersion           // "v1=" instead of "v0="
	ChangedBody            // a byte more than what was signed
	ShortSignature         // cut off
)

// post delivers over HTTP. The caller holds the lock.
func (f *Fake) post(d *delivery) {
	kind, body := d.body()
	how := Genuine
	if len(f.badly) > 0 {
		how, f.badly = f.badly[0], f.badly[1:]
	}
	attempt, reason, at := d.attempt, d.reason, f.now()
	f.spawn(func() {
		status, answer, noRetry, err := f.request(kind, body, how, at, func(h http.Header) {
			if attempt > 0 {
				h.Set("X-Slack-Retry-Num", strconv.Itoa(attempt))
				h.Set("X-Slack-Retry-Reason", reason)
			}
		})
		f.mu.Lock()
		defer f.mu.Unlock()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			f.failed(d, "http_timeout")
		case err != nil:
			f.failed(d, "connection_failed")
		case status/100 != 2:
			if noRetry {
				d.attempt = len(f.o.Retries) // documented: X-Slack-No-Retry
			}
			f.failed(d, "http_error")
		default:
			f.acked(d, answer)
		}
	})
}

// body is what is posted: events as JSON, the rest as a form (documented).
func (d *delivery) body() (kind string, body []byte) {
	const form = "application/x-www-form-urlencoded"
	switch d.kind {
	case "interactive":
		b, _ := json.Marshal(d.payload)
		return form, []byte(url.Values{"payload": {string(b)}}.Encode())
	case "slash_commands":
		v := url.Values{}
		for name, x := range d.payload {
			v.Set(name, fmt.Sprint(x))
		}
		return form, []byte(v.Encode())
	}
	b, _ := json.Marshal(d.payload)
	return "application/json", b
}

// request posts a body, signed as how says, and reads the answer.
func (f *Fake) request(kind string, body []byte, how Forgery, at time.Time, more func(http.Header)) (status int, answer []byte, noRetry bool, err error) {
	ctx, cancel := context.WithTimeout(f.ctx, f.o.AckWithin)
	defer cancel()
	sent := body
	if how == ChangedBody {
		sent = append(bytes.Clone(body), ' ')
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.o.RequestURL, bytes.NewReader(sent))
	if err != nil {
		return 0, nil, false, err
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	f.sign(r.Header, body, how, at)
	if more != nil {
		more(r.Header)
	}
	resp, err := f.o.Deliver.RoundTrip(r)
	if err != nil {
		return 0, nil, false, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, answer, resp.Header.Get("X-Slack-No-Retry") == "1", err
}

// sign writes "v0=" and the HMAC-SHA256 of "v0:timestamp:body" (documented).
func (f *Fake) sign(h http.Header, body []byte, how Forgery, at time.Time) {
	secret := f.o.SigningSecret
	switch how {
	case BadSignature:
		secret = "another-secret"
	case Stale:
		at = at.Add(-10 * time.Minute)
	case FromFuture:
		at = at.Add(10 * time.Minute)
	}
	ts := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", ts, body)
	signature := "v0=" + hex.EncodeToString(mac.Sum(nil))
	switch how {
	case OtherVersion:
		signature = "v1=" + strings.TrimPrefix(signature, "v0=")
	case ShortSignature:
		signature = signature[:20]
	}
	if how != NoTimestamp {
		h.Set("X-Slack-Request-Timestamp", ts)
	}
	if how != NoSignature {
		h.Set("X-Slack-Signature", signature)
	}
}

// SignBadly has the next deliveries signed in these ways, one each; what is refused is
// delivered again by the usual rules.
func (f *Fake) SignBadly(how ...Forgery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.badly = append(f.badly, how...)
}

// Forge posts a message event that never happened, as somebody would who is not Slack,
// and gives the answer's status.
func (f *Fake) Forge(how Forgery, channel, user, text string) (status int, err error) {
	f.mu.Lock()
	c := f.channels[channel]
	if c == nil {
		f.mu.Unlock()
		return 0, fmt.Errorf("slackfake: no channel %q", channel)
	}
	ts := f.stamp(c)
	payload := f.wrap(c, object{"type": "message", "user": user, "text": text, "ts": ts, "channel": channel, "channel_type": string(c.Kind), "event_ts": ts, "team": f.o.Team})
	at := f.now()
	f.mu.Unlock()
	b, _ := json.Marshal(payload)
	status, _, _, err = f.request("application/json", b, how, at, nil)
	return status, err
}

// VerifyURL does what Slack does when a request URL is entered: it posts a challenge,
// and wants it back.
func (f *Fake) VerifyURL() error {
	b, _ := json.Marshal(object{"token": "verification-token", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", "type": "url_verification"})
	status, answer, _, err := f.request("application/json", b, Genuine, f.now(), nil)
	if err != nil {
		return err
	}
	var got struct {
		Challenge string `json:"challenge"`
	}
	s := strings.TrimSpace(string(answer))
	if json.Unmarshal(answer, &got) == nil && got.Challenge != "" {
		s = got.Challenge
	} else if v, err := url.ParseQuery(s); err == nil && v.Get("challenge") != "" {
		s = v.Get("challenge")
	}
	if status != http.StatusOK || s != "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" {
		return fmt.Errorf("slackfake: the request URL answered %d without the challenge", status)
	}
	return nil
}

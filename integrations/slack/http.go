package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// signedWithin is how old a request of Slack's may be.
	signedWithin = 5 * time.Minute
	maxRequest   = 1 << 20 // bytes
	// takenWithin leaves something of the three seconds that Slack waits.
	takenWithin = 2500 * time.Millisecond
)

// Handler takes what Slack posts in HTTP mode: events, presses and commands, all at one
// address. What is not signed with the signing secret is refused, and so is everything
// where there is none, or while Run does not run. Slack tries again what was not taken.
func (c *Chat) Handler() http.Handler { return http.HandlerFunc(c.posted) }

func (c *Chat) posted(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return
	}
	if !c.signed(r.Header, body) {
		c.unsigned.warn(c, r.RemoteAddr)
		http.Error(w, "not signed", http.StatusUnauthorized)
		return
	}
	kind, payload, ok := unpack(r.Header.Get("Content-Type"), body)
	if !ok {
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	if kind == "events_api" {
		var o outer
		if json.Unmarshal(payload, &o) == nil && o.Type == "url_verification" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, o.Challenge)
			return
		}
	}
	if !c.running.Load() {
		http.Error(w, "not listening yet", http.StatusServiceUnavailable)
		return
	}
	n := c.envelope(kind, payload)
	taking, cancel := context.WithTimeout(r.Context(), takenWithin)
	defer cancel()
	take := c.take
	if c.atOnce(n) {
		take = c.takeAtOnce
	}
	if err := take(taking, n); err != nil {
		http.Error(w, "not taken", http.StatusServiceUnavailable)
		return
	}
	c.heard.Store(c.now().UnixMilli())
	if n.reply != "" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(marshal(told(n.reply)))
		return
	}
	if n.ask != nil {
		// Slack waits for the end of the answer, and may hang up then; the question takes a
		// moment longer.
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		c.ask(context.WithoutCancel(r.Context()), n.ask)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// signed checks Slack's signature of a request, and that it is a fresh one.
func (c *Chat) signed(h http.Header, body []byte) bool {
	if c.signing == "" {
		return false
	}
	at := h.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || c.now().Sub(time.Unix(seconds, 0)).Abs() > signedWithin {
		return false
	}
	said, ok := strings.CutPrefix(h.Get("X-Slack-Signature"), "v0=")
	given, err := hex.DecodeString(said)
	if !ok || err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(c.signing))
	mac.Write([]byte("v0:" + at + ":"))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// unpack gives what a request holds in the form in which Socket Mode brings it.
func unpack(contentType string, body []byte) (kind string, payload []byte, ok bool) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", nil, false
	}
	switch media {
	case "application/json":
		return "events_api", body, true
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", nil, false
		}
		if p := form.Get("payload"); p != "" {
			return "interactive", []byte(p), true
		}
		q := slash{Team: form.Get("team_id"), Channel: form.Get("channel_id"), User: form.Get("user_id"),
			Command: form.Get("command"), Text: form.Get("text"), Trigger: form.Get("trigger_id")}
		return "slash_commands", marshal(q), q.Command != ""
	}
	return "", nil, false
}

// unsigned counts what was refused: strangers must not fill the log.
type unsigned struct {
	mu   sync.Mutex
	last time.Time
	n    int
}

const warnEvery = time.Minute

func (u *unsigned) warn(c *Chat, from string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n++
	if now := c.now(); now.Sub(u.last) >= warnEvery {
		c.log.Warn("requests that are not signed by Slack were refused", "requests", u.n, "last_from", from)
		u.last, u.n = now, 0
	}
}

package real

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Kind is what a request to a homeserver is for.
type Kind string

// The kinds that tests tell apart. A redaction is not a send: it has its own
// path.
const (
	KindSend      Kind = "send"      // PUT …/rooms/{room}/send/{type}/{txn}
	KindRedact    Kind = "redact"    // PUT …/rooms/{room}/redact/{event}/{txn}
	KindState     Kind = "state"     // PUT …/rooms/{room}/state/{type}/{key}
	KindMessages  Kind = "messages"  // GET …/rooms/{room}/messages
	KindRelations Kind = "relations" // GET …/rooms/{room}/relations/…
	KindSync      Kind = "sync"      // GET …/sync
	KindLogin     Kind = "login"     // POST …/login
	KindUpload    Kind = "upload"    // POST /_matrix/media/…/upload
	KindOther     Kind = "other"
)

// Request is what the proxy knows of one request.
type Request struct {
	Kind   Kind
	Method string
	Path   string // as sent, still escaped, without the query
	At     time.Time

	Room      string // of whatever happens in a room
	EventType string // of a send
	Txn       string // of a send and a redaction
	Body      []byte // not of an upload

	Upstream int    // the homeserver's status; 0: not asked, or no answer yet
	Returned int    // the client's status; 0: none yet, or the line was cut
	Answer   []byte // the homeserver's answer; only of a request from [Hold.Wait]
}

// classify reads a request's path: /_matrix/client/v3/rooms/{room}/….
func classify(r *http.Request, body []byte) *Request {
	path := r.URL.EscapedPath()
	q := &Request{Kind: KindOther, Method: r.Method, Path: path, At: time.Now(), Body: body}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = plain
		}
	}
	if len(parts) < 4 || parts[0] != "_matrix" {
		return q
	}
	area, rest := parts[1], parts[3:] // parts[2] is the version
	switch {
	case area == "media" && rest[0] == "upload" && r.Method == http.MethodPost:
		q.Kind, q.Body = KindUpload, nil
	case area == "client" && rest[0] == "sync":
		q.Kind = KindSync
	case area == "client" && rest[0] == "login" && r.Method == http.MethodPost:
		q.Kind = KindLogin
	case area == "client" && rest[0] == "rooms" && len(rest) >= 3:
		q.Room = rest[1]
		q.classifyInRoom(rest[2:])
	}
	return q
}

func (q *Request) classifyInRoom(rest []string) {
	put := q.Method == http.MethodPut
	switch {
	case put && rest[0] == "send" && len(rest) == 3:
		q.Kind, q.EventType, q.Txn = KindSend, rest[1], rest[2]
	case put && rest[0] == "redact" && len(rest) == 3:
		q.Kind, q.Txn = KindRedact, rest[2]
	case put && rest[0] == "state" && len(rest) >= 2:
		q.Kind, q.EventType = KindState, rest[1]
	case rest[0] == "messages":
		q.Kind = KindMessages
	case rest[0] == "relations":
		q.Kind = KindRelations
	}
}

// Requests returns what has arrived of a kind so far, in order; the empty kind
// stands for all.
func (p *Proxy) Requests(kind Kind) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []Request
	for _, q := range p.requests {
		if kind == "" || q.Kind == kind {
			found = append(found, *q)
		}
	}
	return found
}

// Count tells how many requests of a kind have arrived so far, whatever became
// of them.
func (p *Proxy) Count(kind Kind) int { return len(p.Requests(kind)) }

// OfKind matches requests of one kind; see [Proxy.HoldReply].
func OfKind(kind Kind) func(Request) bool {
	return func(q Request) bool { return q.Kind == kind }
}

// bucket is a token bucket.
type bucket struct {
	rate, size, level float64
	at                time.Time
}

// take takes a token, or tells how long it will be until there is one.
func (b *bucket) take(now time.Time) time.Duration {
	if b.rate <= 0 {
		return 0
	}
	b.level = min(b.size, b.level+now.Sub(b.at).Seconds()*b.rate)
	b.at = now
	if b.level >= 1 {
		b.level--
		return 0
	}
	return max(1, time.Duration((1-b.level)/b.rate*float64(time.Second)))
}

package matrix

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/matrix-org/gomatrix"

	"watchstander/bot/clean"
)

// Limits of a call: how long it may take, and how much of an answer is read.
const (
	callTime   = 30 * time.Second
	joinTime   = 90 * time.Second // a room of another server may be slow to enter
	uploadTime = 2 * time.Minute
	syncSlack  = 30 * time.Second // on top of the time that a long poll may wait

	maxSyncAnswer = 32 << 20
	maxPageAnswer = 16 << 20
	maxAnswer     = 1 << 20
	maxErrorText  = 300 // bytes of what the other side said
)

const (
	clientPrefix = "/_matrix/client/v3"
	// Relations live in version 1 of the API alone.
	relationsPrefix = "/_matrix/client/v1"
	versionsPath    = "/_matrix/client/versions"
	// gomatrix' own upload uses r0, which homeservers have begun to drop.
	uploadPath = "/_matrix/media/v3/upload"
)

// wire is the Transport over gomatrix. gomatrix knows neither contexts nor
// limits, and throws headers away, so every call gets a client of its own whose
// lower half (trip.go) adds them. Paths are put together here, since gomatrix'
// own do not escape a "/", which event ids of older rooms may hold.
type wire struct {
	base string
	user string
	// token is a function, so that printing the struct does not print it.
	token func() string
	below http.RoundTripper
	own   *http.Transport // below, if it is ours
}

func newWire(base, user, token string, below http.RoundTripper) *wire {
	w := &wire{
		base: strings.TrimRight(base, "/"), user: user,
		token: func() string { return token }, below: below,
	}
	if below == nil {
		w.own = http.DefaultTransport.(*http.Transport).Clone()
		w.own.MaxIdleConnsPerHost = 8
		w.below = w.own
	}
	return w
}

// call is one request.
type call struct {
	name   string
	method string
	prefix string
	path   []string // each part gets escaped
	query  url.Values
	in     any // JSON
	out    any
	limit  int64
	time   time.Duration
}

func (c call) address(base string) string {
	var b strings.Builder
	b.WriteString(base + c.prefix)
	for _, part := range c.path {
		b.WriteString("/" + url.PathEscape(part))
	}
	if len(c.query) > 0 {
		b.WriteString("?" + c.query.Encode())
	}
	return b.String()
}

func (w *wire) do(ctx context.Context, c call) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.time, callTime))
	defer cancel()
	t := &trip{ctx: ctx, below: w.below, limit: cmp.Or(c.limit, maxAnswer)}
	client := &gomatrix.Client{AccessToken: w.token(), Prefix: clientPrefix, UserID: w.user, Client: t.client()}
	return w.failed(t, c.name, client.MakeRequest(c.method, c.address(w.base), c.in, c.out))
}

// failed makes a CallError of what gomatrix or net/http said, without the
// token.
func (w *wire) failed(t *trip, name string, err error) error {
	if err == nil {
		return nil
	}
	e := &CallError{
		Call: name, Status: t.status, After: t.after,
		Reached: t.reached(err), TooLarge: errors.Is(err, errAnswerTooLarge),
	}
	if answer, ok := errors.AsType[gomatrix.HTTPError](err); ok {
		e.read(answer.Contents)
	} else {
		e.Ended = ended(t.ctx, err)
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // the address says nothing that Call does not
		}
		e.Text = err.Error()
	}
	e.Code, e.Text = w.tidy(e.Code), w.tidy(e.Text)
	return e
}

// read takes code, text and waiting time out of an error's body.
func (e *CallError) read(body []byte) {
	var answer struct {
		Code  string      `json:"errcode"`
		Error string      `json:"error"`
		Retry json.Number `json:"retry_after_ms"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Code == "" {
		e.Text = string(body) // a gateway's own words
		return
	}
	e.Code, e.Text = answer.Code, answer.Error
	if ms, err := answer.Retry.Float64(); err == nil && ms > 0 {
		e.After = max(e.After, time.Duration(min(ms, maxAfter.Seconds()*1000))*time.Millisecond)
	}
}

// tidy hides the token, and makes one short line of a text.
func (w *wire) tidy(s string) string {
	token := w.token()
	for _, form := range []string{token, url.QueryEscape(token), url.PathEscape(token), strings.ReplaceAll(token, "/", `\/`)} {
		s = strings.ReplaceAll(s, form, "[access token]")
	}
	s = strings.Join(strings.Fields(clean.Text(s)), " ")
	if len(s) > maxErrorText {
		cut := maxErrorText
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

func (w *wire) Sync(ctx context.Context, q SyncQuery) (json.RawMessage, error) {
	query := url.Values{"timeout": {strconv.FormatInt(q.Wait.Milliseconds(), 10)}}
	set(query, "since", q.Since)
	set(query, "filter", q.Filter)
	var answer json.RawMessage
	err := w.do(ctx, call{
		name: "sync", method: http.MethodGet, prefix: clientPrefix, path: []string{"sync"},
		query: query, out: &answer, limit: maxSyncAnswer, time: q.Wait + syncSlack,
	})
	return answer, err
}

func (w *wire) Messages(ctx context.Context, q MessagesQuery) (Page, error) {
	query := url.Values{"dir": {"b"}}
	set(query, "from", q.From)
	set(query, "to", q.To)
	set(query, "filter", q.Filter)
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	var answer struct {
		Chunk []json.RawMessage `json:"chunk"`
		End   string            `json:"end"`
	}
	err := w.do(ctx, call{
		name: "messages", method: http.MethodGet, prefix: clientPrefix,
		path: []string{"rooms", q.Room, "messages"}, query: query, out: &answer, limit: maxPageAnswer,
	})
	return Page{answer.Chunk, answer.End}, err
}

// relationsLimit is what Dendrite 0.13 can do: of a longer page it hands out
// the first 20 events and skips the others.
const relationsLimit = 20

func (w *wire) Relations(ctx context.Context, room, event, relType, from string) (Page, error) {
	query := url.Values{"dir": {"b"}, "limit": {strconv.Itoa(relationsLimit)}}
	set(query, "from", from)
	var answer struct {
		Chunk []json.RawMessage `json:"chunk"`
		Next  string            `json:"next_batch"`
	}
	err := w.do(ctx, call{
		name: "relations", method: http.MethodGet, prefix: relationsPrefix,
		path: []string{"rooms", room, "relations", event, relType}, query: query, out: &answer, limit: maxPageAnswer,
	})
	return Page{answer.Chunk, answer.Next}, err
}

func (w *wire) Send(ctx context.Context, room, eventType, txn string, content json.RawMessage) (string, error) {
	var answer gomatrix.RespSendEvent
	err := w.do(ctx, call{
		name: "send", method: http.MethodPut, prefix: clientPrefix,
		path: []string{"rooms", room, "send", eventType, txn}, in: content, out: &answer,
	})
	if err == nil && answer.EventID == "" {
		err = &CallError{Call: "send", Status: http.StatusOK, Reached: true, Text: "the answer names no event"}
	}
	return answer.EventID, err
}

// Upload speaks HTTP itself: gomatrix offers only JSON and a path of the past.
func (w *wire) Upload(ctx context.Context, name, contentType string, data []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, uploadTime)
	defer cancel()
	query := url.Values{}
	set(query, "filename", name)
	c := call{name: "upload", prefix: uploadPath, query: query}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address(w.base), bytes.NewReader(data))
	if err != nil {
		return "", &CallError{Call: c.name, Text: w.tidy(err.Error())}
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+w.token())
	t := &trip{ctx: ctx, below: w.below, limit: maxAnswer}
	response, err := t.client().Do(request)
	if err != nil {
		return "", w.failed(t, c.name, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", w.failed(t, c.name, err)
	}
	if response.StatusCode/100 != 2 {
		return "", w.failed(t, c.name, gomatrix.HTTPError{Contents: body, Code: response.StatusCode})
	}
	var answer gomatrix.RespMediaUpload
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", w.failed(t, c.name, err)
	}
	if !strings.HasPrefix(answer.ContentURI, "mxc://") {
		return "", &CallError{Call: c.name, Status: t.status, Reached: true, Text: "the answer holds no mxc address"}
	}
	return answer.ContentURI, nil
}

func (w *wire) Event(ctx context.Context, room, event string) (json.RawMessage, error) {
	var answer json.RawMessage
	err := w.do(ctx, call{
		name: "event", method: http.MethodGet, prefix: clientPrefix,
		path: []string{"rooms", room, "event", event}, out: &answer,
	})
	return answer, err
}

func (w *wire) Redact(ctx context.Context, room, event, txn, reason string) error {
	return w.do(ctx, call{
		name: "redact", method: http.MethodPut, prefix: clientPrefix,
		path: []string{"rooms", room, "redact", event, txn}, in: map[string]string{"reason": reason},
	})
}

func (w *wire) JoinedRooms(ctx context.Context) ([]string, error) {
	var answer gomatrix.RespJoinedRooms
	err := w.do(ctx, call{name: "joined_rooms", method: http.MethodGet, prefix: clientPrefix, path: []string{"joined_rooms"}, out: &answer})
	return answer.JoinedRooms, err
}

func (w *wire) Join(ctx context.Context, room string) error {
	return w.do(ctx, call{name: "join", method: http.MethodPost, prefix: clientPrefix, path: []string{"join", room}, in: struct{}{}, time: joinTime})
}

func (w *wire) Leave(ctx context.Context, room string) error {
	return w.do(ctx, call{name: "leave", method: http.MethodPost, prefix: clientPrefix, path: []string{"rooms", room, "leave"}, in: struct{}{}, time: joinTime})
}

func (w *wire) State(ctx context.Context, room, eventType string) (json.RawMessage, error) {
	var answer json.RawMessage
	// The empty last part is the empty state key.
	err := w.do(ctx, call{name: "state", method: http.MethodGet, prefix: clientPrefix, path: []string{"rooms", room, "state", eventType, ""}, out: &answer})
	return answer, err
}

func (w *wire) WhoAmI(ctx context.Context) (string, error) {
	var answer struct {
		User string `json:"user_id"`
	}
	err := w.do(ctx, call{name: "whoami", method: http.MethodGet, prefix: clientPrefix, path: []string{"account", "whoami"}, out: &answer})
	if err == nil && answer.User == "" {
		err = &CallError{Call: "whoami", Status: http.StatusOK, Reached: true, Text: "the answer names no user"}
	}
	return answer.User, err
}

func (w *wire) DisplayName(ctx context.Context, user string) (string, error) {
	var answer gomatrix.RespUserDisplayName
	err := w.do(ctx, call{name: "profile", method: http.MethodGet, prefix: clientPrefix, path: []string{"profile", user, "displayname"}, out: &answer})
	if e, ok := errors.AsType[*CallError](err); ok && e.Status == http.StatusNotFound {
		return "", nil
	}
	return answer.DisplayName, err
}

func (w *wire) Versions(ctx context.Context) ([]string, error) {
	var answer gomatrix.RespVersions
	err := w.do(ctx, call{name: "versions", method: http.MethodGet, prefix: versionsPath, out: &answer})
	return answer.Versions, err
}

func (w *wire) Close() {
	if w.own != nil {
		w.own.CloseIdleConnections()
	}
}

func set(query url.Values, key, value string) {
	if value != "" {
		query.Set(key, value)
	}
}

package real

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// User is somebody with an account on a homeserver and one device.
type User struct {
	ID       string `json:"user_id"`
	Token    string `json:"access_token"`
	DeviceID string `json:"device_id"`
	Password string `json:"-"`
	URL      string `json:"-"` // the homeserver, or a proxy before it
}

// Via returns the same user speaking through another address, mostly a
// [Proxy]'s.
func (u *User) Via(url string) *User {
	other := *u
	other.URL = url
	return &other
}

// MatrixError is what a homeserver refused, and why.
type MatrixError struct {
	Code       string        // "M_FORBIDDEN", "M_LIMIT_EXCEEDED", …
	Message    string        // for people
	RetryAfter time.Duration // with M_LIMIT_EXCEEDED
	*StatusError
}

func (e *MatrixError) Unwrap() error { return e.StatusError }

// Do sends one request to the client API. The path begins after the host and
// has its parts escaped ([Path] does it); in and out are JSON and may be nil.
// Unlike the other methods it may be used on any goroutine.
func (u *User) Do(ctx context.Context, method, path string, in, out any) error {
	return asMatrixError(doJSON(ctx, method, u.URL+path, u.header(), in, out))
}

func (u *User) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + u.Token}}
}

func asMatrixError(err error) error {
	status, ok := errors.AsType[*StatusError](err)
	if !ok {
		return err
	}
	var body struct {
		Code  string `json:"errcode"`
		Error string `json:"error"`
		Retry int64  `json:"retry_after_ms"`
	}
	if json.Unmarshal(status.Body, &body) != nil || body.Code == "" {
		return err // a gateway's own words, not the homeserver's
	}
	return &MatrixError{body.Code, body.Error, time.Duration(body.Retry) * time.Millisecond, status}
}

// Path joins parts to a path of the client API's version 3, each escaped.
func Path(parts ...string) string { return apiPath("/_matrix/client/v3", parts) }

func apiPath(base string, parts []string) string {
	var b strings.Builder
	b.WriteString(base)
	for _, part := range parts {
		b.WriteString("/" + url.PathEscape(part))
	}
	return b.String()
}

// must is Do for what has to work.
func (u *User) must(t testing.TB, method, path string, in, out any) {
	t.Helper()
	if err := u.Do(t.Context(), method, path, in, out); err != nil {
		t.Fatalf("%s: %v", u.ID, err)
	}
}

// RoomOptions may be left empty: a private room with its creator in it.
type RoomOptions struct {
	Name      string
	Encrypted bool    // m.room.encryption with Megolm; the homeserver itself still takes plain events
	Invite    []*User // invited; they have yet to Join
	Public    bool    // anybody may join
}

// CreateRoom makes a room and returns its id.
func (u *User) CreateRoom(t testing.TB, o RoomOptions) string {
	t.Helper()
	request := map[string]any{"preset": "private_chat", "name": o.Name}
	if o.Public {
		request["preset"] = "public_chat"
	}
	if o.Encrypted {
		request["initial_state"] = []any{map[string]any{
			"type":      "m.room.encryption",
			"state_key": "",
			"content":   map[string]any{"algorithm": "m.megolm.v1.aes-sha2"},
		}}
	}
	invited := make([]string, 0, len(o.Invite))
	for _, other := range o.Invite {
		invited = append(invited, other.ID)
	}
	request["invite"] = invited
	var room struct {
		ID string `json:"room_id"`
	}
	u.must(t, http.MethodPost, Path("createRoom"), request, &room)
	return room.ID
}

// Invite asks another user into a room.
func (u *User) Invite(t testing.TB, room string, other *User) {
	t.Helper()
	u.must(t, http.MethodPost, Path("rooms", room, "invite"), map[string]string{"user_id": other.ID}, nil)
}

// Join enters a room.
func (u *User) Join(t testing.TB, room string) {
	t.Helper()
	u.must(t, http.MethodPost, Path("rooms", room, "join"), struct{}{}, nil)
}

// Leave leaves a room.
func (u *User) Leave(t testing.TB, room string) {
	t.Helper()
	u.must(t, http.MethodPost, Path("rooms", room, "leave"), struct{}{}, nil)
}

// Members returns the ids of those who are in a room now.
func (u *User) Members(t testing.TB, room string) []string {
	t.Helper()
	var answer struct {
		Joined map[string]any `json:"joined"`
	}
	u.must(t, http.MethodGet, Path("rooms", room, "joined_members"), nil, &answer)
	var ids []string
	for id := range answer.Joined {
		ids = append(ids, id)
	}
	return ids
}

// SetState sets a piece of a room's state and returns the event's id.
func (u *User) SetState(t testing.TB, room, eventType, key string, content any) string {
	t.Helper()
	var sent sent
	u.must(t, http.MethodPut, Path("rooms", room, "state", eventType, key), content, &sent)
	return sent.EventID
}

// Upload puts a file into the media repository and returns its mxc address.
func (u *User) Upload(t testing.TB, contentType string, data []byte) string {
	t.Helper()
	header := u.header()
	header.Set("Content-Type", contentType)
	answer, err := do(t.Context(), http.MethodPost, u.URL+"/_matrix/media/v3/upload", header, data)
	if err != nil {
		t.Fatalf("%s cannot upload: %v", u.ID, asMatrixError(err))
	}
	var file struct {
		URI string `json:"content_uri"`
	}
	if err := json.Unmarshal(answer, &file); err != nil {
		t.Fatalf("%s: the upload's answer is not JSON: %v", u.ID, err)
	}
	return file.URI
}

// Download fetches what an mxc address names.
func (u *User) Download(t testing.TB, mxc string) []byte {
	t.Helper()
	server, id, ok := strings.Cut(strings.TrimPrefix(mxc, "mxc://"), "/")
	if !ok {
		t.Fatalf("%q is no mxc address: it must be mxc://server/id", mxc)
	}
	path := apiPath("/_matrix/client/v1/media/download", []string{server, id})
	data, err := do(t.Context(), http.MethodGet, u.URL+path, u.header(), nil)
	if err != nil {
		t.Fatalf("%s cannot download %s: %v", u.ID, mxc, asMatrixError(err))
	}
	return data
}

// NewTxn makes up a transaction id.
func NewTxn() string { return "txn-" + rand.Text() }

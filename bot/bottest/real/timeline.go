package real

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"
)

// Event is an event as the homeserver hands it out.
type Event struct {
	ID       string         `json:"event_id"`
	Type     string         `json:"type"`
	Sender   string         `json:"sender"`
	StateKey *string        `json:"state_key"` // nil for what is not state
	At       int64          `json:"origin_server_ts"`
	Content  map[string]any `json:"content"`
	Unsigned map[string]any `json:"unsigned"`
}

// Field returns the string found by following keys into the content, or "".
func (e Event) Field(keys ...string) string {
	var v any = e.Content
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	s, _ := v.(string)
	return s
}

// Body is the message's plain text.
func (e Event) Body() string { return e.Field("body") }

// Relation returns the type of the event's relation and the id of the event it
// belongs to, or nothing.
func (e Event) Relation() (relType, target string) {
	return e.Field("m.relates_to", "rel_type"), e.Field("m.relates_to", "event_id")
}

// Redacted tells whether the event's content was taken away.
func (e Event) Redacted() bool { return e.Unsigned["redacted_because"] != nil }

type page struct {
	Chunk []Event `json:"chunk"`
	End   string  `json:"end"`        // of /messages
	Next  string  `json:"next_batch"` // of /relations
}

// Messages returns everything in a room that the user may see, the oldest
// first. It reads backwards from the newest event, page by page; Dendrite begins a
// page with the event that the one before has ended with.
func (u *User) Messages(t testing.TB, room string) []Event {
	t.Helper()
	var all []Event
	read := map[string]bool{}
	query := url.Values{"dir": {"b"}, "limit": {"100"}}
	for {
		var p page
		u.must(t, http.MethodGet, Path("rooms", room, "messages")+"?"+query.Encode(), nil, &p)
		for _, e := range p.Chunk {
			if !read[e.ID] {
				read[e.ID] = true
				all = append(all, e)
			}
		}
		if len(p.Chunk) == 0 || p.End == "" || p.End == query.Get("from") {
			slices.Reverse(all)
			return all
		}
		query.Set("from", p.End)
	}
}

// Relations returns the events of one relation type ("m.thread", "m.replace",
// "m.annotation") that belong to target, the oldest first. The type is not
// optional: Dendrite loses events at page breaks when types are mixed.
func (u *User) Relations(t testing.TB, room, target, relType string) []Event {
	t.Helper()
	// Only version 1 of this path exists, unlike the rest of the client API.
	path := apiPath("/_matrix/client/v1/rooms", []string{room, "relations", target, relType})
	var all []Event
	// Asked for more than 20 (or for nothing), Dendrite 0.13 hands out the
	// first 20 of each page and skips the others.
	query := url.Values{"dir": {"f"}, "limit": {"20"}}
	for {
		var p page
		u.must(t, http.MethodGet, path+"?"+query.Encode(), nil, &p)
		all = append(all, p.Chunk...)
		if p.Next == "" {
			return all
		}
		query.Set("from", p.Next)
	}
}

// Event returns one event.
func (u *User) Event(t testing.TB, room, id string) Event {
	t.Helper()
	var e Event
	u.must(t, http.MethodGet, Path("rooms", room, "event", id), nil, &e)
	return e
}

// Await reads the room until accept says nil of it, and returns what it read.
// what completes the sentence "… did not happen within …".
func (u *User) Await(t testing.TB, room string, within time.Duration, what string, accept func([]Event) error) []Event {
	t.Helper()
	var events []Event
	Eventually(t, within, what, func() error {
		events = u.Messages(t, room)
		return accept(events)
	})
	return events
}

// Has is for [User.Await]: the room must show the event with this id.
func Has(id string) func([]Event) error {
	return func(events []Event) error {
		for _, e := range events {
			if e.ID == id {
				return nil
			}
		}
		return fmt.Errorf("event %s is not among the room's %d", id, len(events))
	}
}

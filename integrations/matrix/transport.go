package matrix

import (
	"context"
	"encoding/json"
	"time"
)

// Transport is all that this package asks of a homeserver. Events pass through
// it as the JSON of the client API. A transport that encrypts would hand out
// decrypted events from Sync, Messages and Relations, and encrypt in Send and
// Upload; the rest would not change.
//
// Every call ends with its context and has a time limit of its own. A failure
// is a *[CallError].
type Transport interface {
	// Sync waits for what happens after a place in the stream.
	Sync(context.Context, SyncQuery) (json.RawMessage, error)
	// Messages reads a room backwards, the newest event first.
	Messages(context.Context, MessagesQuery) (Page, error)
	// Relations reads the events of one relation type that point at an event,
	// the newest first; from is a former page's Next.
	Relations(ctx context.Context, room, event, relType, from string) (Page, error)
	// Send posts an event once for one transaction id and returns its id.
	Send(ctx context.Context, room, eventType, txn string, content json.RawMessage) (string, error)
	// Event is one event of a room, as it is now; a *CallError with status 404
	// where there is none that we may see.
	Event(ctx context.Context, room, event string) (json.RawMessage, error)
	// Redact takes the content of an event away, once for one transaction id.
	Redact(ctx context.Context, room, event, txn, reason string) error
	// Upload stores a file and returns its mxc address.
	Upload(ctx context.Context, name, contentType string, data []byte) (string, error)
	// JoinedRooms are the rooms that the account is in.
	JoinedRooms(context.Context) ([]string, error)
	// Join enters a room, Leave leaves it or rejects an invitation.
	Join(ctx context.Context, room string) error
	Leave(ctx context.Context, room string) error
	// State is the content of a state event with an empty key; a *CallError
	// with status 404 when there is none.
	State(ctx context.Context, room, eventType string) (json.RawMessage, error)
	// WhoAmI is the user to whom the token belongs.
	WhoAmI(context.Context) (string, error)
	// DisplayName is a user's name in their profile, "" when there is none.
	DisplayName(ctx context.Context, user string) (string, error)
	// Versions are the API versions that the homeserver speaks.
	Versions(context.Context) ([]string, error)
	// Close lets go of idle connections.
	Close()
}

// SyncQuery is one long poll.
type SyncQuery struct {
	Since  string // "" for the very first
	Filter string // JSON
	Wait   time.Duration
}

// MessagesQuery is one page of a room's history.
type MessagesQuery struct {
	Room   string
	From   string // "" for the newest event
	To     string // where to stop, exclusive; "" for the room's beginning
	Filter string // JSON, "" for none
	Limit  int
}

// Page is a run of events.
type Page struct {
	Events []json.RawMessage
	Next   string // where to go on, "" at the end
}

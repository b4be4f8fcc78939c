package bot

import "crypto/rand"

// Ids are distinct string types so that the compiler keeps them apart. Nobody
// parses one: what an id means is looked up, never read out of it.
type (
	// ThreadID names one thread: "thr_" and random text.
	ThreadID string
	// RoomID is a room's name in the configuration ("ops"), unique over all
	// chats. What the platform calls the room is known to its adapter alone.
	RoomID string
	// ChatID is a chat's name in the configuration ("matrix", "console").
	ChatID string
	// MessageID is the platform's own id of one message.
	MessageID string
	// PersonID is a person's name in the configuration: one human being over
	// all platforms.
	PersonID string
	// UserID is a platform's immutable id of an account
	// ("@alice:example.org", "T1/U1", "uid:1000"); never a display name.
	UserID string
	// SendKey marks one message that is on its way, in the platform's own
	// content, so that it can be found there again: "key_" and random text.
	SendKey string
	// RequestID names one command that somebody gave: "req_" and random text.
	RequestID string
	// EffectKey names one effect on the outside world, and makes it idempotent:
	// "eff_" and random text.
	EffectKey string
	// EpisodeID names one firing of one alert: "epi_" and random text.
	EpisodeID string
	// PlanID names one plan of an agent: "pln_" and random text. People type a
	// beginning of it.
	PlanID string
)

// IDPrefixes are the prefixes of our own typed ids, which the redactor leaves
// alone.
var IDPrefixes = []string{"thr_", "key_", "req_", "eff_", "epi_", "pln_"}

// IDs makes the random part of ids. Tests inject one that counts.
type IDs func() string

// RandomIDs draws 26 base32 characters (over 128 bits) for every id.
func RandomIDs() string { return rand.Text() }

func (n IDs) Thread() ThreadID   { return ThreadID("thr_" + n()) }
func (n IDs) Send() SendKey      { return SendKey("key_" + n()) }
func (n IDs) Request() RequestID { return RequestID("req_" + n()) }
func (n IDs) Effect() EffectKey  { return EffectKey("eff_" + n()) }
func (n IDs) Episode() EpisodeID { return EpisodeID("epi_" + n()) }
func (n IDs) Plan() PlanID       { return PlanID("pln_" + n()) }

package bot

import (
	"context"
	"strconv"
	"time"
)

// Chat is one platform, as flow sees it. Every call but Run returns; Send and
// Find end with their context.
type Chat interface {
	// Run receives until ctx ends, and hands over what happened through sink. It
	// reconnects by itself; it returns an error only for what no retry mends
	// (a revoked token). What sink did not take is not acknowledged to the
	// platform.
	Run(ctx context.Context, sink Sink) error
	// Encode turns a message into the exact bytes of one or more posts. It is
	// pure: the same input gives the same bytes, and nothing outside is asked.
	// A root and an edit give exactly one part, or ErrTooLong; so does an offer,
	// where Caps has Offers.
	Encode(Outgoing) ([]Part, error)
	// Send posts one part, once for one key where the platform can promise it.
	// A failure is a *Refusal; any other error counts as Unsure.
	Send(context.Context, Sending) (Receipt, error)
	// Find looks in the room for a post that carries the key. An error means
	// that it could not look far enough to tell.
	Find(context.Context, Sending) (Receipt, bool, error)
	// Caps are the platform's limits and abilities, as data.
	Caps() Caps
}

// Pulse is a Chat that knows when its platform last answered: an optional
// interface. Without it a chat counts as heard while its Run goes on.
type Pulse interface {
	// LastHeard is zero before the first answer.
	LastHeard() time.Time
}

// Eraser is a Chat that can take somebody's message out of a room: an optional
// interface, for messages that hold a code.
type Eraser interface {
	// Erase takes it out, once for one key where the platform can promise it, and
	// looks first whether it is gone already: nil says that its words can no longer
	// be read there. A failure is a *Refusal; any other error counts as Unsure. One
	// that is Forbidden or Rejected stays so until people mend it: its cause is a
	// *Error that tells them what is missing. The cause ErrNeverStood says that
	// the words never stood where anybody else could read them.
	Erase(context.Context, Erasing) error
}

// Erasing is a message on its way out of a room.
type Erasing struct {
	Key     EffectKey
	Room    RoomID
	Message MessageID
}

// Sink takes what chats receive. When it returns nil, all of the batch is
// committed, and the batch will not be asked for again.
type Sink interface {
	Take(context.Context, Batch) error
}

// Batch is what one source handed over at once: its events, and the place from
// which the source goes on after a restart, stored in the same transaction.
type Batch struct {
	Source string  // "matrix", "alertmanager/main": the key of the cursor
	Cursor string  // "" where the source has none
	Events []Event // in order
}

// Caps says what a platform can do.
type Caps struct {
	// Pace: posts a second, sustained, in one room and in the whole workspace,
	// and how many may go at once after a rest. 0 means no limit.
	RoomPerSecond float64
	RoomBurst     int
	ChatPerSecond float64
	ChatBurst     int
	// Threads: replies hang below their root; otherwise they name it.
	Threads bool
	// Edits: a root can be changed in place. All of ours can.
	Edits bool
	// LateEdits: an edit that was not answered in time may still be made, after those
	// that came later.
	LateEdits bool
	// Asides: what only its asker needs to see can be shown to them alone.
	Asides bool
	// Buttons are real buttons; otherwise reactions with a legend.
	Buttons bool
	// Offers: the bot puts reactions of its own under a root, so that people
	// need only tap on them.
	Offers bool
}

// SendKind is what a post is.
type SendKind string

const (
	SendRoot  SendKind = "root"  // begins a thread
	SendEdit  SendKind = "edit"  // replaces the root's content
	SendReply SendKind = "reply" // into the thread, or an answer to a message
	// SendOffer is a reaction of our own to a root, for people to tap on.
	SendOffer SendKind = "offer"
)

// Outgoing is what Encode gets.
type Outgoing struct {
	Key  SendKey
	Room RoomID
	Kind SendKind
	// Root is the thread's root (edits, offers, and replies in a thread).
	Root MessageID
	// Emoji is what an offer is made of; it has no Message.
	Emoji string
	// ReplyTo is the message that a reply answers, where it stands outside any
	// thread.
	ReplyTo MessageID
	// Asker is whose message or press a reply answers; "" for nobody's, and for one of
	// some time ago: who is away by now would never see what is shown to them alone.
	Asker   UserID
	Message Message
	// Bare asks for the plainest form (no markup, no attachments): the second
	// try of what the platform rejected.
	Bare bool
}

// Part is one post's frozen bytes. The n-th part of a message carries
// Key.Part(n).
type Part struct {
	Body       []byte // the platform's own form, complete but for the upload's address
	Attachment []byte // uploaded by Send before the post, nil for most
}

// Part is the key of the n-th part of what the key names; part 0 has the key
// itself.
func (k SendKey) Part(n int) SendKey {
	if n == 0 {
		return k
	}
	return k + SendKey("."+strconv.Itoa(n))
}

// Sending is one part on its way.
type Sending struct {
	Key        SendKey
	Room       RoomID
	Kind       SendKind
	Root       MessageID // "" for a root and for answers outside threads
	Body       []byte
	Attachment []byte
	// Since is when the part was frozen: Find need not look further back, but
	// for clocks that differ.
	Since time.Time
}

// Receipt is the platform's word that it has a post.
type Receipt struct {
	ID MessageID
	At time.Time // the platform's clock, zero when it does not say
}

// ErrNeverStood is Erase's answer to what was said where nobody else reads it and
// nothing stays, as a command with a slash in Slack: there is nothing to take away.
var ErrNeverStood = Errorf(CodeNotFound, "Nothing of it stood in the room.")

// ErrTooLong is Encode's answer to a root that does not fit one post; the
// caller renders it with less detail.
var ErrTooLong = Errorf(CodeInvalid, "The message is longer than the platform takes in one post.")

package bot

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code says to programs what kind of failure an Error is.
type Code string

const (
	CodeInvalid     Code = "invalid"     // the asker must change something
	CodeForbidden   Code = "forbidden"   // the asker may not
	CodeNotFound    Code = "not_found"   // what was named does not exist
	CodeConflict    Code = "conflict"    // true at another time, not now
	CodeUnavailable Code = "unavailable" // something outside does not answer
	CodeInternal    Code = "internal"    // our own fault
)

// Error is a failure with a sentence for people. Message is short, says what to
// do next, and holds no secret; Cause is for the log alone.
type Error struct {
	Code    Code
	Message string
	Cause   error
}

// Error is the message with its cause behind it, for the log: the cause stands in
// brackets, since the message is a whole sentence already.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return strings.TrimSuffix(e.Message, ".") + " (" + strings.TrimSuffix(e.Cause.Error(), ".") + ")"
}

func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an Error whose message is for people.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because adds the cause, which goes to the log and never to a chat.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

// ForPeople is what a chat may show of err: an Error's message; of anything
// else only that it happened, since its text was not written for strangers.
func ForPeople(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Message != "" {
		return e.Message
	}
	return "Internal error; the log of the bot has the cause."
}

// Refusal tells why a chat did not take a message, in the only terms in which
// the sender must decide what to do next.
type Refusal struct {
	Kind RefusalKind
	// After is how long the platform asks us to wait (Busy only).
	After time.Duration
	Cause error
	// Attachment: the attachment, not the post, was what the platform did not take.
	Attachment bool
}

// RefusalKind is the sender's next step.
type RefusalKind string

const (
	// Busy: the platform took nothing; try again after After.
	Busy RefusalKind = "busy"
	// Unreachable: the platform surely took nothing (no connection was made, or
	// it answered that it failed before storing); try again later.
	Unreachable RefusalKind = "unreachable"
	// Unsure: it may have taken the message; look for its key first.
	Unsure RefusalKind = "unsure"
	// Rejected: this content will never be taken; say it in plainer words.
	Rejected RefusalKind = "rejected"
	// RootGone: the thread's root no longer exists; make it anew.
	RootGone RefusalKind = "root gone"
	// Forbidden: the room or the credentials do not let us speak; people must
	// mend it, and we try again now and then.
	Forbidden RefusalKind = "forbidden"
)

func (r *Refusal) Error() string {
	if r.Cause == nil {
		return "chat: " + string(r.Kind)
	}
	return "chat: " + string(r.Kind) + ": " + r.Cause.Error()
}

func (r *Refusal) Unwrap() error { return r.Cause }

package matrix

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"watchstander/bot"
)

// CallError is a call to the homeserver that failed. Its text is short and
// never holds the access token, whatever the other side sent.
type CallError struct {
	Call   string // "sync", "send", …
	Status int    // HTTP, 0 when no answer came
	Code   string // Matrix' own: "M_FORBIDDEN"; "" when it was not the homeserver that spoke
	Text   string
	// After is how long the homeserver asks us to wait.
	After time.Duration
	// Reached: the request may have got to the homeserver. Without it, it surely
	// has not.
	Reached bool
	// TooLarge: the answer was longer than we read.
	TooLarge bool
	// Ended is the context's error when it was our own side that gave up.
	Ended error
}

func (e *CallError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "matrix: %s", e.Call)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Text != "" {
		b.WriteString(": " + e.Text)
	}
	return b.String()
}

// Unwrap gives the context's error, if that is what ended the call.
func (e *CallError) Unwrap() error { return e.Ended }

// revoked turns what no retry mends into the error that Run returns.
func (c *Chat) revoked(err error) error {
	e, ok := errors.AsType[*CallError](err)
	if !ok {
		return nil
	}
	switch e.Code {
	case "M_UNKNOWN_TOKEN", "M_MISSING_TOKEN":
		return bot.Errorf(bot.CodeForbidden,
			"The Matrix homeserver no longer accepts the access token of %s: log in anew and put the new token into its file.", c.user).Because(err)
	case "M_USER_DEACTIVATED":
		return bot.Errorf(bot.CodeForbidden, "The Matrix account %s has been deactivated.", c.user).Because(err)
	}
	return nil
}

// passing tells whether the same call may work later without anybody doing
// anything.
func passing(err error) bool {
	e, ok := errors.AsType[*CallError](err)
	if !ok {
		return true
	}
	return e.Status == 0 || e.Status/100 == 2 || e.Status >= 500 || e.Status == http.StatusTooManyRequests ||
		e.Status == http.StatusRequestTimeout || e.Status/100 == 3 || e.Code == "M_LIMIT_EXCEEDED"
}

// retryAfter is how long the homeserver asked us to wait, 0 if it did not.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*CallError](err); ok {
		return e.After
	}
	return 0
}

// sendRefusal puts a failed post into the sender's terms. What is not known to
// have failed is unsure.
func sendRefusal(err error) *bot.Refusal {
	e, ok := errors.AsType[*CallError](err)
	if !ok {
		return &bot.Refusal{Kind: bot.Unsure, Cause: err}
	}
	if kind, ok := clearRefusal(e); ok {
		return &bot.Refusal{Kind: kind, After: busyFor(kind, e), Cause: err}
	}
	if e.Status == 0 && !e.Reached || e.Status/100 == 3 {
		return &bot.Refusal{Kind: bot.Unreachable, Cause: err}
	}
	return &bot.Refusal{Kind: bot.Unsure, Cause: err}
}

// uploadRefusal does the same for a file's upload. A file without its post is
// seen by nobody, so nothing about it is ever unsure.
func uploadRefusal(err error) *bot.Refusal {
	e, ok := errors.AsType[*CallError](err)
	if !ok {
		return &bot.Refusal{Kind: bot.Unreachable, Cause: err}
	}
	kind, ok := clearRefusal(e)
	switch {
	case !ok:
		kind = bot.Unreachable
	case kind == bot.Forbidden && e.Status != http.StatusUnauthorized:
		// The media repository is closed to us, or its quota is spent: the words
		// can still be said without the picture.
		kind = bot.Rejected
	}
	// A media repository that answers is not an absent platform: the words can go
	// without the file.
	return &bot.Refusal{Kind: kind, After: busyFor(kind, e), Cause: err, Attachment: e.Status != 0}
}

// clearRefusal knows the answers that leave no doubt.
func clearRefusal(e *CallError) (bot.RefusalKind, bool) {
	switch s := e.Status; {
	case s == http.StatusTooManyRequests || e.Code == "M_LIMIT_EXCEEDED":
		return bot.Busy, true
	case s == http.StatusRequestEntityTooLarge, s == http.StatusBadRequest:
		return bot.Rejected, true
	case s == http.StatusRequestTimeout:
		return "", false
	case s/100 == 4:
		// 401 and 403 are the homeserver's no; 404 and the rest are a room or an
		// API that is not there. People must mend either.
		return bot.Forbidden, true
	}
	return "", false
}

func busyFor(kind bot.RefusalKind, e *CallError) time.Duration {
	if kind != bot.Busy {
		return 0
	}
	return e.After
}

// ended is the context's error when ctx, or a time limit below it, ended.
func ended(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	}
	return ctx.Err()
}

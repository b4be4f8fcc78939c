package slack

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// Slack's words for what went wrong, by what to do about it. Whatever is in none of
// these may have happened after the message was taken.
var (
	// People must mend it: rights, channels, credentials.
	forbidden = []string{"not_in_channel", "channel_not_found", "is_archived", "restricted_action", "restricted_action_read_only_channel",
		"restricted_action_thread_only_channel", "restricted_action_non_threadable_channel", "restricted_action_thread_locked",
		"missing_scope", "no_permission", "not_allowed_token_type", "access_denied", "team_access_not_granted", "ekm_access_denied", "cant_update_message",
		"team_added_to_org", "org_login_required", "enterprise_is_restricted", "messages_tab_disabled", "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired"}
	// This content will never be taken.
	rejected = []string{"invalid_blocks", "invalid_blocks_format", "invalid_attachments", "msg_too_long", "msg_blocks_too_long", "too_many_attachments", "no_text",
		"invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large",
		"metadata_must_be_sent_from_app", "invalid_charset", "invalid_form_data", "invalid_post_type", "missing_post_type", "attachment_payload_limit_exceeded",
		"cannot_reply_to_message", "block_mismatch", "slack_file_not_found", "file_not_found"}
	// The message that it hangs on, or changes, is not there.
	rootGone = []string{"message_not_found", "thread_not_found"}
	// Too much at once; nothing was taken.
	busy = []string{"ratelimited", "rate_limited", "message_limit_exceeded"}
	// Credentials that no retry mends.
	revoked = []string{"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
)

// refusal puts a failed call that posts into the sender's terms. What is not known to
// have failed is unsure.
func refusal(ctx context.Context, err error) *bot.Refusal {
	out := &bot.Refusal{Kind: bot.Unsure, Cause: wrap(err)}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		out.Kind, out.After = bot.Busy, max(limited.RetryAfter, time.Second)
		return out
	}
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		switch {
		case slices.Contains(busy, e.Err):
			out.Kind, out.After = bot.Busy, time.Second
		case slices.Contains(rootGone, e.Err):
			out.Kind = bot.RootGone
		case slices.Contains(rejected, e.Err):
			out.Kind = bot.Rejected
		case slices.Contains(forbidden, e.Err):
			out.Kind = bot.Forbidden
		}
		return out
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok {
		if e.Code/100 == 3 || e.Code/100 == 4 && e.Code != http.StatusRequestTimeout {
			out.Kind = bot.Forbidden
		}
		return out
	}
	if !arrived(ctx) {
		out.Kind = bot.Unreachable
	}
	return out
}

// uploadRefusal does the same for a file, which nobody sees without its post.
func uploadRefusal(ctx context.Context, err error) *bot.Refusal {
	out := refusal(ctx, err)
	switch out.Kind {
	case bot.Unsure:
		out.Kind = bot.Unreachable
	case bot.RootGone, bot.Forbidden:
		if e, ok := errors.AsType[slack.SlackErrorResponse](err); !ok || !slices.Contains(revoked, e.Err) {
			out.Kind = bot.Rejected // the words can go without the file
		}
	}
	out.Attachment = arrived(ctx)
	return out
}

// wrap keeps the library's words out of what holds addresses: an *url.Error has the
// whole address, and an upload's is a secret.
func wrap(err error) error {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return &callError{text: "slack: no answer in time", err: context.DeadlineExceeded}
	}
	if errors.Is(err, context.Canceled) {
		return &callError{text: "slack: given up", err: context.Canceled}
	}
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return &callError{text: "slack: " + short(e.Err, 100), code: e.Err}
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return &callError{text: "slack: HTTP " + http.StatusText(e.Code)}
	}
	if e, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return &callError{text: "slack: " + e.Error()}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return &callError{text: "slack: " + e.Op + ": " + e.Err.Error()}
	}
	// What the address's own error tells (a certificate, a proxy, a broken line) holds no
	// address, as a rule.
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if text := err.Error(); !strings.Contains(text, "://") && !strings.Contains(text, "xoxb-") && !strings.Contains(text, "xapp-") {
		return &callError{text: "slack: " + short(clean.Text(text), 200)}
	}
	return &callError{text: "slack: the call failed"}
}

// callError is a call that failed; its text holds no address and no token.
type callError struct {
	text string
	code string // Slack's word, where it has said one
	err  error  // the context's, if that ended it
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.err }

// reached notes whether a request may have got to Slack: without a connection, it
// surely has not.
type reached struct{ base http.RoundTripper }

type reachedKey struct{}

// noting makes a context in which arrived can tell.
func noting(ctx context.Context) context.Context {
	return context.WithValue(ctx, reachedKey{}, new(atomic.Bool))
}

// arrived tells whether a request of this context may have got through.
func arrived(ctx context.Context) bool {
	b, ok := ctx.Value(reachedKey{}).(*atomic.Bool)
	return !ok || b.Load()
}

func (r *reached) RoundTrip(q *http.Request) (*http.Response, error) {
	base := r.base
	if base == nil {
		base = http.DefaultTransport
	}
	if b, ok := q.Context().Value(reachedKey{}).(*atomic.Bool); ok {
		q = q.WithContext(httptrace.WithClientTrace(q.Context(), &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { b.Store(true) },
		}))
	}
	return base.RoundTrip(q)
}

// CloseIdleConnections is what an http.Client looks for.
func (r *reached) CloseIdleConnections() {
	if c, ok := r.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"watchstander/bot"
)

// whyErased stands beside what is no longer there, for people's clients.
const whyErased = "it held a code"

// Erase redacts somebody's message; bot.Eraser. The transaction id is the key, and
// whether the message is redacted already is asked first, so that it is done once
// also when the homeserver has forgotten the transaction.
//
// It takes the room's power level "redact", 50 where the room says nothing else.
// Where we lack it, the refusal's cause tells people what is missing.
func (c *Chat) Erase(ctx context.Context, e bot.Erasing) error {
	room, err := c.room(e.Room)
	if err != nil {
		return &bot.Refusal{Kind: bot.Forbidden, Cause: bot.Errorf(bot.CodeNotFound, "the room is not configured.").Because(err)}
	}
	if e.Key == "" || e.Message == "" {
		return &bot.Refusal{Kind: bot.Rejected, Cause: bot.Errorf(bot.CodeInternal, "nobody says which message.")}
	}
	raw, err := c.transport.Event(ctx, room, string(e.Message))
	switch {
	case err == nil && redacted(raw):
		return nil
	case err != nil && passing(err):
		// Nothing was asked for yet, so nothing is unsure.
		if r := sendRefusal(err); r.Kind == bot.Busy {
			return r
		}
		return &bot.Refusal{Kind: bot.Unreachable, Cause: err}
	}
	// What cannot be seen can perhaps be redacted; the homeserver has the last word.
	err = c.transport.Redact(ctx, room, string(e.Message), string(e.Key), whyErased)
	if err == nil {
		return nil
	}
	r := sendRefusal(err)
	call, _ := errors.AsType[*CallError](err)
	switch {
	case call != nil && call.Status == http.StatusUnauthorized:
		r.Kind = bot.Unreachable // it is about the account, not about the room
	case r.Kind == bot.Forbidden:
		r.Cause = bot.Errorf(bot.CodeForbidden, "%s", c.whyNotErased(ctx, room)).Because(err)
	case r.Kind == bot.Rejected:
		r.Cause = bot.Errorf(bot.CodeNotFound, "the homeserver does not take it for a message of this room.").Because(err)
	}
	return r
}

// redacted tells whether an event's content was taken away.
func redacted(raw json.RawMessage) bool {
	e, reason := open(raw)
	return reason == "" && (e.unsigned.has("redacted_because") || e.kind == typeMessage && len(e.content) == 0)
}

// whyNotErased says what the account lacks in a room, as far as it can be asked.
func (c *Chat) whyNotErased(ctx context.Context, room string) string {
	state := func(kind string) (object, error) {
		raw, err := c.transport.State(ctx, room, kind)
		if e, ok := errors.AsType[*CallError](err); ok && e.Status == http.StatusNotFound {
			return nil, nil // no such state
		}
		return parseObject(raw), err
	}
	levels, err := state("m.room.power_levels")
	create, createErr := state("m.room.create")
	if err == nil && createErr == nil {
		if have, need, enough := mayErase(levels, create, c.user); !enough {
			return fmt.Sprintf("deleting other people's messages takes power level %d in this room, and I have %d.", need, have)
		}
	}
	return "the homeserver does not let me delete other people's messages in this room."
}

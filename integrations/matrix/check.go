package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// Check asks the homeserver everything that must be true before the bot can
// work, and reports each as a reading: a question without a usable answer is not
// ok, whatever the reason, and what could not be asked because of it is named as
// unknown. It changes nothing: a room that the bot is not in stays so.
func (c *Chat) Check(ctx context.Context) []bot.Reading {
	r := &report{chat: c}
	versions, err := c.transport.Versions(ctx)
	r.add("matrix homeserver", "GET "+versionsPath, err, func() {
		if len(versions) == 0 {
			r.bad("no version", "is its address in the configuration that of the client API?")
			return
		}
		r.ok("answers, speaks up to " + versions[len(versions)-1])
	})
	if err != nil {
		r.readings[0].Note += "; look whether it runs, and whether its address in the configuration is that of the client API"
		return r.unasked("the homeserver gave no answer", "matrix account")
	}
	who, err := c.transport.WhoAmI(ctx)
	r.add("matrix account", "GET "+clientPrefix+"/account/whoami", err, func() {
		if who != c.user {
			r.bad(clean.Text(who), fmt.Sprintf("the access token is this account's, but %s is configured", c.user))
			return
		}
		r.ok(who)
	})
	if err != nil {
		return r.unasked("the account could not be used")
	}
	joined, err := c.transport.JoinedRooms(ctx)
	for _, name := range slices.Sorted(maps.Keys(c.rooms)) {
		r.room(ctx, name, c.rooms[name], joined, err)
	}
	return r.readings
}

type report struct {
	chat     *Chat
	readings []bot.Reading
	now      bot.Reading
}

// add makes one reading: not ok when the question failed, else what judge says.
func (r *report) add(what, source string, err error, judge func()) {
	r.now = bot.Reading{What: what, Source: source, At: r.chat.now().UTC(), State: bot.Unknown}
	if err == nil {
		judge()
	} else {
		r.bad(trouble(err))
	}
	r.readings = append(r.readings, r.now)
}

func (r *report) ok(value string) { r.now.State, r.now.Value = bot.OK, value }
func (r *report) bad(value, note string) {
	r.now.State, r.now.Value, r.now.Note = bot.NotOK, value, note
}

// unasked names everything that was not looked at, and why: what nobody looked
// at must not be missing from the list as if it were well.
func (r *report) unasked(why string, first ...string) []bot.Reading {
	for _, what := range first {
		r.unknown(what, why)
	}
	for _, name := range slices.Sorted(maps.Keys(r.chat.rooms)) {
		what := fmt.Sprintf("matrix room %q", name)
		r.unknown(what, why)
		r.unknown(what+": encryption and power", why)
	}
	return r.readings
}

func (r *report) unknown(what, why string) {
	r.readings = append(r.readings, bot.Reading{What: what, Value: "not asked", Note: why, At: r.chat.now().UTC(), State: bot.Unknown})
}

// trouble is a failed call in a few words, and what was said.
func trouble(err error) (value, note string) {
	e, ok := errors.AsType[*CallError](err)
	switch {
	case !ok:
		return "no answer", err.Error()
	case errors.Is(e.Ended, context.DeadlineExceeded):
		return "no answer", "none came in time"
	case e.Status == 0:
		return "no answer", e.Text
	case e.Code == "M_UNKNOWN_TOKEN" || e.Code == "M_MISSING_TOKEN":
		return "refused", "the access token is not accepted: log in anew and put the new token into its file"
	}
	said := strings.TrimPrefix(strings.TrimPrefix(e.Error(), "matrix: "), e.Call+": ")
	if passing(err) {
		return "no usable answer", said
	}
	return "refused", said
}

func (r *report) room(ctx context.Context, name bot.RoomID, id string, joined []string, err error) {
	what := fmt.Sprintf("matrix room %q", name)
	r.add(what, "GET "+clientPrefix+"/joined_rooms", err, func() {
		if !slices.Contains(joined, id) {
			r.bad("not entered", fmt.Sprintf("invite %s to %s; the invitation is accepted while the bot runs", r.chat.user, id))
			return
		}
		r.ok("the bot is in it")
	})
	if err != nil || !slices.Contains(joined, id) {
		r.unknown(what+": encryption and power", "only who is in the room can see them")
		return
	}
	state := func(kind string) (object, error) {
		raw, err := r.chat.transport.State(ctx, id, kind)
		if e, ok := errors.AsType[*CallError](err); ok && e.Status == http.StatusNotFound {
			return nil, nil // no such state
		}
		return parseObject(raw), err
	}
	source := func(kind string) string { return "the room's " + kind }

	encryption, err := state("m.room.encryption")
	r.add(what+": encryption", source("m.room.encryption"), err, func() {
		if encryption != nil {
			r.bad("encrypted", "encrypted rooms are not supported yet: make a new room without encryption")
			return
		}
		r.ok("none, as it must be")
	})
	create, createErr := state("m.room.create")
	levels, err := state("m.room.power_levels")
	r.add(what+": power", source("m.room.power_levels"), errors.Join(err, createErr), func() {
		if missing := powerless(levels, create, r.chat.user); len(missing) > 0 {
			r.bad("too little", "the bot's power level is too low for: "+strings.Join(missing, ", "))
			return
		}
		r.ok("enough to post, react and redact its own")
	})
	if codes := r.chat.codes; codes != CodesNever {
		r.add(what+": deleting codes", source("m.room.power_levels"), errors.Join(err, createErr), func() {
			have, need, enough := mayErase(levels, create, r.chat.user)
			if enough {
				r.ok("the bot may delete messages that hold a code")
				return
			}
			r.bad("too little", fmt.Sprintf("the bot's power level is %d, and deleting other people's messages takes %d: a message with a code stays until its writer deletes it", have, need))
			if codes == CodesPerhaps {
				r.now.State = bot.Unknown
				r.now.Note += "; whether a rule wants codes (step_up: totp) is in the agent's file, which was not read"
			}
		})
	}
	r.add(what+": federation", source("m.room.create"), createErr, func() {
		r.ok("closed to other servers")
		if string(create["m.federate"]) != "false" {
			r.ok("open to other servers")
			r.now.Note = "for information: people of other servers can be in it, and those servers store what is said; a room made with m.federate=false is safer"
		}
	})
	if tombstone, err := state(typeTombstone); err == nil && tombstone != nil {
		next, _ := tombstone.text("replacement_room")
		r.add(what+": successor", source(typeTombstone), nil, func() {
			r.bad("replaced", "by "+clean.Text(next)+": put that id into the configuration")
		})
	}
}

// powerless lists what the account may not do. From room version 12 on, those
// whom a room names as further creators may do everything.
func powerless(levels, create object, user string) []string {
	if created(create, user) {
		return nil
	}
	own := ownLevel(levels, user)
	events, usual := levels.object("events"), level(levels, "events_default", 0)
	var missing []string
	for _, kind := range []string{typeMessage, typeReaction, typeRedaction} {
		if need := level(events, kind, usual); own < need {
			missing = append(missing, fmt.Sprintf("%s (has %d, needs %d)", kind, own, need))
		}
	}
	return missing
}

func created(create object, user string) bool {
	creators, _ := create.list("additional_creators")
	for _, raw := range creators {
		var creator string
		if json.Unmarshal(raw, &creator) == nil && creator == user {
			return true
		}
	}
	return false
}

func ownLevel(levels object, user string) int64 {
	return level(levels.object("users"), user, level(levels, "users_default", 0))
}

// mayErase tells whether the account may redact what others wrote, and what it
// has and needs for that: the room's level for it, and that for redactions as
// events.
func mayErase(levels, create object, user string) (have, need int64, enough bool) {
	have = ownLevel(levels, user)
	need = max(level(levels, "redact", 50), level(levels.object("events"), typeRedaction, level(levels, "events_default", 0)))
	return have, need, have >= need || created(create, user)
}

// level reads a power level; old rooms may hold it as a string.
func level(o object, name string, otherwise int64) int64 {
	raw, found := o[name]
	if !found {
		return otherwise
	}
	var n json.Number
	if json.Unmarshal(raw, &n) != nil {
		return otherwise
	}
	if whole, err := n.Int64(); err == nil {
		return whole
	}
	return otherwise
}

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
// work, and reports each as a reading. It changes nothing: a room that the bot
// is not in stays so.
func (c *Chat) Check(ctx context.Context) []bot.Reading {
	r := &report{chat: c}
	versions, err := c.transport.Versions(ctx)
	r.add("matrix homeserver", "GET "+versionsPath, err, func() {
		if len(versions) == 0 {
			r.bad("answers without any version: is this the address of the client API?")
			return
		}
		r.ok("answers, speaks up to " + versions[len(versions)-1])
	})
	if err != nil {
		r.unseen("the homeserver does not answer", "matrix account")
		return r.readings
	}
	who, err := c.transport.WhoAmI(ctx)
	r.add("matrix account", "GET "+clientPrefix+"/account/whoami", err, func() {
		if who != c.user {
			r.bad(fmt.Sprintf("the access token is %s's, but %s is configured", clean.Text(who), c.user))
			return
		}
		r.ok(who)
	})
	if err != nil {
		r.unseen("the account could not be asked about")
		return r.readings
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

// unseen names what could not be looked at: these things, and every room.
func (r *report) unseen(why string, what ...string) {
	for _, name := range slices.Sorted(maps.Keys(r.chat.rooms)) {
		what = append(what, fmt.Sprintf("matrix room %q (there, encryption, power)", name))
	}
	for _, w := range what {
		r.readings = append(r.readings, bot.Reading{What: w, Value: "not looked at", Note: why, At: r.chat.now().UTC(), State: bot.Unknown})
	}
}

// add makes one reading: wrong when the question got no answer, else what judge
// says.
func (r *report) add(what, source string, err error, judge func()) {
	r.now = bot.Reading{What: what, Source: source, At: r.chat.now().UTC(), State: bot.Unknown}
	switch {
	case err == nil:
		judge()
	case passing(err):
		r.now.Value = "no answer"
		r.bad("look whether it runs and whether the address is right; " + err.Error())
	default:
		r.bad(err.Error())
	}
	r.readings = append(r.readings, r.now)
}

func (r *report) ok(value string) { r.now.State, r.now.Value = bot.OK, value }
func (r *report) bad(note string) { r.now.State, r.now.Note = bot.NotOK, note }

func (r *report) room(ctx context.Context, name bot.RoomID, id string, joined []string, err error) {
	what := fmt.Sprintf("matrix room %q", name)
	r.add(what, "GET "+clientPrefix+"/joined_rooms", err, func() {
		if !slices.Contains(joined, id) {
			r.bad(fmt.Sprintf("the bot is not in it: invite %s to %s; the invitation is accepted while the bot runs", r.chat.user, id))
			return
		}
		r.ok("the bot is in it")
	})
	if err != nil || !slices.Contains(joined, id) {
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
			r.bad("the room is encrypted, and encrypted rooms are not supported yet: make a new room without encryption")
			return
		}
		r.ok("none, as it must be")
	})
	create, createErr := state("m.room.create")
	levels, err := state("m.room.power_levels")
	r.add(what+": power", source("m.room.power_levels"), errors.Join(err, createErr), func() {
		if missing := powerless(levels, create, r.chat.user); len(missing) > 0 {
			r.bad("the bot's power level is too low for: " + strings.Join(missing, ", "))
			return
		}
		r.ok("enough to post, react and redact its own")
	})
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
			r.bad("the room was replaced by " + clean.Text(next) + ": put that id into the configuration")
		})
	}
}

// powerless lists what the account may not do. From room version 12 on, those
// whom a room names as further creators may do everything.
func powerless(levels, create object, user string) []string {
	creators, _ := create.list("additional_creators")
	for _, raw := range creators {
		var creator string
		if json.Unmarshal(raw, &creator) == nil && creator == user {
			return nil
		}
	}
	own := level(levels.object("users"), user, level(levels, "users_default", 0))
	events, usual := levels.object("events"), level(levels, "events_default", 0)
	var missing []string
	for _, kind := range []string{typeMessage, typeReaction, typeRedaction} {
		if need := level(events, kind, usual); own < need {
			missing = append(missing, fmt.Sprintf("%s (has %d, needs %d)", kind, own, need))
		}
	}
	return missing
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

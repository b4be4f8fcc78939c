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

const typeEncryption = "m.room.encryption"

// The troubles that a room can be in. Whatever is posted then is seen by nobody,
// or nobody is heard, so that people are told elsewhere.
type roomTrouble string

const (
	troubleReplaced  roomTrouble = "replaced"
	troubleEncrypted roomTrouble = "encrypted"
	troubleOut       roomTrouble = "left"
)

func (c *Chat) trouble(room bot.RoomID, kind roomTrouble, more string, over bool) bot.Event {
	e := bot.Troubled{Subject: fmt.Sprintf("matrix room %s %s", room, kind), Over: over, At: c.now().UTC()}
	switch kind {
	case troubleReplaced:
		e.Title = fmt.Sprintf("The Matrix room %s was replaced by another", room)
		e.Text = strings.TrimSpace("People may no longer read it. Put the new room's id into the configuration, invite the bot there, and restart it. " + more)
	case troubleEncrypted:
		e.Title = fmt.Sprintf("The Matrix room %s was made encrypted", room)
		e.Text = "What people write there can no longer be read by the bot, and encryption cannot be taken back: make a new room without it, and put its id into the configuration."
	case troubleOut:
		e.Title = fmt.Sprintf("The bot is no longer in the Matrix room %s", room)
		e.Text = "Nothing can be said there. Invite the bot again; it comes back by itself."
	}
	return e
}

// watch sees to what concerns ourselves and the room. It answers what people
// should know of it.
func (c *Chat) watch(room bot.RoomID, raw json.RawMessage) bot.Event {
	e, reason := open(raw)
	if reason != "" {
		return nil
	}
	key, _ := e.all.text("state_key")
	ofRoom := e.all.has("state_key") && key == ""
	switch {
	case e.kind == typeMember && key == c.user && e.sender == c.user:
		if name, ok := e.content.text("displayname"); ok {
			c.display.Store(&name)
		}
	case e.kind == typeTombstone && ofRoom:
		next, _ := e.content.text("replacement_room")
		c.log.Warn("a room was replaced by another: put the new one's id into the configuration and invite the bot", "room", string(room), "replacement", next)
		return c.trouble(room, troubleReplaced, clean.Line(next, 255), false)
	case e.kind == typeEncryption && ofRoom:
		c.log.Warn("a room was made encrypted", "room", string(room))
		return c.trouble(room, troubleEncrypted, "", false)
	}
	return nil
}

// roomTroubles looks at what may have happened to the rooms while nobody
// listened. What cannot be asked is passed: check tells of it.
func (c *Chat) roomTroubles(ctx context.Context) []bot.Event {
	var events []bot.Event
	joined, err := c.transport.JoinedRooms(ctx)
	for _, name := range slices.Sorted(maps.Keys(c.rooms)) {
		id := c.rooms[name]
		switch in := slices.Contains(joined, id); {
		case err != nil:
		case in:
			events = append(events, c.trouble(name, troubleOut, "", true))
		case c.place.Last[id] != "":
			events = append(events, c.trouble(name, troubleOut, "", false))
			continue // its state is not for us
		default:
			continue // nobody has let us in yet, which is no news
		}
		for _, x := range []struct {
			state, member string
			kind          roomTrouble
		}{{typeTombstone, "replacement_room", troubleReplaced}, {typeEncryption, "algorithm", troubleEncrypted}} {
			raw, err := c.transport.State(ctx, id, x.state)
			e, ok := errors.AsType[*CallError](err)
			what, said := parseObject(raw).text(x.member)
			switch {
			case err == nil && said && what != "":
				events = append(events, c.trouble(name, x.kind, clean.Line(what, 255), false))
			case ok && e.Status == http.StatusNotFound:
				events = append(events, c.trouble(name, x.kind, "", true))
			}
			// An answer that says neither tells nothing: Dendrite answers 200 with
			// nothing in it for a room that the bot has not entered yet.
		}
	}
	return events
}

package matrix

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
)

const (
	typeMessage   = "m.room.message"
	typeReaction  = "m.reaction"
	typeRedaction = "m.room.redaction"
	typeEncrypted = "m.room.encrypted"
	typeMember    = "m.room.member"
	typeTombstone = "m.room.tombstone"

	relThread     = "m.thread"
	relReplace    = "m.replace"
	relAnnotation = "m.annotation"

	// maxBody is how much of an undecodable event is kept.
	maxBody = 4 << 10
)

// envelope is the outside of every event in a room.
type envelope struct {
	id, kind, sender string
	at               time.Time
	content          object
	unsigned         object
	all              object
}

// open reads an event's envelope; the reason tells, for people, why it could
// not.
func open(raw json.RawMessage) (e envelope, reason string) {
	e.all = parseObject(raw)
	if e.all == nil {
		return e, "it is no JSON object"
	}
	e.id, _ = e.all.text("event_id")
	e.kind, _ = e.all.text("type")
	e.sender, _ = e.all.text("sender")
	e.content = e.all.object("content")
	e.unsigned = e.all.object("unsigned")
	var ms int64
	timed := json.Unmarshal(e.all["origin_server_ts"], &ms) == nil && ms > 0 && ms <= maxMillis
	if timed {
		e.at = time.UnixMilli(ms).UTC()
	}
	switch {
	case e.id == "":
		return e, "it has no event_id"
	case e.kind == "":
		return e, "it has no type"
	case e.sender == "":
		return e, "it has no sender"
	case !timed:
		return e, "its time cannot be read"
	case e.content == nil:
		return e, "it has no content"
	}
	return e, ""
}

// maxMillis is the end of the year 9999, the last that RFC 3339 can write.
const maxMillis = 253_402_300_799_999

// decode turns one event of a configured room into a word of the bot's; nil
// where there is nothing to say (topics, pictures, our own posts, …).
func (c *Chat) decode(room bot.RoomID, raw json.RawMessage) (event bot.Event) {
	e, reason := open(raw)
	defer func() {
		if p := recover(); p != nil {
			event = c.undecodable(e, room, raw, fmt.Sprintf("reading it failed: %v", p))
		}
	}()
	if reason != "" {
		return c.undecodable(e, room, raw, reason)
	}
	if e.unsigned.has("redacted_because") {
		return nil // its content is gone; the redaction itself is told
	}
	switch e.kind {
	case typeMessage:
		event, reason = c.said(room, e)
	case typeReaction:
		event, reason = c.pressed(room, e)
	case typeRedaction:
		event, reason = c.withdrawn(room, e)
	case typeEncrypted:
		if e.sender != c.user {
			reason = "it is encrypted, and encrypted rooms are not supported yet"
		}
	}
	if reason != "" {
		return c.undecodable(e, room, raw, reason)
	}
	return event
}

// said takes only new text of other people. Notices are what bots send, and an
// edit never runs again what was said.
func (c *Chat) said(room bot.RoomID, e envelope) (bot.Event, string) {
	if e.sender == c.user {
		return nil, ""
	}
	relation := e.content.object("m.relates_to")
	if relation == nil && e.content.has("m.relates_to") {
		return nil, "its relation is no object"
	}
	relType, relOK := relation.text("rel_type")
	if relation.has("rel_type") && !relOK {
		return nil, "the type of its relation is no text"
	}
	if relType == relReplace || e.content.has("m.new_content") {
		return nil, ""
	}
	kind, ok := e.content.text("msgtype")
	if !ok && e.content.has("msgtype") {
		return nil, "its msgtype is no text"
	}
	if kind != "m.text" {
		return nil, ""
	}
	body, ok := e.content.text("body")
	if !ok {
		return nil, "its body is no text"
	}
	var root string
	if relType == relThread {
		if root, ok = relation.text("event_id"); !ok || root == "" {
			return nil, "its thread has no root"
		}
	}
	if relation.object("m.in_reply_to") != nil {
		body = withoutFallback(body)
	}
	body, addressed := c.withoutMention(body, c.mentioned(e.content))
	return bot.Said{
		Chat: c.chat, Room: room, ID: bot.MessageID(e.id), Root: bot.MessageID(root),
		User: bot.UserID(e.sender), Text: body, At: e.at, Addressed: addressed,
	}, ""
}

// mentioned tells whether the sender's client says that we are meant.
func (c *Chat) mentioned(content object) bool {
	users, _ := content.object("m.mentions").list("user_ids")
	for _, raw := range users {
		var user string
		if json.Unmarshal(raw, &user) == nil && user == c.user {
			return true
		}
	}
	return false
}

func (c *Chat) pressed(room bot.RoomID, e envelope) (bot.Event, string) {
	if e.sender == c.user {
		return nil, ""
	}
	relation := e.content.object("m.relates_to")
	relType, _ := relation.text("rel_type")
	target, _ := relation.text("event_id")
	key, _ := relation.text("key")
	emoji := bareEmoji(key)
	if relType != relAnnotation || target == "" || emoji == "" {
		return nil, "it is no reaction to an event"
	}
	return bot.Pressed{
		Chat: c.chat, Room: room, ID: bot.MessageID(e.id), Target: bot.MessageID(target),
		User: bot.UserID(e.sender), Emoji: emoji, At: e.at,
	}, ""
}

// withdrawn counts our own redactions too: somebody may use the account, and a
// root is gone whoever took it away.
func (c *Chat) withdrawn(room bot.RoomID, e envelope) (bot.Event, string) {
	// Rooms before version 11 name the target beside the content, newer ones in
	// it; homeservers copy it to the other place. Two names are one too many.
	target, _ := e.all.text("redacts")
	inner, _ := e.content.text("redacts")
	switch {
	case target == "":
		target = inner
	case inner != "" && inner != target:
		return nil, "it names two events to be redacted"
	}
	if target == "" {
		return nil, "it names no event to be redacted"
	}
	c.gone.add(bot.MessageID(target))
	return bot.Withdrawn{
		Chat: c.chat, Room: room, ID: bot.MessageID(e.id), Target: bot.MessageID(target),
		User: bot.UserID(e.sender), At: e.at,
	}, ""
}

// undecodable keeps what could not be read, under an id that is the same when
// the same thing comes again.
func (c *Chat) undecodable(e envelope, room bot.RoomID, raw json.RawMessage, reason string) bot.Event {
	c.counts.undecodable.Add(1)
	id, at := e.id, e.at
	if id == "" {
		sum := sha256.Sum256(raw)
		id = "undecodable:" + hex.EncodeToString(sum[:12])
	}
	if at.IsZero() {
		at = c.now().UTC()
	}
	where := ""
	if room != "" {
		where = fmt.Sprintf(" in room %q", room)
	}
	return bot.Undecodable{
		Chat: c.chat, ID: bot.MessageID(id), At: at,
		Reason: fmt.Sprintf("A Matrix event%s could not be read: %s.", where, reason),
		Body:   []byte(strings.ToValidUTF8(string(raw[:min(len(raw), maxBody)]), "")),
	}
}

// arrival tells whether the event is the moment at which we entered the room;
// what was said before it was not said to us. A change of our name is a "join"
// too, and tells so in prev_content; where that is missing, having arrived is
// the answer that obeys less.
func (c *Chat) arrival(raw json.RawMessage) bool {
	e, reason := open(raw)
	if reason != "" || e.kind != typeMember || e.sender != c.user {
		return false
	}
	key, _ := e.all.text("state_key")
	now, _ := e.content.text("membership")
	before, _ := e.unsigned.object("prev_content").text("membership")
	return key == c.user && now == "join" && before != "join"
}

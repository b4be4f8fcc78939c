package slack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/pieces"
)

// outer is what every event of the Events API comes in.
type outer struct {
	Type           string          `json:"type"`
	Challenge      string          `json:"challenge"` // of url_verification alone
	Team           string          `json:"team_id"`
	ID             string          `json:"event_id"`
	Event          json.RawMessage `json:"event"`
	Authorizations []struct {
		Team string `json:"team_id"`
	} `json:"authorizations"`
}

// ours tells whether an event is for our installation: in a channel that is shared with
// another workspace, team_id may be theirs.
func (o outer) ours(team string) bool {
	if o.Team == team {
		return true
	}
	for _, a := range o.Authorizations {
		if a.Team == team {
			return true
		}
	}
	return false
}

// message is a message as events and histories have it.
type message struct {
	Type     string   `json:"type"`
	Subtype  string   `json:"subtype"`
	Channel  string   `json:"channel"`
	User     string   `json:"user"`
	UserTeam string   `json:"user_team"` // in shared channels
	Team     string   `json:"team"`
	Bot      string   `json:"bot_id"`
	App      string   `json:"app_id"`
	Text     string   `json:"text"`
	TS       string   `json:"ts"`
	Thread   string   `json:"thread_ts"`
	Deleted  string   `json:"deleted_ts"`
	EventTS  string   `json:"event_ts"`
	Inner    *message `json:"message"` // what a message_changed made of it
	Before   *message `json:"previous_message"`
	// LatestReply is when a root's thread was last added to.
	LatestReply string `json:"latest_reply"`
}

// maxBody is how much of what could not be read is kept, in bytes.
const maxBody = 4 << 10

// news is what one envelope comes to.
type news struct {
	events []bot.Event
	// channel and ts name the message that it tells of, for the cursor; "" where it
	// tells of none.
	channel, ts string
	// ask is a press that wants words first.
	ask *question
	// reply is what its sender alone is told at once, with the acknowledgement: where
	// nothing came of it, and nobody else would say so.
	reply string
}

// envelope reads what came under a type of Socket Mode's: events_api, interactive or
// slash_commands. What cannot be read is kept and passed.
func (c *Chat) envelope(kind string, raw []byte) (n news) {
	defer func() {
		if p := recover(); p != nil {
			n = news{events: []bot.Event{c.undecodable(raw, fmt.Sprintf("reading it failed: %v", p))}}
		}
	}()
	var reason string
	switch kind {
	case "events_api":
		n, reason = c.outer(raw)
	case "interactive":
		n, reason = c.interaction(raw)
	case "slash_commands":
		var q slash
		if json.Unmarshal(raw, &q) != nil {
			reason = "it is not of the form of a command"
		} else {
			n, reason = c.slash(q)
		}
	}
	if reason != "" {
		n.events = append(n.events, c.undecodable(raw, reason))
	}
	return n
}

func (c *Chat) outer(raw []byte) (n news, reason string) {
	var o outer
	if json.Unmarshal(raw, &o) != nil || len(o.Event) == 0 {
		return n, "it is not of the form of an event"
	}
	if !o.ours(c.team) {
		c.log.Debug("an event of another workspace was dropped", "team", o.Team)
		return n, ""
	}
	var m message
	if json.Unmarshal(o.Event, &m) != nil {
		return n, "its inside is not of the form of an event"
	}
	if m.Type != "message" {
		return n, "" // nothing else is asked for in the manifest
	}
	if m.Channel == "" || m.TS == "" && m.EventTS == "" {
		return n, "it names no message"
	}
	room, ok := c.names[m.Channel]
	if !ok {
		c.log.Debug("an event of a channel that is not configured was dropped", "channel", m.Channel)
		return n, ""
	}
	if m.Team == "" {
		m.Team = o.Team
	}
	return c.message(room, m)
}

// message takes a message of a configured channel: a new one of a person, or the end of
// one. Edits and unfurled links are neither, and what bots say is no command.
func (c *Chat) message(room bot.RoomID, m message) (n news, reason string) {
	switch m.Subtype {
	case "", "thread_broadcast", "file_share", "me_message":
		return c.said(room, m)
	case "message_deleted":
		if m.Deleted == "" {
			return n, "it does not name what was deleted"
		}
		return news{events: []bot.Event{c.deleted(room, m.Channel, m.Deleted, m)}}, ""
	case "message_changed":
		// A root that is deleted while it has replies becomes a tombstone.
		if m.Inner != nil && m.Inner.Subtype == "tombstone" && m.Inner.TS != "" {
			return news{events: []bot.Event{c.deleted(room, m.Channel, m.Inner.TS, m)}}, ""
		}
	}
	return n, ""
}

func (c *Chat) said(room bot.RoomID, m message) (n news, reason string) {
	at := moment(m.TS)
	if at.IsZero() {
		return n, "its time cannot be read"
	}
	n.channel, n.ts = m.Channel, m.TS
	self, _ := c.who()
	if m.Bot != "" || m.App != "" || m.User == "" || m.User == self || m.User == "USLACKBOT" {
		return n, ""
	}
	text, addressed := c.words(m.Text)
	e := bot.Said{
		Chat: c.chat, Room: room, ID: messageID(m.Channel, m.TS), User: userID(pieces.Either(m.UserTeam, m.Team), m.User),
		Text: text, At: at, Addressed: addressed, Private: strings.HasPrefix(m.Channel, "D"),
	}
	if m.Thread != "" && m.Thread != m.TS {
		e.Root = messageID(m.Channel, m.Thread)
	}
	n.events = append(n.events, e)
	return n, ""
}

// deleted tells that a message is gone. Slack does not say who took it away; people can
// delete their own alone, so that it counts as its writer's doing.
func (c *Chat) deleted(room bot.RoomID, channel, ts string, m message) bot.Event {
	target := messageID(channel, ts)
	c.roots.lost(target)
	at := moment(pieces.Either(m.EventTS, m.TS))
	if at.IsZero() {
		at = c.now().UTC()
	}
	e := bot.Withdrawn{Chat: c.chat, Room: room, ID: target + "/deleted", Target: target, At: at}
	if b := m.Before; b != nil && b.User != "" {
		e.User = userID(pieces.Either(b.UserTeam, pieces.Either(b.Team, m.Team)), b.User)
	}
	return e
}

// userID is one person of one workspace.
func userID(team, user string) bot.UserID { return bot.UserID(team + "/" + user) }

// undecodable keeps what could not be read, under an id that is the same when the same
// thing comes again.
func (c *Chat) undecodable(raw []byte, reason string) bot.Event {
	sum := sha256.Sum256(raw)
	return bot.Undecodable{
		Chat: c.chat, ID: bot.MessageID("undecodable:" + hex.EncodeToString(sum[:12])), At: c.now().UTC(),
		Reason: fmt.Sprintf("What Slack sent could not be read: %s.", reason),
		Body:   []byte(strings.ToValidUTF8(string(raw[:min(len(raw), maxBody)]), "")),
	}
}

// moment is when Slack took a message, by its time stamp: "1732800000.000100".
func moment(ts string) time.Time {
	us, ok := micros(ts)
	if !ok {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

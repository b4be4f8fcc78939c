package slack

import (
	"encoding/json"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/pieces"
)

// interaction is a press on what we posted, or the answer to a question of ours.
type interaction struct {
	Type string `json:"type"`
	Team struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID   string `json:"id"`
		Team string `json:"team_id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		Type    string `json:"type"`
		TS      string `json:"message_ts"`
		Channel string `json:"channel_id"`
	} `json:"container"`
	Trigger string   `json:"trigger_id"`
	Actions []action `json:"actions"`
	View    struct {
		ID       string `json:"id"`
		Callback string `json:"callback_id"`
		Private  string `json:"private_metadata"`
		State    struct {
			Values map[string]map[string]struct {
				Value string `json:"value"`
			} `json:"values"` // by block and by action
		} `json:"state"`
	} `json:"view"`
}

type action struct {
	ID       string `json:"action_id"`
	TS       string `json:"action_ts"`
	Value    string `json:"value"`
	Selected *struct {
		Value string `json:"value"`
	} `json:"selected_option"`
}

// person is who presses: of their own workspace, where the channel is shared.
func (q interaction) person() bot.UserID {
	return userID(pieces.Either(q.User.Team, q.Team.ID), q.User.ID)
}

func (c *Chat) interaction(raw []byte) (n news, reason string) {
	var q interaction
	if json.Unmarshal(raw, &q) != nil || q.User.ID == "" {
		return n, "it is not of the form of an interaction"
	}
	switch q.Type {
	case "block_actions":
		return c.press(q)
	case "view_submission":
		return c.answered(q)
	}
	return n, ""
}

// press takes what was pressed below a message of ours.
func (c *Chat) press(q interaction) (n news, reason string) {
	channel := pieces.Either(q.Container.Channel, q.Channel.ID)
	room, ok := c.names[channel]
	if !ok || q.Container.TS == "" {
		return n, ""
	}
	target := messageID(channel, q.Container.TS)
	for _, a := range q.Actions {
		line := a.Value
		if a.Selected != nil {
			line = a.Selected.Value
		}
		kind := strings.TrimRight(a.ID, "0123456789")
		if kind == actionLink || line == "" {
			continue
		}
		at := moment(a.TS)
		if at.IsZero() {
			return n, "the time of a press cannot be read"
		}
		if kind == actionAsk {
			f, ok := readForm(line)
			if !ok {
				return n, "a form of ours cannot be read"
			}
			n.ask = &question{Room: room, Target: target, Form: f, trigger: q.Trigger}
			continue
		}
		// Slack gives a press no id. One person presses one thing once at one moment.
		id := bot.MessageID(string(target) + "/" + q.User.ID + "/" + a.ID + "/" + a.TS)
		n.events = append(n.events, bot.Pressed{Chat: c.chat, Room: room, ID: id, Target: target, User: q.person(), Action: line, At: at})
	}
	return n, ""
}

// slash is a command with a slash: it leaves no message in the channel, and nobody but
// its sender saw it.
type slash struct {
	Team    string `json:"team_id"`
	Channel string `json:"channel_id"`
	User    string `json:"user_id"`
	Command string `json:"command"`
	Text    string `json:"text"`
	Trigger string `json:"trigger_id"`
}

const slashMark = "slash"

func (c *Chat) slash(q slash) (n news, reason string) {
	if q.User == "" || q.Channel == "" || q.Trigger == "" {
		return n, "it is not of the form of a command"
	}
	room, ok := c.names[q.Channel]
	if !ok {
		c.log.Debug("a command in a channel that is not configured was dropped", "channel", q.Channel)
		n.reply = "I am not configured to listen here, so I did nothing. Say it in one of my channels."
		return n, ""
	}
	text, _ := c.words(q.Text)
	if strings.TrimSpace(text) == "" {
		text = "help"
	}
	id := messageID(q.Channel, strings.Join([]string{slashMark, q.User, q.Trigger}, "/"))
	n.events = append(n.events, bot.Said{Chat: c.chat, Room: room, ID: id, User: userID(q.Team, q.User), Text: text,
		At: c.now().UTC().Truncate(time.Millisecond), Addressed: true})
	return n, ""
}

// asker is the user to whom alone an answer goes: the sender of a command with a slash,
// which nobody else saw; "" where the message that is answered stands in the channel.
func asker(channel string, answered bot.MessageID) string {
	parts := strings.Split(stamp(channel, answered), "/")
	if len(parts) == 3 && parts[0] == slashMark {
		return parts[1]
	}
	return ""
}

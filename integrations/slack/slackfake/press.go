package slackfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Interactions (documented: "block_actions payload", "Slash commands").

// trigger lets a modal be opened: once, within three seconds.
type trigger struct {
	user  string
	until time.Time
	used  bool
}

const triggerLife = 3 * time.Second // documented

func (f *Fake) newTrigger(user string) string {
	for id, t := range f.triggers {
		if f.now().Sub(t.until) > time.Hour {
			delete(f.triggers, id)
		}
	}
	id := fmt.Sprintf("%d.%d.%s", 1000000+f.ids, 2000000, f.secret())
	f.triggers[id] = &trigger{user: user, until: f.now().Add(triggerLife)}
	return id
}

// responseURL takes answers: five, within thirty minutes.
type responseURL struct {
	channel, user, ts, thread string
	left                      int
	until                     time.Time
}

const (
	responseUses = 5 // documented, both
	responseLife = 30 * time.Minute
)

func (f *Fake) newResponse(kind string, c *channel, user, ts, thread string) string {
	for path, u := range f.responses {
		if f.now().Sub(u.until) > time.Hour {
			delete(f.responses, path)
		}
	}
	path := "/" + kind + "/" + f.o.Team + "/" + f.secret()
	f.responses[path] = &responseURL{channel: c.ID, user: user, ts: ts, thread: thread, left: responseUses, until: f.now().Add(responseLife)}
	return "http://" + f.host + path
}

// common is what all interactions carry.
func (f *Fake) common(kind, user string) object {
	u := f.users[user]
	team := f.o.Team
	name := user
	if u != nil {
		team, name = u.Team, u.Name
	}
	return object{"type": kind, "token": "verification-token", "api_app_id": f.o.AppID, "trigger_id": f.newTrigger(user), "enterprise": nil, "is_enterprise_install": false,
		"team": object{"id": f.o.Team, "domain": f.o.TeamName}, "user": object{"id": user, "username": name, "name": name, "team_id": team}}
}

// Press presses a button: what is its action id, its value or its label. A question
// before it is answered with yes.
func (f *Fake) Press(at Ref, what, user string) error {
	return f.act(at, user, func(b Button) (object, bool) {
		if b.kind != "button" || b.ActionID != what && b.Value != what && b.Label != what {
			return nil, false
		}
		a := object{"type": "button", "action_id": b.ActionID, "text": b.raw["text"]}
		if b.Value != "" {
			a["value"] = b.Value
		}
		if b.Style != "" {
			a["style"] = b.Style
		}
		return a, true
	}, what)
}

// Pick picks an option of a menu by its value or its label.
func (f *Fake) Pick(at Ref, what, user string) error {
	return f.act(at, user, func(b Button) (object, bool) {
		for i, o := range b.Options {
			if o.Value == what || o.Label == what {
				options := o2list(b.raw["options"])
				for _, g := range o2list(b.raw["option_groups"]) {
					g, _ := g.(object)
					options = append(slices.Clone(options), o2list(g["options"])...)
				}
				if i < len(options) {
					return object{"type": b.kind, "action_id": b.ActionID, "selected_option": options[i], "placeholder": b.raw["placeholder"]}, true
				}
			}
		}
		return nil, false
	}, what)
}

// act sends block_actions for what find finds.
func (f *Fake) act(at Ref, user string, find func(Button) (object, bool), what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.channels[at.Channel]
	if c == nil {
		return fmt.Errorf("slackfake: no channel %q", at.Channel)
	}
	m := c.find(at.TS)
	if m == nil || m.tombstone {
		return fmt.Errorf("slackfake: no message %s in %s", at.TS, at.Channel)
	}
	if m.onlyFor != "" && m.onlyFor != user {
		return fmt.Errorf("slackfake: %s does not see that message", user)
	}
	for _, b := range f.read(m, false).buttons {
		action, ok := find(b)
		if !ok {
			continue
		}
		action["block_id"], action["action_ts"] = b.BlockID, f.stamp(c)
		payload := f.common("block_actions", user)
		container := object{"type": "message", "message_ts": m.ts, "channel_id": c.ID, "is_ephemeral": m.onlyFor != "", "is_app_unfurl": false}
		if m.thread != "" {
			container["thread_ts"] = m.thread
		}
		if n := m.attachmentOf(b.BlockID); n > 0 {
			container["type"], container["attachment_id"] = "message_attachment", n
		}
		payload["container"], payload["channel"] = container, object{"id": c.ID, "name": c.Name}
		if m.onlyFor == "" {
			payload["message"] = f.shape(c, m, true) // documented: not for ephemeral ones
		}
		payload["state"] = object{"values": object{}}
		payload["response_url"] = f.newResponse("actions", c, user, m.ts, m.thread)
		payload["actions"] = []any{action}
		f.deliver("interactive", payload, nil)
		return nil
	}
	return fmt.Errorf("slackfake: nothing to press is called %q in %s", what, at.TS)
}

// attachmentOf is the number of the attachment that holds a block, 0 for none.
func (m *message) attachmentOf(block string) int {
	for i, a := range m.attachments {
		a, _ := a.(object)
		for _, b := range o2list(a["blocks"]) {
			if b, _ := b.(object); b["block_id"] == block {
				return i + 1
			}
		}
	}
	return 0
}

// Slash types a slash command in a channel.
func (f *Fake) Slash(command, text, user, channel string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.channels[channel]
	if c == nil {
		return fmt.Errorf("slackfake: no channel %q", channel)
	}
	name := c.Name
	if c.Kind != Public {
		name = map[Kind]string{Private: "privategroup", DM: "directmessage"}[c.Kind] // documented by what comes
	}
	u := f.users[user]
	if u == nil {
		return fmt.Errorf("slackfake: no user %q", user)
	}
	payload := object{"token": "verification-token", "team_id": u.Team, "team_domain": f.o.TeamName, "channel_id": c.ID, "channel_name": name, "user_id": user,
		"user_name": u.Name, "command": command, "text": text, "api_app_id": f.o.AppID, "is_enterprise_install": "false",
		"response_url": f.newResponse("commands", c, user, "", ""), "trigger_id": f.newTrigger(user)}
	f.deliver("slash_commands", payload, func(answer json.RawMessage) {
		var said object
		if json.Unmarshal(answer, &said) == nil && len(said) > 0 {
			f.respond(&responseURL{channel: c.ID, user: user, left: 1}, said)
		} else if s := strings.TrimSpace(string(answer)); s != "" && s[0] != '{' && s != "null" {
			f.respond(&responseURL{channel: c.ID, user: user, left: 1}, object{"text": strings.Trim(s, `"`)})
		}
	})
	return nil
}

// serveResponse takes what an app answers to a response URL.
func (f *Fake) serveResponse(w http.ResponseWriter, r *http.Request) {
	var said object
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&said)
	c := &call{f: f, method: "response", at: f.now(), record: Call{Method: "response", At: f.now(), Status: http.StatusOK}}
	f.mu.Lock()
	trouble := f.troubleFor("response", "")
	f.mu.Unlock()
	if trouble != nil && !f.before(w, r, c, trouble) {
		return
	}
	f.mu.Lock()
	u := f.responses[r.URL.Path]
	var refused *failure
	switch {
	case u == nil || r.Method != http.MethodPost:
		refused = fail("invalid_url")
	case err != nil:
		refused = fail("invalid_payload")
	case !f.now().Before(u.until):
		refused = fail("expired_url")
	case u.left == 0:
		refused = fail("used_url")
	default:
		u.left--
		c.record.Channel = u.channel
		if refused = f.respond(u, said); refused == nil {
			c.took = true
		}
	}
	f.done(c, refused)
	f.mu.Unlock()
	if trouble != nil && !f.afterwards(w, r, c, trouble) {
		return
	}
	if refused != nil {
		answer(w, http.StatusNotFound, refused.answer()) // measured: slackapi/java-slack-sdk#1349
		return
	}
	answer(w, http.StatusOK, object{"ok": true})
}

// respond does what an answer asks for: another ephemeral message, one for all, or a
// change of the original.
func (f *Fake) respond(u *responseURL, said object) *failure {
	ch := f.channels[u.channel]
	args := url.Values{}
	for name, x := range said {
		switch name {
		case "text", "thread_ts":
			s, _ := x.(string)
			args.Set(name, s)
		case "blocks", "attachments":
			if x != nil {
				b, _ := json.Marshal(x)
				args.Set(name, string(b))
			}
		case "response_type", "replace_original", "delete_original", "metadata", "mrkdwn", "type", "link_names", "parse":
		default:
			if x != nil && x != "" && x != false {
				return fail("invalid_payload", "unknown field: "+name)
			}
		}
	}
	c := &call{f: f, method: "chat.postEphemeral", args: args, at: f.now()}
	original := ch.find(u.ts)
	switch {
	case said["delete_original"] == true:
		if original == nil {
			return fail("message_not_found")
		}
		if original.onlyFor != "" {
			ch.remove(original)
		} else {
			f.erase(ch, original)
		}
		return nil
	}
	m, _, refused := c.content()
	if refused != nil {
		return refused
	}
	if m.text == "" && len(m.blocks) == 0 && len(m.attachments) == 0 {
		return fail("no_text")
	}
	switch {
	case said["replace_original"] == true:
		if original == nil {
			return fail("message_not_found")
		}
		before := f.shape(ch, original, true)
		original.text, original.blocks, original.attachments = m.text, m.blocks, m.attachments
		f.dress(original)
		f.notice(c, ch, original)
		if original.onlyFor == "" {
			f.changedEvent(ch, original, before)
		}
	case said["response_type"] == "in_channel":
		f.speak(m)
		m.thread = args.Get("thread_ts")
		f.add(ch, m)
		f.dress(m)
		f.notice(c, ch, m)
		f.messageEvent(ch, m)
	default:
		f.whisper(c, ch, m, u.user, args.Get("thread_ts"))
	}
	return nil
}

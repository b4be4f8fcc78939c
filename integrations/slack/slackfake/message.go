package slackfake

import (
	"slices"
	"strconv"
	"strings"
)

type object = map[string]any

// shape is a message as Slack gives it: in answers, histories and events. Without all,
// metadata has no payload (documented: include_all_metadata).
func (f *Fake) shape(c *channel, m *message, all bool) object {
	if m.tombstone {
		// Measured by others, see slack-edge/slack-edge#10 and hackclub/toriel#238.
		o := object{"type": "message", "subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT", "hidden": true, "ts": m.ts}
		f.threadShape(c, m, o)
		o["parent_user_id"], o["thread_ts"] = "USLACKBOT", m.ts
		return o
	}
	o := object{"type": "message", "text": m.text, "ts": m.ts, "team": m.team}
	if m.user != "" {
		o["user"] = m.user
	}
	if m.subtype != "" {
		o["subtype"] = m.subtype
	}
	if m.clientMsgID != "" {
		o["client_msg_id"] = m.clientMsgID
	}
	if m.botID != "" {
		name := ""
		if u := f.users[m.user]; u != nil {
			name = u.Name
		}
		o["bot_id"], o["app_id"] = m.botID, m.app
		o["bot_profile"] = object{"id": m.botID, "app_id": m.app, "name": name, "team_id": m.team, "deleted": false}
	}
	if len(m.blocks) > 0 {
		o["blocks"] = m.blocks
	}
	if attachments := append(slices.Clone(m.attachments), m.unfurled...); len(attachments) > 0 {
		o["attachments"] = attachments
	}
	if m.metadata != nil {
		meta := object{"event_type": m.metadata["event_type"]}
		if all {
			meta["event_payload"] = m.metadata["event_payload"]
		}
		o["metadata"] = meta
	}
	if !m.edited.IsZero() {
		o["edited"] = object{"user": m.editor, "ts": strconv.FormatInt(m.edited.Unix(), 10) + ".000000"}
	}
	if len(m.files) > 0 {
		var files []any
		for _, id := range m.files {
			if file := f.files[id]; file != nil {
				files = append(files, f.fileShape(file))
			}
		}
		o["files"] = files
	}
	if len(m.reactions) > 0 {
		var all []any
		for _, r := range m.reactions {
			all = append(all, object{"name": r.name, "users": r.users, "count": len(r.users)})
		}
		o["reactions"] = all
	}
	if m.thread != "" && m.thread != m.ts {
		o["thread_ts"] = m.thread
		if root := c.find(m.thread); root != nil {
			o["parent_user_id"] = root.user
		}
		if m.broadcast {
			o["subtype"] = "thread_broadcast"
		}
	}
	f.threadShape(c, m, o)
	return o
}

// threadShape adds what a root shows of its thread.
func (f *Fake) threadShape(c *channel, m *message, o object) {
	if m.thread != "" && m.thread != m.ts {
		return
	}
	all := c.replies(m.ts)
	if len(all) == 0 && !m.tombstone {
		return
	}
	var users []string
	latest := "0000000000.000000"
	for _, r := range all {
		if !slices.Contains(users, r.user) && len(users) < 5 {
			users = append(users, r.user)
		}
		latest = r.ts
	}
	o["thread_ts"], o["reply_count"], o["reply_users"], o["reply_users_count"] = m.ts, len(all), users, len(users)
	o["latest_reply"], o["is_locked"], o["subscribed"] = latest, false, false
}

func (c *channel) shape(f *Fake) object {
	o := object{
		"id": c.ID, "name": c.Name, "is_channel": c.Kind == Public, "is_group": c.Kind == Private, "is_im": c.Kind == DM, "is_mpim": false,
		"is_private": c.Kind != Public, "is_archived": c.archived, "is_general": false, "is_member": c.members[f.o.BotUser],
		"is_ext_shared": c.Shared, "is_shared": c.Shared, "name_normalized": c.Name, "context_team_id": f.o.Team, "created": 1700000000,
		"topic": object{"value": "", "creator": "", "last_set": 0}, "purpose": object{"value": "", "creator": "", "last_set": 0},
	}
	if c.Kind == DM {
		o["user"] = c.User
	}
	return o
}

func (u *User) shape() object {
	return object{
		"id": u.ID, "team_id": u.Team, "name": u.Name, "real_name": u.RealName, "deleted": u.Deleted, "is_bot": u.Bot, "is_app_user": false,
		"tz": "America/Los_Angeles", "tz_offset": -28800,
		"profile": object{"real_name": u.RealName, "display_name": u.Name, "bot_id": u.BotID, "api_app_id": u.AppID, "team": u.Team},
	}
}

// permalink is where a browser shows a message.
func (f *Fake) permalink(c *channel, m *message) string {
	s := "https://" + f.o.TeamName + ".slack.com/archives/" + c.ID + "/p" + strings.ReplaceAll(m.ts, ".", "")
	if m.thread != "" && m.thread != m.ts {
		s += "?thread_ts=" + m.thread + "&cid=" + c.ID
	}
	return s
}

package slackfake

import "slices"

// Events carry what happened to the app, in the shapes of docs.slack.dev/reference/events.

// wrap is the outer part of an event.
func (f *Fake) wrap(c *channel, event object) object {
	return object{
		"token": "verification-token", "team_id": f.o.Team, "context_team_id": f.o.Team, "api_app_id": f.o.AppID, "event": event, "type": "event_callback",
		"event_id": f.newID("Ev"), "event_time": f.now().Unix(), "is_ext_shared_channel": c != nil && c.Shared, "event_context": "4-" + f.secret(),
		"authorizations": []any{object{"enterprise_id": nil, "team_id": f.o.Team, "user_id": f.o.BotUser, "is_bot": true, "is_enterprise_install": false}},
	}
}

// tell sends an event to the app, if it is in the channel and may hear it.
func (f *Fake) tell(c *channel, scope string, event object) {
	if !c.members[f.o.BotUser] || !slices.Contains(f.scopes, scope) {
		return
	}
	f.events.Events++
	f.deliver("events_api", f.wrap(c, event), nil)
	if f.doubles > 0 && event["type"] == "message" {
		// Measured (facts): one message has been seen under several event ids.
		f.doubles--
		f.deliver("events_api", f.wrap(c, event), nil)
	}
}

func historyScope(c *channel) string {
	return map[Kind]string{Public: "channels:history", Private: "groups:history", DM: "im:history"}[c.Kind]
}

// messageEvent tells of a new message. A mention in a channel comes as app_mention too,
// with the same ts; in a direct channel it does not (documented: app_mention).
func (f *Fake) messageEvent(c *channel, m *message) {
	f.stir()
	if m.onlyFor != "" || f.o.NoEcho && m.botID == f.o.BotID {
		return
	}
	e := f.shape(c, m, true)
	e["channel"], e["channel_type"], e["event_ts"] = c.ID, string(c.Kind), m.ts
	if m.team != f.o.Team {
		e["user_team"], e["source_team"], e["user_profile"] = m.team, m.team, object{"team": m.team}
	}
	if m.botID != f.o.BotID && c.Kind != DM && mentions(m.text, f.o.BotUser) {
		mention := object{"type": "app_mention", "channel": c.ID, "event_ts": m.ts}
		for _, name := range []string{"user", "bot_id", "text", "ts", "thread_ts", "parent_user_id", "team", "blocks", "client_msg_id", "user_team", "source_team"} {
			if v, has := e[name]; has {
				mention[name] = v
			}
		}
		defer f.tell(c, "app_mentions:read", mention)
	}
	f.tell(c, historyScope(c), e)
}

// changedEvent tells of an edit, an unfurled link or a new tombstone.
func (f *Fake) changedEvent(c *channel, m *message, before object) {
	f.stir()
	if f.o.NoEcho && m.botID == f.o.BotID {
		return
	}
	ts := f.stamp(c)
	f.tell(c, historyScope(c), object{"type": "message", "subtype": "message_changed", "hidden": true, "channel": c.ID, "channel_type": string(c.Kind),
		"ts": ts, "event_ts": ts, "message": f.shape(c, m, true), "previous_message": before})
}

func (f *Fake) deletedEvent(c *channel, gone string, before object) {
	f.stir()
	ts := f.stamp(c)
	f.tell(c, historyScope(c), object{"type": "message", "subtype": "message_deleted", "hidden": true, "channel": c.ID, "channel_type": string(c.Kind),
		"ts": ts, "event_ts": ts, "deleted_ts": gone, "previous_message": before})
}

func (f *Fake) reactionEvent(kind string, c *channel, m *message, name, user string) {
	f.stir()
	f.tell(c, "reactions:read", object{"type": kind, "user": user, "reaction": name, "item_user": m.user, "event_ts": f.stamp(c),
		"item": object{"type": "message", "channel": c.ID, "ts": m.ts}})
}

// DoubleEvents sends the next n message events twice, under different event ids.
func (f *Fake) DoubleEvents(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.doubles += n
}

// Shuffle collects the next n deliveries and sends them in the opposite order, or what
// there is of them after two seconds.
func (f *Fake) Shuffle(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shuffled = n
}

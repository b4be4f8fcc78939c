package slackfake

import (
	"fmt"
	"strings"
)

// What people do. Each returns at once; the app hears of it by events.

// Say posts a person's message, as a reply where thread is a root's ts. "<@U…>" in it is
// a mention, as it is in what clients send.
func (f *Fake) Say(channel, user, text, thread string) Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.channels[channel]
	if c == nil {
		panic("slackfake: no channel " + channel)
	}
	return f.say(c, user, text, thread)
}

func (f *Fake) say(c *channel, user, text, thread string) Ref {
	m := &message{user: user, text: text, mrkdwn: true, team: f.o.Team}
	u := f.users[user]
	if u == nil {
		panic("slackfake: no user " + user)
	}
	m.team = u.Team
	if u.Bot {
		m.botID, m.app = u.BotID, u.AppID
	} else {
		m.clientMsgID = f.newID("msg-")
		m.blocks = typed(text)
	}
	if root := c.find(thread); root != nil {
		m.thread = root.ts
		if root.thread != "" {
			m.thread = root.thread
		}
	}
	f.add(c, m)
	f.dress(m)
	f.messageEvent(c, m)
	return Ref{Channel: c.ID, TS: m.ts}
}

// typed is the rich text that clients send of what a person typed.
func typed(text string) []any {
	var elements []any
	rest := text
	add := func(s string) {
		if s != "" {
			elements = append(elements, object{"type": "text", "text": strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)})
		}
	}
	for {
		at := angled.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		add(rest[:at[0]])
		body, label, _ := strings.Cut(rest[at[2]:at[3]], "|")
		switch {
		case strings.HasPrefix(body, "@"):
			elements = append(elements, object{"type": "user", "user_id": body[1:]})
		case strings.HasPrefix(body, "#"):
			elements = append(elements, object{"type": "channel", "channel_id": body[1:]})
		case strings.HasPrefix(body, "!"):
			elements = append(elements, object{"type": "broadcast", "range": body[1:]})
		default:
			link := object{"type": "link", "url": body}
			if label != "" {
				link["text"] = label
			}
			elements = append(elements, link)
		}
		rest = rest[at[1]:]
	}
	add(rest)
	return []any{object{"type": "rich_text", "elements": []any{object{"type": "rich_text_section", "elements": elements}}}}
}

// Mention is Say with a mention of the bot before the text.
func (f *Fake) Mention(channel, user, text, thread string) Ref {
	return f.Say(channel, user, "<@"+f.o.BotUser+"> "+text, thread)
}

// DM says something to the bot directly, in a channel that is made when there is none.
func (f *Fake) DM(user, text string) Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.say(f.dm(user), user, text, "")
}

// BotSays posts a message of an app in the old form, with a bot_id and no user, or of
// another app's bot user where one is given.
func (f *Fake) BotSays(channel, user, botID, text, thread string) Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.channels[channel]
	if c == nil {
		panic("slackfake: no channel " + channel)
	}
	m := &message{user: user, botID: botID, subtype: "bot_message", text: text, mrkdwn: true, team: f.o.Team}
	if user != "" {
		m.subtype = ""
	}
	if root := c.find(thread); root != nil {
		m.thread = root.ts
	}
	f.add(c, m)
	f.messageEvent(c, m)
	return Ref{Channel: c.ID, TS: m.ts}
}

// BotPosts is BotSays of another app that gives its message metadata.
func (f *Fake) BotPosts(channel, user, botID, text string, metadata map[string]any) Ref {
	r := f.BotSays(channel, user, botID, text, "")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.channels[channel].find(r.TS).metadata = metadata
	return r
}

// change finds a message and lets do change it.
func (f *Fake) change(at Ref, do func(c *channel, m *message)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.channels[at.Channel]
	if c == nil {
		return fmt.Errorf("slackfake: no channel %q", at.Channel)
	}
	m := c.find(at.TS)
	if m == nil {
		return fmt.Errorf("slackfake: no message %s in %s", at.TS, at.Channel)
	}
	do(c, m)
	return nil
}

// Edit changes the text of a person's message.
func (f *Fake) Edit(at Ref, text string) error {
	return f.change(at, func(c *channel, m *message) {
		before := f.shape(c, m, true)
		m.text, m.blocks, m.edited, m.editor = text, typed(text), f.now(), m.user
		f.dress(m)
		f.changedEvent(c, m, before)
	})
}

// Delete deletes any message, the bot's too. A root with replies leaves a tombstone.
func (f *Fake) Delete(at Ref) error {
	return f.change(at, func(c *channel, m *message) { f.erase(c, m) })
}

// Unfurl has Slack add a preview of a link: an edit that nobody made.
func (f *Fake) Unfurl(at Ref, url string) error {
	return f.change(at, func(c *channel, m *message) {
		before := f.shape(c, m, true)
		m.unfurled = append(m.unfurled, object{"from_url": url, "original_url": url, "service_name": "example", "title": "a preview", "id": len(m.unfurled) + 1})
		f.changedEvent(c, m, before)
	})
}

// React adds a person's reaction ("white_check_mark").
func (f *Fake) React(at Ref, user, name string) error {
	return f.change(at, func(c *channel, m *message) {
		if m.react(name, user) {
			f.reactionEvent("reaction_added", c, m, name, user)
		}
	})
}

// Unreact takes a reaction back.
func (f *Fake) Unreact(at Ref, user, name string) error {
	return f.change(at, func(c *channel, m *message) {
		if m.unreact(name, user) {
			f.reactionEvent("reaction_removed", c, m, name, user)
		}
	})
}

// Event sends the app any event of a test's own making, for shapes that nobody here
// knows of.
func (f *Fake) Event(event map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events.Events++
	f.deliver("events_api", f.wrap(nil, event), nil)
}

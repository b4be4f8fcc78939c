package slackfake

import (
	"regexp"
	"slices"
)

func (f *Fake) authTest(c *call) *failure {
	c.out["url"], c.out["team"], c.out["user"] = "https://"+f.o.TeamName+".slack.com/", f.o.TeamName, f.o.BotName
	c.out["team_id"], c.out["user_id"], c.out["bot_id"], c.out["is_enterprise_install"] = f.o.Team, f.o.BotUser, f.o.BotID, false
	return nil
}

func (f *Fake) teamInfo(c *call) *failure {
	if id := c.args.Get("team"); id != "" && id != f.o.Team {
		return fail("team_not_found")
	}
	c.out["team"] = object{"id": f.o.Team, "name": f.o.TeamName, "domain": f.o.TeamName}
	return nil
}

func (f *Fake) usersInfo(c *call) *failure {
	u := f.users[c.args.Get("user")]
	if u == nil {
		return fail("user_not_found")
	}
	c.out["user"] = u.shape()
	return nil
}

func (f *Fake) botsInfo(c *call) *failure {
	for _, u := range f.users {
		if u.Bot && u.BotID != "" && u.BotID == c.args.Get("bot") {
			c.out["bot"] = object{"id": u.BotID, "app_id": u.AppID, "user_id": u.ID, "name": u.Name, "deleted": u.Deleted}
			return nil
		}
	}
	return fail("bot_not_found")
}

var emojiName = regexp.MustCompile(`^[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?$`)

// reacted is the message of a reaction's call.
func (c *call) reacted() (*channel, *message, *failure) {
	ch, refused := c.channel()
	if refused != nil {
		return nil, nil, refused
	}
	if !ch.members[c.f.o.BotUser] {
		return nil, nil, fail("not_in_channel")
	}
	m := ch.find(c.args.Get("timestamp"))
	if m == nil || m.onlyFor != "" {
		return nil, nil, fail("message_not_found")
	}
	return ch, m, nil
}

func (f *Fake) reactionsAdd(c *call) *failure {
	ch, m, refused := c.reacted()
	if refused != nil {
		return refused
	}
	name := c.args.Get("name")
	switch {
	case !emojiName.MatchString(name):
		return fail("invalid_name")
	case !m.react(name, f.o.BotUser):
		return fail("already_reacted")
	}
	c.took = true
	f.reactionEvent("reaction_added", ch, m, name, f.o.BotUser)
	return nil
}

func (f *Fake) reactionsRemove(c *call) *failure {
	ch, m, refused := c.reacted()
	if refused != nil {
		return refused
	}
	name := c.args.Get("name")
	if !m.unreact(name, f.o.BotUser) {
		return fail("no_reaction")
	}
	c.took = true
	f.reactionEvent("reaction_removed", ch, m, name, f.o.BotUser)
	return nil
}

func (f *Fake) reactionsGet(c *call) *failure {
	ch, m, refused := c.reacted()
	if refused != nil {
		return refused
	}
	c.out["type"], c.out["channel"], c.out["message"] = "message", ch.ID, f.shape(ch, m, false)
	return nil
}

func (m *message) react(name, user string) bool {
	for i := range m.reactions {
		if m.reactions[i].name == name {
			if slices.Contains(m.reactions[i].users, user) {
				return false
			}
			m.reactions[i].users = append(m.reactions[i].users, user)
			return true
		}
	}
	m.reactions = append(m.reactions, reaction{name: name, users: []string{user}})
	return true
}

func (m *message) unreact(name, user string) bool {
	for i := range m.reactions {
		r := &m.reactions[i]
		if j := slices.Index(r.users, user); r.name == name && j >= 0 {
			if r.users = slices.Delete(r.users, j, j+1); len(r.users) == 0 {
				m.reactions = slices.Delete(m.reactions, i, i+1)
			}
			return true
		}
	}
	return false
}

package bottest

import (
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/integrations/slack/slackfake"
)

// hear has people do in Slack what they do in a story.
func (r *slackRoom) hear(es ...bot.Event) {
	for _, e := range es {
		if why := r.done(e); why != "" {
			r.mu.Lock()
			r.unplayable = why
			r.mu.Unlock()
		}
	}
}

// done does one thing, or tells why nobody can.
func (r *slackRoom) done(e bot.Event) string {
	switch e := e.(type) {
	case bot.Said:
		if e.At.Before(time.Now().UTC()) {
			return "nobody writes in the past"
		}
		thread := ""
		if e.Root != "" {
			thread = r.ref(e.Room, e.Root).TS
		}
		said := r.fake.Say(r.rooms[e.Room], r.user(e.User), escaped(e.Text), thread)
		r.mu.Lock()
		defer r.mu.Unlock()
		id := bot.MessageID(said.Channel + "/" + said.TS)
		r.names[id] = e.ID
	case bot.Pressed:
		return r.press(r.ref(e.Room, e.Target), e.Emoji, r.user(e.User))
	case bot.Withdrawn:
		target := e.Target
		r.mu.Lock()
		for id, name := range r.names {
			if name == e.Target {
				target = id
			}
		}
		r.mu.Unlock()
		if err := r.fake.Delete(r.ref(e.Room, target)); err != nil && !strings.Contains(err.Error(), "no message") {
			return err.Error()
		}
	default:
		return fmt.Sprintf("nobody does a %T", e)
	}
	return ""
}

// user is the account of somebody of a story, made when it is first needed.
func (r *slackRoom) user(id bot.UserID) string {
	team, user, _ := strings.Cut(string(slackUser(id)), "/")
	r.fake.AddUser(slackfake.User{ID: user, Name: strings.ToLower(user[2:]), Team: team})
	return user
}

// buttons are what the reactions of stories are in Slack, by the command.
var buttons = map[string][]string{
	"✅": {"ack", "approve"}, "↩": {"unack"}, "🔕": {"silence 1h"}, "🔔": {"unsilence"}, "📈": {"graph"}, "❌": {"deny"}, "👍": {"confirm"},
}

// press presses the button, or picks from the menu, that stands for a reaction.
func (r *slackRoom) press(at slackfake.Ref, emoji, user string) string {
	for _, command := range buttons[emoji] {
		if r.fake.Pick(at, command, user) == nil {
			return ""
		}
		if r.fake.Press(at, command, user) != nil && (command != "deny" || r.fake.Press(at, "Deny", user) != nil) {
			continue
		}
		if command != "deny" {
			return ""
		}
		// The reason is asked for; who has none to give gives a dot.
		time.Sleep(time.Second)
		asked := r.fake.Views(user)
		if len(asked) == 0 {
			return "no question was asked"
		}
		if err := r.fake.Submit(asked[len(asked)-1].ID, map[string]string{"answer0": "."}); err != nil {
			return err.Error()
		}
		return ""
	}
	return "there is no button for " + emoji
}

// escaped is what Slack makes of typed words.
func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

package slack

import (
	"errors"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"watchstander/bot"
)

// Slack's words for being shut out of a channel.
const (
	notIn    = "not_in_channel"
	unknown  = "channel_not_found"
	archived = "is_archived"
)

// shutOut tells by which word we are shut out, "" where we are not.
func shutOut(err error) string {
	e, ok := errors.AsType[slack.SlackErrorResponse](err)
	if ok && slices.Contains([]string{notIn, unknown, archived}, e.Err) {
		return e.Err
	}
	return ""
}

// trouble tells people, elsewhere, that a channel cannot be used, or that it can.
func (c *Chat) trouble(room bot.RoomID, what string, over bool) bot.Event {
	e := bot.Troubled{Subject: fmt.Sprintf("slack room %s shut", room), Over: over, At: c.now().UTC(),
		Title: fmt.Sprintf("The Slack channel of room %s is shut to the bot", room)}
	switch what {
	case archived:
		e.Text = "It is archived: nothing can be said there. Unarchive it, or put another channel's id into the configuration."
	case unknown:
		e.Text = "Slack knows no such channel, or does not show it: invite the bot there (/invite), or mend the id in the configuration."
	default:
		e.Text = "The bot is not in it: nothing can be said or heard there. Invite it (/invite); it goes on by itself."
	}
	return e
}

// unread tells people that Slack does not let us read what was said, or that it does.
func (c *Chat) unread(word string, over bool) bot.Event {
	e := bot.Troubled{Subject: fmt.Sprintf("slack chat %s unread", c.chat), Over: over, At: c.now().UTC(),
		Title: fmt.Sprintf("What was said in the chat %s cannot be read back", c.chat)}
	if over {
		return e
	}
	what := word
	if help := remedies[word]; help != "" {
		what += ": " + help
	}
	e.Text = fmt.Sprintf("Slack refuses it (%s). Until it is mended the bot takes no approval there: somebody may have said no before.", what)
	return e
}

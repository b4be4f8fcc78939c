package slack

import (
	"context"
	"errors"

	"watchstander/bot"
)

// Erase implements bot.Eraser. What was said with a slash stands nowhere.
// Everything else stays: a bot's token deletes nobody else's messages, so that the cause
// asks the writer to.
func (c *Chat) Erase(_ context.Context, e bot.Erasing) error {
	channel, err := c.channel(e.Room)
	if err != nil {
		return &bot.Refusal{Kind: bot.Forbidden, Cause: bot.Errorf(bot.CodeNotFound, "the room is no longer configured.").Because(err)}
	}
	if asker(channel, e.Message) != "" {
		return &bot.Refusal{Kind: bot.Rejected, Cause: bot.ErrNeverStood}
	}
	return &bot.Refusal{Kind: bot.Forbidden, Cause: bot.Errorf(bot.CodeForbidden,
		"in Slack no bot can delete what people wrote. Codes are better given with /ws, which nobody else reads.").Because(errCannotErase)}
}

var errCannotErase = errors.New("slack: a bot's token deletes nobody else's messages")

package console

import (
	"context"
	"encoding/json"
	"fmt"

	"watchstander/bot"
)

// erasedText stands where a line's words were.
const erasedText = "deleted: held a code"

// Erase takes a typed line's words out of the transcript, whose file is written
// anew, and has the consoles that are attached show it without them; bot.Eraser.
// What is no longer in the transcript is gone already.
func (c *Chat) Erase(_ context.Context, e bot.Erasing) error {
	if e.Room != c.o.Room {
		return &bot.Refusal{Kind: bot.Forbidden, Cause: bot.Errorf(bot.CodeNotFound, "there is no such room here.")}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled(e.Message) // the sink's own word may still be on its way
	now, err := c.transcript.erase(e.Message)
	if err != nil {
		return &bot.Refusal{Kind: bot.Unreachable, Cause: fmt.Errorf("console: the transcript: %w", err)}
	}
	if now != nil {
		c.tell(line(toClient{Erased: now}), nil)
	}
	return nil
}

// erase takes a line's words away, on the disk too, and gives the line as it is
// then; nil where there is nothing to take.
func (t *transcript) erase(id bot.MessageID) (*said, error) {
	for _, r := range t.records {
		if r.said != id {
			continue
		}
		var s stored
		if err := json.Unmarshal(r.line, &s); err != nil || s.Said == nil {
			return nil, fmt.Errorf("a line of it cannot be read: %w", err)
		}
		if s.Said.Text == erasedText && !t.damaged {
			return nil, nil
		}
		s.Said.Text = erasedText
		r.line = line(toClient{Said: s.Said})
		if err := t.rewrite(); err != nil {
			t.damaged = true // memory is right; the next write brings the file up to it
			return nil, err
		}
		return s.Said, nil
	}
	return nil, nil
}

package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"watchstander/bot"
)

// Encode freezes a message as it is: how it looks is the reader's terminal's to
// decide. There is always one part. What does not fit loses the bytes of its
// pictures and files first.
func (c *Chat) Encode(o bot.Outgoing) ([]bot.Part, error) {
	f := frame{envelope: envelope{Key: o.Key, Kind: o.Kind, Room: o.Room, ReplyTo: o.ReplyTo}, Message: o.Message}
	if o.Kind != bot.SendRoot {
		f.Root = o.Root
	}
	if o.Bare {
		f.Message = bare(o.Message)
	}
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("console: encoding a message: %w", err)
	}
	if len(b) > maxFrame {
		f.Message.Blocks = append([]bot.Block(nil), f.Message.Blocks...)
		if withoutBytes(&f.Message) {
			b = line(f)
		}
	}
	if len(b) > maxFrame {
		return nil, bot.ErrTooLong
	}
	return []bot.Part{{Body: b}}, nil
}

// bare keeps the words only.
func bare(m bot.Message) bot.Message {
	out := bot.Message{Tone: m.Tone, Title: words(m.Title), Note: words(m.Note)}
	add := func(t bot.Text) { out.Blocks = append(out.Blocks, bot.Para{Text: words(t)}) }
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case bot.Para:
			add(b.Text)
		case bot.Fields:
			for _, x := range b.Fields {
				add(append(bot.Line(bot.T(x.Name+": ")), x.Value...))
			}
		case bot.List:
			for _, x := range b.Items {
				add(append(bot.Line(bot.T("- ")), x...))
			}
		case bot.Pre:
			add(bot.Line(bot.T(b.Body)))
		case bot.Picture:
			add(bot.Line(bot.T(b.Alt)))
		case bot.File:
			add(bot.Line(bot.T(b.Name)))
		}
	}
	return out
}

func words(t bot.Text) bot.Text {
	if s := t.String(); s != "" {
		return bot.Line(bot.T(s))
	}
	return nil
}

// Send writes a post to the transcript, and returns when the disk has it; then
// it is shown. A key that is there already is not written again.
//
// When the disk does not take it, it is shown all the same, once: a full disk is
// nothing to be silent about. The receipt is withheld until it is written.
func (c *Chat) Send(_ context.Context, s bot.Sending) (bot.Receipt, error) {
	var f rawFrame
	switch err := json.Unmarshal(s.Body, &f); {
	case s.Room != c.o.Room:
		return bot.Receipt{}, refusal(bot.Forbidden, "there is no room %q here", s.Room)
	case err != nil:
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Rejected, Cause: fmt.Errorf("console: the frozen frame: %w", err)}
	case s.Key == "" || f.Key != s.Key || f.Kind != s.Kind || f.Room != s.Room || len(s.Body) > maxFrame:
		return bot.Receipt{}, refusal(bot.Rejected, "the frozen frame is not what it is sent as")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.transcript.byKey[s.Key]; r != nil {
		return receipt(r), nil
	}
	if f.ReplyTo != "" {
		c.settled(f.ReplyTo)
	}
	p, shown := c.unsaved[s.Key]
	if !shown {
		p = post{At: time.Now().Round(0).UTC().Truncate(time.Millisecond), Frame: s.Body}
		switch f.Kind {
		case bot.SendRoot:
			p.Thread = c.transcript.next
		case bot.SendEdit, bot.SendReply:
			p.Thread = c.transcript.number(f.Root)
			if p.Thread == 0 && (f.Root != "" || f.Kind == bot.SendEdit) {
				return bot.Receipt{}, refusal(bot.RootGone, "the transcript no longer has the thread's root")
			}
		default:
			return bot.Receipt{}, refusal(bot.Rejected, "there is no kind %q", f.Kind)
		}
	}
	b := line(toClient{Post: &p})
	if err := c.transcript.post(b, p); err != nil {
		if !shown && len(c.unsaved) < maxUnsaved {
			c.unsaved[s.Key] = p
			c.transcript.next = max(c.transcript.next, p.Thread+1)
			c.tell(b, nil)
		}
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Unreachable, Cause: fmt.Errorf("console: the transcript: %w", err)}
	}
	delete(c.unsaved, s.Key)
	if !shown {
		c.tell(b, nil)
	}
	return receipt(c.transcript.byKey[s.Key]), nil
}

// maxUnsaved bounds what is shown without being written.
const maxUnsaved = 100

func refusal(kind bot.RefusalKind, format string, args ...any) *bot.Refusal {
	return &bot.Refusal{Kind: kind, Cause: errors.New("console: " + fmt.Sprintf(format, args...))}
}

func receipt(r *record) bot.Receipt {
	return bot.Receipt{ID: bot.MessageID(r.key), At: r.at}
}

// Find looks in the transcript. Of what it has forgotten when it was shortened
// it says that it is not there: a message twice is better than a thread that
// waits for ever.
func (c *Chat) Find(_ context.Context, s bot.Sending) (bot.Receipt, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.transcript.byKey[s.Key]
	if r == nil || s.Room != c.o.Room {
		return bot.Receipt{}, false, nil
	}
	return receipt(r), true, nil
}

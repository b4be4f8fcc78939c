package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"watchstander/bot"
)

// Send posts one part. The transaction id is the part's key, so that the
// homeserver itself takes a second try for the first one while it remembers
// (Dendrite half an hour, and not over its own restart; Synapse longer).
//
// Every failure is a *[bot.Refusal]. An attachment is uploaded first, anew with
// each try; the address is put into the frozen content then. A failed upload
// is never Unsure, since nothing was posted.
//
// Matrix takes replies to, and edits of, a redacted root without complaint.
// RootGone is therefore answered from what the sync has told, without asking:
// it covers the moment between the news and flow's own knowledge of it. What
// was redacted before this process began, flow has stored.
func (c *Chat) Send(ctx context.Context, s bot.Sending) (bot.Receipt, error) {
	room, err := c.room(s.Room)
	if err != nil {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Forbidden, Cause: err}
	}
	if s.Root != "" && c.gone.has(s.Root) {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.RootGone, Cause: errors.New("matrix: the thread's root was redacted")}
	}
	if s.Key == "" {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Rejected, Cause: errors.New("matrix: a post without a key")}
	}
	body := s.Body
	if len(s.Attachment) > 0 {
		if body, err = c.upload(ctx, s); err != nil {
			return bot.Receipt{}, err
		}
	}
	if parseObject(body) == nil {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Rejected, Cause: errors.New("matrix: the frozen content is no JSON object")}
	}
	id, err := c.transport.Send(ctx, room, eventType(s.Kind), string(s.Key), body)
	if err != nil {
		return bot.Receipt{}, sendRefusal(err)
	}
	// The homeserver does not say when it stored the event.
	return bot.Receipt{ID: bot.MessageID(id)}, nil
}

// eventType is what a post is to Matrix.
func eventType(k bot.SendKind) string {
	if k == bot.SendOffer {
		return typeReaction
	}
	return typeMessage
}

// upload gives the content with the address of its file in it.
func (c *Chat) upload(ctx context.Context, s bot.Sending) ([]byte, error) {
	fields := parseObject(s.Body)
	if fields == nil {
		return nil, &bot.Refusal{Kind: bot.Rejected, Cause: errors.New("matrix: the frozen content is no JSON object")}
	}
	name, _ := fields.text("filename")
	kind, _ := fields.object("info").text("mimetype")
	address, err := c.transport.Upload(ctx, name, mimeType(kind), s.Attachment)
	if err != nil {
		return nil, uploadRefusal(err)
	}
	fields["url"], _ = json.Marshal(address)
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, &bot.Refusal{Kind: bot.Rejected, Cause: fmt.Errorf("matrix: %w", err)}
	}
	return body, nil
}

// Limits of Find.
const (
	clockSkew    = 10 * time.Minute
	maxFindPages = 60
	// stalePage is how many events, all too old, tell that the search has gone
	// far enough back. Some homeservers let any user choose an event's time, so
	// that one old event tells nothing unless it is our own.
	stalePage = 10
)

// Find looks for a post of ours that carries the key: replies, edits and offers
// among what points at their root, all else by reading the room backwards. It reads
// until events are older than Since by ten minutes. A redacted post has lost
// its key and is not found.
//
// Homeservers show an accepted event a little later than they accept it: in
// the first moments after Send, "not found" is only as good as the transaction
// id with which the same bytes will be sent again.
func (c *Chat) Find(ctx context.Context, s bot.Sending) (bot.Receipt, bool, error) {
	room, err := c.room(s.Room)
	if err != nil {
		return bot.Receipt{}, false, err
	}
	history := func(from string) (Page, error) {
		return c.transport.Messages(ctx, MessagesQuery{Room: room, From: from, Limit: 100, Filter: `{"types":["` + eventType(s.Kind) + `"]}`})
	}
	read := history
	if s.Root != "" {
		relType := relThread
		switch s.Kind {
		case bot.SendEdit:
			relType = relReplace
		case bot.SendOffer:
			relType = relAnnotation
		}
		read = func(from string) (Page, error) {
			return c.transport.Relations(ctx, room, string(s.Root), relType, from)
		}
	}
	receipt, found, err := c.search(s, read)
	if e, ok := errors.AsType[*CallError](err); ok && s.Root != "" && e.Status == http.StatusNotFound {
		// No such root, or a homeserver too old for relations.
		return c.search(s, history)
	}
	return receipt, found, err
}

func (c *Chat) search(s bot.Sending, read func(from string) (Page, error)) (bot.Receipt, bool, error) {
	oldest := s.Since.Add(-clockSkew)
	from := ""
	for range maxFindPages {
		page, err := read(from)
		if err != nil {
			return bot.Receipt{}, false, fmt.Errorf("looking for a post: %w", err)
		}
		stale := 0
		for _, raw := range page.Events {
			e, reason := open(raw)
			if reason != "" {
				continue
			}
			ours := e.sender == c.user
			if key, _ := e.content.text(keyName); ours && e.kind == eventType(s.Kind) && key == string(s.Key) {
				return bot.Receipt{ID: bot.MessageID(e.id), At: e.at}, true, nil
			}
			if e.at.Before(oldest) {
				stale++
				if ours {
					return bot.Receipt{}, false, nil
				}
			}
		}
		if page.Next == "" || page.Next == from || stale >= stalePage && stale == len(page.Events) {
			return bot.Receipt{}, false, nil
		}
		from = page.Next
	}
	return bot.Receipt{}, false, fmt.Errorf("matrix: read %d pages of room %q back without getting to %s", maxFindPages, s.Room, oldest.Format(time.RFC3339))
}

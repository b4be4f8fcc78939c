package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/pieces"
)

// Send posts one part. Slack knows no key by which it takes a second try for the first
// one: who does not know whether a part arrived must Find it first.
//
// Every failure is a *[bot.Refusal]. An attachment is uploaded first, anew with each
// try and unshared, so that it is seen only with its post.
//
// A reply to a deleted root would appear in the channel without any error. So a root is
// looked at before the first reply after each break in the connection, deletions are
// heard of in between, and what got into the channel all the same is taken away.
func (c *Chat) Send(ctx context.Context, s bot.Sending) (bot.Receipt, error) {
	channel, err := c.channel(s.Room)
	if err != nil {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Forbidden, Cause: err}
	}
	var n content
	if err := json.Unmarshal(s.Body, &n); err != nil || s.Key == "" {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Rejected, Cause: errors.New("slack: the frozen content cannot be read, or has no key")}
	}
	root := ""
	if s.Root != "" && n.Only == "" {
		if root = stamp(channel, s.Root); root == "" {
			return bot.Receipt{}, &bot.Refusal{Kind: bot.RootGone, Cause: errors.New("slack: the thread's root is in another channel")}
		}
		if err := c.rootThere(ctx, channel, s); err != nil {
			return bot.Receipt{}, err
		}
	}
	if len(s.Attachment) > 0 && n.File != nil {
		if n, err = c.upload(ctx, n, s.Attachment); err != nil {
			return bot.Receipt{}, err
		}
	}
	if s.Kind == bot.SendEdit {
		n.Metadata = c.roots.both(n.Metadata, s.Root)
	}
	options := []slack.MsgOption{
		slack.MsgOptionText(n.Text, false), slack.MsgOptionLinkNames(false),
		// Of an edit that names none, the old ones would stay.
		slack.MsgOptionBlocks(n.Blocks.BlockSet...), slack.MsgOptionAttachments(append([]slack.Attachment{}, n.Attachments...)...),
	}
	if n.Only != "" {
		if gone, _, _ := c.roots.look(s.Root); gone {
			n.Under = "" // as what all see, it is said where people look
		}
		// It takes neither metadata nor the other words that keep a text as it is.
		return c.whisper(noting(ctx), channel, n.Under, n.Only, options)
	}
	options = append(options, slack.MsgOptionMetadata(n.Metadata))
	ctx = noting(ctx)
	if s.Kind == bot.SendEdit {
		_, ts, _, err := c.api.UpdateMessageContext(ctx, channel, root, options...)
		if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok && e.Err == "cant_update_message" {
			// A root that was deleted while it had replies stands there as a tombstone, which
			// is nobody's.
			if err := c.lookAtRoot(ctx, channel, s); err != nil {
				return bot.Receipt{}, err
			}
		}
		if err != nil {
			return bot.Receipt{}, c.refused(ctx, err, s)
		}
		return bot.Receipt{ID: messageID(channel, ts), At: moment(ts)}, nil
	}
	options = append(options, slack.MsgOptionDisableMarkdown(), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	if under := pieces.Either(root, n.Under); under != "" {
		options = append(options, slack.MsgOptionTS(under))
	}
	_, ts, shown, err := c.api.PostMessageWithResponseContext(ctx, channel, options...)
	if err != nil {
		return bot.Receipt{}, c.refused(ctx, err, s)
	}
	if ts == "" {
		return bot.Receipt{}, &bot.Refusal{Kind: bot.Unsure, Cause: errors.New("slack: the answer names no message")}
	}
	if root != "" && shown.ThreadTimestamp == "" {
		return bot.Receipt{}, c.takeAway(ctx, channel, ts, s)
	}
	if s.Kind == bot.SendRoot {
		c.roots.named(messageID(channel, ts), s.Key)
	}
	return bot.Receipt{ID: messageID(channel, ts), At: moment(ts)}, nil
}

// whisper posts what one person alone sees. Nobody can look such a message up, so that
// one whose outcome is not known is said again.
func (c *Chat) whisper(ctx context.Context, channel, root, user string, options []slack.MsgOption) (bot.Receipt, error) {
	if root != "" {
		options = append(options, slack.MsgOptionTS(root))
	}
	ts, err := c.api.PostEphemeralContext(ctx, channel, user, options...)
	if err != nil {
		r := refusal(ctx, err)
		if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok && e.Err == "user_not_in_channel" {
			r.Kind = bot.Rejected
		}
		return bot.Receipt{}, r
	}
	return bot.Receipt{ID: messageID(channel, ts+"/"+slashMark), At: moment(ts)}, nil
}

func (c *Chat) refused(ctx context.Context, err error, s bot.Sending) *bot.Refusal {
	r := c.doubted(refusal(ctx, err))
	if r.Kind == bot.RootGone {
		c.roots.lost(s.Root)
	}
	return r
}

// doubted has it looked after at once whether Slack, or our token, is still there, where
// a refusal looks as if it were not.
func (c *Chat) doubted(r *bot.Refusal) *bot.Refusal {
	if call, ok := errors.AsType[*callError](r.Cause); ok && slices.Contains(revoked, call.code) || r.Kind == bot.Unreachable || r.Kind == bot.Unsure {
		select {
		case c.doubt <- struct{}{}:
		default:
		}
	}
	return r
}

// rootThere looks whether a root still stands, where that is not known.
func (c *Chat) rootThere(ctx context.Context, channel string, s bot.Sending) error {
	gone, known, _ := c.roots.look(s.Root)
	if gone {
		return &bot.Refusal{Kind: bot.RootGone, Cause: errors.New("slack: the thread's root was deleted")}
	}
	if known || s.Kind == bot.SendEdit {
		return nil // chat.update tells by itself
	}
	return c.lookAtRoot(ctx, channel, s)
}

// lookAtRoot asks Slack whether a root still stands.
func (c *Chat) lookAtRoot(ctx context.Context, channel string, s bot.Sending) error {
	_, _, epoch := c.roots.look(s.Root)
	ts := stamp(channel, s.Root)
	all, _, _, err := c.api.GetConversationRepliesContext(noting(ctx), &slack.GetConversationRepliesParameters{ChannelID: channel, Timestamp: ts, Limit: 1, Inclusive: true})
	if err != nil {
		r := c.doubted(refusal(ctx, err))
		switch r.Kind {
		case bot.RootGone:
			c.roots.lost(s.Root)
		case bot.Unsure:
			r.Kind = bot.Unreachable // nothing was posted yet
		}
		return r
	}
	if len(all) == 0 || all[0].Timestamp != ts || all[0].SubType == "tombstone" {
		c.roots.lost(s.Root)
		return &bot.Refusal{Kind: bot.RootGone, Cause: errors.New("slack: the thread's root was deleted")}
	}
	c.roots.there(s.Root, epoch)
	return nil
}

// takeAway deletes a reply that came to stand in the channel, since its root is gone.
func (c *Chat) takeAway(ctx context.Context, channel, ts string, s bot.Sending) error {
	c.roots.lost(s.Root)
	if _, _, err := c.api.DeleteMessageContext(ctx, channel, ts); err != nil {
		c.log.Warn("a reply whose root was deleted stands in the channel", "room", s.Room, "key", s.Key, "err", wrap(err))
	}
	return &bot.Refusal{Kind: bot.RootGone, Cause: errors.New("slack: the thread's root was deleted")}
}

// upload gives the content with its file in it. The file is shared with nobody until
// the post refers to it.
func (c *Chat) upload(ctx context.Context, n content, data []byte) (content, error) {
	ctx = noting(ctx)
	u, err := c.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: n.File.Name, FileSize: len(data), AltTxt: short(n.File.Alt, maxUploadAlt)})
	if err != nil {
		return n, c.doubted(uploadRefusal(ctx, err))
	}
	if err := c.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: u.UploadURL, Reader: bytes.NewReader(data), Filename: n.File.Name}); err != nil {
		return n, c.doubted(uploadRefusal(ctx, err))
	}
	done, err := c.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{Files: []slack.FileSummary{{ID: u.FileID, Title: n.File.Name}}})
	if err != nil || len(done.Files) != 1 {
		return n, c.doubted(uploadRefusal(ctx, err))
	}
	f, err := c.looked(ctx, u.FileID, n.File.Picture)
	if err != nil {
		return n, c.doubted(uploadRefusal(ctx, err))
	}
	if n.File.Picture {
		if f.Mimetype == "" {
			return n, &bot.Refusal{Kind: bot.Busy, After: 30 * time.Second, Cause: errors.New("slack: the picture was not ready in time")}
		}
		picture := &slack.ImageBlock{Type: slack.MBTImage, AltText: pieces.Either(n.File.Alt, n.File.Name), SlackFile: &slack.SlackFileObject{ID: u.FileID}}
		if n.File.Alt != "" {
			picture.Title = plain(n.File.Alt, maxTitle)
		}
		n.Blocks.BlockSet = append(n.Blocks.BlockSet, picture)
		return n, nil
	}
	link := slack.NewRichTextSectionLinkElement(f.Permalink, n.File.Name, nil)
	n.Blocks.BlockSet = append(n.Blocks.BlockSet, slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionTextElement("📎 ", nil), link)))
	return n, nil
}

// looked waits until Slack has looked at a picture: a post that refers to it before is
// refused.
func (c *Chat) looked(ctx context.Context, id string, picture bool) (*slack.File, error) {
	for wait := 250 * time.Millisecond; ; wait *= 2 {
		f, _, _, err := c.api.GetFileInfoContext(ctx, id, 0, 0)
		if err != nil || !picture || f.Mimetype != "" || wait > 4*time.Second {
			return f, err
		}
		if !sleep(ctx, wait) {
			return nil, context.Cause(ctx)
		}
	}
}

// Limits of Find.
const (
	clockSkew    = 10 * time.Minute
	maxFindPages = 30
	findPage     = 200
)

// Find looks for a post of ours that carries the key: an edit at its root, a reply in
// its thread, all else by reading the channel backwards until ten minutes before Since.
func (c *Chat) Find(ctx context.Context, s bot.Sending) (bot.Receipt, bool, error) {
	channel, err := c.channel(s.Room)
	if err != nil {
		return bot.Receipt{}, false, err
	}
	oldest := strconv.FormatInt(s.Since.Add(-clockSkew).Unix(), 10) + ".000000"
	self, _ := c.who()
	var n content
	if err := json.Unmarshal(s.Body, &n); err == nil && n.Only != "" {
		return bot.Receipt{}, false, nil // nobody but its reader can
	}
	read := func(cursor string) ([]slack.Message, string, error) {
		h, err := c.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Oldest: oldest, Limit: findPage, Cursor: cursor, IncludeAllMetadata: true})
		if err != nil {
			return nil, "", err
		}
		return h.Messages, h.ResponseMetaData.NextCursor, nil
	}
	if s.Root != "" || n.Under != "" {
		ts := n.Under
		if s.Root != "" {
			ts = stamp(channel, s.Root)
		}
		if ts == "" {
			return bot.Receipt{}, false, nil
		}
		q := slack.GetConversationRepliesParameters{ChannelID: channel, Timestamp: ts, Limit: findPage, Oldest: oldest, IncludeAllMetadata: true}
		if s.Kind == bot.SendEdit {
			q.Limit, q.Oldest, q.Inclusive = 1, "", true
		}
		read = func(cursor string) ([]slack.Message, string, error) {
			q.Cursor = cursor
			all, _, next, err := c.api.GetConversationRepliesContext(ctx, &q)
			if s.Kind == bot.SendEdit {
				next = "" // the root comes first
			}
			return all, next, err
		}
	}
	cursor := ""
	for range maxFindPages {
		page, next, err := read(cursor)
		if err != nil {
			if r := refusal(ctx, err); r.Kind == bot.RootGone {
				return bot.Receipt{}, false, nil // it went with its thread
			}
			return bot.Receipt{}, false, fmt.Errorf("looking for a post: %w", c.doubted(findError(err)))
		}
		for _, m := range page {
			if carries(m.Metadata, s.Key) && m.BotID != "" && (self == "" || m.User == self) {
				return bot.Receipt{ID: messageID(channel, m.Timestamp), At: moment(m.Timestamp)}, true, nil
			}
		}
		if next == "" || next == cursor {
			return bot.Receipt{}, false, nil
		}
		cursor = next
	}
	return bot.Receipt{}, false, fmt.Errorf("slack: read %d pages of room %q back without an end", maxFindPages, s.Room)
}

func carries(m slack.SlackMetadata, key bot.SendKey) bool {
	return m.EventType == metadataType && (m.EventPayload[metadataKey] == string(key) || m.EventPayload[metadataRoot] == string(key))
}

// findError is a failed look in the sender's terms: whatever it is, nothing was posted
// by it.
func findError(err error) *bot.Refusal {
	r := refusal(context.Background(), err)
	if r.Kind == bot.Unsure {
		r.Kind = bot.Unreachable
	}
	return r
}

package slack

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/slack-go/slack"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/pieces"
)

// metadataType is the event type of our posts' metadata; its payload holds the key
// under which a post is found again. An edit replaces it, and keeps the root's own.
const (
	metadataType = "watchstander_post"
	metadataKey  = "key"
	metadataRoot = "root"
)

// content is a frozen post: what it shows, and the key that it is known by. Where it
// goes is said at Send.
type content struct {
	// Text is what notifications show, and clients without blocks. It is escaped.
	Text        string              `json:"text"`
	Blocks      slack.Blocks        `json:"blocks,omitzero"`
	Attachments []slack.Attachment  `json:"attachments,omitempty"`
	Metadata    slack.SlackMetadata `json:"metadata"`
	// Under is the message below which it stands, where it is no part of a thread of
	// ours: an answer.
	Under string `json:"under,omitempty"`
	// Only is who alone gets to see it, "" for all.
	Only string `json:"only,omitempty"`
	// File is what the part's attachment becomes, nil where it has none.
	File *file `json:"file,omitempty"`
}

type file struct {
	Name    string `json:"name"`
	Alt     string `json:"alt,omitempty"` // of a picture: what it shows
	Picture bool   `json:"picture,omitempty"`
}

// Encode writes a message as one or more posts. It fails with [bot.ErrTooLong] when a
// root or an edit does not fit one post, and with another error only for an Outgoing
// that makes no sense (an edit without a root).
//
// A reply's pictures and files become parts of their own after its words. A root and an
// edit are words alone: there, what a picture shows is told in small print. An answer to
// a message stands below it; what answers a command with a slash is seen by its sender
// alone, and has no files, which such a message cannot carry; so is what only the asker
// needs to know, until Slack refuses that: who has left the channel is shown nothing there.
func (c *Chat) Encode(o bot.Outgoing) ([]bot.Part, error) {
	switch o.Kind {
	case bot.SendRoot:
		return encodeWhole(o)
	case bot.SendEdit:
		if o.Root == "" {
			return nil, bot.Errorf(bot.CodeInternal, "An edit names no message.")
		}
		return encodeWhole(o)
	case bot.SendReply:
		return c.encodeReply(o), nil
	}
	return nil, bot.Errorf(bot.CodeInternal, "A post of unknown kind %q.", o.Kind)
}

func encodeWhole(o bot.Outgoing) ([]bot.Part, error) {
	m := o.Message
	small := smallPrint(&m)
	part := post(o, o.Key, platform.Apart(m, false), small, m.Actions)
	if weight(part) > maxBlocks {
		return nil, bot.ErrTooLong
	}
	return []bot.Part{{Body: marshal(part)}}, nil
}

func (c *Chat) encodeReply(o bot.Outgoing) []bot.Part {
	m := o.Message
	channel := c.rooms[o.Room]
	under, only := "", asker(channel, o.ReplyTo)
	attached := !o.Bare && only == ""
	switch {
	case only != "":
	case m.Aside && o.Asker != "" && !o.Bare && len(attachments(m, attached)) == 0:
		_, only, _ = strings.Cut(string(o.Asker), "/")
		under = stamp(channel, o.Root) // where they look
		if o.ReplyTo == "" {
			under = "" // they pressed something in the channel
		}
	case o.Root == "":
		// A press, whose root is gone, is no message: nothing can stand below it.
		if ts := stamp(channel, o.ReplyTo); !moment(ts).IsZero() {
			under = ts
		}
	}
	var parts []bot.Part
	key := func() bot.SendKey { return o.Key.Part(len(parts)) }
	files := attachments(m, attached)
	if len(files) == 0 || platform.HasWords(m) {
		small := smallPrint(&m)
		budget := maxBlocks - overhead(small, m.Actions)
		all := platform.Pack(platform.Apart(m, attached), budget)
		if len(all) == 0 {
			all = [][]pieces.Piece{nil}
		}
		for i, apart := range all {
			last := i == len(all)-1
			var note bot.Text
			var actions []bot.Action
			if last {
				note, actions = small, m.Actions
			}
			n := post(o, key(), apart, note, actions)
			n.Under, n.Only = under, only
			if i > 0 {
				n.Text = fallback(bot.TonePlain, apart) // Slack rings for it all the same
			}
			parts = append(parts, bot.Part{Body: marshal(n)})
		}
	}
	for _, f := range files {
		n := content{Text: escape(pieces.Either(f.file.Alt, f.file.Name)), Metadata: metadata(key()), Under: under, File: &f.file}
		parts = append(parts, bot.Part{Body: marshal(n), Attachment: f.data})
	}
	return parts
}

// overhead is what the ends of a message cost beside its pieces.
func overhead(small bot.Text, actions []bot.Action) int {
	p := write(bot.TonePlain, nil, small, actions)
	n := 400 // signs, frames
	for _, b := range p.rest {
		n += len(marshal(b))
	}
	return n
}

// post makes the content of one part. What has a tone has a bar in its colour, beside
// everything but the title: a notification, a thread's list and a search show titles.
func post(o bot.Outgoing, key bot.SendKey, apart []pieces.Piece, small bot.Text, actions []bot.Action) content {
	n := content{Metadata: metadata(key), Text: fallback(o.Message.Tone, apart)}
	if o.Bare {
		n.Blocks.BlockSet = plainly(o.Message.Tone, apart, small)
		return n
	}
	p := write(o.Message.Tone, apart, small, actions)
	l, toned := pieces.LookOf(o.Message.Tone)
	switch {
	case len(p.title) == 0 && len(p.rest) == 0:
		n.Text = "—" // an empty message is refused
	case !toned || len(p.title) == 0 || len(p.rest) == 0:
		n.Blocks.BlockSet = append(p.title, p.rest...)
	default:
		n.Blocks.BlockSet = p.title
		n.Attachments = []slack.Attachment{{Color: l.Colour, Blocks: slack.Blocks{BlockSet: p.rest}}}
	}
	return n
}

func metadata(key bot.SendKey) slack.SlackMetadata {
	return slack.SlackMetadata{EventType: metadataType, EventPayload: map[string]any{metadataKey: string(key)}}
}

// weight is what Slack counts of a post, at most.
func weight(n content) int {
	total := 0
	for _, b := range n.Blocks.BlockSet {
		total += len(marshal(b))
	}
	for _, a := range n.Attachments {
		for _, b := range a.Blocks.BlockSet {
			total += len(marshal(b))
		}
	}
	return max(total, len(n.Text))
}

// fallback is what a notification shows: the title, and the first words below it.
func fallback(tone bot.Tone, apart []pieces.Piece) string {
	var b strings.Builder
	if l, ok := pieces.LookOf(tone); ok {
		b.WriteString(l.Sign + " ")
	}
	for i, p := range apart {
		if i > 2 || b.Len() > maxFallback {
			break
		}
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(clean.Isolate(p.Text.String()))
	}
	return escape(short(b.String(), maxFallback))
}

// plainly is a whole part in plain text alone, for what Slack rejected otherwise. Such a
// text is read as it stands, unlike a message's own, of which an edit cannot even ask
// that no markup is read in it.
func plainly(tone bot.Tone, apart []pieces.Piece, small bot.Text) []slack.Block {
	var lines []string
	for i, p := range apart {
		line := ""
		if l, ok := pieces.LookOf(tone); ok && i == 0 && p.Kind == pieces.Title {
			line = l.Sign + " "
		}
		if p.Kind == pieces.Item {
			line = "• "
		}
		for _, s := range p.Text {
			line += clean.Isolate(s.Text)
			if s.URL != "" && s.URL != s.Text {
				line += " " + s.URL
			}
		}
		lines = append(lines, line)
	}
	if s := small.String(); s != "" {
		lines = append(lines, clean.Isolate(s))
	}
	text := strings.Join(lines, "\n")
	if strings.TrimSpace(text) == "" {
		text = "—"
	}
	var blocks []slack.Block
	for text != "" {
		// A byte is a character or less.
		part := text[:pieces.Seam(text, maxSection)]
		text = text[len(part):]
		if strings.TrimSpace(part) == "" {
			continue // would be refused
		}
		blocks = append(blocks, slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, part, false, false), nil, nil))
	}
	return blocks
}

// escape is the only way of a cleaned text into a text that Slack reads. In that form
// no name of a person, a channel or a group comes to life; stars and the like are not
// read, since such a text is posted with mrkdwn off. What would become an emoji is kept
// apart by a joiner that nobody sees.
func escape(s string) string {
	s = emojiName.ReplaceAllString(s, ":\u2060$1:")
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

var emojiName = regexp.MustCompile(`:([a-z0-9_+'-]+):`)

type attachment struct {
	file file
	data []byte
}

func attachments(m bot.Message, attached bool) []attachment {
	if !attached {
		return nil
	}
	var all []attachment
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case bot.Picture:
			if len(b.PNG) > 0 {
				all = append(all, attachment{file{Name: pieces.FileName(b.Name, "picture.png"), Alt: short(clean.Text(b.Alt), maxAlt), Picture: true}, b.PNG})
			}
		case bot.File:
			if len(b.Data) > 0 {
				all = append(all, attachment{file{Name: pieces.FileName(b.Name, "file.txt")}, b.Data})
			}
		}
	}
	return all
}

func marshal(v any) []byte {
	b, _ := json.Marshal(v) // strings, numbers and truths always marshal
	return b
}

package matrix

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/pieces"
)

const (
	// maxContent is how much of an event we fill. Matrix allows 65,536 bytes for
	// all of it; ids, signatures and references to other events need their part.
	maxContent = 48 << 10
	// maxEnvelope is what a content needs beside its text.
	maxEnvelope = 2 << 10
	// maxCaption is the longest description of a picture that stands below it;
	// longer ones are text before it.
	maxCaption = 2 << 10

	htmlFormat = "org.matrix.custom.html"
	keyName    = "dev.watchstander.key"
)

// content is the content of an m.room.message of ours.
type content struct {
	Type      string `json:"msgtype"`
	Body      string `json:"body"`
	Format    string `json:"format,omitempty"`
	Formatted string `json:"formatted_body,omitempty"`
	Filename  string `json:"filename,omitempty"`
	// URL is filled in by Send, after the upload.
	URL  *string   `json:"url,omitempty"`
	Info *fileInfo `json:"info,omitempty"`
	// Mentions is there and empty: nobody is meant, whatever the text looks like.
	Mentions struct{}    `json:"m.mentions"`
	Key      bot.SendKey `json:"dev.watchstander.key"`
	New      *content    `json:"m.new_content,omitempty"`
	Relation *relation   `json:"m.relates_to,omitempty"`
}

// offer is the content of an m.reaction of ours.
type offer struct {
	Key      bot.SendKey `json:"dev.watchstander.key"`
	Relation annotation  `json:"m.relates_to"`
}

type annotation struct {
	Type  string        `json:"rel_type"`
	Event bot.MessageID `json:"event_id"`
	Emoji string        `json:"key"`
}

type fileInfo struct {
	Type   string `json:"mimetype"`
	Size   int    `json:"size"`
	Width  int    `json:"w,omitempty"`
	Height int    `json:"h,omitempty"`
}

type relation struct {
	Type        string        `json:"rel_type,omitempty"`
	Event       bot.MessageID `json:"event_id,omitempty"`
	FallingBack bool          `json:"is_falling_back,omitempty"`
	Reply       *reply        `json:"m.in_reply_to,omitempty"`
}

type reply struct {
	Event bot.MessageID `json:"event_id"`
}

// Encode writes a message as one or more contents. It fails with
// [bot.ErrTooLong] when a root or an edit does not fit one event, and with
// another error only for an Outgoing that makes no sense (an edit without a
// root).
//
// A reply's pictures and files become parts of their own after its words. A
// root and an edit are words alone, since an event is either words or a
// picture: there, what a picture shows is told in small print.
func (c *Chat) Encode(o bot.Outgoing) ([]bot.Part, error) {
	switch o.Kind {
	case bot.SendRoot:
		return c.encodeWhole(o, func(apart []pieces.Piece) content {
			n := text(o, o.Key, apart)
			if slices.Contains(c.loud, o.Message.Tone) && o.Message.Tone != bot.TonePlain {
				n.Type = "m.text"
			}
			return n
		})
	case bot.SendEdit:
		if o.Root == "" {
			return nil, bot.Errorf(bot.CodeInternal, "An edit names no message.")
		}
		return c.encodeWhole(o, func(apart []pieces.Piece) content { return edit(o, apart) })
	case bot.SendReply:
		return encodeReply(o)
	case bot.SendOffer:
		if o.Root == "" || o.Emoji == "" {
			return nil, bot.Errorf(bot.CodeInternal, "An offer names no message, or no emoji.")
		}
		return []bot.Part{{Body: marshal(offer{o.Key, annotation{relAnnotation, o.Root, o.Emoji}})}}, nil
	}
	return nil, bot.Errorf(bot.CodeInternal, "A post of unknown kind %q.", o.Kind)
}

func (c *Chat) encodeWhole(o bot.Outgoing, write func([]pieces.Piece) content) ([]bot.Part, error) {
	body := marshal(write(takeApart(o.Message, false)))
	if len(body) > maxContent {
		return nil, bot.ErrTooLong
	}
	return []bot.Part{{Body: body}}, nil
}

// edit carries the new words twice: for clients that replace, and in plain text
// for those that show an edit as a message of its own.
func edit(o bot.Outgoing, apart []pieces.Piece) content {
	inner := text(o, o.Key, apart)
	outer := content{
		Type: inner.Type, Body: "* " + inner.Body, Key: o.Key, New: &inner,
		Relation: &relation{Type: relReplace, Event: o.Root},
	}
	if len(marshal(outer)) > maxContent {
		outer.Body = "* " + renderPlain(o.Message.Tone, apart[:1])
	}
	return outer
}

func encodeReply(o bot.Outgoing) ([]bot.Part, error) {
	attached := !o.Bare
	var parts []bot.Part
	key := func() bot.SendKey { return o.Key.Part(len(parts)) }
	files := attachments(o.Message, attached)
	// A picture alone needs no words beside it.
	if apart := takeApart(o.Message, attached); len(files) == 0 || platform.HasWords(o.Message) {
		for _, part := range platform.Pack(apart, maxContent-maxEnvelope) {
			n := text(o, key(), part)
			if strings.TrimSpace(n.Body) == "" {
				continue // thousands of empty lines, and nothing lost with them
			}
			n.Relation = replyTo(o)
			parts = append(parts, bot.Part{Body: marshal(n)})
		}
	}
	for _, f := range files {
		f.content.Key = key()
		f.content.Relation = replyTo(o)
		parts = append(parts, bot.Part{Body: marshal(f.content), Attachment: f.data})
	}
	return parts, nil
}

// text is a content of words.
func text(o bot.Outgoing, key bot.SendKey, apart []pieces.Piece) content {
	n := content{Type: "m.notice", Body: renderPlain(o.Message.Tone, apart), Key: key}
	if !o.Bare {
		n.Format, n.Formatted = htmlFormat, renderHTML(o.Message.Tone, apart)
	}
	return n
}

// replyTo puts a reply below its root, or beside the message that it answers.
// In a thread, clients without threads need to be told of a message to hang it
// on: the one it answers, or else the root.
func replyTo(o bot.Outgoing) *relation {
	switch {
	case o.Root != "" && o.ReplyTo != "" && o.ReplyTo != o.Root:
		return &relation{Type: relThread, Event: o.Root, Reply: &reply{o.ReplyTo}}
	case o.Root != "":
		return &relation{Type: relThread, Event: o.Root, FallingBack: true, Reply: &reply{o.Root}}
	case o.ReplyTo != "":
		return &relation{Reply: &reply{o.ReplyTo}}
	}
	return nil
}

type attachment struct {
	content content
	data    []byte
}

func attachments(m bot.Message, attached bool) []attachment {
	if !attached {
		return nil
	}
	var all []attachment
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case bot.Picture:
			if len(b.PNG) == 0 {
				continue // told in words, as an empty file is
			}
			name := fileName(b.Name, "picture.png")
			n := content{
				Type: "m.image", Filename: name, Body: name, URL: new(string),
				Info: &fileInfo{Type: "image/png", Size: len(b.PNG), Width: max(0, b.Width), Height: max(0, b.Height)},
			}
			if b.Alt != "" && len(b.Alt) <= maxCaption {
				n.Body = tame(clean.Text(b.Alt))
			}
			all = append(all, attachment{n, b.PNG})
		case bot.File:
			if len(b.Data) == 0 {
				continue
			}
			name := fileName(b.Name, "file.txt")
			n := content{
				Type: "m.file", Filename: name, Body: name, URL: new(string),
				Info: &fileInfo{Type: mimeType(b.Type), Size: len(b.Data)},
			}
			all = append(all, attachment{n, b.Data})
		}
	}
	return all
}

// fileName is pieces.FileName of a name that wakes nobody.
func fileName(s, otherwise string) string { return pieces.FileName(tame(clean.Text(s)), otherwise) }

// mimeType passes on only what looks like one: it becomes an HTTP header.
func mimeType(s string) string {
	ok := strings.Count(s, "/") == 1 && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '/' && !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.+-", r)
	})
	if base, parameters, found := strings.Cut(s, ";"); found && strings.TrimSpace(parameters) == "charset=utf-8" {
		return mimeType(base) + "; charset=utf-8"
	}
	if !ok {
		return "application/octet-stream"
	}
	return s
}

// marshal writes JSON without Go's escaping of "<" and "&", which would count
// six bytes each.
func marshal(c any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(c) // strings, numbers and empty structs always marshal
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

package slackfake

import (
	"net/url"
	"unicode/utf8"
)

// Inspection is what Slack would make of a message.
type Inspection struct {
	// Error is the word with which it would be refused, "" where it would be taken, and
	// Messages say why.
	Error    string
	Messages []string
	// Faults are what Slack advises against.
	Faults []string
	// Shown is what people would see, without author and time. Pings and Links are what
	// would notify somebody, and what could be opened.
	Shown Shown
	Pings []Ping
	Links []Link
	// Size is what Slack counts of all blocks, in bytes of JSON; at most MaxBlocksSize.
	Size int
}

// MaxBlocksSize is the most that all blocks of a message may hold together.
const MaxBlocksSize = maxBlocksSize

// Inspect looks at the arguments of a chat.postMessage without posting it: for fuzzing,
// where a whole workspace would be slow. No file exists for it.
func Inspect(args url.Values) Inspection {
	f := &Fake{o: Options{}.withDefaults(), faults: map[string]int{}}
	c := &call{f: f, method: "chat.postMessage", args: args, at: f.now()}
	out := Inspection{Size: len(args.Get("blocks")) + len(args.Get("attachments"))}
	m, _, refused := c.content()
	if refused == nil && m.text == "" && len(m.blocks) == 0 && len(m.attachments) == 0 {
		refused = fail("no_text")
	}
	out.Faults = f.Faults()
	if refused != nil {
		out.Error, out.Messages = refused.code, refused.messages
		return out
	}
	r := f.read(m, c.truth("link_names") || args.Get("parse") == "full")
	out.Pings, out.Links = r.pings, r.links
	f.speak(m)
	out.Shown = f.shown(&channel{}, m)
	if !utf8.ValidString(out.Shown.Text) {
		out.Faults = append(out.Faults, "what is shown is not valid UTF-8")
	}
	return out
}

package slackfake

import (
	"regexp"
	"strings"
)

// Ping is somebody who would be notified by a message of the bot's.
type Ping struct {
	Channel, TS string
	// Kind is "channel", "here", "everyone", "user" or "group".
	Kind string
	// Target is the user's or the group's id, or the name that was looked up.
	Target string
	// Where it stood: "text", "notification" (the text beside blocks), "block".
	Where string
}

// Link is an address that can be opened from a message of the bot's.
type Link struct {
	Channel, TS, URL, Label, Where string
	// Auto tells that nobody wrote a link: Slack would make one of the words.
	Auto bool
}

// Button is something to press or a menu to pick from.
type Button struct {
	ActionID, BlockID, Label, Value, Style, URL string
	// Confirm is the question before it is done, "" for none.
	Confirm string
	// Options are a menu's, nil for a button.
	Options []Option

	kind string
	raw  object
}

// Option is one line of a menu.
type Option struct{ Label, Value string }

// reader reads a message as a client of Slack's shows it.
type reader struct {
	f        *Fake
	where    string
	out      strings.Builder
	pings    []Ping
	links    []Link
	buttons  []Button
	colours  []string
	pictures []string
	names    bool // link_names, or parse=full
}

// read reads a whole message.
func (f *Fake) read(m *message, names bool) *reader {
	r := &reader{f: f, names: names}
	switch {
	case len(m.blocks) == 0:
		r.where = "text"
		r.out.WriteString(r.markup(m.text, m.mrkdwn))
	default:
		r.where = "notification"
		_ = r.markup(m.text, m.mrkdwn)
	}
	r.where = "block"
	r.blocks(m.blocks)
	for _, a := range append(append([]any{}, m.attachments...), m.unfurled...) {
		a, _ := a.(object)
		if colour, _ := a["color"].(string); colour != "" {
			r.colours = append(r.colours, colour)
		}
		if s, _ := a["from_url"].(string); s != "" {
			r.line("⤷ " + s)
		}
		blocks, _ := a["blocks"].([]any)
		r.blocks(blocks)
	}
	return r
}

func (r *reader) ping(kind, target string) {
	r.pings = append(r.pings, Ping{Kind: kind, Target: target, Where: r.where})
}

func (r *reader) line(s string) {
	if r.out.Len() > 0 {
		r.out.WriteString("\n")
	}
	r.out.WriteString(s)
}

var (
	angled  = regexp.MustCompile(`<([^<>\n]*)>`)
	bare    = regexp.MustCompile(`https?://[^\s<>|]+|\b(?:[A-Za-z0-9-]+\.)+(?:com|net|org|io|dev)\b(?:/[^\s<>|]*)?`)
	named   = regexp.MustCompile(`@([A-Za-z0-9._-]+)`)
	emoji   = regexp.MustCompile(`:([a-z+][a-z0-9_+'-]*|100|1234|-1):`)
	markers = []*regexp.Regexp{
		regexp.MustCompile("(?s)```(.+?)```"),
		regexp.MustCompile("`([^`\n]+)`"),
		regexp.MustCompile(`(^|[\s\p{P}\p{S}])\*([^\s*](?:[^*\n]*[^\s*])?)\*($|[\s\p{P}\p{S}])`),
		regexp.MustCompile(`(^|[\s\p{P}\p{S}])_([^\s_](?:[^_\n]*[^\s_])?)_($|[\s\p{P}\p{S}])`),
		regexp.MustCompile(`(^|[\s\p{P}\p{S}])~([^\s~](?:[^~\n]*[^\s~])?)~($|[\s\p{P}\p{S}])`),
	}
)

// markup reads a text in Slack's own markup (documented: "Formatting text"). What is in
// angle brackets lives even where mrkdwn is off: that it does is our stricter reading.
func (r *reader) markup(s string, styled bool) string {
	for _, u := range bare.FindAllString(angled.ReplaceAllString(s, " "), -1) {
		r.links = append(r.links, Link{URL: u, Label: u, Where: r.where, Auto: true})
	}
	if r.names {
		for _, m := range named.FindAllStringSubmatch(s, -1) {
			r.name(m[1])
		}
	}
	if styled {
		for i, re := range markers {
			if i < 2 {
				s = re.ReplaceAllString(s, "$1")
			} else {
				s = re.ReplaceAllString(s, "$1$2$3")
			}
		}
		for _, quote := range []string{"&gt; ", "&gt;"} {
			if strings.HasPrefix(s, quote) {
				s = "▌ " + strings.TrimPrefix(s, quote)
			}
		}
	}
	s = emoji.ReplaceAllString(s, "⟪$1⟫")
	s = angled.ReplaceAllStringFunc(s, func(t string) string { return r.token(t[1 : len(t)-1]) })
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// name is a name that link_names looks up.
func (r *reader) name(name string) {
	switch name {
	case "channel", "here", "everyone":
		r.ping(name, name)
		return
	}
	for _, u := range r.f.users {
		if u.Name == name {
			r.ping("user", u.ID)
		}
	}
}

// token is what stands in angle brackets.
func (r *reader) token(s string) string {
	body, label, labelled := strings.Cut(s, "|")
	switch {
	case strings.HasPrefix(body, "!subteam^"):
		r.ping("group", strings.TrimPrefix(body, "!subteam^"))
		return "@" + label
	case strings.HasPrefix(body, "!date^"):
		return label
	case strings.HasPrefix(body, "!"):
		switch name := body[1:]; name {
		case "channel", "here", "everyone":
			r.ping(name, name)
			return "@" + name
		}
	case strings.HasPrefix(body, "@"):
		r.ping("user", body[1:])
		if u := r.f.users[body[1:]]; u != nil {
			return "@" + u.Name
		}
		return "@" + body[1:]
	case strings.HasPrefix(body, "#"):
		if c := r.f.channels[body[1:]]; c != nil {
			return "#" + c.Name
		}
		return "#" + label
	case strings.Contains(body, ":"), strings.Contains(body, "."):
		if !labelled {
			label = body
		}
		r.links = append(r.links, Link{URL: strings.ReplaceAll(body, "&amp;", "&"), Label: label, Where: r.where})
		return label
	}
	return "<" + s + ">"
}

// text reads a text object.
func (r *reader) text(x any) string {
	o, _ := x.(object)
	s, _ := o["text"].(string)
	if o["type"] == mrkdwn {
		return r.markup(s, true)
	}
	if yes, set := o["emoji"].(bool); !set || yes {
		s = emoji.ReplaceAllString(s, "⟪$1⟫") // documented: emoji escapes are read in plain_text
	}
	return s
}

// notice records whom a message of the bot's pings, and what it links.
func (f *Fake) notice(c *call, ch *channel, m *message) {
	r := f.read(m, c.truth("link_names") || c.args.Get("parse") == "full")
	for _, p := range r.pings {
		p.Channel, p.TS = ch.ID, m.ts
		f.pings = append(f.pings, p)
	}
	for _, l := range r.links {
		l.Channel, l.TS = ch.ID, m.ts
		f.links = append(f.links, l)
	}
}

// mentions tells whether a text holds a mention of a user.
func mentions(text, user string) bool {
	return strings.Contains(text, "<@"+user+">") || strings.Contains(text, "<@"+user+"|")
}

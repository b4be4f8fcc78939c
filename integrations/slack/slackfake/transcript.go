package slackfake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shown is a message as people see it.
type Shown struct {
	Channel, TS string
	// Thread is the root's ts for a reply, "" for what stands in the channel.
	Thread string
	// User is who wrote it, Author their name.
	User, Author string
	// Text is all that is to be read, Notification what a phone shows.
	Text, Notification string
	Buttons            []Button
	Colours            []string
	// Pictures are files' ids, or addresses.
	Pictures []string
	Edited   bool
	// Tombstone stands where a root with replies was deleted.
	Tombstone bool
	// OnlyFor is the one person who sees it, "" for everybody.
	OnlyFor   string
	Reactions map[string][]string
	// Metadata is the message's, nil for none.
	Metadata map[string]any
	Mine     bool // it is the bot's
	Replies  int
}

// Pings are all that the bot's messages so far would have notified.
func (f *Fake) Pings() []Ping {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.pings)
}

// Links are all addresses in the bot's messages so far.
func (f *Fake) Links() []Link {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.links)
}

// Rendered is what stands in a channel and its threads, the oldest first, ephemeral
// messages included.
func (f *Fake) Rendered(channel string) []Shown {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.channels[channel]
	if c == nil {
		return nil
	}
	all := make([]Shown, 0, len(c.messages))
	for _, m := range c.messages {
		all = append(all, f.shown(c, m))
	}
	return all
}

// Message is one message as people see it.
func (f *Fake) Message(m Ref) (Shown, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.channels[m.Channel]; c != nil {
		if m := c.find(m.TS); m != nil {
			return f.shown(c, m), true
		}
	}
	return Shown{}, false
}

// Find is the newest message in a channel whose text or notification holds words.
func (f *Fake) Find(channel, words string) (Ref, bool) {
	for _, s := range slices.Backward(f.Rendered(channel)) {
		if strings.Contains(s.Text, words) || strings.Contains(s.Notification, words) {
			return Ref{Channel: channel, TS: s.TS}, true
		}
	}
	return Ref{}, false
}

func (f *Fake) shown(c *channel, m *message) Shown {
	s := Shown{Channel: c.ID, TS: m.ts, User: m.user, Author: m.user, Edited: !m.edited.IsZero(), Tombstone: m.tombstone, OnlyFor: m.onlyFor,
		Metadata: m.metadata, Mine: m.botID == f.o.BotID, Replies: len(c.replies(m.ts))}
	if u := f.users[m.user]; u != nil {
		s.Author = u.Name
	}
	if m.thread != m.ts {
		s.Thread = m.thread
	}
	if m.tombstone {
		s.Text = "This message was deleted."
		return s
	}
	r := f.read(m, false)
	s.Text, s.Buttons, s.Colours, s.Pictures = r.out.String(), r.buttons, r.colours, r.pictures
	s.Notification = (&reader{f: f}).markup(m.text, m.mrkdwn)
	for _, x := range m.reactions {
		if s.Reactions == nil {
			s.Reactions = map[string][]string{}
		}
		s.Reactions[x.name] = slices.Clone(x.users)
	}
	return s
}

// Transcript is a channel in readable text: threads indented below their roots, buttons
// in brackets, ephemeral messages with their reader's name. Times are UTC.
func (f *Fake) Transcript(channel string) string {
	all := f.Rendered(channel)
	f.mu.Lock()
	c := f.channels[channel]
	f.mu.Unlock()
	if c == nil {
		return ""
	}
	var b strings.Builder
	switch c.Kind {
	case DM:
		fmt.Fprintf(&b, "── direct: %s ──\n", f.name(c.User))
	case Private:
		fmt.Fprintf(&b, "── 🔒 %s ──\n", c.Name)
	default:
		fmt.Fprintf(&b, "── #%s ──\n", c.Name)
	}
	roots := map[string]bool{}
	for _, s := range all {
		if s.Thread == "" {
			roots[s.TS] = true
		}
	}
	for _, s := range all {
		if s.Thread != "" && roots[s.Thread] {
			continue
		}
		f.write(&b, s, "")
		for _, r := range all {
			if r.Thread == s.TS {
				f.write(&b, r, "      ")
			}
		}
	}
	return b.String()
}

func (f *Fake) name(user string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if u := f.users[user]; u != nil {
		return u.Name
	}
	return user
}

func (f *Fake) write(b *strings.Builder, s Shown, indent string) {
	head := indent
	if indent != "" {
		head += "↳ "
	}
	author := s.Author
	if s.OnlyFor != "" {
		author += " (only " + f.name(s.OnlyFor) + " sees this)"
	}
	fmt.Fprintf(b, "%s%s %s:", head, clock(s.TS), author)
	bar := ""
	if len(s.Colours) > 0 {
		bar = "▎"
	}
	lines := strings.Split(s.Text, "\n")
	for i, line := range lines {
		if i == 0 {
			fmt.Fprintf(b, " %s", line)
		} else {
			fmt.Fprintf(b, "\n%s         %s%s", indent, bar, line)
		}
	}
	if s.Edited {
		b.WriteString(" (edited)")
	}
	b.WriteString("\n")
	if len(s.Buttons) > 0 {
		fmt.Fprintf(b, "%s         %s%s\n", indent, bar, strings.Join(labels(s.Buttons), " "))
	}
	if len(s.Reactions) > 0 {
		var all []string
		for name, users := range s.Reactions {
			all = append(all, ":"+name+": "+strconv.Itoa(len(users)))
		}
		slices.Sort(all)
		fmt.Fprintf(b, "%s         %s\n", indent, strings.Join(all, "  "))
	}
}

func labels(buttons []Button) []string {
	var all []string
	for _, x := range buttons {
		switch {
		case x.Options != nil:
			var names []string
			for _, o := range x.Options {
				names = append(names, o.Label)
			}
			all = append(all, "["+x.Label+" ▾ "+strings.Join(names, " · ")+"]")
		case x.URL != "":
			all = append(all, "["+x.Label+" ↗]")
		case x.kind != "button":
			all = append(all, "["+x.Label+" ____]")
		default:
			all = append(all, "["+x.Label+"]")
		}
	}
	return all
}

func clock(ts string) string {
	s, _, _ := strings.Cut(ts, ".")
	n, _ := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0).UTC().Format("15:04:05")
}

package slack

import (
	"strconv"
	"strings"

	"watchstander/bot/pieces"
)

// words is what a person meant to write: Slack escapes three characters, writes names and
// addresses in angle brackets, and adds links of its own to what looks like an address.
// addressed tells whether we are named; our name at the front is taken away.
func (c *Chat) words(text string) (plain string, addressed bool) {
	self, _ := c.who()
	text = strings.TrimSpace(text)
	if self != "" {
		addressed = strings.Contains(text, "<@"+self+">") || strings.Contains(text, "<@"+self+"|")
	}
	if addressed && strings.HasPrefix(text, "<@"+self) {
		_, text, _ = strings.Cut(text, ">")
		text = strings.TrimLeft(strings.TrimSpace(text), ":, ")
	}
	var b strings.Builder
	for text != "" {
		open := strings.IndexByte(text, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(text[open:], '>')
		if end < 0 {
			break
		}
		b.WriteString(unescape(text[:open]))
		b.WriteString(unescape(entity(text[open+1 : open+end])))
		text = text[open+end+1:]
	}
	b.WriteString(unescape(text))
	return unquoted(strings.TrimSpace(b.String())), addressed
}

// entity is what stands in angle brackets: a link, a person, a channel, a group.
func entity(s string) string {
	target, label, labelled := strings.Cut(s, "|")
	switch {
	case strings.HasPrefix(target, "@"), strings.HasPrefix(target, "#"):
		if labelled && label != "" {
			return target[:1] + label
		}
		return target
	case strings.HasPrefix(target, "!subteam^"):
		return pieces.Either(label, target)
	case strings.HasPrefix(target, "!date^"):
		return pieces.Either(label, target)
	case strings.HasPrefix(target, "!"):
		return "@" + target[1:]
	case !labelled:
		return target
	}
	// "nginx.service" comes as a link to http://nginx.service with the typed words as
	// its label.
	for _, added := range []string{"http://", "https://", "mailto:", "tel:"} {
		if strings.TrimSuffix(target, "/") == added+strings.TrimSuffix(label, "/") {
			return label
		}
	}
	return target
}

// unescape undoes what Slack escapes.
func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// unquoted takes away the marks of code around a whole message: commands are copied from
// where they stand as code, and clients keep that.
func unquoted(s string) string {
	for _, mark := range []string{"```", "`"} {
		inner, ok := strings.CutPrefix(s, mark)
		if inner, ok2 := strings.CutSuffix(inner, mark); ok && ok2 && !strings.Contains(inner, "`") {
			return strings.TrimSpace(inner)
		}
	}
	return s
}

// micros is a time stamp in microseconds: its order is that of the channel.
func micros(ts string) (int64, bool) {
	seconds, rest, _ := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || s <= 0 || s > 253_402_300_799 || len(rest) > 6 {
		return 0, false
	}
	us, err := strconv.ParseUint((rest + "000000")[:6], 10, 32)
	return s*1e6 + int64(us), err == nil
}

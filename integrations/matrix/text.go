package matrix

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// withoutFallback takes away the quotation that clients put before a reply:
// lines that begin with "> ", the first of which names who is quoted, and an
// empty line.
func withoutFallback(body string) string {
	if !strings.HasPrefix(body, "> <@") && !strings.HasPrefix(body, "> * <@") {
		return body
	}
	rest := body
	for strings.HasPrefix(rest, ">") {
		_, after, more := strings.Cut(rest, "\n")
		if !more {
			return "" // nothing but a quotation
		}
		rest = after
	}
	return strings.TrimPrefix(rest, "\n")
}

// withoutMention takes our own name away from the front, in the forms in which
// clients write it: the full id, "@name", the display name of a pill, or a
// pill's Markdown. A name without "@" counts only before a ":" or ",", or when
// the client says that we are mentioned, since it may be a common word.
// addressed tells whether there was such a name, or such a word of the client.
func (c *Chat) withoutMention(text string, mentioned bool) (rest string, addressed bool) {
	text = strings.TrimSpace(text)
	if rest, ok := c.withoutLink(text); ok {
		return rest, true
	}
	names := []string{c.user, "@" + c.localpart, c.localpart}
	if display := c.display.Load(); display != nil && *display != "" {
		names = append(names, *display, "@"+strings.TrimPrefix(*display, "@"))
	}
	// The longest first: "@bot" is the beginning of "@bot:server" too.
	slices.SortStableFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, name := range names {
		rest, ok := cutPrefixFold(text, name)
		if !ok {
			continue
		}
		if rest, ok := afterName(rest, mentioned || strings.HasPrefix(name, "@")); ok {
			return rest, true
		}
	}
	return text, mentioned
}

// withoutLink knows "[Name](https://matrix.to/#/@bot:server): text".
func (c *Chat) withoutLink(text string) (string, bool) {
	if !strings.HasPrefix(text, "[") {
		return "", false
	}
	_, link, ok := strings.Cut(text, "](https://matrix.to/#/")
	if !ok {
		return "", false
	}
	target, rest, ok := strings.Cut(link, ")")
	if plain, err := url.PathUnescape(target); !ok || err != nil || plain != c.user {
		return "", false
	}
	return afterName(rest, true)
}

// afterName wants the name to end where it was cut: "@bot2" and
// "@bot:other.server" are somebody else.
func afterName(rest string, bare bool) (string, bool) {
	if rest == "" {
		return "", bare
	}
	if after, ok := strings.CutPrefix(rest, ":"); ok {
		rest, bare = after, true
	} else if after, ok := strings.CutPrefix(rest, ","); ok {
		rest, bare = after, true
	}
	first, _ := utf8.DecodeRuneInString(rest)
	if !bare || rest != "" && !unicode.IsSpace(first) {
		return "", false
	}
	return strings.TrimSpace(rest), true
}

// cutPrefixFold is strings.CutPrefix without regard to case.
func cutPrefixFold(s, prefix string) (string, bool) {
	if prefix == "" || len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// bareEmoji takes variation selectors and skin tones away: 👍, 👍️ and 👍🏽 are
// one answer.
func bareEmoji(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 0xFE0E, r == 0xFE0F, r >= 0x1F3FB && r <= 0x1F3FF:
			return -1
		}
		return r
	}, strings.TrimSpace(key))
}

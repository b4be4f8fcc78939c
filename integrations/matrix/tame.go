package matrix

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"watchstander/bot/clean"
)

// What labels hold was written by others. clean.Text makes everything in it
// visible, tame takes from it what clients act upon, and clean.Isolate keeps its
// direction of writing to itself. They are applied in this order, and the text
// stays readable and searchable.

const joiner = "\u2060" // word joiner: no width, no break

// tame takes the life out of "@room", user ids and Matrix' own links in a text
// that clean.Text has seen: clients, and push rules of older homeservers, look for
// them. A joiner without width is put in; the text looks the same. An address
// like root@host is left alone. Another span may follow the end of s without a
// blank, so that an end is taken for the beginning of a word.
func tame(s string) string {
	if !strings.Contains(s, "@") && !containsFold(s, "matrix") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	before := ' '
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		rest := s[i+size:]
		b.WriteString(s[i : i+size])
		switch {
		case r == '@' && (rest == "" || !isWord(before) && startsWord(rest)):
			b.WriteString(joiner)
		case r == '.' && endsFold(s[:i], "matrix") && (startsFold(rest, "to") || startsFold("to", rest)):
			b.WriteString(joiner)
		case r == ':' && endsFold(s[:i], "matrix") && startsWord(rest):
			b.WriteString(joiner)
		}
		before, i = r, i+size
	}
	return b.String()
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// startsWord takes what a user id or "@room" can begin with; historical ids
// hold nearly anything, and after an end anything can follow.
func startsWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s == "" || !unicode.IsSpace(r)
}

func endsFold(s, end string) bool {
	return len(s) >= len(end) && strings.EqualFold(s[len(s)-len(end):], end)
}

func startsFold(s, start string) bool {
	return len(s) >= len(start) && strings.EqualFold(s[:len(start)], start)
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), part)
}

// maxLink is how long a link's address may be, once it is escaped.
const maxLink = 6 << 10

// safeLink gives an address that may become a link. Clients make mentions of those
// into Matrix itself.
func safeLink(raw string) (string, bool) {
	link, ok := clean.Link(raw)
	if !ok {
		return "", false
	}
	u, err := url.Parse(link)
	if err != nil {
		return "", false
	}
	if host := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."); host == "matrix.to" || strings.HasSuffix(host, ".matrix.to") {
		return "", false
	}
	if len(escape(link)) > maxLink {
		return "", false
	}
	return link, true
}

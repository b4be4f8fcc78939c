package matrix

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"watchstander/bot/clean"
)

// What labels hold was written by others. clean.Text makes everything in it
// visible, tame takes from it what clients act upon, and isolate keeps its
// direction of writing to itself. They are applied in this order, and the text
// stays readable and searchable.

const (
	joiner = "\u2060" // word joiner: no width, no break
	fsi    = "\u2068" // first strong isolate
	pdi    = "\u2069" // its end
)

// tame takes the life out of "@room", user ids and Matrix' own links in a text
// that clean.Text has seen: clients, and push rules of older homeservers, look for
// them. A joiner without width is put in; the text looks the same. An address
// like root@host is left alone.
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
		case r == '@' && !isWord(before) && startsWord(rest):
			b.WriteString(joiner)
		case r == '.' && endsFold(s[:i], "matrix") && startsFold(rest, "to"):
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
// hold nearly anything.
func startsWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && !unicode.IsSpace(r)
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

// isolate fences lines that hold right-to-left letters, so that they cannot
// turn their neighbours around.
func isolate(s string) string {
	if !strings.ContainsFunc(s, rightToLeft) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.ContainsFunc(line, rightToLeft) {
			lines[i] = fsi + line + pdi
		}
	}
	return strings.Join(lines, "\n")
}

func rightToLeft(r rune) bool {
	return r >= 0x0590 && r <= 0x08FF || r >= 0xFB1D && r <= 0xFDFF || r >= 0xFE70 && r <= 0xFEFE ||
		r >= 0x10800 && r <= 0x10FFF || r >= 0x1E800 && r <= 0x1EFFF
}

// maxLink is how long a link's address may be, once it is escaped.
const maxLink = 6 << 10

// safeLink gives an address that may become a link, in a form that holds no
// blank, no quote and no "@". Only http and https to a named host are links;
// addresses with a password, hidden characters, or into Matrix itself (clients
// make mentions of those) are not.
func safeLink(raw string) (string, bool) {
	if raw != clean.Text(raw) || strings.ContainsAny(raw, "\n\t") {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", false
	}
	if host := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."); host == "" || host == "matrix.to" || strings.HasSuffix(host, ".matrix.to") {
		return "", false
	}
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		if c <= ' ' || c > '~' || strings.IndexByte("\"<>\\^`{|}'@", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	link := b.String()
	// A host whose name had to be escaped would lead elsewhere, or nowhere.
	again, err := url.Parse(link)
	if err != nil || again.Host != u.Host || len(escape(link)) > maxLink {
		return "", false
	}
	return link, true
}

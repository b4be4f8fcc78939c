package clean

import (
	"fmt"
	"net/url"
	"strings"
)

// Link gives an address that may become a link, in a form that holds no blank, no quote
// and no "@". Only http and https to a named host are links; addresses with a password
// or hidden characters are not.
func Link(raw string) (string, bool) {
	if raw != Text(raw) || strings.ContainsAny(raw, "\n\t") {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || strings.TrimSuffix(u.Hostname(), ".") == "" || u.User != nil || u.Opaque != "" || (u.Scheme != "http" && u.Scheme != "https") {
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
	if err != nil || again.Host != u.Host {
		return "", false
	}
	return link, true
}

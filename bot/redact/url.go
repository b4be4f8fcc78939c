package redact

import "strings"

var urlWords = []string{"://", `:\/\/`}

// maxURL bounds how far a URL is read.
const maxURL = 4096

// urlNames name the marker after the scheme, where that helps a reader.
var urlNames = map[string]string{
	"postgres": "postgres-password", "postgresql": "postgres-password", "mysql": "mysql-password",
	"mariadb": "mysql-password", "mongodb": "mongodb-password", "mongodb+srv": "mongodb-password",
	"redis": "redis-password", "rediss": "redis-password", "amqp": "amqp-password", "amqps": "amqp-password",
	"smtp": "smtp-password", "smtps": "smtp-password", "ldap": "ldap-password", "ldaps": "ldap-password",
}

// findURLs hides passwords and tokens in scheme://user:password@host. The user
// and the host stay: they say which account to look at.
func findURLs(c *call) {
	done, run, lastAt := 0, 0, -1 // run is where the word of a hit ends, lastAt its last @
	for _, h := range c.hits {
		if h.lo < done {
			continue
		}
		if run < h.hi {
			for run = h.hi; run < len(c.text) && urlByte(c.text[run]); run++ {
				if c.text[run] == '@' {
					lastAt = run
				}
			}
		}
		if lastAt < h.hi {
			continue
		}
		end := min(run, h.hi+maxURL)
		scheme := h.lo
		for scheme > done && h.lo-scheme < 32 && (wordByte(c.text[scheme-1]) || strings.IndexByte("+-.", c.text[scheme-1]) >= 0) {
			scheme--
		}
		done = h.hi
		name := urlNames[strings.ToLower(c.text[scheme:h.lo])]
		user, pass, ok := userinfo(c.text[h.hi:end], name != "")
		if !ok {
			continue
		}
		if name == "" {
			name = "url-password"
		}
		if pass >= 0 && !placeholder(c.text[h.hi+user+1:h.hi+pass]) {
			c.emitAs(h.hi+user+1, h.hi+pass, name)
		}
		// https://TOKEN@host, and https://TOKEN:x-oauth-basic@host.
		if random(c.text[h.hi:h.hi+user], 16) {
			c.emitAs(h.hi, h.hi+user, "url-token")
		}
		done = h.hi + max(user, pass)
	}
}

// urlByte tells whether c can be part of a URL as people write them.
func urlByte(c byte) bool {
	return c > ' ' && c != 0x7f && strings.IndexByte("\"'<>`", c) < 0
}

// userinfo finds user and password in what follows "://": the user ends at
// user, the password, if there is one, at pass (else -1). In URLs of databases
// an @ further on belongs to a password that nobody escaped; on the web it may
// be part of a path.
func userinfo(s string, database bool) (user, pass int, ok bool) {
	authority := s
	if i := strings.IndexAny(s, `/?#\`); i >= 0 {
		authority = s[:i]
	}
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		// A password may hold a slash that nobody escaped. Then what looks
		// like a port is none: postgres://u:p/w@h.
		colon := strings.IndexByte(authority, ':')
		if colon < 0 || strings.HasPrefix(s, "[") || strings.Trim(authority[colon+1:], "0123456789") == "" {
			return 0, -1, false
		}
		if at = strings.LastIndexByte(s, '@'); at < 0 {
			return 0, -1, false
		}
	}
	if database {
		at = max(at, strings.LastIndexByte(s, '@'))
	}
	// docker://image:tag@sha256:digest has no user.
	if strings.HasPrefix(s[at:], "@sha") {
		return 0, -1, false
	}
	if colon := strings.IndexByte(s[:at], ':'); colon >= 0 {
		if colon+1 == at {
			return colon, -1, true
		}
		return colon, at, true
	}
	return at, -1, true
}

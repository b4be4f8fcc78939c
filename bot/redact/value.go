package redact

import (
	"encoding/base64"
	"math"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// wordsAfter are values that a password is asked, told or failed with: prose
// and settings. A person whose password is "none" has other troubles.
var wordsAfter = set(`true false null nil none yes no on off required optional empty unset set changed unchanged hidden redacted
	filtered masked unknown invalid incorrect wrong missing expired default prompt ask file string str int bool boolean bytes text
	authentication auth failed failure error must is was for from and or the a not has have will to in with of by at as
	n/a undefined nonexistent mismatch rejected accepted denied ok success disabled enabled update updated updating
	read write please enter try too unable cannot could does do should may can need needs`)

// How much of a value is looked at: keys may stand in one another's values by the
// thousand, and each would have its own looked at to the end.
const (
	// maxPlain: what is longer, in bytes, is no placeholder, word, path or address.
	maxPlain = 4096
	// maxVague: what is longer and begins with a token's characters is hidden after
	// a vague key, however little it varies. No exemption covers as much, either.
	maxVague = maxExempt
)

// refExpr matches references to a value that is kept elsewhere.
var refExpr = regexp.MustCompile(`^(?:` +
	`<[^<>]{1,64}>` + // <password>, Prometheus' <secret>
	`|\((?:hidden|none|unset|redacted|null|not set|empty)\)|\[(?:hidden|none|redacted|REDACTED|FILTERED|MASKED)\]` +
	`|\$[A-Z][A-Z0-9_]{2,}|\$\{[A-Za-z_][A-Za-z0-9_.]*\}` +
	`|%\([a-z_]+\)s|%[sdvqw]|@[A-Z_]{3,}@|%[A-Z_]{3,}%` +
	`|%[dht]/[\w./-]+` + // systemd's specifiers
	`|~?(?:/run|/etc|/var|/nix/store|/home|/root|/tmp|/proc|/sys|/dev|/srv|/mnt|/usr|/opt|/boot)(?:/[\w.@+-]+)+/?|/(?:root|tmp|home|srv|mnt)/?` +
	`|/dev/null` +
	`)$`)

var (
	// callExpr matches the beginning of an expression that yields the value, and
	// namedExpr one that does so only where the value has one line. What follows is
	// not matched, so that a long value costs no more than a short one.
	callExpr  = regexp.MustCompile(`^(?:\$\(|\$\{\{|\{\{)`)
	namedExpr = regexp.MustCompile(`^(?:(?:config|builtins|pkgs|secrets|env|var|process\.env|os\.environ)\.[A-Za-z_]` +
		`|os\.(?:environ|getenv|Getenv)|getpass|ENC\[AES256_GCM|!vault|!secret)`)
)

// placeholder tells whether s stands for a secret, or for none.
func placeholder(s string) bool {
	switch {
	case s == "":
		return true
	case len(s) > maxPlain:
		return false
	case mask(s), callExpr.MatchString(s), namedExpr.MatchString(s) && strings.IndexByte(s, '\n') < 0, refExpr.MatchString(s):
		return true
	}
	if len(s) > 20 {
		return false
	}
	return wordsAfter[strings.ToLower(strings.TrimRight(s, ".,;:!?)]}"))]
}

// judge tells whether a value is secret, given what its key says.
func judge(k kind, v string) bool {
	if placeholder(v) {
		return false
	}
	switch k.level {
	case sure:
		if k.name == "cookie" {
			return len(v) > maxPlain || strings.Contains(v, "=") || len(v) >= 16 && !ordinary(v)
		}
		// Counts such as password=12 are no passwords, nor is HTML's accesskey="n".
		return len(v) > 2 || len(v) == 2 && strings.Trim(v, "0123456789") != ""
	case likely:
		return len(v) > maxPlain || len(v) >= k.least && !ordinary(v)
	case vague:
		if len(v) > maxVague {
			return tokenBytes(v[:maxVague])
		}
		return random(v, 16) && strings.ContainsAny(v, "0123456789") && !cacheKey(v)
	}
	return false
}

var (
	measure = regexp.MustCompile(`^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:[a-zA-Zµ%]{1,8}(?:/[a-z]{1,3})?)?$|^[~^v]?\d+(?:\.\d+)+(?:-[a-z]+[.]?\d*)?$`)
	date    = regexp.MustCompile(`^\d{4}-\d\d-\d\d(?:[T ][\d:.Z+-]*)?$`)
	// wordPart is one word of a name: lower, Capitalized, UPPER or camelCase, with a small number.
	wordPart = regexp.MustCompile(`^(?:[a-z]{1,20}|[A-Z]{1,20}|[A-Z]?[a-z]{2,15}(?:[A-Z][a-z]{1,15}){0,4}|[a-z]{1,4}\d{1,2}[a-z]{1,4})?\d{0,4}$`)
	nameEnds = regexp.MustCompile(`[-_./:@+~=,]+`)
)

// ordinary tells whether v is something else than a secret: a name, number,
// date, path, address.
func ordinary(v string) bool {
	v = strings.Trim(v, "*`_.,;:!?()[]")
	lowers, uppers, digits, others := classes(v)
	if digits == len(v) {
		return digits < 6
	}
	if lowers+uppers == len(v) {
		if lowers == 0 && len(v) >= 16 {
			return false // base 32 without a digit
		}
		return len(v) <= 24 && wordPart.MatchString(v)
	}
	if measure.MatchString(v) || date.MatchString(v) || strings.Contains(v, "://") {
		return true
	}
	if _, err := netip.ParseAddr(v); err == nil {
		return true
	}
	if _, err := netip.ParseAddrPort(v); err == nil {
		return true
	}
	return others > 0 && wordy(v)
}

// wordy tells whether v is a name of several words: grafana-tls-2026, a.b.service.
func wordy(v string) bool {
	parts := nameEnds.Split(v, 32)
	if len(parts) < 2 {
		return false
	}
	words := 0
	for _, p := range parts {
		if !wordPart.MatchString(p) {
			return false
		}
		if len(p) > 1 && letter(p[0]) {
			words++
		}
	}
	return words*2 >= len(parts)
}

var hexPart = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// cacheKey tells whether v is words and a digest: node-modules-3fa9….
func cacheKey(v string) bool {
	parts := nameEnds.Split(v, 32)
	words := 0
	for _, p := range parts {
		switch {
		case wordPart.MatchString(p):
			words++
		case !hexPart.MatchString(p):
			return false
		}
	}
	return words > 0
}

// random tells whether v looks like a token: long enough, of a token's
// characters, not a name, and as varied as chance makes it.
func random(v string, least int) bool {
	if len(v) < least || !tokenBytes(v) || wordy(v) {
		return false
	}
	lowers, uppers, digits, _ := classes(v)
	if digits == 0 && (lowers == 0 || uppers == 0 || wordPart.MatchString(v)) || lowers+uppers == 0 {
		return false
	}
	return entropy(v) >= math.Min(0.7*math.Log2(float64(len(v))), 3.2)
}

// basicAuth tells whether s is user:password in base64.
func basicAuth(s string) bool {
	s = strings.TrimRight(s, "=")
	raw, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		if raw, err = base64.RawURLEncoding.DecodeString(s); err != nil {
			return false
		}
	}
	return utf8.Valid(raw) && strings.IndexByte(string(raw), ':') >= 0
}

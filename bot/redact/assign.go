package redact

import "strings"

// maxKey bounds a key; of a longer one the end counts.
const maxKey = 128

// findAssigned hides values of keys that announce a secret, in whatever
// syntax: shell, JSON (also quoted inside JSON), YAML, TOML, INI, Nix, XML,
// headers, queries of URLs, flags, printed Go and Python values. It is written
// by hand, as RE2 cannot look ahead, and where an unquoted value ends depends
// on what comes after it.
//
// Each byte is read a bounded number of times, however many keys stand in one
// another's values: where words and lines end is kept (ends.go), a value that is
// hidden is not searched for keys, and one that is not hidden is short or is told
// by its beginning (judge).
func findAssigned(c *call) {
	done := 0
	ends := ends{text: c.text}
	for _, h := range c.hits {
		if h.lo < done {
			continue
		}
		a := assignment{text: c.text, floor: done, ends: &ends}
		a.keyAt(h)
		done = a.keyHi
		if !a.classify() || !a.sign() {
			continue
		}
		for a.value() {
			ends.work += min(a.hi-a.lo, maxPlain)
			if a.hide() && !(a.kind.level == vague && c.covers(a.lo, a.hi, looks)) {
				c.emitAs(a.lo, a.hi, a.kind.name)
				done = max(done, a.hi)
			} else if (a.quote != "" || a.text[a.lo] == '<') && placeholder(a.text[a.lo:a.hi]) {
				// The word in "<password>" is no key.
				done = max(done, a.hi)
			}
			if !a.more() {
				break
			}
		}
	}
	c.work += ends.work
}

// assignment is a key, a sign and a value, as far as they are read.
type assignment struct {
	text         string
	ends         *ends
	floor        int // nothing before it belongs to this assignment
	keyLo, keyHi int
	kind         kind
	at           int    // where reading goes on
	flag         bool   // --key value
	query        bool   // ?key=value
	escaped      bool   // key%3Dvalue
	roomy        bool   // blanks around the sign
	colon        bool   // the sign is a colon
	opener       string // an XML key has been opened: <key>
	list         bool   // the value is in brackets
	quote        string // what the value is quoted with
	lo, hi       int    // the value
}

func keyByte(c byte) bool { return wordByte(c) || c == '-' || c == '.' }

// keyAt finds the whole key around a keyword.
func (a *assignment) keyAt(h hit) {
	a.keyLo, a.keyHi = h.lo, h.hi
	for a.keyLo > a.floor && h.lo-a.keyLo < maxKey && keyByte(a.text[a.keyLo-1]) {
		a.keyLo--
	}
	for a.keyHi < len(a.text) && keyByte(a.text[a.keyHi]) {
		a.keyHi++
	}
	// %22password%22: the escape is no part of the key.
	if a.keyLo > 0 && a.text[a.keyLo-1] == '%' && a.keyHi-a.keyLo > 2 {
		a.keyLo += 2
		a.escaped = true
	}
}

func (a *assignment) classify() bool {
	key := strings.TrimLeft(a.text[a.keyLo:a.keyHi], "-.")
	a.flag = len(key) < a.keyHi-a.keyLo && a.text[a.keyLo] == '-'
	lo := a.keyHi - len(key)
	var prev byte
	if lo > 0 {
		prev = a.text[lo-1]
	}
	a.query = prev == '?' || prev == '&' || prev == ';' && strings.HasSuffix(a.text[:lo], "&amp;")
	if prev == '<' {
		a.opener = "<"
	}
	before := ""
	if prev == ' ' {
		end := lo - 1
		start := end
		for start > a.floor && end-start < 24 && letter(a.text[start-1]) {
			start--
		}
		before = strings.ToLower(a.text[start:end])
	}
	a.kind = classify(strings.TrimRight(key, "-."), before, a.query)
	// PWD is the directory that sudo logs; PASS: is how tests report.
	switch rest := a.text[a.keyHi:]; {
	case (key == "PWD" || key == "OLDPWD") && (strings.HasPrefix(rest, "=/") || strings.HasPrefix(rest, "=~")),
		key == "PASS" && strings.HasPrefix(rest, ":"):
		return false
	case key == "pass" && (strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "==") || prev == '"' || prev == '\''):
		a.kind.level = sure
	}
	return a.kind.level != none
}

// sign reads what stands between key and value.
func (a *assignment) sign() bool {
	i := a.keyHi
	i += quoteLen(a.text[i:])
	if i < len(a.text) && a.text[i] == ']' {
		i++
	}
	start := i
	i = skipBlank(a.text, i)
	rest := a.text[i:]
	n := 0
	switch {
	case rest == "":
		return false
	case strings.HasPrefix(rest, "=~") && len(rest) > 2 && (rest[2] == '"' || rest[2] == '\''):
		return false // a matcher of PromQL
	case strings.HasPrefix(rest, "::"), strings.HasPrefix(rest, "==="):
		return false
	case strings.HasPrefix(rest, ":="), strings.HasPrefix(rest, "=>"), strings.HasPrefix(rest, "=="):
		n = 2
	case rest[0] == '=':
		n = 1
	case rest[0] == ':':
		n, a.colon = 1, true
	case rest[0] == '>' && a.opener != "" && i == a.keyHi:
		n = 1
	case strings.HasPrefix(rest, "%3D"), strings.HasPrefix(rest, "%3d"), strings.HasPrefix(rest, "%3A"), strings.HasPrefix(rest, "%3a"):
		n, a.escaped = 3, true
	case i > start && a.flag && rest[0] != '-':
		// --password value
	case i > start && a.kind.level == sure && !a.kind.line && (rest[0] == '\'' || rest[0] == '"'):
		// PASSWORD 'value', as in SQL
	default:
		return false
	}
	a.at = i + n
	if rest[0] == '=' && i == a.keyHi && a.padding() {
		return false
	}
	a.roomy = a.at < len(a.text) && blank(a.text[a.at])
	return true
}

// padding tells whether key and sign are the end of a text in base64: …ZPw==.
func (a *assignment) padding() bool {
	key := a.text[a.keyLo:a.keyHi]
	if random(key, 16) {
		return true
	}
	inside := a.keyLo > 0 && (a.text[a.keyLo-1] == '+' || a.text[a.keyLo-1] == '/')
	return inside && (a.at >= len(a.text) || space(a.text[a.at]) || quoteLen(a.text[a.at:]) > 0)
}

// atLineStart tells whether nothing but indentation, a list's dash or
// "export" stands before the key.
func (a *assignment) atLineStart() bool {
	i := strings.LastIndexByte(a.text[max(0, a.keyLo-64):a.keyLo], '\n')
	if i < 0 && a.keyLo > 64 {
		return false
	}
	before := strings.TrimSpace(a.text[max(0, a.keyLo-64)+i+1 : a.keyLo])
	return before == "" || before == "-" || before == "export" || before == "set"
}

// hide tells whether the value that was read is to be hidden.
func (a *assignment) hide() bool {
	return a.lo < a.hi && judge(a.kind, a.text[a.lo:a.hi])
}

// more goes on to the next value of a list: ["a", "b"].
func (a *assignment) more() bool {
	if !a.list || a.quote == "" {
		return false
	}
	i := skipBlank(a.text, a.at)
	if i < len(a.text) && a.text[i] == ',' {
		i++
	}
	i = skipBlank(a.text, i)
	if i >= len(a.text) || quoteLen(a.text[i:]) == 0 {
		return false
	}
	a.at = i
	return true
}

// skipBlank skips blanks and the colours of a terminal.
func skipBlank(text string, i int) int {
	for i < len(text) {
		switch {
		case blank(text[i]):
			i++
		case text[i] == '\x1b' && i+1 < len(text) && text[i+1] == '[':
			j := i + 2
			for j < len(text) && j-i < 16 && (digit(text[j]) || text[j] == ';') {
				j++
			}
			if j >= len(text) || !letter(text[j]) {
				return i
			}
			i = j + 1
		default:
			return i
		}
	}
	return i
}

// quoteLen is the length of the quotation mark at the start of s, with the
// backslashes that quote it in turn; 0 if there is none.
func quoteLen(s string) int {
	for _, q := range [...]string{"&quot;", "&#34;", "&#39;", "%22", "%27"} {
		if strings.HasPrefix(s, q) {
			return len(q)
		}
	}
	i := 0
	for i < len(s) && i < 8 && s[i] == '\\' {
		i++
	}
	if i < len(s) && (s[i] == '"' || s[i] == '\'' || s[i] == '`') {
		return i + 1
	}
	return 0
}

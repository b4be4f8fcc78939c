package redact

import (
	"regexp"
	"strings"
)

// A value is hidden whole, however long it is. The search for the mark that closes it
// ends at the next such mark, be it that of another value: so it reads each byte once
// for each kind of mark, and there are a few. Over the ends of lines it is bounded, since
// what is closed there may be something else.
const (
	// maxLines is over how many of them a quotation mark may close a value.
	maxLines = 10
	// maxNix is as much for Nix' two apostrophes, in bytes, which may be an empty value,
	// too; where the value begins on a line of its own it is maxPEM.
	maxNix = 4096
)

var (
	blockScalar = regexp.MustCompile(`^[|>][-+0-9]{0,3}[ \t]*(?:#[^\n]*)?\r?\n`)
	// schemes stand before a credential and are worth reading.
	schemes = regexp.MustCompile(`^(?i:bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|aws4-hmac-sha256)[ \t]+`)
	// wrappers are Nix functions before the value.
	wrappers = regexp.MustCompile(`^(?:lib\.)?mk(?:Force|Default|Override[ \t]+\d+)[ \t]+`)
)

// value finds where the value at a.at begins and ends. It is called again for
// the next one of a list.
func (a *assignment) value() bool {
	i := skipBlank(a.text, a.at)
	// A command line goes on after a backslash.
	if strings.HasPrefix(a.text[i:], "\\\n") {
		i = skipBlank(a.text, i+2)
	}
	if !a.list && i < len(a.text) && a.text[i] == '[' {
		a.list = true
		i = skipBlank(a.text, i+1)
	}
	if w := wrappers.FindString(a.text[i:min(len(a.text), i+64)]); w != "" {
		i += len(w)
	}
	rest := a.text[i:]
	switch {
	case rest == "":
		return false
	case rest[0] == '\n' || rest[0] == '\r':
		return a.below(i)
	case a.kind.level >= likely && blockScalar.MatchString(rest[:min(len(rest), 256)]):
		return a.indented(i)
	case a.opener != "":
		return a.element(i)
	case a.roomy && !a.colon && strings.HasPrefix(rest, "''") && len(rest) > 2 && (space(rest[2]) || strings.Contains(rest[2:max(min(len(rest), maxNix), a.ends.line(i)-i)], "''")):
		return a.enclosed(i, "''", max(i+maxPEM, a.ends.line(i))) // Nix
	case strings.HasPrefix(rest, `"""`):
		return a.enclosed(i, `"""`, len(a.text)) // TOML
	case rest[0] == '{' && !strings.HasPrefix(rest, "{{"):
		return false
	}
	if n := quoteLen(rest); n > 0 {
		a.quote = rest[:n]
		return a.quoted(i+n, n)
	}
	a.quote = ""
	scheme := ""
	if a.kind.level == sure {
		scheme = schemes.FindString(a.text[i:min(len(a.text), i+64)])
		i += len(scheme)
	}
	if scheme == "" && a.kind.name == "authorization" {
		// Prose begins so as well: "Authorization: requires a role".
		a.kind.level, a.kind.least = likely, 6
	}
	a.lo = i
	if a.wholeLine(scheme) {
		a.hi = a.lineEnd(i)
	} else {
		a.hi = a.bareEnd(i)
	}
	a.at = a.hi
	return a.lo < a.hi
}

// wholeLine tells whether an unquoted value takes the rest of its line: as in
// YAML and INI, where a password may hold blanks, and in headers of many parts.
func (a *assignment) wholeLine(scheme string) bool {
	switch {
	case scheme != "":
		return strings.HasPrefix(strings.ToLower(scheme), "digest") || strings.HasPrefix(strings.ToLower(scheme), "aws4")
	case a.kind.line && a.kind.name == "cookie":
		return strings.Contains(a.text[a.lo:a.bareEnd(a.lo)], "=")
	}
	return a.kind.level == sure && a.roomy && a.atLineStart()
}

// quoted reads a value up to the mark that opened it. A mark that is not
// closed on its line may be closed a few lines on; else the line is the value.
func (a *assignment) quoted(i, n int) bool {
	text, escape := a.text[i:], n == 1 && a.quote != "'"
	end, line, lines, j := -1, -1, 0, 0
	for ; j < len(text) && lines <= maxLines; j++ {
		if escape && text[j] == '\\' && j+1 < len(text) {
			j++
		} else if strings.HasPrefix(text[j:], a.quote) {
			end = j
			break
		}
		if text[j] == '\n' {
			if lines++; line < 0 {
				line = j
			}
		}
	}
	a.ends.work += j
	if end < 0 || line >= 0 && !closes(text[end+n:]) {
		end = len(text)
		if line >= 0 {
			end = line
		}
		if end == 0 {
			return false
		}
		a.lo, a.hi, a.at = i, i+end, i+end
		return true
	}
	a.lo, a.hi, a.at = i, i+end, i+end+n
	if a.kind.line {
		a.lo += len(schemes.FindString(a.text[a.lo:a.hi]))
	}
	return a.lo < a.hi
}

// closes tells whether what follows a quotation mark may follow a closing one.
func closes(s string) bool {
	return s == "" || space(s[0]) || strings.IndexByte(",;)]}", s[0]) >= 0
}

// enclosed reads a text between two long marks, over many lines, up to most.
func (a *assignment) enclosed(i int, mark string, most int) bool {
	i += len(mark)
	text := a.text[i:max(i, min(most, len(a.text)))]
	end := strings.Index(text, mark)
	if end < 0 {
		a.ends.work += len(text)
		return false
	}
	a.ends.work += end
	if end == 0 {
		return false
	}
	a.quote = mark
	a.lo, a.hi, a.at = i, i+end, i+end+len(mark)
	return strings.TrimSpace(text[:end]) != ""
}

// element reads what stands between <key> and </.
func (a *assignment) element(i int) bool {
	end := strings.IndexAny(a.text[i:], "<\n")
	if end <= 0 || !strings.HasPrefix(a.text[i+end:], "</") {
		return false
	}
	a.lo, a.hi, a.at = i, i+end, i+end
	return true
}

// indented reads a block of YAML: the lines that are indented more than the key.
func (a *assignment) indented(i int) bool {
	own := a.indent(a.keyLo)
	nl := strings.IndexByte(a.text[i:], '\n')
	at := i + nl + 1
	a.lo = skipBlank(a.text, at)
	a.hi = a.lo
	for at < len(a.text) {
		end := strings.IndexByte(a.text[at:], '\n')
		if end < 0 {
			end = len(a.text) - at
		}
		line := a.text[at : at+end]
		if body := strings.TrimSpace(line); body != "" {
			if len(line)-len(strings.TrimLeft(line, " \t")) <= own {
				break
			}
			a.hi = at + len(strings.TrimRight(line, " \t\r"))
		}
		at += end + 1
	}
	a.at = a.hi
	return a.lo < a.hi
}

// below reads a value on the line below its key, which must be alone and indented.
func (a *assignment) below(i int) bool {
	if a.kind.level < likely || !a.colon || !a.atLineStart() {
		return false
	}
	rest := strings.TrimLeft(a.text[i:], "\r")
	if rest == "" || rest[0] != '\n' {
		return false
	}
	line, _, _ := strings.Cut(rest[1:], "\n")
	body := strings.TrimSpace(line)
	if body == "" || strings.ContainsAny(body, " \t") || strings.HasSuffix(body, ":") || body == "-" || strings.HasPrefix(body, hole) {
		return false
	}
	depth := len(line) - len(strings.TrimLeft(line, " \t"))
	if depth <= a.indent(a.keyLo) {
		return false
	}
	a.lo = i + strings.IndexByte(a.text[i:], '\n') + 1 + depth
	a.hi = a.lo + len(body)
	a.at = a.hi
	return true
}

// indent is the indentation of the line of a key.
func (a *assignment) indent(at int) int {
	start := strings.LastIndexByte(a.text[max(0, at-256):at], '\n')
	line := a.text[max(0, at-256)+start+1 : at]
	return len(line) - len(strings.TrimLeft(line, " \t"))
}

// lineEnd is where a value ends that takes the rest of its line, without a
// comment and without the quotation mark in which key and value stand.
func (a *assignment) lineEnd(i int) int {
	line := a.text[i:a.ends.line(i)]
	if n := strings.Index(line, " #"); n >= 0 {
		line = line[:n]
	}
	if a.keyLo > 0 {
		if q := a.text[a.keyLo-1]; q == '"' || q == '\'' || q == '`' {
			if n := strings.IndexByte(line, q); n >= 0 {
				line = line[:n]
			}
		}
	}
	if a.list {
		if n := strings.IndexByte(line, ']'); n >= 0 {
			line = line[:n]
		}
	}
	return i + len(strings.TrimRight(line, " \t\r,;"))
}

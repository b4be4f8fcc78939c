package redact

import (
	"regexp"
	"strings"
)

// pemWords: a block may be cut at either end, so its beginning, its end and
// the first characters of the common encodings all tell of it.
var pemWords = []string{"private key", "b3blbnnzac1rz" + "xktdje", "miieva", "miieow", "miieog", "miiepa", "miiepq", "miijq", "miijk", "miigaa", "mc4caqawbqydk2vw", "mighageambmgbyqgsm49", "mhccaqee"}

var (
	// The tail takes what a log may set around it; \n is there for JSON.
	pemBegin = regexp.MustCompile(`-----BEGIN[ A-Z0-9_-]{0,60}PRIVATE KEY(?: BLOCK)?-----`)
	pemEnd   = regexp.MustCompile(`-----END[ A-Z0-9_-]{0,60}PRIVATE KEY(?: BLOCK)?-----`)
	// pemLine is a line of a block: base64, a header, or nothing; behind
	// whatever a log or a quotation puts before it.
	pemLine = regexp.MustCompile(`^(?:[^\n]{0,120}?(?:\]: |: |\| |> |# |\t| ))?[ \t]*(?:[A-Za-z0-9+/=]{16,}={0,2}|[A-Za-z0-9+/]*={1,2}|=[A-Za-z0-9+/]{4}|[A-Z][A-Za-z-]{2,20}: [\w ,.:-]{1,80}|)["',;\\ \t\r]*$`)
	// pemRun is base64 with real or written line ends in it.
	pemRun = regexp.MustCompile(`^(?:[A-Za-z0-9+/=]|\\r|\\n)+`)
)

// maxPEM bounds a block: the largest RSA keys take some 13 KiB.
const maxPEM = 32 << 10

// findPEM hides whole private keys. gitleaks wants both ends of a block; a log
// that was cut has only one, and the half of a key is a leak as well.
func findPEM(c *call) {
	done := 0
	for _, h := range c.hits {
		if h.lo < done {
			continue
		}
		if strings.EqualFold(c.text[h.lo:h.hi], pemWords[0]) {
			done = findBlock(c, h, done)
			continue
		}
		if h.lo > 0 && base64Byte(c.text[h.lo-1]) {
			continue
		}
		if hi := h.lo + len(pemRun.FindString(c.text[h.lo:min(len(c.text), h.lo+maxPEM)])); hi-h.lo >= 32 {
			done = bodyEnd(c.text, hi)
			c.emit(h.lo, done)
		}
	}
}

// findBlock handles the words PRIVATE KEY and returns where it stopped.
func findBlock(c *call, h hit, done int) int {
	from := max(done, h.lo-80)
	to := min(len(c.text), h.hi+16)
	for _, m := range pemBegin.FindAllStringIndex(c.text[from:to], -1) {
		lo, hi := from+m[0], from+m[1]
		if hi <= h.lo {
			continue
		}
		limit := min(len(c.text), hi+maxPEM)
		if next := strings.Index(c.text[hi:limit], "-----BEGIN"); next >= 0 {
			limit = hi + next
		}
		if end := pemEnd.FindStringIndex(c.text[hi:limit]); end != nil {
			c.emit(lo, hi+end[1])
			return hi + end[1]
		}
		stop := hi + len(pemRun.FindString(strings.TrimLeft(c.text[hi:limit], " ")))
		stop = bodyEnd(c.text, stop)
		c.emit(lo, stop)
		return stop
	}
	for _, m := range pemEnd.FindAllStringIndex(c.text[from:to], -1) {
		lo, hi := from+m[0], from+m[1]
		if hi <= h.lo {
			continue
		}
		c.emit(bodyStart(c.text, done, lo), hi)
		return hi
	}
	return done
}

// bodyEnd goes on from inside a block over the lines that belong to it.
func bodyEnd(text string, at int) int {
	limit := min(len(text), at+maxPEM)
	for at < limit {
		i := strings.IndexByte(text[at:limit], '\n')
		if i < 0 || strings.TrimSpace(text[at:at+i]) != "" {
			return at
		}
		line := text[at+i+1 : limit]
		if j := strings.IndexByte(line, '\n'); j >= 0 {
			line = line[:j]
		}
		if strings.TrimSpace(line) == "" || !pemLine.MatchString(line) {
			return at
		}
		at += i + 1 + len(strings.TrimRight(line, " \t\r"))
	}
	return at
}

// bodyStart goes back from an end line over the lines that belong to the block.
func bodyStart(text string, done, at int) int {
	floor := max(done, at-maxPEM)
	// JSON writes the whole block on one line.
	for at > floor && (base64Byte(text[at-1]) || text[at-1] == '\\') {
		at--
	}
	for at > floor {
		above := strings.TrimRight(text[floor:at], " \t\r\n")
		i := strings.LastIndexByte(above, '\n')
		line := above[i+1:]
		if len(line) < 16 || !pemLine.MatchString(line) || strings.Contains(line, hole) {
			return at
		}
		at = floor + i + 1
	}
	return at
}

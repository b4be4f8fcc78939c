package redact

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// respect says which exemptions a rule gives way to.
type respect int8

const (
	// nothing exempts: the context alone tells that a value is secret.
	nothing respect = iota
	// announced: what says itself that it is no secret, such as sha256:<hex>.
	announced
	// looks: also what merely has the shape of a digest, UUID or id.
	looks
)

// Texts that say themselves what they are.
const announcedExpr = `(?i:\b(?:sha(?:1|224|256|384|512)|md5|blake[23][bs3]?)[:=-][0-9a-f]{32,128}\b)` +
	`|\b(?:sha(?:1|256|512)|md5)-[A-Za-z0-9+/]{22,86}={0,2}` + // SRI, as Nix prints hashes
	`|\bsha(?:1|256|512):[0-9a-z]{32,103}\b` + // the same in Nix' base 32
	`|\bSHA256:[A-Za-z0-9+/]{43}\b` + // fingerprints of SSH keys
	`|/nix/store/(?:\.links/)?[0-9a-z]{32,52}` + // the hash; a name could hold anything
	`|\b[A-Za-z0-9.-]+-\d+:[A-Za-z0-9+/]{43}=` + // public keys of Nix caches
	`|\bssh-(?:ed25519|rsa) AAAA[A-Za-z0-9+/]+=*` +
	`|\bage1[a-z0-9]{58}\b` // public keys of age

// Texts that only look like digests and ids.
const looksExpr = `(?i:\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)` +
	`|\b(?:[0-9a-f]{16}|[0-9a-f]{20}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})\b` +
	`|\b[0-9a-df-np-sv-z]{32}\b|\b[0-9a-df-np-sv-z]{52}\b` + // Nix' base 32
	`|\b[0-9A-F]{16}\b|\b[0-9A-F]{32}\b|\b[0-9A-F]{40}\b` + // OpenPGP keys
	`|\$[A-Za-z0-9_-]{43}\b` + // Matrix events
	`|\b\d+\b` +
	`|(?i:\b(?:[0-9a-f]{2}[:-]){5,31}[0-9a-f]{2}\b)` // MAC addresses, fingerprints

// exemptions know what is not a secret although it looks like one.
type exemptions struct {
	announced, looks *regexp.Regexp
}

func newExemptions(prefixes []string) (exemptions, error) {
	var faults []error
	var ids []string
	for _, p := range prefixes {
		if len(p) < 2 || !strings.HasSuffix(p, "_") || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			faults = append(faults, fmt.Errorf("id prefix %q: want lower-case letters and an underscore, like \"req_\"", p))
			continue
		}
		ids = append(ids, regexp.QuoteMeta(p))
	}
	if err := errors.Join(faults...); err != nil {
		return exemptions{}, err
	}
	expr := announcedExpr
	if len(ids) > 0 {
		expr += `|\b(?:` + strings.Join(ids, "|") + `)[A-Z2-7]{26}\b`
	}
	return exemptions{regexp.MustCompile(expr), regexp.MustCompile(looksExpr)}, nil
}

// nearby is how much text around a secret is looked at for an exemption.
const nearby = 160

// maxExempt is the longest text, in bytes, that is exempt as a whole.
const maxExempt = 1024

// covers tells whether all of the text's [lo, hi) lies inside something exempt. A
// secret that merely holds something exempt is not covered.
func (c *call) covers(lo, hi int, how respect) bool {
	if how == nothing || hi-lo > maxExempt {
		return false
	}
	p := c.passage(lo / maxExempt)
	return inside(p.announced, lo, hi) || how == looks && inside(p.looks, lo, hi)
}

func inside(ranges [][]int, lo, hi int) bool {
	return slices.ContainsFunc(ranges, func(m []int) bool { return m[0] <= lo && hi <= m[1] })
}

// passage is what is exempt in one stretch of a text, by its bounds there. It is found
// once for all secrets that begin in that stretch: where there are many of them, that
// is what takes the time.
type passage struct {
	announced, looks [][]int
}

// passage is the one of the text that begins at n*maxExempt.
func (c *call) passage(n int) *passage {
	if p := c.passages[n]; p != nil {
		return p
	}
	from, to := clip(c.text, n*maxExempt-nearby, (n+2)*maxExempt+nearby)
	find := func(re *regexp.Regexp) [][]int {
		all := re.FindAllStringIndex(c.text[from:to], -1)
		for _, m := range all {
			m[0], m[1] = from+m[0], from+m[1]
		}
		return all
	}
	if c.passages == nil {
		c.passages = make(map[int]*passage)
	}
	c.passages[n] = &passage{find(c.exempt.announced), find(c.exempt.looks)}
	return c.passages[n]
}

// clip bounds a range to the text and widens it to whole words, up to a few more bytes.
func clip(text string, lo, hi int) (int, int) {
	lo, hi = max(lo, 0), min(hi, len(text))
	for n := 0; n < nearby && lo > 0 && wordByte(text[lo-1]); n++ {
		lo--
	}
	for n := 0; n < nearby && hi < len(text) && (wordByte(text[hi]) || text[hi] >= 0x80); n++ {
		hi++
	}
	return lo, hi
}

package redact

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode/utf8"
)

// DefaultMaxRunes is the length at which Redact cuts when Options names none.
// Chats take far less; the bound is there for the time that a hostile log may cost.
const DefaultMaxRunes = 1 << 20

// Names of the rules that are not about a kind of secret.
const (
	// RuleTooLong marks where a text was cut at Options.MaxRunes.
	RuleTooLong = "too-long"
	// RuleWithheld stands for a whole text that could not be redacted for sure.
	RuleWithheld = "withheld"
)

// maxRounds is how often a text is looked at before it is withheld. Two is
// usual (find, then find nothing); each further round needs a secret that
// came into view only when its neighbour went.
const maxRounds = 6

// Options say what a Redactor knows beyond its built-in rules.
type Options struct {
	// IDPrefixes are the prefixes of the ids that the bot makes, with their
	// underscore: "thr_", "req_". An id is a prefix and 26 characters A–Z2–7.
	IDPrefixes []string
	// Rules are the operator's own.
	Rules []Rule
	// Known are secrets whose value is known: those that the bot was given.
	Known []Known
	// MaxRunes bounds a text; what is longer is cut and marked. 0 means DefaultMaxRunes.
	MaxRunes int
}

// Rule is a configured rule. Its name appears in markers and findings:
// lower-case words with dashes.
type Rule struct {
	Name string
	// Pattern is in Go's (RE2) syntax. If it has a group named "secret", that
	// is what is hidden; else its first group; else the whole match.
	Pattern string
}

// Known is a secret whose value is known. Name appears in markers and faults, Value never.
type Known struct {
	Name  string
	Value string
}

// String tells the name alone, so that a logged Known leaks nothing.
func (k Known) String() string { return "known secret " + k.Name }

// GoString is String: %#v must not leak either.
func (k Known) GoString() string { return k.String() }

// LogValue is String, for slog.
func (k Known) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String, for encoders.
func (k Known) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Finding tells that a rule hid something. It never holds what was hidden.
type Finding struct {
	Rule string
}

// Redactor hides secrets in texts. It is safe for concurrent use.
type Redactor struct {
	rules    []*rule
	words    *matcher
	wordRule [][]int32 // for each word of the matcher, the rules that it wakes
	always   []*rule   // rules without keywords: the configured ones
	known    knownSet
	exempt   exemptions
	maxRunes int
}

// New makes a Redactor. It returns every fault of the options at once; none of
// them repeats a secret's value.
func New(o Options) (*Redactor, error) {
	var faults []error
	r := &Redactor{maxRunes: o.MaxRunes}
	if r.maxRunes <= 0 {
		r.maxRunes = DefaultMaxRunes
	}
	var err error
	if r.exempt, err = newExemptions(o.IDPrefixes); err != nil {
		faults = append(faults, err)
	}
	if r.known, err = newKnownSet(o.Known); err != nil {
		faults = append(faults, err)
	}
	r.rules = ownRules()
	vendor, err := gitleaksRules()
	if err != nil {
		faults = append(faults, err)
	}
	r.rules = append(r.rules, vendor...)
	seen := map[string]bool{}
	for _, c := range o.Rules {
		custom, err := configuredRule(c)
		switch {
		case err != nil:
			faults = append(faults, err)
		case seen[c.Name]:
			faults = append(faults, fmt.Errorf("redaction rule %q: configured twice", c.Name))
		default:
			seen[c.Name] = true
			r.always = append(r.always, custom)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	r.words, r.wordRule = indexWords(r.rules)
	return r, nil
}

// configuredRule compiles an operator's rule.
func configuredRule(c Rule) (*rule, error) {
	if !validName(c.Name) {
		return nil, fmt.Errorf("redaction rule %q: a name is lower-case words joined by dashes, at most %d characters", c.Name, maxName)
	}
	re, err := regexp.Compile(c.Pattern)
	if err != nil {
		return nil, fmt.Errorf("redaction rule %q: %w", c.Name, err)
	}
	if re.MatchString("") {
		return nil, fmt.Errorf("redaction rule %q: its pattern matches the empty text", c.Name)
	}
	groups := []int{0}
	if i := re.SubexpIndex("secret"); i > 0 {
		groups = []int{i}
	} else if re.NumSubexp() > 0 {
		groups = []int{1}
	}
	return &rule{name: c.Name, rank: rankConfigured, find: func(c *call) {
		for _, m := range re.FindAllStringSubmatchIndex(c.text, -1) {
			for _, g := range groups {
				c.emit(m[2*g], m[2*g+1])
			}
		}
	}}, nil
}

// indexWords builds the automaton over the keywords of all rules.
func indexWords(rules []*rule) (*matcher, [][]int32) {
	var words []string
	var wake [][]int32
	index := map[string]int{}
	for i, rl := range rules {
		for _, w := range rl.words {
			at, ok := index[w]
			if !ok {
				at = len(words)
				index[w] = at
				words = append(words, w)
				wake = append(wake, nil)
			}
			wake[at] = append(wake[at], int32(i))
		}
	}
	return newMatcher(words), wake
}

// Redact returns s with its secrets replaced by markers, and one Finding for
// each. The result is valid UTF-8, and Redact leaves it as it is. If
// something in here fails, the whole text is withheld.
func (r *Redactor) Redact(s string) (out string, found []Finding) {
	defer func() {
		// What a redactor that panics would have hidden is unknown: nothing
		// may pass, and the bot must go on.
		if recover() != nil {
			out, found = marker(RuleWithheld), []Finding{{RuleWithheld}}
		}
	}()
	return r.redact(s)
}

// Alters tells whether Redact would change s. A plan of which that is true
// cannot be approved: people would not see what they agree to.
func (r *Redactor) Alters(s string) bool {
	out, _ := r.Redact(s)
	return out != s
}

// String says nothing about rules or secrets.
func (r *Redactor) String() string { return "redactor" }

// GoString keeps %#v from printing the known secrets.
func (r *Redactor) GoString() string { return "redactor" }

// LogValue keeps slog from printing the known secrets.
func (r *Redactor) LogValue() slog.Value { return slog.StringValue("redactor") }

func (r *Redactor) redact(s string) (string, []Finding) {
	text, names := fold(s)
	var found []Finding
	if cut, ok := cutRunes(text, r.maxRunes); ok {
		cut = text[:r.before(text, len(cut))]
		names = append(names[:strings.Count(cut, hole)], RuleTooLong)
		text = cut + hole
		found = append(found, Finding{RuleTooLong})
	}
	for range maxRounds {
		spans := settle(text, r.scan(text))
		if len(spans) == 0 {
			return unfold(text, names), found
		}
		for _, sp := range spans {
			found = append(found, Finding{sp.name})
		}
		text, names = splice(text, names, spans)
	}
	return marker(RuleWithheld), append(found, Finding{RuleWithheld})
}

// before moves the place of a cut to the beginning of what is secret there: the part
// that would be left of it may be too short for its rule, or be no known secret any more.
func (r *Redactor) before(text string, cut int) int {
	around := max(maxPEM, 4*r.known.longest())
	lo, hi := max(0, cut-around), min(len(text), cut+around)
	for lo < cut && !utf8.RuneStart(text[lo]) {
		lo++
	}
	for hi < len(text) && !utf8.RuneStart(text[hi]) {
		hi++
	}
	for _, sp := range settle(text[lo:hi], r.scan(text[lo:hi])) {
		if lo+sp.lo < cut && cut < lo+sp.hi {
			return lo + sp.lo
		}
	}
	return cut
}

// scan is one round: every rule that has a reason to look, looks.
func (r *Redactor) scan(text string) []span {
	c := &call{text: text, exempt: &r.exempt}
	r.known.find(c)
	for _, rl := range r.always {
		c.run(rl, nil)
	}
	hits := make([][]hit, len(r.rules))
	r.words.scan(text, func(word, end int) {
		h := hit{end - len(r.words.words[word]), end}
		for _, i := range r.wordRule[word] {
			hits[i] = append(hits[i], h)
		}
	})
	for i, rl := range r.rules {
		if len(hits[i]) > 0 {
			c.run(rl, hits[i])
		}
	}
	return c.spans
}

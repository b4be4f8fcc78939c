package commands

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"watchstander/bot"
)

// Meant tells whether a line is meant for the bot; the package comment has the
// rules. It looks at the line alone: the same line is always judged alike.
func (i *Interpreter) Meant(line string, addressed bool) bool {
	line = clean(line)
	if line == "" {
		return false
	}
	if addressed {
		return true
	}
	rest, prefix := withoutPrefix(line)
	r := reader{line: rest}
	switch first, any := r.peek(); {
	case i.givesCode(rest):
		return true // it must not be met with silence, nor stay in the room
	case prefix == prefixNone:
		return i.meantBare(rest)
	case !any || prefix == prefixSure:
		return true
	default: // our name, which may as well be a sentence's subject
		return !first.is(talk...)
	}
}

// meantBare judges a line that does not say whom it is for.
func (i *Interpreter) meantBare(line string) bool {
	r := reader{line: line}
	first, _ := r.peek()
	if first.quoted || !onlyLetters(first.text) {
		return false
	}
	c, name, after := i.resolve(reader{line: lowerFirst(line)})
	if c == nil {
		return i.meantMisspelt(line, lowerFirst(first.text))
	}
	if len(name) < 3 || strings.Contains(line, "\n") {
		return i.reads(c, line, after)
	}
	second, more := after.peek()
	switch {
	case !more && c.Family == familyChecklists:
		return i.reads(c, line, after) // "done" alone is said among people
	case !more || takesRemark(c):
		return true
	case c.Gated:
		return strings.HasPrefix(strings.ToLower(second.text), "pln_") || i.reads(c, line, after)
	case c.Family == familyIncidents:
		// Its arguments begin with words that are talk elsewhere: because, of, me.
		return i.reads(c, line, after) || changing(c) && !second.is(talk...) && i.begins(c, line, after)
	case second.is(talk...):
		return false
	case everyday(c) && changing(c):
		// A slip behind the name must not be met with silence.
		return i.begins(c, line, after)
	case everyday(c):
		return i.reads(c, line, after)
	case changing(c):
		return true
	}
	alias := name != c.Name
	return !alias && len(strings.Fields(line)) <= 3 || i.reads(c, line, after)
}

// meantMisspelt: a slip in the name must not make somebody wait for an answer.
func (i *Interpreter) meantMisspelt(line, first string) bool {
	if len(strings.Fields(line)) > 3 || ordinary[first] {
		return false
	}
	for k := range i.list {
		c := &i.list[k]
		if everyday(c) || !misspelt(first, c.Name) {
			continue // their neighbours are words of everyday talk as well
		}
		after := reader{line: line}
		after.next()
		if second, _ := after.peek(); !second.is(talk...) && i.reads(c, line, after) {
			return true
		}
	}
	return false
}

// reads tells whether the words after a name are arguments of the command, in a
// thread or outside.
func (i *Interpreter) reads(c *bot.Command, line string, after reader) bool {
	for _, inThread := range []bool{true, false} {
		p := parser{command: c, line: line, r: after, inThread: inThread, shape: true}
		if _, err := p.parse(); err == nil {
			return true
		}
	}
	return false
}

// begins tells whether the first words after a name are the first argument that the
// command can have.
func (i *Interpreter) begins(c *bot.Command, line string, after reader) bool {
	p := parser{command: c, line: line, r: after, inThread: true, shape: true}
	for _, a := range c.Args {
		if _, fits, err := p.read(a); fits || err != nil || !a.Optional {
			return fits && err == nil
		}
	}
	return false
}

type prefix int

const (
	prefixNone prefix = iota
	// prefixName is our name alone; people also talk about us.
	prefixName
	// prefixSure is a prefix that nobody writes to anybody else.
	prefixSure
)

// withoutPrefix takes "!", "ws" or "watchstander" from a line's beginning.
func withoutPrefix(line string) (string, prefix) {
	if rest, ok := strings.CutPrefix(line, "!"); ok {
		rest = strings.TrimSpace(rest)
		if c, _ := utf8.DecodeRuneInString(rest); unicode.IsLetter(c) || c == '?' {
			return rest, prefixSure
		}
		return line, prefixNone // "!!!", "!="
	}
	for _, name := range []string{"ws", "watchstander"} {
		if len(line) < len(name) || !strings.EqualFold(line[:len(name)], name) {
			continue
		}
		rest := line[len(name):]
		c, size := utf8.DecodeRuneInString(rest)
		switch {
		case size == 0:
			return "", prefixSure
		case c == ':' || c == ',':
			return strings.TrimSpace(rest[size:]), prefixSure
		case unicode.IsSpace(c):
			return strings.TrimSpace(rest), prefixName
		}
	}
	return line, prefixNone
}

// lowerFirst undoes what a phone does to a line's first letter.
func lowerFirst(s string) string {
	c, size := utf8.DecodeRuneInString(s)
	if size == 0 || unicode.ToLower(c) == c {
		return s
	}
	return string(unicode.ToLower(c)) + s[size:]
}

func onlyLetters(s string) bool {
	for _, c := range s {
		if !unicode.IsLetter(c) {
			return false
		}
	}
	return s != ""
}

// changing tells whether a command does more than look.
func changing(c *bot.Command) bool { return c.Gated || c.Role != "" && c.Role != bot.RoleObserver }

// takesRemark: whatever follows the name may be a remark, as after ack.
func takesRemark(c *bot.Command) bool {
	for _, a := range c.Args {
		if a.Kind == bot.ArgRest {
			return true
		}
		if !a.Optional {
			break
		}
	}
	return false
}

// talk are words that often follow a noun or a verb in a sentence, and that
// begin no argument. (Not here: for, until, on, all, find, over.)
var talk = []string{
	"a", "about", "already", "am", "an", "and", "any", "are", "aren't", "as", "at", "be", "because", "been", "but",
	"by", "came", "can", "can't", "check", "checks", "complete", "completed", "could", "did", "do", "does", "doesn't",
	"done", "failed", "finished", "from", "gets",
	"got", "had", "has", "have", "her", "here", "him", "his", "i", "if", "in", "is", "isn't", "it", "its", "it's",
	"keeps", "lgtm", "look", "looked", "looks", "me", "must", "my", "needed", "no", "not", "of", "or", "our",
	"page", "pages", "plan", "plans", "please", "pls", "plz", "quo", "reply", "report", "reports", "said", "says", "seem", "seems",
	"should", "so", "still", "succeeded", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
	"those", "to", "too", "update", "updates", "us", "wanted", "was", "wasn't", "we", "went", "were", "what", "when",
	"which", "while", "who", "why", "will", "with", "won't", "worked", "works", "would", "yes", "yet", "you", "your",
	"isn’t", "aren’t", "can’t", "doesn’t", "it’s", "wasn’t", "won’t",
}

// ordinary are words of their own that are one or two slips from a name.
var ordinary = setOf(
	// alerts
	"adverts", "agents", "alarms", "albert", "alert", "alerted", "alters", "alts", "avert", "averts",
	// approvals, approve, cancel, confirm, deny, statement
	"approval", "approved", "approver", "approves", "improve", "proven", "cancelled", "canceled", "cancels", "chance", "chances", "channel", "confirmed", "confirms",
	"conform", "denial", "denied", "dense", "dent", "dents", "dene", "defy", "dewy", "dory", "statements", "testament",
	// deploy
	"delay", "deploys", "deployed", "deployer", "destroy", "employ",
	// diff, drift
	"biff", "daft", "deft", "difs", "draft", "drafts", "drifts", "duff", "riff", "tiff",
	// generations
	"generation", "generational", "generators",
	// graph
	"graft", "grape", "graphs", "grasp", "graphic",
	// help
	"heap", "heaps", "held", "hell", "helm", "helms", "helped", "helps", "hemp", "herp",
	// rollback
	"rollbacks", "rollbar",
	// silence, silences
	"salience", "sciences", "science", "sentences", "silenced", "silencer", "silencers", "silencing", "silent", "since",
	// status
	"saturn", "stabs", "stacks", "staffs", "stages", "stags", "stains", "stairs", "stakes", "stalls", "stamps",
	"stands", "starts", "stars", "stat", "state", "states", "static", "statics", "stats", "statuses", "statue", "statues",
	"statute", "stays", "stratus",
	// unack, unsilence
	"unlock", "unpack", "unsilenced",
	// whoami
	"whom", "whoa",
)

func setOf(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

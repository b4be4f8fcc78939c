package slackfake

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// checker collects what is wrong with blocks, in the words in which Slack tells it
// ("… [json-pointer:/blocks/0/text/text]").
type checker struct {
	f        *Fake
	code     string // the answer's error
	faults   []string
	actions  map[string]bool // action ids seen
	blockIDs map[string]bool
	inputs   int
}

func (v *checker) fault(at, format string, args ...any) {
	if len(v.faults) < 20 {
		v.faults = append(v.faults, fmt.Sprintf(format, args...)+" [json-pointer:"+at+"]")
	}
}

// A check looks at one value of decoded JSON.
type check func(v *checker, at string, x any)

// fields are what an object may have; those with "!" it must have.
type fields map[string]check

// has checks an object: every field is known, and what must be there is.
func (want fields) check(v *checker, at string, x any) {
	o, ok := x.(object)
	if !ok {
		v.fault(at, "must provide an object")
		return
	}
	for name, value := range o {
		c, known := want[name]
		if !known {
			c, known = want["!"+name]
		}
		switch {
		case !known:
			v.fault(at, "invalid additional property: %s", name)
		case value == nil:
			v.fault(at+"/"+name, "must not be null")
		default:
			c(v, at+"/"+name, value)
		}
	}
	for name := range want {
		if name, must := strings.CutPrefix(name, "!"); must {
			if _, there := o[name]; !there {
				v.fault(at, "missing required field: %s", name)
			}
		}
	}
}

// byType checks an object by what its type says.
func byType(kinds map[string]check) check {
	return func(v *checker, at string, x any) {
		o, ok := x.(object)
		if !ok {
			v.fault(at, "must provide an object")
			return
		}
		kind, _ := o["type"].(string)
		c, known := kinds[kind]
		if !known {
			v.fault(at+"/type", "unsupported type: %s", kind)
			return
		}
		c(v, at, x)
	}
}

// str is a string of least to most characters.
func str(least, most int) check {
	return func(v *checker, at string, x any) {
		s, ok := x.(string)
		n := utf8.RuneCountInString(s)
		switch {
		case !ok:
			v.fault(at, "must be a string")
		case n < least:
			v.fault(at, "must be more than %d characters", least-1)
		case n > most:
			v.fault(at, "must be less than %d characters", most+1)
		case strings.ContainsRune(s, 0):
			v.fault(at, "must not hold a null character")
		}
	}
}

// word is one of the given strings.
func word(all ...string) check {
	return func(v *checker, at string, x any) {
		if s, ok := x.(string); !ok || !slices.Contains(all, s) {
			v.fault(at, "must be one of: %s", strings.Join(all, ", "))
		}
	}
}

func truth(v *checker, at string, x any) {
	if _, ok := x.(bool); !ok {
		v.fault(at, "must be a boolean")
	}
}

func number(least, most float64) check {
	return func(v *checker, at string, x any) {
		if n, ok := x.(float64); !ok || n < least || n > most || n != float64(int64(n)) {
			v.fault(at, "must be a whole number from %v to %v", least, most)
		}
	}
}

// list is an array of least to most values.
func list(least, most int, each check) check {
	return func(v *checker, at string, x any) {
		all, ok := x.([]any)
		switch {
		case !ok:
			v.fault(at, "must be an array")
			return
		case len(all) < least:
			v.fault(at, "no fewer than %d items allowed", least)
		case len(all) > most:
			v.fault(at, "no more than %d items allowed", most)
		}
		for i, one := range all {
			each(v, fmt.Sprintf("%s/%d", at, i), one)
		}
	}
}

// link is an absolute address of at most most characters, which people may open.
func link(most int, schemes ...string) check {
	return func(v *checker, at string, x any) {
		s, ok := x.(string)
		u, err := url.Parse(s)
		switch {
		case !ok || s == "":
			v.fault(at, "must be a URL")
		case utf8.RuneCountInString(s) > most:
			v.fault(at, "must be less than %d characters", most+1)
		case err != nil || !slices.Contains(schemes, u.Scheme) || strings.ContainsAny(s, " \n\t<>"):
			v.fault(at, "must be a valid URL")
		}
	}
}

// text is a text object of the given kinds (documented: "Text object"): plain_text has
// emoji, mrkdwn has verbatim.
func text(most int, kinds ...string) check {
	shape := fields{"!type": word(kinds...), "!text": str(1, most), "emoji": truth, "verbatim": truth}
	return func(v *checker, at string, x any) {
		shape.check(v, at, x)
		if o, ok := x.(object); ok {
			if _, has := o["emoji"]; has && o["type"] == "mrkdwn" {
				v.fault(at+"/emoji", "allowed with plain_text only")
			}
			if _, has := o["verbatim"]; has && o["type"] == "plain_text" {
				v.fault(at+"/verbatim", "allowed with mrkdwn only")
			}
		}
	}
}

// also adds a check of the whole to a shape's.
func (want fields) also(more func(v *checker, at string, o object)) check {
	return func(v *checker, at string, x any) {
		want.check(v, at, x)
		if o, ok := x.(object); ok {
			more(v, at, o)
		}
	}
}

// actionID is unique in a message (documented: in its block; across the message is our
// stricter choice).
func actionID(v *checker, at string, x any) {
	str(1, 255)(v, at, x)
	if s, _ := x.(string); s != "" {
		if v.actions[s] {
			v.fault(at, "action_id %s already exists", s)
		}
		v.actions[s] = true
	}
}

func blockID(v *checker, at string, x any) {
	str(1, 255)(v, at, x)
	if s, _ := x.(string); s != "" {
		if v.blockIDs[s] {
			v.fault(at, "block_id %s already exists", s)
		}
		v.blockIDs[s] = true
	}
}

package commands

import (
	"regexp"
	"slices"
	"strings"

	"watchstander/bot"
)

// apart is what people, and what they copy from, put between the digits of a code:
// blanks of every kind, dashes of every kind, and what cannot be seen.
const apart = `[\s\p{Z}\p{Cf}\x00\x{0B}\x{85}\x{FFFD}\p{Pd}\x{2212}]{0,4}`

var (
	// code is a time-based code as people type it: "123456", "123 456", "123-456". It
	// is no part of a longer word: ids hold digits too.
	code = regexp.MustCompile(`\b[0-9](?:` + apart + `[0-9]){5,7}\b`)
	// date is eight digits that no code has.
	date = regexp.MustCompile(`^[12][0-9]{3}-[01][0-9]-[0-3][0-9]$`)
	// behindPlan is a code behind a plan's id, wherever in a line.
	behindPlan = regexp.MustCompile(`(?i)\bpln_[a-z2-7]+` + apart + `\b(` + `[0-9](?:` + apart + `[0-9]){5,7})\b`)
	// cutOff is the beginning of a number that was too far behind to be repeated whole.
	cutOff = regexp.MustCompile(`\b[0-9]+(?:` + apart + `[0-9]+)*` + apart + `…`)
)

// inItsPlace is what is written in the place of a code.
const inItsPlace = "CODE"

// codesOf are the codes of a line, as they stand in it.
func codesOf(line string) []string {
	return slices.DeleteFunc(code.FindAllString(line, -1), date.MatchString)
}

// withoutCodes puts a word in the place of all of them.
func withoutCodes(line string) string {
	return code.ReplaceAllStringFunc(line, func(s string) string {
		if date.MatchString(s) {
			return s
		}
		return inItsPlace
	})
}

// digitsOf are a code's digits alone.
func digitsOf(s string) string {
	return strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, s)
}

// WithoutCode is a line without the time-based code that it holds; had is false
// where it holds none. A slip in the command's name, or its words in another
// order, leave a code that was not even used: such lines count too, and so does a
// code that stands alone or behind a plan's id. A number elsewhere is a number.
func (i *Interpreter) WithoutCode(line string) (masked string, had bool) {
	rest, _ := withoutPrefix(clean(line))
	if !i.givesCode(rest) && !codeAlone(rest) {
		return line, false
	}
	return withoutCodes(line), true
}

// codeDigits are how many a code has; mostCodes bounds what one line may hold of them.
const (
	codeDigits = 6
	mostCodes  = 4
)

// Codes are the digits of what WithoutCode takes out of a line, six and six: where
// more stand together, whichever six of them may be the code. It is a few at most.
func (i *Interpreter) Codes(line string) (codes []string) {
	if _, had := i.WithoutCode(line); !had {
		return nil
	}
	for _, c := range codesOf(line) {
		digits := digitsOf(c)
		for at := range len(digits) - codeDigits + 1 {
			codes = append(codes, digits[at:at+codeDigits])
		}
	}
	return codes[:min(len(codes), mostCodes)]
}

func codeAlone(line string) bool {
	return len(codesOf(line)) > 0 && strings.TrimSpace(strings.ReplaceAll(withoutCodes(line), inItsPlace, "")) == ""
}

// givesCode tells whether somebody means to give a code for a plan, well said or
// not.
func (i *Interpreter) givesCode(line string) bool {
	if len(codesOf(line)) == 0 || strings.Contains(line, signatureBegin) {
		return false
	}
	if m := behindPlan.FindStringSubmatch(line); m != nil && !date.MatchString(m[1]) {
		return true
	}
	r := reader{line: line}
	first, _ := r.next()
	name := strings.ToLower(first.text)
	if strings.HasPrefix(name, "pln_") {
		return true
	}
	if ordinary[name] {
		return false
	}
	return slices.ContainsFunc(i.list, func(c bot.Command) bool {
		switch {
		case c.Name != name && !misspelt(name, c.Name):
			return false
		case takesProof(c):
			return true
		}
		// A word on a plan that needs no proof is given one all the same.
		at := code.FindStringIndex(r.rest())
		return c.Gated && takes(c, kindPlan) && at != nil && at[0] == 0
	})
}

func takesProof(c bot.Command) bool { return takes(c, kindProof) }

func takes(c bot.Command, kind bot.ArgKind) bool {
	return slices.ContainsFunc(c.Args, func(a bot.Arg) bool { return a.Kind == kind })
}

// unrepeated is what is said about a line, without the codes that the line holds: not
// whole, not cut off, and none of the groups that they were typed in.
func unrepeated(message, line string) string {
	message = cutOff.ReplaceAllString(withoutCodes(message), inItsPlace+"…")
	for _, c := range codesOf(line) {
		for _, part := range strings.FieldsFunc(c, func(c rune) bool { return c < '0' || c > '9' }) {
			if len(part) > 1 {
				message = regexp.MustCompile(`\b`+part+`\b`).ReplaceAllString(message, inItsPlace)
			}
		}
	}
	return message
}

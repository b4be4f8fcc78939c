package commands

import (
	"regexp"
	"slices"
	"strings"

	"watchstander/bot"
)

// code is a time-based code as people type it, with or without blanks. It is no
// part of a longer word: ids hold digits too.
var code = regexp.MustCompile(`\b[0-9](?:[ \t]?[0-9]){5,7}\b`)

// inItsPlace is what is written in the place of a code.
const inItsPlace = "CODE"

// WithoutCode is a line without the time-based code that it holds; had is false
// where it holds none. A slip in the command's name, or its words in another
// order, leave a code that was not even used: such lines count too, and so does a
// code that stands alone or behind a plan's id. A number elsewhere is a number.
func (i *Interpreter) WithoutCode(line string) (masked string, had bool) {
	rest, _ := withoutPrefix(clean(line))
	alone := strings.TrimSpace(code.ReplaceAllString(rest, "")) == ""
	if rest == "" || !alone && !i.givesCode(rest) {
		return line, false
	}
	return code.ReplaceAllString(line, inItsPlace), true
}

// givesCode tells whether somebody means to give a code for a plan, well said or
// not.
func (i *Interpreter) givesCode(line string) bool {
	if !code.MatchString(line) || strings.Contains(line, signatureBegin) {
		return false
	}
	r := reader{line: line}
	first, _ := r.peek()
	name := strings.ToLower(first.text)
	return strings.HasPrefix(name, "pln_") || !ordinary[name] &&
		slices.ContainsFunc(i.list, func(c bot.Command) bool { return takesProof(c) && (c.Name == name || misspelt(name, c.Name)) })
}

func takesProof(c bot.Command) bool {
	return slices.ContainsFunc(c.Args, func(a bot.Arg) bool { return a.Kind == kindProof })
}

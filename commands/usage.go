package commands

import (
	"fmt"
	"strings"

	"watchstander/bot"
)

// unfit is the error for a needed argument that is missing, or is something else.
func (p *parser) unfit(a bot.Arg) error {
	w, ok := p.r.peek()
	switch {
	case !ok:
		return p.fault("%s is missing.", missing(a))
	case w.unclosed:
		return p.wrong(w, "opens a quote that nothing closes.")
	}
	return p.wrong(w, "is no "+noun(a.Kind)+".")
}

func missing(a bot.Arg) string {
	if a.Kind == bot.ArgDuration {
		return "a duration"
	}
	return strings.ToUpper(a.Name)
}

func noun(k bot.ArgKind) string {
	switch k {
	case bot.ArgDuration:
		return "duration; write e.g. `2h`, `1d12h`, `until 18:00`"
	case bot.ArgThread:
		return "thread; write its id, e.g. `thr_ABCD`"
	case bot.ArgAlert:
		return "alert; write its number, e.g. `#3`"
	case bot.ArgNumber:
		return "number"
	}
	return string(k)
}

// wrong points at a word.
func (p *parser) wrong(w word, what string) error {
	return p.fault("`%s` (word %d) %s", echo(w.raw, echoWord), w.n, what)
}

// fault is an error in the line: the line, what is wrong, and how it should be.
func (p *parser) fault(format string, args ...any) error {
	return bot.Errorf(bot.CodeInvalid, "%s: %s Usage: `%s`", echo(p.line, echoLine), fmt.Sprintf(format, args...), Usage(p.command))
}

// Usage is a command's grammar in one line.
func Usage(c *bot.Command) string {
	var b strings.Builder
	b.WriteString(c.Name)
	for _, a := range c.Args {
		s := placeholder(a)
		if a.Optional {
			s = "[" + s + "]"
		}
		b.WriteString(" " + s)
	}
	return b.String()
}

func placeholder(a bot.Arg) string {
	name := strings.ToUpper(a.Name)
	switch a.Kind {
	case bot.ArgDuration:
		return "DURATION|until TIME"
	case bot.ArgAlert:
		return "#N"
	case bot.ArgRest:
		return name + "…"
	case kindAll:
		return "all"
	case kindExpression:
		return "EXPRESSION… [over DURATION]"
	case kindOn:
		return "on NAME"
	case kindSilence:
		return "ID|THREAD|all"
	case kindTarget:
		return "#N|all|THREAD|{MATCHERS}"
	case kindWhich:
		return "THREAD|all|find WORDS…"
	}
	return name
}

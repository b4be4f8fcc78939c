package commands

import (
	"strings"

	"watchstander/bot"
)

// Offered tells what is wrong with a line that people are to be offered, as a checklist's
// item does; "" for nothing. It must begin with a command's name, and what follows must
// be what the command takes.
func (i *Interpreter) Offered(line string) string {
	rest, _ := withoutPrefix(clean(line))
	if rest == "" || len(rest) > lineMost {
		return "write what people would type"
	}
	c, name, after := i.resolve(reader{line: rest})
	if c == nil {
		return strings.TrimSuffix(bot.ForPeople(i.unknown(rest)), ".")
	}
	if !i.reads(c, rest, after) {
		return "`" + name + "` takes " + strings.Join(exampleLines(c), ", ")
	}
	return ""
}

// exampleLines are a command's examples, as people type them.
func exampleLines(c *bot.Command) (out []string) {
	for _, x := range c.Examples {
		out = append(out, "`"+x+"`")
	}
	return out
}

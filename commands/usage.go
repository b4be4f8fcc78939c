package commands

import (
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
)

// unfit is the error for a needed argument that is missing, or is something else.
func (p *parser) unfit(a bot.Arg) error {
	w, ok := p.r.peek()
	switch {
	case !ok && a.Kind == bot.ArgDuration:
		return p.howLong()
	case !ok:
		return p.fault("%s is missing.", strings.ToUpper(a.Name))
	case w.unclosed:
		return p.wrong(w, "opens a quote that nothing closes.")
	}
	return p.wrong(w, "is no "+noun(a.Kind)+".")
}

// howLong asks for a duration with two lines that could be sent as they are.
func (p *parser) howLong() error {
	if !p.inThread && strings.EqualFold(strings.TrimSpace(p.line), p.command.Name) {
		return bot.Errorf(bot.CodeInvalid, "%s: say what, and for how long; e.g. `%s thr_ABCD 2h` or `%s {alertname=\"DiskFull\"} until 18:00`.",
			echo(p.line, echoLine), p.command.Name, p.command.Name)
	}
	line := echo(p.line, echoLine)
	return bot.Errorf(bot.CodeInvalid, "%s: say for how long; e.g. `%s 2h` or `%s until 18:00`.", line, line, line)
}

// leftover is the error for words that no argument took; none: nothing was taken
// at all. What they were probably meant as is said.
func (p *parser) leftover(w word, none bool) error {
	takes := func(k bot.ArgKind) bool {
		return slices.ContainsFunc(p.command.Args, func(a bot.Arg) bool { return a.Kind == k })
	}
	switch {
	case w.unclosed:
		return p.wrong(w, "opens a quote that nothing closes.")
	case takes(kindCommand):
		return p.told(w, "is more than one command's name; write e.g. `help silence`, or `help` alone.")
	case takes(kindSize):
		return p.told(w, "says no limit; write e.g. `"+p.command.Name+" max 32G min 4G`.")
	case takes(kindUnit) && w.is("restart") && p.command.Name == "service":
		return p.told(w, "comes first: `service restart NAME`.")
	case takes(kindRepositories):
		return p.told(w, "is no repository's name and no part; write e.g. `"+p.command.Name+" b2 part 3/12`. `backup status` lists the repositories.")
	case takes(kindHours):
		return p.told(w, "is no number of hours; write e.g. `"+p.command.Name+" 24`.")
	case takes(kindSpan):
		return p.told(w, "is no span; write how far back, e.g. `"+p.command.Name+" 7d`.")
	case none && takes(kindGeneration):
		return p.told(w, "is no generation; write its number, e.g. `"+p.command.Name+" 41`. `generations` lists them.")
	case none && takes(kindSilence) && likeSilenceID(w.text):
		return p.told(w, fmt.Sprintf("is too short for a silence's id: write its first %d characters at least. `silences` lists them.", silenceLeast))
	case none && takes(kindSilence):
		return p.told(w, "is no silence's id and no thread's. `silences` lists the silences, `alerts` the threads.")
	case none && takes(kindWhich) && likeFind(w):
		return p.notFind(w)
	case none && takes(kindWhich):
		return p.told(w, "is no thread's id. `alerts` lists the open ones; to search: `alerts find "+echo(p.r.rest(), echoWord)+"`.")
	}
	return p.wrong(w, "is more than I can read here.")
}

// likeFind tells a slip in "find" from a thread's id.
func likeFind(w word) bool { return !w.quoted && misspelt(strings.ToLower(w.text), "find") }

func (p *parser) notFind(w word) error {
	ahead := p.r
	ahead.next()
	what := echo(ahead.rest(), echoWord)
	if what == "" {
		what = "WORDS"
	}
	return p.told(w, "is no thread's id. Did you mean `alerts find "+what+"`?")
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
	case kindUnit:
		return "unit; write its name, e.g. `nginx`"
	case kindRepository:
		return "repository; write its name, e.g. `b2`"
	case kindGeneration:
		return "generation; write its number, e.g. `41`"
	case kindMonth:
		return "month; write e.g. `2026-10`"
	case kindItem:
		return "item; write its number, e.g. `3`"
	case kindDay:
		return "time; write e.g. `until 2026-12-24`, `until monday 9:00`, `3d`"
	case kindBecause:
		return "reason; write `because` and why"
	}
	return string(k)
}

// wrong points at a word.
func (p *parser) wrong(w word, what string) error {
	return p.fault("`%s` (word %d) %s", echo(w.raw, echoWord), w.n, what)
}

// told points at a word, and says itself how it should be.
func (p *parser) told(w word, what string) error {
	return bot.Errorf(bot.CodeInvalid, "`%s` (word %d) %s", echo(w.raw, echoWord), w.n, what)
}

// fault is an error in the line: the line, what is wrong, and how it should be.
func (p *parser) fault(format string, args ...any) error {
	return bot.Errorf(bot.CodeInvalid, "%s: %s Usage: `%s`", echo(p.line, echoLine), fmt.Sprintf(format, args...), usage(p.command, p.inThread))
}

// Usage is a command's grammar in one line.
func Usage(c *bot.Command) string { return usage(c, true) }

// usage leaves out what works in threads alone where that helps nobody.
func usage(c *bot.Command, inThread bool) string {
	var b strings.Builder
	b.WriteString(c.Name)
	for _, a := range c.Args {
		s := placeholder(a)
		if elsewhere, ok := outside[a.Kind]; ok && !inThread {
			s = elsewhere
		}
		if a.Optional {
			s = "[" + s + "]"
		}
		b.WriteString(" " + s)
	}
	return b.String()
}

// outside are the placeholders of arguments that can be less outside a thread.
var outside = map[bot.ArgKind]string{
	kindSilence: "ID|THREAD",
	kindTarget:  "THREAD|{MATCHERS}",
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
	case kindBy:
		return "by PERSON"
	case kindFind:
		return "find WORDS…"
	case kindKind:
		return "kind KIND"
	case kindSeverity:
		return "critical|warning|info"
	case kindSince:
		return "since DURATION"
	case kindBecause:
		return "because REASON…"
	case kindOf:
		return "of LIST"
	case kindDay:
		return "until DAY|DURATION"
	case kindProof:
		return "CODE|SIGNATURE"
	case kindExpression:
		return "EXPRESSION… [over DURATION]"
	case kindOn:
		return "on NAME"
	case kindScope:
		return "{MATCHERS}"
	case kindSize:
		return a.Name + " SIZE"
	case kindPart:
		return "part N/T"
	case kindRepositories:
		return name + "…"
	case kindRunbook:
		return "NAME|#N|all"
	case kindSilence:
		return "ID|THREAD|all"
	case kindTarget:
		return "#N|all|THREAD|{MATCHERS}"
	case kindWhich:
		return "THREAD|all|find WORDS…"
	}
	return name
}

package commands

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Interpreter understands lines. It is made once and never changes, so
// goroutines share it freely.
type Interpreter struct {
	list []bot.Command
	// named finds a command by its name and its aliases.
	named map[string]*bot.Command
	// most is the number of words of the longest name.
	most int
}

// New makes an Interpreter of a list of commands; All is the usual one. Of two
// with one name the first counts.
func New(list []bot.Command) *Interpreter {
	i := &Interpreter{list: slices.Clone(list), named: map[string]*bot.Command{}}
	for k := range i.list {
		c := &i.list[k]
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			if i.named[name] == nil {
				i.named[name] = c
			}
			i.most = max(i.most, len(strings.Fields(name)))
		}
	}
	return i
}

// Commands are all that exist, in the order in which help shows them.
func (i *Interpreter) Commands() []bot.Command { return slices.Clone(i.list) }

const (
	// lineMost bounds a line; the longest expressions that people graph are far
	// shorter.
	lineMost = 8000
	// staleAfter is when a command is too old to be obeyed without asking.
	staleAfter = 2 * time.Minute
	// aheadMost is how far the platform's clock may run before ours.
	aheadMost = time.Minute
)

// Interpret parses a line, looks whether the asker may, and runs it. Its errors
// are *bot.Error.
func (i *Interpreter) Interpret(ctx context.Context, line string, call bot.Call) (bot.Outcome, error) {
	out, err := i.interpret(ctx, line, call)
	if err == nil {
		return out, nil
	}
	if e, ok := errors.AsType[*bot.Error](err); ok {
		if _, had := i.WithoutCode(line); had {
			// What repeats the line must not repeat the code.
			e = bot.Errorf(e.Code, "%s", unrepeated(e.Message, line)).Because(e.Cause)
		}
		return nil, e
	}
	return nil, bot.Errorf(bot.CodeInternal, "%s", bot.ForPeople(err)).Because(err)
}

func (i *Interpreter) interpret(ctx context.Context, line string, call bot.Call) (bot.Outcome, error) {
	line, _ = withoutPrefix(clean(line))
	if line == "" {
		line = "help"
	}
	if len(line) > lineMost {
		return nil, bot.Errorf(bot.CodeInvalid, "That line is too long for me: %d bytes at most.", lineMost)
	}
	c, _, after := i.resolve(reader{line: line})
	if c == nil {
		return nil, i.unknown(line)
	}
	// First who, then what: nobody is taught the grammar of what they may not do.
	if err := may(call.By, c); err != nil {
		return nil, err
	}
	p := parser{command: c, line: line, r: after, inThread: call.Thread != "", at: call.At, now: call.Now, zone: call.World.Zone()}
	args, err := p.parse()
	if err != nil {
		return nil, cmp.Or(i.slipBehind(c, after), err)
	}
	if err := fresh(c, line, call); err != nil {
		return nil, err
	}
	call.Command, call.Args = c.Name, args
	return c.Run(ctx, call)
}

// resolve finds the command whose name the line begins with, the longest first:
// "zfs arc set" before "zfs arc". Names count in any case here; whether a line
// is meant for us has been decided before.
func (i *Interpreter) resolve(r reader) (c *bot.Command, name string, after reader) {
	var words []string
	for len(words) < i.most {
		w, ok := r.next()
		if !ok || w.quoted {
			break
		}
		words = append(words, strings.ToLower(w.text))
		name := strings.Join(words, " ")
		if found := i.named[name]; found != nil {
			c, after = found, r
		}
	}
	if c == nil {
		return nil, "", r
	}
	return c, strings.ToLower(strings.TrimSpace(after.line[:after.at])), after
}

// unknown says what may have been meant by a line that begins with no command.
func (i *Interpreter) unknown(line string) error {
	r := reader{line: line}
	first, _ := r.next()
	name := strings.ToLower(first.text)
	behind := r
	second, more := r.next()
	var longer, family []string
	for _, c := range i.list {
		if strings.HasPrefix(c.Name, name+" ") {
			longer = append(longer, c.Name)
		}
		if strings.EqualFold(c.Family, name) {
			family = append(family, c.Name)
		}
	}
	switch {
	case len(longer) > 0 && !more:
		return bot.Errorf(bot.CodeInvalid, "`%s` needs another word: %s.", echo(name, echoWord), quotedList(longer))
	case len(longer) > 0:
		typed := echo(name, echoWord) + " " + echo(second.text, echoWord)
		if near := nearestOf(name, second, longer); near != "" {
			return bot.Errorf(bot.CodeInvalid, "There is no command `%s`. Did you mean `%s`?", typed, near)
		}
		return bot.Errorf(bot.CodeInvalid, "There is no command `%s`. There are %s.", typed, quotedList(longer))
	case len(family) > 0:
		// The heading in help is no command; what is behind it may be one.
		if c, _, _ := i.resolve(behind); more && c != nil {
			return bot.Errorf(bot.CodeInvalid, "`%s` is a family of commands, and none itself. Did you mean `%s`?", echo(name, echoWord), c.Name)
		}
		return bot.Errorf(bot.CodeInvalid, "`%s` is a family of commands, and none itself: %s. `help %s` explains them.", echo(name, echoWord), quotedList(family), name)
	}
	if near := nearest(name, i.names()); near != "" {
		return bot.Errorf(bot.CodeInvalid, "There is no command `%s`. Did you mean `%s`?", echo(first.text, echoWord), near)
	}
	return bot.Errorf(bot.CodeInvalid, "There is no command `%s`. `help` lists those that I know.", echo(first.text, echoWord))
}

// nearestOf is the one of some commands with the same first word whose second is
// nearest to what was typed, "" when none is.
func nearestOf(first string, second word, names []string) string {
	var seconds []string
	for _, n := range names {
		w, _, _ := strings.Cut(strings.TrimPrefix(n, first+" "), " ")
		seconds = append(seconds, w)
	}
	if near := nearest(strings.ToLower(second.text), seconds); near != "" {
		return first + " " + near
	}
	return ""
}

// slipBehind says what may have been meant where a word behind a command's name is
// nearly that of a longer one: "zfs arc sett", "service restrt nginx".
func (i *Interpreter) slipBehind(c *bot.Command, after reader) error {
	w, ok := after.peek()
	if !ok || w.quoted {
		return nil
	}
	for _, x := range i.list {
		rest, longer := strings.CutPrefix(x.Name, c.Name+" ")
		if longer && nearest(strings.ToLower(w.text), []string{rest}) != "" {
			return bot.Errorf(bot.CodeInvalid, "There is no command `%s %s`. Did you mean `%s`?", c.Name, echo(w.text, echoWord), x.Name)
		}
	}
	return nil
}

// quotedList is "`a`, `b`".
func quotedList(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

// names are what people may type, the proper names first.
func (i *Interpreter) names() []string {
	var names, aliases []string
	for _, c := range i.list {
		names = append(names, c.Name)
		aliases = append(aliases, c.Aliases...)
	}
	return append(names, aliases...)
}

// may refuses those who lack the role.
func may(p bot.Person, c *bot.Command) error {
	switch {
	case p.Has(c.Role):
		return nil
	case p.ID == "":
		return bot.Errorf(bot.CodeForbidden, "I answer only to the people in my configuration.")
	}
	return bot.Errorf(bot.CodeForbidden, "Sorry: `%s` needs the role %s.", c.Name, c.Role)
}

// fresh refuses to obey what was said too long ago: while the chat was away, the
// trouble may have passed, or somebody else may have dealt with it.
func fresh(c *bot.Command, line string, call bot.Call) error {
	if !changing(c) {
		return nil
	}
	switch age := call.Now.Sub(call.At); {
	case call.At.IsZero():
		return bot.Errorf(bot.CodeConflict, "I cannot tell when you said this: `%s`. Say it again if you still mean it.", echo(line, echoLine))
	case age > staleAfter:
		return bot.Errorf(bot.CodeConflict, "You said this %s ago, while I was away: `%s`. Say it again if you still mean it.", phrase.Duration(age), echo(line, echoLine))
	case age < -aheadMost:
		return bot.Errorf(bot.CodeConflict, "Your message is dated %s ahead of my clock, so I cannot tell how old it is, and did nothing: `%s`. One of the clocks must be set right.",
			phrase.Duration(-age), echo(line, echoLine))
	}
	return nil
}

package commands

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
)

// Kinds of argument beside those of bot, each with a grammar of its own.
const (
	kindAll        bot.ArgKind = "all"        // the word "all"
	kindBecause    bot.ArgKind = "because"    // because and a reason
	kindBy         bot.ArgKind = "by"         // by PERSON
	kindCommand    bot.ArgKind = "command"    // a command's name, which may have several words
	kindExpression bot.ArgKind = "expression" // PromQL, as it was typed
	kindFind       bot.ArgKind = "find"       // find and words
	kindGeneration bot.ArgKind = "generation" // a generation's number, current, booted, profile or proposed
	kindKind       bot.ArgKind = "kind"       // kind and the name of one
	kindOn         bot.ArgKind = "on"         // on NAME
	kindPlan       bot.ArgKind = "plan"       // a plan's id or the beginning of one
	kindProof      bot.ArgKind = "proof"      // a time-based code, or an armored SSH signature
	kindSilence    bot.ArgKind = "silence"    // a silence's id or the beginning of one, a thread, or "all"
	kindSince      bot.ArgKind = "since"      // since and a span of time
	kindTarget     bot.ArgKind = "target"     // #3, all, a thread, or matchers
	kindTopic      bot.ArgKind = "topic"      // a word for figures of status
	kindWhich      bot.ArgKind = "which"      // a thread, all, or find WORDS
)

// parser gives a command's arguments their values.
type parser struct {
	command *bot.Command
	line    string
	r       reader
	// inThread: the thread is the subject, so that a bare word is not one's id.
	inThread bool
	at, now  time.Time
	zone     *time.Location
	// shape: only whether the words fit counts; times are not worked out.
	shape bool
}

// parse reads all arguments and wants nothing to be left.
func (p *parser) parse() (map[string]bot.Value, error) {
	args := map[string]bot.Value{}
	for _, a := range p.command.Args {
		if a.Kind == kindSize {
			if err := p.named(args); err != nil {
				return nil, err
			}
			continue
		}
		if a.Kind == kindRepositories {
			if err := p.verified(a, args); err != nil {
				return nil, err
			}
			continue
		}
		v, fits, err := p.read(a)
		switch {
		case err != nil:
			return nil, err
		case fits:
			args[a.Name] = v
		case !a.Optional:
			return nil, p.unfit(a)
		}
	}
	if err := p.keywords(args); err != nil {
		return nil, err
	}
	if w, ok := p.r.peek(); ok {
		return nil, p.leftover(w, len(args) == 0)
	}
	return args, nil
}

// keywords reads what is known by its first word (by alice, kind start, on vulcan, since
// 2d) and stands in another order than the command has it.
func (p *parser) keywords(args map[string]bot.Value) error {
	for more := true; more; {
		more = false
		for _, a := range p.command.Args {
			switch a.Kind {
			case kindBy, kindKind, kindOn, kindSince, kindFind, kindOf:
			default:
				continue
			}
			if _, read := args[a.Name]; read {
				continue
			}
			v, fits, err := p.read(a)
			if err != nil {
				return err
			}
			if fits {
				args[a.Name], more = v, true
			}
		}
	}
	return nil
}

// read reads one argument, and leaves the words alone when they are none. An
// error is for words that can only be meant as this argument, but are wrong.
func (p *parser) read(a bot.Arg) (v bot.Value, fits bool, err error) {
	ahead := p.r
	w, any := ahead.next()
	if !any {
		return v, false, nil
	}
	defer func() {
		if fits && err == nil {
			p.r = ahead
		}
	}()
	switch a.Kind {
	case bot.ArgRest, kindExpression:
		if p.shape && a.Kind == kindExpression && !promQLish(p.r.rest()) {
			return v, false, nil // more likely a sentence
		}
		ahead.at, ahead.n = len(ahead.line), ahead.n+len(strings.Fields(p.r.rest()))
		return bot.Value{Text: unquoted(p.r.rest())}, true, nil
	case bot.ArgDuration:
		if w.unclosed {
			return v, false, nil
		}
		return p.duration(&ahead)
	}
	if w.unclosed && a.Kind != kindTarget && a.Kind != kindScope {
		return v, false, nil
	}
	switch a.Kind {
	case bot.ArgWord:
		return bot.Value{Text: w.text}, true, nil
	case bot.ArgNumber:
		n, err := strconv.Atoi(w.text)
		return bot.Value{Text: w.text, Number: n}, err == nil, nil
	case bot.ArgThread:
		id, ok := p.thread(w)
		return bot.Value{Text: id}, ok, nil
	case bot.ArgAlert:
		return p.alert(w)
	case kindAll:
		return bot.Value{Text: "all"}, w.is("all"), nil
	case kindCommand:
		return p.commandName(&ahead)
	case kindGeneration:
		v, fits = generation(w)
		return v, fits, nil
	case kindHours:
		return p.hours(w, &ahead)
	case kindSpan:
		return p.span(w, &ahead)
	case kindUnit:
		return p.unit(w)
	case kindRepository, kindRepositories:
		if _, part := partKeyword(w); part && a.Kind == kindRepositories {
			return v, true, nil
		}
		return p.repository(w)
	case kindPart:
		return v, false, nil // it is read with the repositories
	case kindOn:
		name, ok := ahead.next()
		if !w.is("on") || !ok || name.unclosed {
			return v, false, nil
		}
		return bot.Value{Text: name.text}, true, nil
	case kindBy:
		return p.behind(w, &ahead, "by", false)
	case kindKind:
		return p.behind(w, &ahead, "kind", false)
	case kindFind:
		return p.behind(w, &ahead, "find", true)
	case kindSince:
		return p.since(w, &ahead)
	case kindBecause:
		return p.because(w, &ahead)
	case kindIncident:
		v, fits = p.incident(w)
		return v, fits, nil
	case kindSeverity:
		v, fits = severity(w)
		return v, fits, nil
	case kindItem:
		return p.item(w)
	case kindMonth:
		v, fits = month(w)
		return v, fits, nil
	case kindList:
		v, fits = p.list(w)
		return v, fits, nil
	case kindOf:
		return p.behind(w, &ahead, "of", false)
	case kindDay:
		return p.day(w, &ahead)
	case kindPlan:
		id, ok := p.plan(w)
		return bot.Value{Text: id}, ok, nil
	case kindProof:
		return p.proof(w, &ahead)
	case kindRunbook:
		return p.runbook(w, &ahead)
	case kindSection:
		return bot.Value{Text: strings.ToLower(w.text)}, isSection(w), nil
	case kindSilence:
		return p.silence(w)
	case kindTarget:
		return p.target(w, &ahead)
	case kindScope:
		if !strings.HasPrefix(w.raw, "{") {
			return v, false, nil
		}
		return p.matchers(w, &ahead)
	case kindTopic:
		v, fits = p.topic(w)
		return v, fits, nil
	case kindWhich:
		return p.which(w, &ahead)
	}
	return v, false, bot.Errorf(bot.CodeInternal, "I cannot read the argument %s of `%s`.", a.Name, p.command.Name)
}

// thread reads a thread's id. In full it is known by its prefix; a beginning of
// its random part is one only where no thread is the subject already, and is
// never a duration.
func (p *parser) thread(w word) (id string, ok bool) {
	const prefix, least, most = "thr_", 4, 64
	if w.quoted || len(w.text) > most {
		return "", false
	}
	if len(w.text) > len(prefix) && strings.EqualFold(w.text[:len(prefix)], prefix) {
		return prefix + w.text[len(prefix):], true
	}
	if p.inThread || p.mayBeMetric() || len(w.text) < least || isDuration(w.text) {
		return "", false
	}
	for _, c := range []byte(w.text) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return "", false // not of the alphabet that ids are drawn from
		}
	}
	return prefix + w.text, true
}

// mayBeMetric: a bare word can begin an expression, so it is no thread's id.
func (p *parser) mayBeMetric() bool {
	return slices.ContainsFunc(p.command.Args, func(a bot.Arg) bool { return a.Kind == kindExpression })
}

// alert reads #3.
func (p *parser) alert(w word) (v bot.Value, fits bool, err error) {
	digits, ok := strings.CutPrefix(w.text, "#")
	if !ok || w.quoted {
		return v, false, nil
	}
	n, bad := strconv.Atoi(digits)
	if bad != nil || n < 1 || strings.HasPrefix(digits, "+") {
		return v, false, p.wrong(w, "is no alert; write its number, e.g. `#3`.")
	}
	return bot.Value{Text: w.text, Number: n}, true, nil
}

// generation reads what diff and rollback may name.
func generation(w word) (v bot.Value, fits bool) {
	for _, name := range []string{"current", "booted", "profile", "proposed"} {
		if w.is(name) {
			return bot.Value{Text: name}, true
		}
	}
	n, err := strconv.Atoi(w.text)
	if err != nil || n < 1 || strings.HasPrefix(w.text, "+") || w.quoted {
		return v, false
	}
	return bot.Value{Text: strconv.Itoa(n), Number: n}, true
}

func (p *parser) commandName(ahead *reader) (v bot.Value, fits bool, err error) {
	const most = 3
	words := strings.Fields(p.r.rest())
	if len(words) > most {
		return v, false, nil
	}
	ahead.at, ahead.n = len(ahead.line), ahead.n+len(words)-1
	return bot.Value{Text: strings.ToLower(strings.Join(words, " "))}, true, nil
}

// silence reads what unsilence may name.
func (p *parser) silence(w word) (v bot.Value, fits bool, err error) {
	if w.is("all") {
		return bot.Value{Text: "all"}, true, nil
	}
	if isSilenceID(w.text) {
		return bot.Value{Text: strings.ToLower(w.text)}, true, nil
	}
	id, ok := p.thread(w)
	return bot.Value{Text: id}, ok, nil
}

// silenceLeast is how much of a silence's id makes it one: less could as well be a
// word, or mean several.
const silenceLeast = 6

// isSilenceID: the beginning of a UUID, long enough to be one.
func isSilenceID(s string) bool {
	return likeSilenceID(s) && len(s) >= silenceLeast
}

func likeSilenceID(s string) bool {
	for _, c := range []byte(strings.ToLower(s)) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && c != '-' {
			return false
		}
	}
	return len(s) <= 36
}

// target reads what silence may name.
func (p *parser) target(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	if strings.HasPrefix(w.raw, "{") {
		return p.matchers(w, ahead)
	}
	if w.unclosed {
		return v, false, nil
	}
	if w.is("all") {
		return bot.Value{Text: "all"}, true, nil
	}
	if v, fits, err = p.alert(w); fits || err != nil {
		return v, fits, err
	}
	if id, ok := p.thread(w); ok {
		return bot.Value{Text: id}, true, nil
	}
	// Without braces, as long as no space tears them apart.
	if strings.Contains(w.raw, "=") || strings.Contains(w.raw, "!~") {
		return bot.Value{Text: "{" + strings.TrimSuffix(w.raw, ",") + "}"}, true, nil
	}
	return v, false, nil
}

func (p *parser) matchers(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	text := p.r.rest()
	end := braceEnd(text)
	if end < 0 {
		return v, false, p.wrong(w, "opens a brace or a quote that nothing closes.")
	}
	*ahead = p.r
	ahead.skipSpace()
	ahead.at += end
	ahead.n += len(strings.Fields(text[:end]))
	return bot.Value{Text: text[:end]}, true, nil
}

// which reads what alerts may name.
func (p *parser) which(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	switch {
	case w.is("all"):
		return bot.Value{Text: "all"}, true, nil
	case w.is("find"):
		words := unquoted(ahead.rest())
		if words == "" {
			return v, false, p.wrong(w, "needs words to look for.")
		}
		ahead.at = len(ahead.line)
		return bot.Value{Text: "find " + words}, true, nil
	case likeFind(w) && !ahead.done():
		return v, false, p.notFind(w)
	}
	id, ok := p.thread(w)
	return bot.Value{Text: id}, ok, nil
}

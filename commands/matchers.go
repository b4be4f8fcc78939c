package commands

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"

	"watchstander/bot"
)

// braceEnd is the byte behind the brace that closes the one s begins with, -1
// when there is none. Braces in double quotes are text.
func braceEnd(s string) int {
	depth := 0
	closers := ""
	for at := 0; at < len(s); {
		c, size := utf8.DecodeRuneInString(s[at:])
		at += size
		switch {
		case c == '\\':
			_, size := utf8.DecodeRuneInString(s[at:])
			at += size
		case closers != "":
			if strings.ContainsRune(closers, c) {
				closers = ""
			}
		case c == '"' || c == '“' || c == '„' || c == '”':
			closers = closersOf(c, true)
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return at
			}
		}
	}
	return -1
}

// parseMatchers reads matchers as Alertmanager does. The error says where the
// trouble is.
func parseMatchers(typed string) ([]bot.Matcher, error) {
	text := straighten(typed)
	parsed, err := parse.Matchers(text)
	if err != nil {
		if parsed = classic(text, err); parsed == nil {
			return nil, matcherFault(text, err)
		}
	}
	if len(parsed) == 0 {
		return nil, bot.Errorf(bot.CodeInvalid, "The matchers are empty; write e.g. `{alertname=\"DiskFull\"}`.")
	}
	everything := true
	out := make([]bot.Matcher, len(parsed))
	for i, m := range parsed {
		if m.Name == "" {
			return nil, bot.Errorf(bot.CodeInvalid, "Matcher %d has no label's name.", i+1)
		}
		out[i] = bot.Matcher{Name: m.Name, Op: m.Type.String(), Value: m.Value}
		everything = everything && m.Matches("")
	}
	if everything {
		return nil, bot.Errorf(bot.CodeInvalid,
			"`%s` fits alerts that have none of these labels, and so nearly everything; name at least one value that must be there.", echo(text, echoLine))
	}
	return out, nil
}

// classic lets Alertmanager's older parser read the one thing that it reads and
// the newer one does not: a backslash in quotes that escapes nothing, as in the
// pattern "vulcan\.lan". Other lines it reads too generously.
func classic(text string, cause error) labels.Matchers {
	if !strings.Contains(text, `\`) || !strings.HasSuffix(cause.Error(), `": invalid input`) {
		return nil
	}
	parsed, err := labels.ParseMatchers(text)
	if err != nil {
		return nil
	}
	return parsed
}

// matcherFault says the parser's error to people. Its columns count characters,
// from 0.
func matcherFault(text string, err error) error {
	if pattern, ok := errors.AsType[*syntax.Error](err); ok {
		return bot.Errorf(bot.CodeInvalid, "A pattern in `%s` is wrong: %s.", echo(text, echoLine), pattern.Code).Because(err)
	}
	var from, to int
	if n, _ := fmt.Sscanf(err.Error(), "%d:%d:", &from, &to); n != 2 {
		return bot.Errorf(bot.CodeInvalid, "The matchers `%s` end too early: %s.", echo(text, echoLine), echo(reason(err), echoLine)).Because(err)
	}
	place := []rune(text)
	from = min(from, len(place))
	what := reason(err)
	if from < len(place) {
		what = fmt.Sprintf("`%s`: %s", echo(string(place[from:]), 20), what)
	}
	return bot.Errorf(bot.CodeInvalid, "The matchers are wrong at character %d, %s.", from+1, what).Because(err)
}

// reason is the last of the parser's chain: "expected a comma or close brace".
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}

// fits tells whether matchers cover an alert with the labels; a label that is not
// there is like an empty one. Matchers that cannot be read cover nothing.
func fits(ms []bot.Matcher, l bot.Labels) bool {
	ops := map[string]labels.MatchType{"=": labels.MatchEqual, "!=": labels.MatchNotEqual, "=~": labels.MatchRegexp, "!~": labels.MatchNotRegexp}
	for _, m := range ms {
		op, known := ops[m.Op]
		if !known {
			return false
		}
		if got, err := labels.NewMatcher(op, m.Name, m.Value); err != nil || !got.Matches(l[m.Name]) {
			return false
		}
	}
	return len(ms) > 0
}

// exactly are the matchers that fit a set of labels.
func exactly(l bot.Labels) []bot.Matcher {
	out := make([]bot.Matcher, 0, len(l))
	for _, n := range l.Names() {
		out = append(out, bot.Matcher{Name: n, Op: "=", Value: l[n]})
	}
	return out
}

// anyValue tells whether some label has a value: without one, matchers made of
// the labels would fit everything.
func anyValue(l bot.Labels) bool {
	for _, v := range l {
		if v != "" {
			return true
		}
	}
	return false
}

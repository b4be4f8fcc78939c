package alertmanager

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/api/v2/models"
	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"watchstander/bot"
)

// ParseMatchers reads matchers as Alertmanager writes them, separated by
// commas, with or without braces around them:
//
//	alertname=DiskFull, instance=~"vulcan.*", "my.label"!="x"
//
// Values and names with spaces or any of {}!=~,\"'` need double quotes. At least
// one matcher is required. Its errors are [bot.Error] with CodeInvalid and say at
// which character the trouble is.
func ParseMatchers(s string) ([]bot.Matcher, error) {
	if !utf8.ValidString(s) {
		return nil, bot.Errorf(bot.CodeInvalid, "The matchers are not valid UTF-8 text.")
	}
	parsed, err := parse.Matchers(s)
	if err != nil {
		if parsed = parseClassic(s, err); parsed == nil {
			return nil, matcherError(s, err)
		}
	}
	if len(parsed) == 0 {
		return nil, bot.Errorf(bot.CodeInvalid, `No matchers were given; write for example alertname="DiskFull".`)
	}
	out := make([]bot.Matcher, len(parsed))
	for i, m := range parsed {
		out[i] = bot.Matcher{Name: m.Name, Op: m.Type.String(), Value: m.Value}
		for _, text := range []string{m.Name, m.Value} {
			// A phone's keyboard turns quotes into these, and the parser takes
			// them for part of the value, which then matches nothing.
			if strings.HasPrefix(text, "“") || strings.HasPrefix(text, "„") || strings.HasPrefix(text, "”") {
				return nil, bot.Errorf(bot.CodeInvalid,
					"At character %d of the matchers: use straight quotes (\"), not typographic ones (%s).",
					characterOf(s, text), text[:len("“")])
			}
		}
	}
	return out, nil
}

// parseClassic gives Alertmanager's older parser a try where the newer one
// stumbles over a backslash in quotes ("vulcan\.example"), which people write in
// patterns and which Alertmanager and amtool take as it was meant. Other mistakes
// are not handed on: the older parser makes one value of "a=b c=d". nil: no luck.
func parseClassic(s string, cause error) labels.Matchers {
	place := parserPlace.FindString(cause.Error())
	if rest := strings.TrimPrefix(cause.Error(), place); place == "" || rest[0] != '"' || !strings.HasSuffix(rest, ": invalid input") {
		return nil
	}
	parsed, err := labels.ParseMatchers(strings.TrimSpace(s))
	if err != nil || len(parsed) == 0 {
		return nil
	}
	return parsed
}

// parserPlace is how the parser's errors begin: the columns, in characters.
var parserPlace = regexp.MustCompile(`^(\d+):(\d+): `)

// matcherError says a parser's error to people, with its place.
func matcherError(s string, err error) error {
	if broken, ok := errors.AsType[*syntax.Error](err); ok {
		// The parser wraps patterns before it compiles them; what it quotes may
		// hold the wrapping.
		expr := strings.TrimSuffix(strings.TrimPrefix(broken.Expr, "^(?:"), ")$")
		return bot.Errorf(bot.CodeInvalid, "At character %d of the matchers: a regular expression is wrong (%s).",
			characterOf(s, expr), broken.Code).Because(err)
	}
	text := err.Error()
	place := parserPlace.FindStringSubmatch(text)
	if place == nil {
		return bot.Errorf(bot.CodeInvalid, "The matchers end too early: %s.",
			strings.TrimPrefix(text, "end of input: ")).Because(err)
	}
	from, _ := strconv.Atoi(place[1])
	return bot.Errorf(bot.CodeInvalid, "At character %d of the matchers: %s.",
		from+1, strings.TrimPrefix(text, place[0])).Because(err)
}

// characterOf is the place of part in s, counted in characters from 1.
func characterOf(s, part string) int {
	before, _, found := strings.Cut(s, part)
	if !found {
		return 1
	}
	return len([]rune(before)) + 1
}

// SilenceFor are the matchers that cover exactly one alert's labels (and
// whatever else has all of them), sorted by name.
func SilenceFor(l bot.Labels) []bot.Matcher {
	out := make([]bot.Matcher, 0, len(l))
	for _, name := range l.Names() {
		if l[name] != "" { // an empty value would match alerts without the label
			out = append(out, bot.Matcher{Name: name, Op: "=", Value: l[name]})
		}
	}
	return out
}

// compile makes Alertmanager's own matchers of ours, so that what we say is
// covered is what it will silence: regular expressions are anchored, an absent
// label is an empty one.
func compile(ms []bot.Matcher) (labels.Matchers, error) {
	if len(ms) == 0 {
		return nil, bot.Errorf(bot.CodeInvalid, "A silence needs at least one matcher.")
	}
	out := make(labels.Matchers, len(ms))
	matchesAll := true
	for i, m := range ms {
		op, ok := matchTypes[m.Op]
		if !ok {
			return nil, bot.Errorf(bot.CodeInvalid, "%q is no operator of a matcher; there are =, !=, =~ and !~.", m.Op)
		}
		if m.Name == "" {
			return nil, bot.Errorf(bot.CodeInvalid, "A matcher has no label name.")
		}
		compiled, err := labels.NewMatcher(op, m.Name, m.Value)
		if err != nil {
			return nil, bot.Errorf(bot.CodeInvalid, "The regular expression for the label %s is wrong.", m.Name).Because(err)
		}
		out[i] = compiled
		// The rule is Alertmanager's own. A negative matcher passes it, although
		// alone it covers nearly everything: how many alerts, Covered tells.
		negative := op == labels.MatchNotEqual || op == labels.MatchNotRegexp
		matchesAll = matchesAll && !negative && compiled.Matches("")
	}
	if matchesAll {
		return nil, bot.Errorf(bot.CodeInvalid, "The matchers fit every alert, even one without these labels; name at least one value.")
	}
	return out, nil
}

var matchTypes = map[string]labels.MatchType{
	"=": labels.MatchEqual, "!=": labels.MatchNotEqual, "=~": labels.MatchRegexp, "!~": labels.MatchNotRegexp,
}

func covers(ms labels.Matchers, l bot.Labels) bool {
	for _, m := range ms {
		if !m.Matches(l[m.Name]) {
			return false
		}
	}
	return true
}

// toAPI turns matchers into the API's form.
func toAPI(ms []bot.Matcher) models.Matchers {
	out := make(models.Matchers, len(ms))
	for i, m := range ms {
		equal := m.Op == "=" || m.Op == "=~"
		regex := m.Op == "=~" || m.Op == "!~"
		out[i] = &models.Matcher{Name: &m.Name, Value: &m.Value, IsEqual: &equal, IsRegex: &regex}
	}
	return out
}

// fromAPI turns the API's form back. Alertmanagers before 0.22 knew no negative
// matchers and leave isEqual out.
func fromAPI(ms models.Matchers) []bot.Matcher {
	out := make([]bot.Matcher, 0, len(ms))
	for _, m := range ms {
		if m == nil {
			continue
		}
		op := "="
		if m.IsEqual != nil && !*m.IsEqual {
			op = "!"
		}
		switch regex := value(m.IsRegex); {
		case regex:
			op += "~"
		case op == "!":
			op = "!="
		}
		out = append(out, bot.Matcher{Name: clean(value(m.Name)), Op: op, Value: clean(value(m.Value))})
	}
	return out
}

// value is what p points to, or the zero value: the API's types are pointers
// throughout, and an answer may lack what its schema requires.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// FormatMatchers writes matchers so that [ParseMatchers] and amtool read them:
// names beyond the classic alphabet are quoted.
func FormatMatchers(ms []bot.Matcher) string {
	parts := make([]string, len(ms))
	for i, m := range ms {
		name := m.Name
		if !model.LegacyValidation.IsValidLabelName(name) {
			name = quote(name)
		}
		parts[i] = fmt.Sprintf("%s%s%s", name, cmp.Or(m.Op, "="), quote(m.Value))
	}
	return strings.Join(parts, ", ")
}

// quote uses only the escapes that both of Alertmanager's parsers know; other
// characters stand for themselves.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

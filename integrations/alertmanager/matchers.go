package alertmanager

import (
	"github.com/prometheus/alertmanager/api/v2/models"
	"github.com/prometheus/alertmanager/pkg/labels"

	"watchstander/bot"
)

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

package config

import (
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"

	"watchstander/bot"
)

// SilenceScope gives the matchers of a silence over a host's alerts, or over those that
// somebody gave: with what leaves out every alert that a heartbeat's route waits for. A
// silence joins its matchers with "and", so that not all matchers of such a route can be
// denied together; denying one of them leaves out more, and is on the safe side.
func (c *Config) SilenceScope(host string, given []bot.Matcher) ([]bot.Matcher, error) {
	var ms labels.Matchers
	if host != "" {
		i := slices.IndexFunc(c.Hosts, func(h Host) bool { return h.Name == host })
		if i < 0 {
			return nil, bot.Errorf(bot.CodeNotFound, "There is no host `%.64s` in my configuration.", host)
		}
		ms = slices.Clone(c.Hosts[i].Match)
		if fitsAll(ms) {
			return nil, bot.Errorf(bot.CodeInvalid, "The matchers of %s fit alerts without any label, so that a silence of them would hold nearly everything back. Give matchers: `maintenance start {…} because …`.", host)
		}
	}
	out := slices.Clone(given)
	for _, m := range ms {
		out = append(out, matcherOf(m))
	}
	for _, r := range c.Routes {
		if r.As != AsHeartbeat || len(r.Match) == 0 {
			continue
		}
		if not := matcherOf(denied(r.Match)); !slices.Contains(out, not) {
			out = append(out, not)
		}
	}
	return out, nil
}

// fitsAll tells whether an alert without labels fits.
func fitsAll(ms labels.Matchers) bool {
	return !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches("") })
}

// denied is the opposite of the matcher that says most about an alert: its name, or else
// the first that wants a value.
func denied(ms labels.Matchers) *labels.Matcher {
	i := slices.IndexFunc(ms, func(m *labels.Matcher) bool { return m.Name == "alertname" && !m.Matches("") })
	if i < 0 {
		i = max(0, slices.IndexFunc(ms, func(m *labels.Matcher) bool { return !m.Matches("") }))
	}
	opposite := map[labels.MatchType]labels.MatchType{
		labels.MatchEqual: labels.MatchNotEqual, labels.MatchNotEqual: labels.MatchEqual,
		labels.MatchRegexp: labels.MatchNotRegexp, labels.MatchNotRegexp: labels.MatchRegexp,
	}
	return &labels.Matcher{Name: ms[i].Name, Value: ms[i].Value, Type: opposite[ms[i].Type]}
}

func matcherOf(m *labels.Matcher) bot.Matcher {
	return bot.Matcher{Name: m.Name, Op: m.Type.String(), Value: m.Value}
}

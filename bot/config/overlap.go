package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"
)

type hostAt struct {
	Host
	at place
}

// overlaps finds pairs of hosts that one alert could speak of both, before such
// an alert comes. It shows the alert rather than claim that there is one.
//
// Where one host's labels are among the other's, an alert that fits both is
// nothing strange: a fault. Where each asks for a label that the other does not
// look at (instance here, nodename there), only the operator knows whether an
// alert carries both: a warning.
func (b *builder) overlaps(hosts []hostAt) {
	s := newSolver(500_000) // about a second
	for i, later := range hosts {
		for _, former := range hosts[:i] {
			example, found := s.bothMatch(former.Match, later.Match)
			if s.steps <= 0 {
				b.warn(b.keys.Hosts.place, "the hosts' matchers are too many or too large to tell whether one alert could speak of two hosts; such an alert counts for neither")
				return
			}
			if !found {
				continue
			}
			says := fmt.Sprintf("an alert with %s would speak of both %s (line %d) and %s", example, short(former.Name), former.at.line, short(later.Name))
			if within(former.Match, later.Match) || within(later.Match, former.Match) {
				b.fault(later.at, "%s: make the matchers exclude each other", says)
			} else {
				b.warn(later.at, "%s, and would count for neither: make the matchers exclude each other if there are such alerts", says)
			}
		}
	}
}

func within(a, b labels.Matchers) bool {
	for _, m := range a {
		if !slices.ContainsFunc(b, func(o *labels.Matcher) bool { return o.Name == m.Name }) {
			return false
		}
	}
	return true
}

// solver remembers what it has worked out of each matcher: every host is
// compared with every other.
type solver struct {
	steps    int // how many more may be taken
	autos    map[*labels.Matcher]*automaton
	prefixes map[*labels.Matcher]string
}

func newSolver(steps int) *solver {
	return &solver{steps: steps, autos: map[*labels.Matcher]*automaton{}, prefixes: map[*labels.Matcher]string{}}
}

// prefix is what every value begins with that the matcher takes.
func (s *solver) prefix(m *labels.Matcher) string {
	p, known := s.prefixes[m]
	if !known {
		switch m.Type {
		case labels.MatchEqual:
			p = m.Value
		case labels.MatchRegexp:
			if re, err := regexp.Compile(m.Value); err == nil {
				p, _ = re.LiteralPrefix()
			}
		}
		s.prefixes[m] = p
	}
	return p
}

// apart tells, without looking further, that no value can fulfil both: most
// hosts differ in their first letters.
func (s *solver) apart(a, b *labels.Matcher) bool {
	p, q := s.prefix(a), s.prefix(b)
	n := min(len(p), len(q))
	return p[:n] != q[:n]
}

func (s *solver) automaton(m *labels.Matcher) (*automaton, error) {
	if a, known := s.autos[m]; known {
		return a, nil
	}
	a, err := newAutomaton(m)
	s.autos[m] = a
	return a, err
}

// bothMatch looks for labels that fulfil both lists. What one label must be does
// not hang on another label, so each is solved alone.
func (s *solver) bothMatch(a, b labels.Matchers) (example string, found bool) {
	for _, m := range a {
		for _, o := range b {
			if m.Name == o.Name && s.apart(m, o) {
				return "", false
			}
		}
	}
	byName := map[string]labels.Matchers{}
	for _, m := range slices.Concat(a, b) {
		byName[m.Name] = append(byName[m.Name], m)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		value, ok := s.commonValue(byName[name])
		if !ok {
			return "", false
		}
		if value != "" {
			m := labels.Matcher{Type: labels.MatchEqual, Name: name, Value: value}
			parts = append(parts, m.String())
		}
	}
	if len(parts) == 0 {
		return "no such labels", true
	}
	return strings.Join(parts, ", "), true
}

// commonValue finds a shortest value that all matchers of one label take. It
// walks all automata at once, breadth first; what it has not found when every
// reachable state was seen does not exist.
func (s *solver) commonValue(ms labels.Matchers) (string, bool) {
	autos := make([]*automaton, len(ms))
	for i, m := range ms {
		a, err := s.automaton(m)
		if err != nil { // cannot be: the matcher was compiled from the same text
			return "", false
		}
		autos[i] = a
	}
	type point struct {
		states []string
		key    string // the states in one
		from   int    // index of the point before
		by     rune
	}
	first := point{from: -1}
	for _, a := range autos {
		first.states = append(first.states, a.start())
	}
	first.key = strings.Join(first.states, "|")
	alphabet := alphabetOf(autos)
	queue := []point{first}
	seen := map[string]bool{first.key: true}
	for i := 0; i < len(queue); i++ {
		here := queue[i]
		if allAccept(autos, here.states) {
			var value []rune
			for p := here; p.from >= 0; p = queue[p.from] {
				value = append(value, p.by)
			}
			slices.Reverse(value)
			return string(value), true
		}
		for _, r := range alphabet {
			if s.steps -= 1 + len(here.key)/8; s.steps <= 0 { // a step's work grows with its states
				return "", false
			}
			next := point{states: make([]string, len(autos)), from: i, by: r}
			dead := false
			for k, a := range autos {
				next.states[k] = a.step(here.states[k], r)
				dead = dead || a.dead(next.states[k])
			}
			next.key = strings.Join(next.states, "|")
			if dead || seen[next.key] {
				continue
			}
			seen[next.key] = true
			queue = append(queue, next)
		}
	}
	return "", false
}

func allAccept(autos []*automaton, states []string) bool {
	for i, a := range autos {
		if !a.accepts(states[i]) {
			return false
		}
	}
	return true
}

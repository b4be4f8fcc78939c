package gate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"watchstander/bot"
)

// Standing is an approval given in advance, by root's own file, for a bounded
// repair: one operation with exact arguments on one host, while a certain alert
// fires, so and so often, as long as each time is proven to have helped.
type Standing struct {
	Name      string
	Operation bot.OperationName // exact
	Host      string            // exact
	// Arguments are all that it is run with, in their normal form.
	Arguments bot.Arguments
	// When are matchers that one firing alert's labels all fulfil; one of them names
	// an alert: alertname="…".
	When   []bot.Matcher
	Budget Budget
	// Evidence is the Reading.What that alone proves that a run has helped. Only a
	// reading taken after the run's action is proof.
	Evidence string
	// Expires is when the approval ends.
	Expires time.Time
}

// Budget is how often: Count runs within any span of Per, whatever episodes they
// were for.
type Budget struct {
	Count int
	Per   time.Duration
}

// StandingRun is a run that a standing approval was used for.
type StandingRun struct {
	Plan bot.PlanID
	// StartedAt counts against the budget.
	StartedAt time.Time
	// ActedAt is when its action ended, well or not; zero while it runs, and of a
	// run of which nobody knows what became.
	ActedAt time.Time
	// Evidence are the readings taken for it since.
	Evidence []bot.Reading
}

// StandingJudgement is whether a standing approval may be used now.
type StandingJudgement struct {
	Allowed bool
	// Why is a sentence for people, where it may not be used.
	Why string
	// Left is how many runs the budget still has.
	Left int
	// Next is when judging again would give another answer by time alone; zero for
	// never.
	Next time.Time
}

// Fits tells whether the approval is for just this, while an alert with these
// labels fires.
func (s Standing) Fits(op bot.OperationName, host string, args bot.Arguments, alert bot.Labels) bool {
	return s.Name != "" && op == s.Operation && host == s.Host && Fires(s.When, alert) &&
		maps.EqualFunc(args, s.Arguments, func(a, b []string) bool { return slices.Equal(a, b) })
}

// Fires tells whether an alert with these labels fulfils all of an approval's
// matchers. None at all fit nothing.
func Fires(when []bot.Matcher, alert bot.Labels) bool {
	return len(when) > 0 && !slices.ContainsFunc(when, func(m bot.Matcher) bool { return !fulfils(m, alert) })
}

// Matching is Fires, with the patterns read once for many alerts.
func Matching(when []bot.Matcher) func(alert bot.Labels) bool {
	patterns := make([]*regexp.Regexp, len(when))
	for i, m := range when {
		if m.Op == "=~" || m.Op == "!~" {
			patterns[i], _ = pattern(m) // one that cannot be read is fulfilled by nothing
		}
	}
	return func(alert bot.Labels) bool {
		for i, m := range when {
			if !holds(m, patterns[i], alert[m.Name]) {
				return false
			}
		}
		return len(when) > 0
	}
}

func pattern(m bot.Matcher) (*regexp.Regexp, error) { return regexp.Compile("^(?:" + m.Value + ")$") }

// holds is fulfils with the matcher's pattern, nil where it has none or it cannot be read.
func holds(m bot.Matcher, re *regexp.Regexp, value string) bool {
	switch m.Op {
	case "=":
		return value == m.Value
	case "!=":
		return value != m.Value
	case "=~", "!~":
		return re != nil && re.MatchString(value) == (m.Op == "=~")
	}
	return false
}

// fulfils reads a matcher as Alertmanager does: patterns match the whole value,
// and a label that is not there is empty. What cannot be read is not fulfilled.
func fulfils(m bot.Matcher, l bot.Labels) bool {
	var re *regexp.Regexp
	if m.Op == "=~" || m.Op == "!~" {
		re, _ = pattern(m)
	}
	return holds(m, re, l[m.Name])
}

// Proven tells whether the run is known to have helped: the newest reading of
// what the approval names was taken after the action, and is good.
func (s Standing) Proven(r StandingRun) bool {
	newest := s.newest(r.Evidence)
	return s.Evidence != "" && !r.ActedAt.IsZero() && newest.At.After(r.ActedAt) && newest.State == bot.OK
}

// Fine tells whether what the approval is to mend is fine already, by its own
// evidence: a reading that was taken no earlier than since, and is good. What was
// fine before would prove nothing afterwards.
func (s Standing) Fine(readings []bot.Reading, since time.Time) (bot.Reading, bool) {
	newest := s.newest(readings)
	return newest, s.Evidence != "" && !newest.At.IsZero() && !newest.At.Before(since) && newest.State == bot.OK
}

// newest is the newest reading of the evidence; of two that were taken together,
// the worse one speaks.
func (s Standing) newest(readings []bot.Reading) (newest bot.Reading) {
	for _, e := range readings {
		if e.What == s.Evidence && (e.At.After(newest.At) || e.At.Equal(newest.At) && e.State != bot.OK) {
			newest = e
		}
	}
	return newest
}

// JudgeStanding tells whether the approval may be used now, by all runs that it
// was ever used for, in any order.
func JudgeStanding(s Standing, history []StandingRun, now time.Time) StandingJudgement {
	if why := s.unfit(); why != "" {
		return StandingJudgement{Why: fmt.Sprintf("The standing approval %q is not usable: %s.", s.Name, why)}
	}
	if !now.Before(s.Expires) {
		return StandingJudgement{Why: fmt.Sprintf("The standing approval %q ended at %s.", s.Name, stamp(s.Expires, now))}
	}
	runs := slices.SortedFunc(slices.Values(history), func(a, b StandingRun) int { return b.StartedAt.Compare(a.StartedAt) })
	// One dated later than now was started all the same.
	used := slices.DeleteFunc(slices.Clone(runs), func(r StandingRun) bool { return !r.StartedAt.After(now.Add(-s.Budget.Per)) })
	j := StandingJudgement{Left: max(0, s.Budget.Count-len(used)), Next: s.Expires}
	if len(runs) > 0 {
		// The runs of one moment are all the last one.
		for _, last := range runs {
			if last.StartedAt.Equal(runs[0].StartedAt) && !s.Proven(last) {
				j.Why = fmt.Sprintf("Its last run (%s) is not proven to have helped: no good reading of %q is newer than what it did. Somebody must look; once a reading is good (`status` takes one), it may be used again.", last.Plan, s.Evidence)
				return j
			}
		}
	}
	if j.Left == 0 {
		// It has one more when enough of the oldest are out of the span.
		free := used[s.Budget.Count-1].StartedAt.Add(s.Budget.Per)
		j.Next = earlier(free, s.Expires)
		j.Why = fmt.Sprintf("It ran %s in the last %s: its budget of %d in %s is used up until %s.", times(len(used)), spelt(s.Budget.Per), s.Budget.Count, spelt(s.Budget.Per), stamp(free, now))
		return j
	}
	if len(used) > 0 {
		j.Next = earlier(j.Next, used[len(used)-1].StartedAt.Add(s.Budget.Per))
	}
	j.Allowed = true
	return j
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// unfit says what is wrong with the approval itself, or "".
func (s Standing) unfit() string {
	for _, f := range s.Faults(nil) {
		if !f.Warning {
			return f.Field + " " + f.Message
		}
	}
	return ""
}

// Faults tells what is wrong with the approval; Rule and Name of each are zero.
// Known may be nil where the operations are not known.
func (s Standing) Faults(known []Known) []Fault {
	var f finder
	if s.Name == "" {
		f.fault("name", "is missing")
	}
	k := slices.IndexFunc(known, func(k Known) bool { return k.Name == s.Operation })
	switch {
	case s.Operation == "":
		f.fault("operation", "is missing")
	case known != nil && k < 0:
		f.fault("operation", "there is no operation %q: known are %s", s.Operation, knownNames(known))
	case known != nil && known[k].Seen:
		f.fault("operation", "%s cannot be agreed to in advance: people must see what it is of, each time", s.Operation)
	case known != nil && known[k].Arguments != nil:
		for _, name := range slices.Sorted(maps.Keys(s.Arguments)) {
			if !slices.Contains(known[k].Arguments, name) {
				f.fault("arguments."+name, "%s takes no such argument: it takes %s", s.Operation, argumentNames(known[k]))
			}
		}
	}
	if s.Host == "" {
		f.fault("host", "is missing")
	}
	for i, m := range s.When {
		if _, err := regexp.Compile(m.Value); err != nil && (m.Op == "=~" || m.Op == "!~") {
			f.fault(fmt.Sprintf("when[%d]", i), "holds a pattern that cannot be read")
		}
	}
	if !slices.ContainsFunc(s.When, func(m bot.Matcher) bool { return m.Name == "alertname" && m.Op == "=" && m.Value != "" }) {
		f.fault("when", "names no alert: one matcher must be alertname=\"…\"")
	}
	if s.Budget.Count < 1 {
		f.fault("budget.count", "must be at least 1")
	}
	if s.Budget.Per < time.Minute {
		f.fault("budget.per", "must be at least 1m")
	}
	if s.Evidence == "" {
		f.fault("evidence", "is missing: without a reading nothing proves that a run has helped")
	}
	if s.Expires.IsZero() {
		f.fault("expires", "is missing: an approval in advance has an end")
	}
	return f.found
}

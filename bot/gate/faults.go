package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// MaxValid is the longest that a plan may live: long enough for a weekly window,
// short enough that the host is still what people agreed about.
const MaxValid = 8 * 24 * time.Hour

// Known is an operation that the agent has, for Faults.
type Known struct {
	Name bot.OperationName
	// Arguments are the names that it takes; nil where that is not known.
	Arguments []string
	// NoUndo: what it did cannot be brought back.
	NoUndo bool
	// Seen: people must see each one. It cannot be agreed to in advance.
	Seen bool
}

// Approver is a person with the proofs that they could give.
type Approver struct {
	Person bot.Person
	// StepUp: host with a user number on it, ssh with a key, totp with a seed.
	StepUp []bot.StepUp
}

// Fault is something wrong with a policy, or with a standing approval.
type Fault struct {
	// Rule counts the policy's rules from 0, and Name is the rule's.
	Rule int
	Name string
	// Field is where in the rule, as the configuration writes it:
	// "approvers.count", "windows[0].zone", "arguments.max[1]"; "" for all of it.
	Field string
	// Message goes on after the field's name.
	Message string
	// Warning: it can be used, but perhaps is not what was meant.
	Warning bool
	// People: it is about who there is, and the rule itself is sound.
	People bool
}

// Faults tells all that is wrong with the policy: what cannot be read, what
// cannot happen, and, as warnings, what may surprise. Known may be nil where the
// operations are not known; people are all that there are.
func (p Policy) Faults(known []Known, people []Approver) []Fault {
	var out []Fault
	names := map[string]int{}
	for i, r := range p.Rules {
		f := finder{rule: i, name: r.Rule.Name}
		if first, twice := names[r.Rule.Name]; twice {
			f.fault("name", "%q is the name of another rule too (the %s): every rule needs a name of its own", r.Rule.Name, ordinal(first))
		} else {
			names[r.Rule.Name] = i
		}
		f.forms(r)
		f.operations(r, known)
		f.words(r.Rule)
		f.times(r.Rule)
		f.undoing(r, known)
		if sound := len(f.found); !slices.ContainsFunc(f.found, func(x Fault) bool { return !x.Warning }) {
			f.reach(r.Rule, people)
			for i := range f.found[sound:] {
				f.found[sound+i].People = true
			}
		}
		if len(f.found) == 0 { // what is broken shadows nothing, and cannot be told apart
			f.shadow(p.Rules[:i], r)
		}
		out = append(out, f.found...)
	}
	return out
}

type finder struct {
	rule  int
	name  string
	found []Fault
}

func (f *finder) fault(field, format string, args ...any) {
	f.found = append(f.found, Fault{Rule: f.rule, Name: f.name, Field: field, Message: fmt.Sprintf(format, args...)})
}

func (f *finder) warn(field, format string, args ...any) {
	f.found = append(f.found, Fault{Rule: f.rule, Name: f.name, Field: field, Message: fmt.Sprintf(format, args...), Warning: true})
}

// forms looks at what the rule is for.
func (f *finder) forms(r PolicyRule) {
	if r.Rule.Name == "" {
		f.fault("name", "is missing: people are told by it which rule let something through")
	}
	if len(r.Operations) == 0 {
		f.fault("operations", "is empty, and the rule is for nothing: name operations, as in [zfs.arc.set]")
	}
	if len(r.Hosts) == 0 {
		f.fault("hosts", "is empty, and the rule is for no host")
	}
	for i, h := range r.Hosts {
		if why := form(h).fault(false); why != "" {
			f.fault(fmt.Sprintf("hosts[%d]", i), "%s", why)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Arguments)) {
		if len(r.Arguments[name]) == 0 {
			f.fault("arguments."+name, "is empty, and no value fits: name some, or leave the argument out to allow all")
		}
		for i, v := range r.Arguments[name] {
			if why := form(v).fault(true); why != "" {
				f.fault(fmt.Sprintf("arguments.%s[%d]", name, i), "%s", why)
			}
		}
	}
}

// operations looks whether there is what the rule speaks of.
func (f *finder) operations(r PolicyRule, known []Known) {
	var meant []Known
	for i, o := range r.Operations {
		field := fmt.Sprintf("operations[%d]", i)
		if why := form(o).fault(false); why != "" {
			f.fault(field, "%s", why)
			continue
		}
		if known == nil {
			continue
		}
		n := len(meant)
		for _, k := range known {
			if form(o).matches(string(k.Name), false) {
				meant = append(meant, k)
			}
		}
		if n == len(meant) {
			f.fault(field, "there is no operation %q: known are %s", o, knownNames(known))
		}
	}
	if len(meant) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(r.Arguments)) {
		has := func(k Known) bool { return k.Arguments == nil || slices.Contains(k.Arguments, name) }
		switch lacks := slices.IndexFunc(meant, func(k Known) bool { return !has(k) }); {
		case !slices.ContainsFunc(meant, has):
			f.fault("arguments."+name, "%s takes no such argument: it takes %s", meant[lacks].Name, argumentNames(meant[lacks]))
		case lacks >= 0:
			f.warn("arguments."+name, "%s takes no such argument, and so the rule never fits it", meant[lacks].Name)
		}
	}
}

// undoing warns of a word that is waited for, although without it nothing would be
// brought back.
func (f *finder) undoing(r PolicyRule, known []Known) {
	if r.Rule.ConfirmWithin <= 0 {
		return
	}
	var without []string
	for _, k := range known {
		if k.NoUndo && slices.ContainsFunc(r.Operations, func(o bot.OperationName) bool { return form(o).matches(string(k.Name), false) }) {
			without = append(without, string(k.Name))
		}
	}
	if len(without) > 0 {
		f.warn("confirm_within", "nothing can be undone of %s: without a word it ends as failed, and what it did stays", orList(without))
	}
}

func knownNames(known []Known) string {
	var words []string
	for _, k := range known {
		words = append(words, string(k.Name))
	}
	slices.Sort(words)
	if len(words) == 0 {
		return "none"
	}
	return orList(words)
}

func argumentNames(k Known) string {
	if len(k.Arguments) == 0 {
		return "none"
	}
	return orList(slices.Sorted(slices.Values(k.Arguments)))
}

// words looks at what is chosen from few words, and at the number of people.
func (f *finder) words(r bot.Rule) {
	if r.Count < 1 {
		f.fault("approvers.count", "is %d, and nobody would have to agree: write at least 1", r.Count)
	}
	switch r.Risk {
	case bot.RiskLow, bot.RiskMedium, bot.RiskHigh:
	default:
		f.fault("risk", "there is no risk %q: write low, medium or high", r.Risk)
	}
	if len(r.Requesters) == 0 {
		f.fault("requesters", "is empty, and nobody may ask: name roles")
	}
	if len(r.Approvers) == 0 {
		f.fault("approvers.roles", "is empty, and nobody can agree: name roles")
	}
	for i, s := range r.StepUp {
		switch s {
		case bot.StepTOTP, bot.StepHost, bot.StepSSH:
		default:
			f.fault(fmt.Sprintf("step_up[%d]", i), "there is no proof %q: write totp, host or ssh", s)
		}
	}
	if weak := weakest(r.StepUp); r.Risk == bot.RiskHigh && weak != "" {
		f.warn("step_up", "%s, and the risk is high: a captured bot could agree in people's names; host and ssh hold against it", weak)
	}
}

// weakest says how an approval need not prove much, or "".
func weakest(steps []bot.StepUp) string {
	switch {
	case len(steps) == 0:
		return "asks for no proof"
	case slices.Contains(steps, bot.StepTOTP):
		return "is content with a code (totp)"
	}
	return ""
}

// times looks at spans and windows.
func (f *finder) times(r bot.Rule) {
	switch {
	case r.ApproveWithin < 60:
		f.fault("approve_within", "must be at least 1m, so that people can read the plan")
	case r.ValidFor < r.ApproveWithin:
		f.fault("valid_for", "is shorter than approve_within: the plan would end while people may still agree to it")
	case r.ValidFor.Duration() > MaxValid:
		f.fault("valid_for", "must be at most 8d: nobody knows what the host is by then")
	}
	if r.ConfirmWithin < 0 {
		f.fault("confirm_within", "must not be negative")
	}
	whole := true
	for i, w := range r.Windows {
		_, faults := readWindow(w)
		for _, x := range faults {
			f.fault(fmt.Sprintf("windows[%d].%s", i, x.field), "%s", x.message)
			whole = false
		}
	}
	switch {
	case len(r.Windows) == 0 && r.Queue:
		f.fault("outside", "there are no windows to wait for: leave it out, or write windows")
	case r.Queue && whole && r.ValidFor >= r.ApproveWithin:
		// A plan that ends before the next window opens is refused when it is asked
		// for, and that is what a rule without a queue is meant to do.
		if gap := longestGap(r.Windows); r.ValidFor.Duration() < gap {
			f.warn("valid_for", "is shorter than the longest time between two windows (%s): what is asked for soon after one ends before the next opens", spelt(gap))
		}
	}
}

// longestGap is the longest time in an ordinary fortnight in which no window is
// open.
func longestGap(ws []bot.Window) time.Duration {
	// A fortnight without a change of the clock anywhere that matters here.
	t := time.Date(2026, 1, 12, 0, 0, 0, 0, time.UTC)
	all := spans(ws, t)
	gap := time.Duration(0)
	if len(all) < 2 { // one that comes less often than once a week
		return daysAhead * day
	}
	for i := 1; i < len(all); i++ {
		gap = max(gap, all[i].From.Sub(all[i-1].To))
	}
	return gap
}

// spelt is "22h" rather than "22h0m0s".
func spelt(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func ordinal(i int) string {
	words := []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}
	if i < len(words) {
		return words[i]
	}
	return fmt.Sprintf("%dth", i+1)
}

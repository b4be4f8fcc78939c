package gate

import (
	"maps"
	"slices"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Policy is what may be asked for, by whom, and who must agree. What no rule
// allows is refused.
type Policy struct{ Rules []PolicyRule }

// PolicyRule says which operations a bot.Rule is for. Names and values are forms
// (form.go): exact, or with "*".
type PolicyRule struct {
	Rule       bot.Rule
	Operations []bot.OperationName // "zfs.arc.set", "zfs.*"
	Hosts      []string            // "vulcan"; none is no host
	// Arguments restricts arguments by name: each value that is given must have
	// one of the forms, and at least one must be given. "8GiB..32GiB" and "1..10"
	// are ranges. Values are compared in the normal form that Operation.Parse
	// gives them.
	Arguments map[string][]string
	// ArgumentsOnly: an argument that Arguments does not name must not be given.
	ArgumentsOnly bool
}

// Find gives the first rule that fits the operation, the host, its arguments in
// their normal form, and a role of the requester. The error is a *bot.Error for
// people: nothing allows it, or only others may ask, or only for other values.
func (p Policy) Find(op bot.OperationName, host string, args bot.Arguments, requester bot.Person) (bot.Rule, error) {
	var others []bot.Role // who may ask for just this
	var strangers []bot.Role
	values := "" // what the arguments would have to be for this requester
	for _, r := range p.Rules {
		if !r.names(op, host) {
			continue
		}
		may := Holds(requester, r.Rule.Requesters)
		misfit := r.misfit(args)
		switch {
		case misfit == "" && may && r.Rule.Count < 1:
			// Not the next rule: this one is the answer, and it is none.
			return bot.Rule{}, bot.Errorf(bot.CodeForbidden, "The policy's rule %q asks nobody to agree, and so lets nothing through: give it a count of at least 1.", r.Rule.Name)
		case misfit == "" && may:
			return r.Rule, nil
		case misfit == "":
			others = append(others, r.Rule.Requesters...)
		case may && values == "":
			values = misfit
		case !may:
			strangers = append(strangers, r.Rule.Requesters...)
		}
	}
	if len(others) == 0 {
		others = strangers
	} else {
		values = "" // others may ask for just this, which is the nearer answer
	}
	others = slices.DeleteFunc(others, func(r bot.Role) bool { return r == "" })
	switch {
	case values != "":
		return bot.Rule{}, bot.Errorf(bot.CodeForbidden, "The policy lets you ask for %s on %s only %s.", op, host, values)
	case len(others) > 0:
		return bot.Rule{}, bot.Errorf(bot.CodeForbidden, "Only somebody with the role %s may ask for %s on %s.", anyOf(others), op, host)
	}
	return bot.Rule{}, bot.Errorf(bot.CodeForbidden, "Nothing in the policy allows %s on %s.", op, host)
}

// names tells whether the rule speaks of the operation on the host.
func (r PolicyRule) names(op bot.OperationName, host string) bool {
	return slices.ContainsFunc(r.Operations, func(o bot.OperationName) bool { return form(o).matches(string(op), false) }) &&
		slices.ContainsFunc(r.Hosts, func(h string) bool { return form(h).matches(host, false) })
}

// misfit says how the arguments would have to be otherwise, or "".
func (r PolicyRule) misfit(args bot.Arguments) string {
	for _, name := range slices.Sorted(maps.Keys(r.Arguments)) {
		forms := r.Arguments[name]
		given := args[name]
		fits := len(given) > 0
		for _, v := range given {
			fits = fits && slices.ContainsFunc(forms, func(f string) bool { return form(f).matches(v, true) })
		}
		if !fits {
			return "where " + name + " is " + orList(forms)
		}
	}
	if r.ArgumentsOnly {
		for _, name := range slices.Sorted(maps.Keys(args)) {
			if _, restricted := r.Arguments[name]; !restricted && len(args[name]) > 0 {
				return "without " + name
			}
		}
	}
	return ""
}

// SameRule tells whether two rules ask for the same. No list and an empty one are
// the same: a plan that was read from its canonical form has the latter.
func SameRule(a, b bot.Rule) bool {
	return a.Name == b.Name && a.Risk == b.Risk && slices.Equal(a.Requesters, b.Requesters) && slices.Equal(a.Approvers, b.Approvers) &&
		a.Count == b.Count && a.RequesterCounts == b.RequesterCounts && slices.Equal(a.StepUp, b.StepUp) &&
		a.ApproveWithin == b.ApproveWithin && a.ValidFor == b.ValidFor && a.Queue == b.Queue && a.ConfirmWithin == b.ConfirmWithin &&
		slices.EqualFunc(a.Windows, b.Windows, func(x, y bot.Window) bool {
			return x.From == y.From && x.To == y.To && x.Zone == y.Zone && x.Start == y.Start && x.Lasts == y.Lasts && slices.Equal(x.Days, y.Days)
		})
}

// Holds tells whether the person has one of the roles. No roles are nobody's,
// and so is the role without a name.
func Holds(p bot.Person, roles []bot.Role) bool {
	return p.ID != "" && slices.ContainsFunc(roles, func(r bot.Role) bool { return r != "" && p.Has(r) })
}

// anyOf is "approver", or "admin or approver".
func anyOf(roles []bot.Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	slices.Sort(words)
	return orList(slices.Compact(words))
}

// orList names those who could, or what it takes.
func orList(words []string) string {
	if len(words) == 0 {
		return "that nobody has"
	}
	return phrase.Or(words)
}

package gate

import (
	"slices"

	"watchstander/bot"
)

// shadow warns of a rule that is never reached, since an earlier one fits
// whatever it fits. Only single rules are compared: several that cover it
// together are not found.
func (f *finder) shadow(before []PolicyRule, r PolicyRule) {
	for _, b := range before {
		if b.coversAll(r) {
			f.warn("", "is never reached: the rule %q before it fits everything that this one does", b.Rule.Name)
			return
		}
	}
}

func (r PolicyRule) coversAll(o PolicyRule) bool {
	return coverForms(r.Operations, o.Operations, false) &&
		coverForms(r.Hosts, o.Hosts, false) &&
		r.coversArguments(o) &&
		coverRoles(r.Rule.Requesters, o.Rule.Requesters)
}

func (r PolicyRule) coversArguments(o PolicyRule) bool {
	for name, forms := range r.Arguments {
		narrower, restricted := o.Arguments[name]
		if !restricted || !coverForms(forms, narrower, true) {
			return false
		}
	}
	if !r.ArgumentsOnly {
		return true
	}
	// Every argument that o takes must be one that r knows.
	for name := range o.Arguments {
		if _, known := r.Arguments[name]; !known {
			return false
		}
	}
	return o.ArgumentsOnly
}

// coverForms tells whether each of the narrower forms is within one of the wider.
func coverForms[T ~string](wider, narrower []T, ranges bool) bool {
	return !slices.ContainsFunc(narrower, func(n T) bool {
		return !slices.ContainsFunc(wider, func(w T) bool { return form(w).covers(form(n), ranges) })
	})
}

// coverRoles tells whether whoever holds one of the narrower roles also holds one
// of the wider, by what Person.Has makes of them.
func coverRoles(wider, narrower []bot.Role) bool {
	return !slices.ContainsFunc(narrower, func(n bot.Role) bool {
		holder := bot.Person{ID: "somebody"}
		if n != bot.RoleObserver {
			holder.Roles = []bot.Role{n}
		}
		return !Holds(holder, wider)
	})
}

package gate

import (
	"slices"
	"strings"

	"watchstander/bot"
)

// reach looks whether the people that there are can ask under the rule, and agree.
func (f *finder) reach(r bot.Rule, people []Approver) {
	asked, answered := f.held("requesters", r.Requesters, people), f.held("approvers.roles", r.Approvers, people)
	if !asked || !answered {
		return
	}
	able := approversOf(r, people, r.StepUp)
	var left []string // who can ask, and never be served
	served := false
	for _, p := range people {
		if !Holds(p.Person, r.Requesters) {
			continue
		}
		if agreeing(r, able, p.Person.ID) >= int(r.Count) {
			served = true
		} else {
			left = append(left, string(p.Person.ID))
		}
	}
	switch {
	case !served:
		f.fault("approvers", "can never be met: %s", f.scarce(r, able))
	case len(left) > 0:
		f.warn("approvers", "can never be met when %s asks: %s", orList(left), f.scarce(r, able))
	}
}

// held faults roles that nobody holds; of several, one that somebody holds is
// enough for a warning, and for going on.
func (f *finder) held(field string, roles []bot.Role, people []Approver) bool {
	var empty []bot.Role
	for _, r := range roles {
		if !slices.ContainsFunc(people, func(p Approver) bool { return Holds(p.Person, []bot.Role{r}) }) {
			empty = append(empty, r)
		}
	}
	switch {
	case len(empty) == 0:
	case len(empty) == len(roles):
		f.fault(field, "nobody holds the role %s", anyOf(empty))
		return false
	default:
		f.warn(field, "nobody holds the role %s", anyOf(empty))
	}
	return true
}

// scarce says who could agree at all.
func (f *finder) scarce(r bot.Rule, able []bot.PersonID) string {
	words := make([]string, len(able))
	for i, p := range able {
		words[i] = string(p)
	}
	who := "nobody"
	if len(words) > 0 {
		who = "only " + strings.Join(words, ", ")
	}
	with := ""
	if len(r.StepUp) > 0 {
		with = " and can prove themselves by " + proofs(r.StepUp)
	}
	says := who + " of those who are configured has the role " + anyOf(r.Approvers) + with
	if len(able) > 0 && !r.RequesterCounts {
		says += ", and who asks does not count"
	}
	return says
}

// approversOf are the people who could approve under the rule with one of these
// proofs; no proofs are needed where there are none.
func approversOf(r bot.Rule, people []Approver, steps []bot.StepUp) []bot.PersonID {
	var out []bot.PersonID
	for _, p := range people {
		proves := len(steps) == 0 || slices.ContainsFunc(steps, func(s bot.StepUp) bool { return slices.Contains(p.StepUp, s) })
		if proves && Holds(p.Person, r.Approvers) && !slices.Contains(out, p.Person.ID) {
			out = append(out, p.Person.ID)
		}
	}
	return out
}

// agreeing counts who of the able can agree when that person asks.
func agreeing(r bot.Rule, able []bot.PersonID, requester bot.PersonID) int {
	if !r.RequesterCounts && slices.Contains(able, requester) {
		return len(able) - 1
	}
	return len(able)
}

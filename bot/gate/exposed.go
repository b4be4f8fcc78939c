package gate

import (
	"fmt"
	"slices"

	"watchstander/bot"
)

// Exposure is what a captured bot could run under one rule. The bot carries what
// people say in chats, so that it could ask in anybody's name and agree in
// anybody's name, as far as a word from a chat is enough.
type Exposure struct {
	Rule string
	Risk bot.Risk
	// Operations are the agent's own where they are known, else the rule's forms.
	Operations []bot.OperationName
	Hosts      []string
	Arguments  map[string][]string
	// Codes: it would need current codes of Count people, whom it would have to ask
	// for them under a pretext; without Codes it needs nobody.
	Codes bool
	Count int
	// Why is a sentence for people.
	Why string
}

// Exposed lists the rules under which a captured bot could have something run,
// alone or by redirecting people's codes. A rule whose every approval needs host
// or ssh is safe, and so is one that too few people could meet in that way. What
// a captured bot can always do is deny, ask, and be silent.
func (p Policy) Exposed(known []Known, people []Approver) []Exposure {
	var out []Exposure
	for _, r := range p.Rules {
		codes, exposed := r.exposed(people)
		if !exposed {
			continue
		}
		e := Exposure{Rule: r.Rule.Name, Risk: r.Rule.Risk, Operations: r.Operations, Hosts: r.Hosts, Arguments: r.Arguments, Codes: codes, Count: int(r.Rule.Count)}
		if known != nil {
			e.Operations = r.OperationsOf(known)
		}
		if len(e.Operations) == 0 {
			continue
		}
		switch {
		case !codes:
			e.Why = "A word from a chat is enough for an approval, and a captured bot can make those up."
		case e.Count == 1:
			e.Why = "A code is enough for an approval, and a captured bot can use one that somebody types for something else."
		default:
			e.Why = fmt.Sprintf("Codes are enough for approvals, and a captured bot can use those that %d people type for something else.", e.Count)
		}
		out = append(out, e)
	}
	return out
}

// exposed tells whether enough people could be spoken for, and whether that needs
// their codes.
func (r PolicyRule) exposed(people []Approver) (codes, exposed bool) {
	codes = len(r.Rule.StepUp) > 0
	if codes && !slices.Contains(r.Rule.StepUp, bot.StepTOTP) || r.Rule.Count < 1 {
		return false, false
	}
	var steps []bot.StepUp
	if codes {
		steps = []bot.StepUp{bot.StepTOTP}
	}
	able := approversOf(r.Rule, people, steps)
	return codes, slices.ContainsFunc(people, func(p Approver) bool {
		return Holds(p.Person, r.Rule.Requesters) && agreeing(r.Rule, able, p.Person.ID) >= int(r.Rule.Count)
	})
}

// OperationsOf are those of the known operations that the rule speaks of, sorted: what
// its forms, as zfs.*, come to.
func (r PolicyRule) OperationsOf(known []Known) []bot.OperationName {
	var out []bot.OperationName
	for _, k := range known {
		if slices.ContainsFunc(r.Operations, func(o bot.OperationName) bool { return form(o).matches(string(k.Name), false) }) {
			out = append(out, k.Name)
		}
	}
	slices.Sort(out)
	return out
}

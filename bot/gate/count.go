package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
)

// Doors by which decisions come that no chat carried.
const (
	// DoorHost is the agent's own socket for people on the host.
	DoorHost = "host"
	// DoorSSH is a signature, whoever brought it.
	DoorSSH = "ssh"
)

// count is a case with its decisions sorted into those that count and the others.
type count struct {
	Case
	// deadline is when the time for approvals ends.
	deadline time.Time
	// approvals that count, one a person, the earliest first.
	approvals []bot.Decision
	denials   []bot.Decision // that end it, the earliest first
	ignored   []Ignored
	// ahead are times later than now at which something begins to count.
	ahead []time.Time
}

// tally looks at every decision, in an order that does not hang on theirs.
func tally(c Case) *count {
	p := c.Proposal
	t := &count{Case: c, deadline: p.Plan.NotAfter}
	if !p.ShownAt.IsZero() {
		t.deadline = earlier(t.deadline, p.ShownAt.Add(p.Plan.Rule.ApproveWithin.Duration()))
		t.ahead = append(t.ahead, p.ShownAt)
	}
	decisions := slices.SortedFunc(slices.Values(p.Decisions), compare)
	for _, d := range decisions {
		why := ""
		switch {
		case withdrawn(decisions, d):
			why = fmt.Sprintf("%s took it back", d.Person)
		case d.Verdict == bot.Deny:
			if why = t.denies(d); why == "" {
				t.denials = append(t.denials, d)
			}
		case d.Verdict != bot.Approve:
			why = fmt.Sprintf("%q is neither yes nor no", d.Verdict)
		default:
			if why = t.approves(d); why == "" {
				t.approvals = append(t.approvals, d)
			}
		}
		if why != "" {
			t.ignored = append(t.ignored, Ignored{d, why})
		}
	}
	return t
}

// approves says why an approval does not count, or "".
func (t *count) approves(d bot.Decision) string {
	plan := t.Proposal.Plan
	rule := plan.Rule
	p, known := t.person(d.Person)
	switch {
	case !known:
		return fmt.Sprintf("%s is not known here", d.Person)
	case !Holds(p, rule.Approvers):
		return fmt.Sprintf("%s does not have the role %s", d.Person, anyOf(rule.Approvers))
	case d.Person == plan.Requester && !rule.RequesterCounts:
		return fmt.Sprintf("%s asked for it, and somebody else must agree", d.Person)
	case d.At.Before(plan.MintedAt):
		return "it is older than the plan"
	case d.StepUp == bot.StepHost && d.Door != DoorHost:
		return fmt.Sprintf("it claims to come from the host, and came by %s", cmp.Or(d.Door, "nowhere"))
	case len(rule.StepUp) > 0 && !slices.Contains(rule.StepUp, d.StepUp):
		return fmt.Sprintf("it lacks the proof that the rule wants (%s)", proofs(rule.StepUp))
	case d.At.After(t.Now):
		t.ahead = append(t.ahead, d.At)
		return "it is dated later than now"
	case !shownByAgent(d) && (t.Proposal.ShownAt.IsZero() || d.At.Before(t.Proposal.ShownAt)):
		return "it came before the plan was shown whole"
	case !d.At.Before(t.deadline):
		return fmt.Sprintf("it came after the time for approvals ended at %s", stamp(t.deadline, t.Now))
	}
	if why := t.outside(d.At); why != "" {
		return why
	}
	if slices.ContainsFunc(t.approvals, func(a bot.Decision) bool { return a.Person == d.Person }) {
		return fmt.Sprintf("%s counts once", d.Person)
	}
	return ""
}

// outside says why an approval of that time does not count under a rule that does
// not queue, or "": it must have been given in the window that is open now.
func (t *count) outside(at time.Time) string {
	rule := t.Proposal.Plan.Rule
	if rule.Queue || len(rule.Windows) == 0 {
		return ""
	}
	switch _, until, open := Open(rule.Windows, at); {
	case !open:
		return "it came outside the window, and the rule does not let approvals wait"
	case !t.Now.Before(until):
		return fmt.Sprintf("it came in a window that ended at %s", stamp(until, t.Now))
	}
	return ""
}

// denies says why a denial does not count, or "".
func (t *count) denies(d bot.Decision) string {
	plan := t.Proposal.Plan
	if d.Person == plan.Requester && d.Person != "" {
		return ""
	}
	switch p, known := t.person(d.Person); {
	case !known:
		return fmt.Sprintf("%s is not known here", d.Person)
	case !Holds(p, plan.Rule.Approvers):
		return fmt.Sprintf("%s does not have the role %s", d.Person, anyOf(plan.Rule.Approvers))
	}
	return ""
}

// denial is the earliest one.
func (t *count) denial() (bot.Decision, bool) {
	if len(t.denials) == 0 {
		return bot.Decision{}, false
	}
	return t.denials[0], true
}

func (c Case) denialWords(d bot.Decision) string {
	words := fmt.Sprintf("%s denied it", d.Person)
	if d.Person == c.Proposal.Plan.Requester {
		words = fmt.Sprintf("%s, who asked for it, took it back", d.Person)
	}
	if reason := strings.TrimSpace(d.Reason); reason != "" {
		return words + ": " + reason
	}
	return words + "."
}

func (c Case) person(id bot.PersonID) (bot.Person, bool) {
	if id == "" || c.Person == nil {
		return bot.Person{}, false
	}
	p, known := c.Person(id)
	return p, known && p.ID == id
}

// shown tells whether the plan was shown whole by now.
func (t *count) shown() bool {
	at := t.Proposal.ShownAt
	return !at.IsZero() && !at.After(t.Now)
}

// shownByAgent: the approver saw the plan as the agent or our own program shows
// it, and no chat had to show it before.
func shownByAgent(d bot.Decision) bool {
	return d.StepUp == bot.StepHost && d.Door == DoorHost || d.StepUp == bot.StepSSH
}

// withdrawn: this decision was taken back, or another copy of it was.
func withdrawn(all []bot.Decision, d bot.Decision) bool {
	if !d.Withdrawn.IsZero() {
		return true
	}
	return d.ID != "" && slices.ContainsFunc(all, func(o bot.Decision) bool {
		return o.ID == d.ID && o.Person == d.Person && o.Verdict == d.Verdict && !o.Withdrawn.IsZero()
	})
}

func compare(a, b bot.Decision) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Person, b.Person), cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.StepUp, b.StepUp), cmp.Compare(a.Door, b.Door),
		cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Message, b.Message),
		a.Withdrawn.Compare(b.Withdrawn))
}

func (t *count) names() string {
	words := make([]string, len(t.approvals))
	for i, a := range t.approvals {
		words[i] = string(a.Person)
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// missingWords tells who is waited for.
func (t *count) missingWords() string {
	rule := t.Proposal.Plan.Rule
	n := int(rule.Count) - len(t.approvals)
	words := fmt.Sprintf("%d more people with the role %s must agree", n, anyOf(rule.Approvers))
	if n == 1 {
		words = fmt.Sprintf("Somebody with the role %s must agree", anyOf(rule.Approvers))
		if len(t.approvals) > 0 {
			words = fmt.Sprintf("One more person with the role %s must agree", anyOf(rule.Approvers))
		}
	}
	if len(rule.StepUp) > 0 {
		words += ", with proof (" + proofs(rule.StepUp) + ")"
	}
	return words + " before " + stamp(t.deadline, t.Now) + "."
}

func proofs(steps []bot.StepUp) string {
	words := make([]string, len(steps))
	for i, s := range steps {
		words[i] = string(s)
	}
	return orList(words)
}

package gate

import (
	"fmt"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Case is all that a judgement rests on.
type Case struct {
	// Proposal with its plan, its rule, when it was shown, and every decision.
	Proposal bot.Proposal
	// Person gives somebody with the roles that they hold now; false for whom
	// nobody knows (any more).
	Person func(bot.PersonID) (bot.Person, bool)
	Now    time.Time
}

// Judgement is where a proposal stands.
type Judgement struct {
	State State
	// Why is a sentence for people.
	Why string
	// Counted are the people whose approval counts, in the order of their word,
	// and Missing how many more are needed.
	Counted []bot.PersonID
	Missing int
	// Ignored are the decisions that do not count, with the reason.
	Ignored []Ignored
	// At is when the window opens that a queued proposal, or one that waits for
	// decisions outside its window, waits for; else zero.
	At time.Time
	// Until is when this ends: the time for approvals, the window, the plan's life.
	// Of what has expired it is when that was.
	Until time.Time
	// Next is when judging again would give another answer by time alone; zero for
	// never, as in every end.
	Next time.Time
}

// State is what is to be done with a proposal.
type State string

const (
	// Unshown: the plan was not yet shown whole, and what was decided at the host
	// or by signature is not enough.
	Unshown State = "unshown"
	// Waiting for decisions.
	Waiting State = "waiting"
	// Queued: agreed to; the window opens At.
	Queued State = "queued"
	// Run: it may start now, once.
	Run State = "run"
	// Denied by somebody, or cancelled by who asked.
	Denied State = "denied"
	// Expired: the time for it is over.
	Expired State = "expired"
	// Refused: it must not run, whatever is decided.
	Refused State = "refused"
)

// Ignored is a decision that does not count.
type Ignored struct {
	Decision bot.Decision
	// Why is a clause for people: "carol's role is no longer approver".
	Why string
}

// Judge tells where a proposal stands now. It knows nothing but the case, and the
// order of the decisions does not matter.
//
// Approvals count once a person, from the moment when the plan was shown whole
// (those at the host and by signature from the minting: the agent itself showed
// the plan), until the time for approvals ends, each with one of the rule's
// proofs, from people who hold a role that may approve. A rule with windows takes
// approvals only while the window is open in which it starts; one that queues
// takes them at any time, and they live until the end of the window that is then
// open or opens next, also beyond the time for approvals. The plan's NotAfter
// ends everything.
//
// One denial ends it: by whoever holds a role that may approve, whether or not
// they could prove themselves, and by the requester always. Denials count before
// the plan is shown, too. A denial that came after the end changes nothing.
func Judge(c Case) Judgement {
	if why := unfit(c.Proposal); why != "" {
		return Judgement{State: Refused, Why: why}
	}
	t := tally(c)
	j := t.life()
	if d, denied := t.denial(); denied && (j.State != Expired || d.At.Before(j.Until)) {
		j = Judgement{State: Denied, Why: c.denialWords(d)}
	}
	rule := c.Proposal.Plan.Rule
	for _, a := range t.approvals {
		j.Counted = append(j.Counted, a.Person)
	}
	j.Missing = max(0, int(rule.Count)-len(t.approvals))
	j.Ignored = t.ignored
	return j
}

// unfit says why a proposal must not run whatever people decide, or "".
func unfit(p bot.Proposal) string {
	rule := p.Plan.Rule
	switch {
	case rule.Count < 1:
		return fmt.Sprintf("The rule %q asks nobody to agree, and so lets nothing through.", rule.Name)
	case p.Plan.NotAfter.IsZero():
		return "The plan has no end, and so cannot be started."
	case !p.StartedAt.IsZero() || p.State == bot.Running || p.State == bot.Confirming:
		return "It was started already, and nothing runs twice."
	case !p.State.Open():
		return fmt.Sprintf("It is over: %s.", orUnknown(string(p.State)))
	}
	for _, w := range rule.Windows {
		if _, faults := readWindow(w); len(faults) > 0 {
			return fmt.Sprintf("A window of the rule %q cannot be read: %s.", rule.Name, faults[0].message)
		}
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return "its state is unknown"
	}
	return s
}

// life judges by the approvals and the time, as if there were no denial.
func (t *count) life() Judgement {
	plan, now := t.Proposal.Plan, t.Now
	agreed := len(t.approvals) >= int(plan.Rule.Count)
	queues := plan.Rule.Queue && len(plan.Rule.Windows) > 0
	switch {
	case !now.Before(plan.NotAfter):
		return t.expired(plan.NotAfter, agreed)
	case queues && agreed:
		return t.queued()
	case !now.Before(t.deadline):
		return t.expired(t.deadline, agreed)
	}
	from, until, windowed := OpenOrNext(plan.Rule.Windows, now)
	last := t.deadline // when a window must have opened
	if queues {
		last = plan.NotAfter
	}
	switch {
	case !windowed, !from.Before(last):
		return Judgement{State: Refused, Why: fmt.Sprintf("It may start only in its window (%s), and none opens before %s.", WindowWords(plan.Rule.Windows), stamp(last, t.Now))}
	case t.unwanted() != "":
		return Judgement{State: Refused, Why: t.unwanted()}
	}
	j := Judgement{State: Waiting, Until: t.deadline, Next: t.next(t.deadline, from, until)}
	if from.After(now) {
		j.At = from
	}
	switch {
	case agreed: // and its window, if it has any, is open, or nothing would count
		j.State, j.Why = Run, "Agreed to by "+t.names()+"."
		if !until.IsZero() {
			j.Until = earlier(j.Until, until)
		}
	case !t.shown():
		j.State, j.Why = Unshown, "The plan has not been shown whole yet; no approval from a chat counts before."
	default:
		j.Why = t.missingWords()
		if !j.At.IsZero() && !queues {
			j.Why = fmt.Sprintf("Its window opens at %s; approvals count from then on. %s", stamp(from, t.Now), j.Why)
		}
	}
	return j
}

// queued judges what was agreed to under a rule that queues.
func (t *count) queued() Judgement {
	plan, now := t.Proposal.Plan, t.Now
	agreedAt := t.approvals[plan.Rule.Count-1].At
	from, until, ok := OpenOrNext(plan.Rule.Windows, agreedAt)
	switch {
	case !ok || !from.Before(plan.NotAfter):
		return Judgement{State: Refused, Why: fmt.Sprintf("It was agreed to by %s, but no window (%s) opens before the plan's end at %s.", t.names(), WindowWords(plan.Rule.Windows), stamp(plan.NotAfter, t.Now))}
	case !now.Before(until):
		return Judgement{State: Expired, Until: until, Why: fmt.Sprintf("It was agreed to by %s, but not started before its window ended at %s.", t.names(), stamp(until, t.Now))}
	case t.unwanted() != "":
		return Judgement{State: Refused, Why: t.unwanted()}
	}
	until = earlier(until, plan.NotAfter)
	if now.Before(from) {
		return Judgement{State: Queued, At: from, Until: until, Next: t.next(from),
			Why: fmt.Sprintf("Agreed to by %s; it waits for its window, which opens at %s.", t.names(), stamp(from, t.Now))}
	}
	return Judgement{State: Run, Until: until, Next: t.next(until), Why: "Agreed to by " + t.names() + "."}
}

func (t *count) expired(at time.Time, agreed bool) Judgement {
	why := fmt.Sprintf("Nobody agreed before %s.", stamp(at, t.Now))
	switch n := len(t.approvals); {
	case agreed:
		why = fmt.Sprintf("It was agreed to by %s, but not started before its time ended at %s.", t.names(), stamp(at, t.Now))
	case n > 0:
		why = fmt.Sprintf("Only %d of %d people agreed before %s.", n, t.Proposal.Plan.Rule.Count, stamp(at, t.Now))
	}
	return Judgement{State: Expired, Until: at, Why: why}
}

// unwanted says why the requester may not ask for it any more, or "": rights are
// looked at when something is done, not only when it is asked for.
func (t *count) unwanted() string {
	plan := t.Proposal.Plan
	p, known := t.person(plan.Requester)
	switch {
	case !known:
		return fmt.Sprintf("%s, who asked for it, is not known any more.", plan.Requester)
	case !Holds(p, plan.Rule.Requesters):
		return fmt.Sprintf("%s, who asked for it, no longer has a role that may ask (%s).", plan.Requester, anyOf(plan.Rule.Requesters))
	}
	return ""
}

// next is the first of the times that lies ahead, and of those at which a decision
// or the showing begins to count that is dated later than now.
func (t *count) next(times ...time.Time) time.Time {
	var out time.Time
	for _, at := range slices.Concat(times, t.ahead) {
		if at.After(t.Now) && (out.IsZero() || at.Before(out)) {
			out = at
		}
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// stamp writes a moment as people read it, and in one zone for everybody.
func stamp(t, now time.Time) string { return phrase.Moment(t, time.UTC, now) }

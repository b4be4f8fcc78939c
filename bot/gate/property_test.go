package gate

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"watchstander/bot"
)

// The cases of this file are drawn, and held against the oracle at its end, which
// knows the policy's promises and nothing of how Judge keeps them: it walks
// minute by minute. All times are whole minutes.

// draw makes choices: pick(n) is one of 0 … n-1.
type draw func(n int) int

func (pick draw) minute(from, to int) time.Time {
	return start.Add(time.Duration(from+pick(to-from)) * time.Minute)
}

// start is when the drawn case's plan is made: on an ordinary day, or 90 minutes
// before the clock of the windows jumps over an hour.
var start = ordinary

var (
	ordinary = time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)
	jump     = time.Date(2026, 3, 8, 8, 30, 0, 0, time.UTC)
)

var names = []bot.PersonID{"alice", "bob", "carol", "dave", "erin", "frank", "mallory", ""}

func (pick draw) aCase() Case {
	start = []time.Time{ordinary, ordinary, jump}[pick(3)]
	// Windows are near, or nothing would ever be queued.
	clock := func() string {
		return pick.minute(-120, 240).Truncate(10 * time.Minute).In(loadZone(losAngeles)).Format("15:04")
	}
	r := bot.Rule{Name: "drawn", Risk: bot.RiskHigh, Requesters: []bot.Role{"operator"}, Approvers: []bot.Role{"approver"},
		Count: bot.Count([]int{1, 2, 1, 2, 1, 1, 2, 1, 1, 3, 1, 2, 1, 1, 0, -1}[pick(16)]), RequesterCounts: pick(2) == 0,
		ApproveWithin: bot.Seconds(60 * (1 + pick(120))), Queue: pick(2) == 0}
	if pick(6) == 0 {
		r.Approvers = []bot.Role{"admin", "approver"}
	}
	for _, s := range []bot.StepUp{bot.StepTOTP, bot.StepHost, bot.StepSSH} {
		if pick(6) == 0 {
			r.StepUp = append(r.StepUp, s)
		}
	}
	for range pick(3) {
		r.Windows = append(r.Windows, bot.Window{From: clock(), To: clock(), Zone: losAngeles})
	}
	if start.Equal(jump) && pick(2) == 0 { // an end that no clock shows that day
		r.Windows = append(r.Windows, bot.Window{From: []string{"01:30", "02:15", "02:30"}[pick(3)], To: []string{"02:45", "03:20", "01:00"}[pick(3)], Zone: losAngeles})
	}
	p := bot.Proposal{State: []bot.ProposalState{bot.Proposed, bot.Waiting, bot.Queued, bot.Waiting, bot.Queued, bot.Waiting, bot.Done, bot.Running}[max(0, pick(60)-52)],
		Plan: bot.Plan{Requester: names[[]int{0, 0, 0, 0, 4, 0, 0, 0, 1, 6}[pick(10)]], Rule: r, MintedAt: start, NotAfter: pick.minute(60, 400)}}
	if pick(5) > 0 {
		p.ShownAt = pick.minute(0, 20)
	}
	for range pick(8) {
		p.Decisions = append(p.Decisions, pick.decision())
	}
	roles := map[bot.PersonID]bot.Person{}
	for _, id := range slices.Sorted(maps.Keys(people)) { // in the same order for the same choices
		person := people[id]
		switch pick(30) {
		case 0: // gone
		case 1: // without the role that they had
			roles[id] = bot.Person{ID: id}
		default:
			roles[id] = person
		}
	}
	return Case{Proposal: p, Now: pick.minute(0, 20*(1+pick(20))), Person: func(id bot.PersonID) (bot.Person, bool) { p, ok := roles[id]; return p, ok }}
}

func (pick draw) decision() bot.Decision {
	d := bot.Decision{ID: string(rune('a' + pick(20))), Person: names[[]int{0, 1, 1, 2, 4, 4, 5, 6}[pick(8)]], At: pick.minute(-2, 15*(1+pick(8))), Verdict: bot.Approve,
		StepUp: []bot.StepUp{"", "", bot.StepTOTP, bot.StepHost, bot.StepSSH}[pick(5)], Door: []string{"matrix", DoorHost, DoorSSH}[pick(3)]}
	if pick(3) > 0 && d.StepUp != bot.StepTOTP && d.StepUp != "" {
		d.Door = string(d.StepUp)
	}
	if pick(20) == 0 {
		d.Verdict = []bot.Verdict{bot.Deny, bot.Deny, "maybe"}[pick(3)]
	}
	if pick(10) == 0 {
		d.Withdrawn = d.At.Add(time.Minute)
	}
	return d
}

// checkCase holds one case against the oracle, and against itself: in another
// order, with irrelevant people's words, a little later.
func checkCase(t *testing.T, pick draw) State {
	t.Helper()
	c := pick.aCase()
	j := Judge(c)
	if want := mayRun(c); (j.State == Run) != want {
		t.Fatalf("%s (%s), and the oracle says %v\n%+v", j.State, j.Why, want, c)
	}
	if j.State == Run && (j.Missing != 0 || len(j.Counted) < int(c.Proposal.Plan.Rule.Count) || !j.Until.After(c.Now)) {
		t.Fatalf("%+v\n%+v", j, c)
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(j.Counted)))); n != len(j.Counted) {
		t.Fatalf("somebody is counted twice: %v\n%+v", j.Counted, c)
	}

	shuffled := c
	shuffled.Proposal.Decisions = slices.Clone(c.Proposal.Decisions)
	for i := range shuffled.Proposal.Decisions {
		k := i + pick(len(shuffled.Proposal.Decisions)-i)
		d := shuffled.Proposal.Decisions
		d[i], d[k] = d[k], d[i]
	}
	if got := Judge(shuffled); !equal(got, j) || len(got.Ignored) != len(j.Ignored) {
		t.Fatalf("the order matters: %+v\nand %+v\n%+v", j, got, c)
	}

	// Whoever may neither approve nor has asked changes nothing, whatever they say.
	more := c
	more.Proposal.Decisions = slices.Clone(c.Proposal.Decisions)
	for range 1 + pick(3) {
		d := pick.decision()
		d.Person = []bot.PersonID{"dave", "mallory", ""}[pick(3)]
		if d.Person != c.Proposal.Plan.Requester {
			more.Proposal.Decisions = append(more.Proposal.Decisions, d)
		}
	}
	if got := Judge(more); !equal(got, j) && !got.Next.Before(j.Next) {
		t.Fatalf("irrelevant people matter: %+v\nand %+v\n%+v", j, got, more)
	}

	// A denial of somebody who could approve never helps.
	denied := more
	d := pick.decision()
	d.Verdict, d.Withdrawn = bot.Deny, time.Time{}
	denied.Proposal.Decisions = append(slices.Clone(c.Proposal.Decisions), d)
	if got := Judge(denied); got.State == Run && j.State != Run {
		t.Fatalf("a denial helps: %+v\n%+v", got, denied)
	}

	// Until Next, time changes nothing; of what has no Next, ever.
	later := c
	limit := j.Next
	if limit.IsZero() {
		limit = start.Add(8 * time.Hour)
	}
	if ahead := int(limit.Sub(c.Now) / time.Minute); ahead > 1 {
		later.Now = c.Now.Add(time.Duration(pick(ahead)) * time.Minute)
		got := Judge(later)
		// Ends may turn into other ends: what was refused expires.
		if same := got.State == j.State && got.At.Equal(j.At) && slices.Equal(got.Counted, j.Counted); !same && !(over(j.State) && over(got.State)) {
			t.Fatalf("at %v, before %v: %+v\nwas %+v\n%+v", later.Now, j.Next, got, j, c)
		}
	}
	if !over(j.State) && (j.Next.IsZero() || !j.Next.After(c.Now)) {
		t.Fatalf("next is %v: %+v\n%+v", j.Next, j, c)
	}
	return j.State
}

func over(s State) bool { return s == Denied || s == Expired || s == Refused }

func equal(a, b Judgement) bool {
	return a.State == b.State && a.Why == b.Why && a.Missing == b.Missing && slices.Equal(a.Counted, b.Counted) &&
		a.At.Equal(b.At) && a.Until.Equal(b.Until) && a.Next.Equal(b.Next)
}

func TestJudgeAgainstTheOracle(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 4_000
	}
	seen := map[State]int{}
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		seen[checkCase(t, r.IntN)]++
	}
	for _, s := range []State{Unshown, Waiting, Queued, Run, Denied, Expired, Refused} {
		if seen[s] < n/500 {
			t.Errorf("only %d of %d cases were %s: the draw is too narrow", seen[s], n, s)
		}
	}
	t.Log(seen)
}

// FuzzJudge is the same, with choices from bytes, so that the fuzzer can look for
// cases that chance does not find.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("Agreed to by bob; it waits for its window, which opens at two in the night."))
	for i := range byte(40) {
		seed := make([]byte, 80)
		for k := range seed {
			seed[k] = byte(k)*i ^ i
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkCase(t, func(n int) int {
			if len(data) < 2 {
				return 0
			}
			v := int(data[0])<<8 | int(data[1])
			data = data[2:]
			return v % n
		})
	})
}

// mayRun is the policy's need in other words: minute by minute, and person by
// person.
func mayRun(c Case) bool {
	p, r := c.Proposal, c.Proposal.Plan.Rule
	if r.Count < 1 || p.State != bot.Proposed && p.State != bot.Waiting && p.State != bot.Queued || !c.Now.Before(p.Plan.NotAfter) {
		return false
	}
	holds := func(id bot.PersonID, roles ...bot.Role) bool {
		who, ok := c.Person(id)
		return ok && slices.ContainsFunc(roles, func(r bot.Role) bool { return slices.Contains(who.Roles, r) })
	}
	if !holds(p.Plan.Requester, "operator", "admin") {
		return false
	}
	gone := func(d bot.Decision) bool {
		for _, o := range p.Decisions {
			if o.ID == d.ID && o.Person == d.Person && o.Verdict == d.Verdict && !o.Withdrawn.IsZero() {
				return true
			}
		}
		return false
	}
	for _, d := range p.Decisions {
		if d.Verdict == bot.Deny && !gone(d) && (holds(d.Person, r.Approvers...) || d.Person == p.Plan.Requester) {
			return false // whenever: nothing that has expired runs anyway
		}
	}
	isOpen := func(at time.Time) bool { return len(r.Windows) == 0 || onTheWall(r.Windows, at) }
	openAllTheWay := func(from, to time.Time) bool {
		for at := from; !at.After(to); at = at.Add(time.Minute) {
			if !isOpen(at) {
				return false
			}
		}
		return true
	}
	waits := r.Queue && len(r.Windows) > 0
	good := func(d bot.Decision) bool {
		if d.Verdict != bot.Approve || gone(d) || !holds(d.Person, r.Approvers...) || d.At.After(c.Now) || d.At.Before(start) {
			return false
		}
		if d.Person == p.Plan.Requester && !r.RequesterCounts {
			return false
		}
		atHost := d.StepUp == bot.StepHost && d.Door == DoorHost
		signed := d.StepUp == bot.StepSSH
		if d.StepUp == bot.StepHost && !atHost || len(r.StepUp) > 0 && !slices.Contains(r.StepUp, d.StepUp) {
			return false
		}
		if !atHost && !signed && (p.ShownAt.IsZero() || d.At.Before(p.ShownAt)) {
			return false
		}
		if !p.ShownAt.IsZero() && d.At.Sub(p.ShownAt) >= r.ApproveWithin.Duration() || !d.At.Before(p.Plan.NotAfter) {
			return false
		}
		return waits || openAllTheWay(d.At, c.Now)
	}
	agreed := func(by time.Time) bool {
		who := map[bot.PersonID]bool{}
		for _, d := range p.Decisions {
			if good(d) && !d.At.After(by) {
				who[d.Person] = true
			}
		}
		return len(who) >= int(r.Count)
	}
	if !waits {
		inTime := p.ShownAt.IsZero() || c.Now.Sub(p.ShownAt) < r.ApproveWithin.Duration()
		return inTime && agreed(c.Now)
	}
	// From the minute in which all had agreed on, the first window must be the one
	// that is open now.
	at := start
	for ; !agreed(at); at = at.Add(time.Minute) {
		if at.After(c.Now) {
			return false
		}
	}
	for ; !isOpen(at); at = at.Add(time.Minute) {
		if at.After(c.Now) {
			return false
		}
	}
	return !at.After(c.Now) && openAllTheWay(at, c.Now)
}

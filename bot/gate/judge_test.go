package gate

import (
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// The plans of these tests are made at 12:00, shown at 12:01, may be agreed to for
// half an hour, and end at 14:00.
func moment(clock string) time.Time {
	day := 10
	if rest, ok := strings.CutPrefix(clock, "+1 "); ok {
		day, clock = 11, rest
	}
	t, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 1, day, t.Hour(), t.Minute(), 0, 0, time.UTC)
}

var people = map[bot.PersonID]bot.Person{"alice": alice, "bob": bob, "carol": carol, "dave": dave,
	"erin": {ID: "erin", Roles: []bot.Role{"approver", "admin"}}, "frank": {ID: "frank", Roles: []bot.Role{"approver"}}}

func lookUp(id bot.PersonID) (bot.Person, bool) { p, ok := people[id]; return p, ok }

// askedByAlice is a case with a plan that alice asked for.
func askedByAlice(change func(*bot.Rule), decisions ...bot.Decision) Case {
	r := rule("arc", "operator")
	if change != nil {
		change(&r)
	}
	return Case{Person: lookUp, Proposal: bot.Proposal{
		Plan:  bot.Plan{Requester: "alice", Rule: r, MintedAt: moment("12:00"), NotAfter: moment("14:00")},
		State: bot.Waiting, ShownAt: moment("12:01"), Decisions: decisions,
	}}
}

func yes(who bot.PersonID, clock string, steps ...bot.StepUp) bot.Decision {
	d := bot.Decision{ID: string(who) + clock, Person: who, Verdict: bot.Approve, At: moment(clock), Door: "matrix"}
	for _, s := range steps {
		if d.StepUp = s; s != bot.StepTOTP {
			d.Door = string(s)
		}
	}
	return d
}

func no(who bot.PersonID, clock string) bot.Decision {
	d := yes(who, clock)
	d.Verdict, d.Reason = bot.Deny, "not now"
	return d
}

func takenBack(d bot.Decision) bot.Decision {
	d.Withdrawn = d.At.Add(time.Minute)
	return d
}

func two(r *bot.Rule)   { r.Count = 2 }
func self(r *bot.Rule)  { r.RequesterCounts = true }
func proof(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepTOTP, bot.StepHost, bot.StepSSH} }

// windowed: from 12:30 to 13:00, UTC.
func windowed(r *bot.Rule) { r.Windows = []bot.Window{{From: "12:30", To: "13:00", Zone: "UTC"}} }

// queueing: the same window, and the next day's.
func queueing(r *bot.Rule) { windowed(r); r.Queue = true }

func TestJudge(t *testing.T) {
	for _, x := range []struct {
		name  string
		c     Case
		now   string
		state State
		why   string // a part of Why, or of the first reason of what is ignored
		next  string // "" for never
	}{
		{"nobody yet", askedByAlice(nil), "12:10", Waiting, "Somebody with the role approver must agree before Sat 10 Jan 12:31 UTC.", "12:31"},
		{"somebody", askedByAlice(nil, yes("bob", "12:05")), "12:10", Run, "Agreed to by bob.", "12:31"},
		{"the requester does not count", askedByAlice(nil, yes("alice", "12:05")), "12:10", Waiting, "alice asked for it, and somebody else must agree", "12:31"},
		{"unless the rule says so", askedByAlice(self, yes("alice", "12:05")), "12:10", Run, "", "12:31"},
		{"one of two", askedByAlice(two, yes("bob", "12:05")), "12:10", Waiting, "One more person with the role approver", "12:31"},
		{"one person twice is one", askedByAlice(two, yes("bob", "12:05"), yes("bob", "12:06")), "12:10", Waiting, "bob counts once", "12:31"},
		{"two of two", askedByAlice(two, yes("bob", "12:05"), yes("erin", "12:06")), "12:10", Run, "Agreed to by bob and erin.", "12:31"},
		{"three of two", askedByAlice(two, yes("bob", "12:05"), yes("erin", "12:06"), yes("frank", "12:06")), "12:10", Run, "", "12:31"},
		{"without the role", askedByAlice(nil, yes("carol", "12:05")), "12:10", Waiting, "carol does not have the role approver", "12:31"},
		{"a stranger", askedByAlice(nil, yes("mallory", "12:05")), "12:10", Waiting, "mallory is not known here", "12:31"},
		{"nobody's word", askedByAlice(nil, yes("", "12:05")), "12:10", Waiting, " is not known here", "12:31"},
		{"a role without a name is nobody's", askedByAlice(func(r *bot.Rule) { r.Approvers = []bot.Role{""} }, yes("bob", "12:05")), "12:10", Waiting, "does not have the role", "12:31"},
		{"no approvers are nobody", askedByAlice(func(r *bot.Rule) { r.Approvers = nil }, yes("bob", "12:05")), "12:10", Waiting, "does not have the role", "12:31"},
		{"neither yes nor no", askedByAlice(nil, func() bot.Decision { d := yes("bob", "12:05"); d.Verdict = "APPROVE"; return d }()), "12:10", Waiting, "neither yes nor no", "12:31"},

		{"no proof", askedByAlice(proof, yes("bob", "12:05")), "12:10", Waiting, "it lacks the proof that the rule wants (totp, host or ssh)", "12:31"},
		{"a code", askedByAlice(proof, yes("bob", "12:05", bot.StepTOTP)), "12:10", Run, "", "12:31"},
		{"a proof that the rule does not take", askedByAlice(func(r *bot.Rule) { r.StepUp = []bot.StepUp{bot.StepSSH} }, yes("bob", "12:05", bot.StepTOTP)), "12:10", Waiting, "wants (ssh)", "12:31"},
		{"first without, then with", askedByAlice(proof, yes("bob", "12:05"), yes("bob", "12:06", bot.StepSSH)), "12:10", Run, "", "12:31"},
		{"the host's proof through a chat", askedByAlice(proof, func() bot.Decision { d := yes("bob", "12:05", bot.StepHost); d.Door = "matrix"; return d }()), "12:10", Waiting, "claims to come from the host", "12:31"},
		{"a proof that nobody asked for", askedByAlice(nil, yes("bob", "12:05", bot.StepTOTP)), "12:10", Run, "", "12:31"},

		{"not shown", unshown(askedByAlice(nil, yes("bob", "12:05"))), "12:10", Unshown, "has not been shown whole", "14:00"},
		{"not shown, but at the host", unshown(askedByAlice(nil, yes("bob", "12:00", bot.StepHost))), "12:10", Run, "", "14:00"},
		{"not shown, but by signature", unshown(askedByAlice(nil, yes("bob", "12:00", bot.StepSSH))), "12:10", Run, "", "14:00"},
		{"not shown, and a code", unshown(askedByAlice(nil, yes("bob", "12:05", bot.StepTOTP))), "12:10", Unshown, "", "14:00"},
		{"not shown, and one of two at the host", unshown(askedByAlice(two, yes("bob", "12:05", bot.StepHost), yes("erin", "12:05"))), "12:10", Unshown, "", "14:00"},
		{"before it was shown", askedByAlice(nil, yes("bob", "12:00")), "12:10", Waiting, "came before the plan was shown whole", "12:31"},
		{"when it was shown", askedByAlice(nil, yes("bob", "12:01")), "12:10", Run, "", "12:31"},
		{"before it was made", askedByAlice(nil, yes("bob", "11:59", bot.StepHost)), "12:10", Waiting, "older than the plan", "12:31"},
		{"shown later than now", askedByAlice(nil), "12:00", Unshown, "", "12:01"},
		{"decided later than now", askedByAlice(nil, yes("bob", "12:20")), "12:10", Waiting, "dated later than now", "12:20"},

		{"too late", askedByAlice(nil, yes("bob", "12:31")), "12:31", Expired, "Nobody agreed before Sat 10 Jan 12:31 UTC.", ""},
		{"one of two in time", askedByAlice(two, yes("bob", "12:05")), "12:31", Expired, "Only 1 of 2 people agreed", ""},
		{"in time, but not started", askedByAlice(nil, yes("bob", "12:05")), "12:31", Expired, "agreed to by bob, but not started", ""},
		{"the last minute", askedByAlice(nil, yes("bob", "12:30")), "12:30", Run, "", "12:31"},
		{"the plan's end comes first", func() Case {
			c := askedByAlice(nil)
			c.Proposal.Plan.NotAfter = moment("12:20")
			return c
		}(), "12:20", Expired, "before Sat 10 Jan 12:20", ""},
		{"never shown", unshown(askedByAlice(nil)), "14:00", Expired, "", ""},

		{"denied", askedByAlice(nil, no("bob", "12:05")), "12:10", Denied, "bob denied it: not now", ""},
		{"denied after all had agreed", askedByAlice(nil, yes("bob", "12:05"), no("erin", "12:06")), "12:10", Denied, "erin denied it", ""},
		{"the approver thinks again", askedByAlice(nil, yes("bob", "12:05"), no("bob", "12:06")), "12:10", Denied, "bob denied it", ""},
		{"and again", askedByAlice(nil, no("bob", "12:05"), yes("bob", "12:06")), "12:10", Denied, "bob denied it", ""},
		{"who could not approve cannot deny", askedByAlice(nil, no("carol", "12:05"), yes("bob", "12:06")), "12:10", Run, "", "12:31"},
		{"cancelled", askedByAlice(nil, yes("bob", "12:05"), no("alice", "12:06")), "12:10", Denied, "alice, who asked for it, took it back: not now", ""},
		{"a denial needs no proof", askedByAlice(proof, no("bob", "12:05")), "12:10", Denied, "", ""},
		{"nor the plan shown", unshown(askedByAlice(nil, no("bob", "12:05"))), "12:10", Denied, "", ""},
		{"a denial withdrawn", askedByAlice(nil, takenBack(no("bob", "12:05")), yes("erin", "12:07")), "12:10", Run, "bob took it back", "12:31"},
		{"an approval withdrawn", askedByAlice(nil, takenBack(yes("bob", "12:05"))), "12:10", Waiting, "bob took it back", "12:31"},
		{"and delivered again", askedByAlice(nil, takenBack(yes("bob", "12:05")), yes("bob", "12:05")), "12:10", Waiting, "bob took it back", "12:31"},
		{"and given again", askedByAlice(nil, takenBack(yes("bob", "12:05")), yes("bob", "12:08")), "12:10", Run, "", "12:31"},
		{"denied after it had expired", askedByAlice(nil, no("bob", "12:40")), "12:50", Expired, "", ""},
		{"denied before, looked at after", askedByAlice(nil, no("bob", "12:05")), "12:50", Denied, "", ""},

		{"outside the window", askedByAlice(windowed), "12:10", Waiting, "Its window opens at Sat 10 Jan 12:30 UTC", "12:30"},
		{"agreed outside the window", askedByAlice(windowed, yes("bob", "12:05")), "12:30", Waiting, "it came outside the window", "12:31"},
		{"agreed in the window", askedByAlice(windowed, yes("bob", "12:30")), "12:30", Run, "", "12:31"},
		{"the window ends first", askedByAlice(func(r *bot.Rule) { windowed(r); r.ApproveWithin = 3600 }, yes("bob", "12:45")), "12:50", Run, "", "13:00"},
		{"and is over", askedByAlice(func(r *bot.Rule) { windowed(r); r.ApproveWithin = 3600 }, yes("bob", "12:45")), "13:00", Refused, "none opens before Sat 10 Jan 13:01", ""},
		{"no window in time", askedByAlice(func(r *bot.Rule) { windowed(r); r.ApproveWithin = 600 }), "12:05", Refused, "only in its window (daily 12:30–13:00 (UTC))", ""},
		{"two windows do not add up", askedByAlice(func(r *bot.Rule) {
			two(r)
			r.ApproveWithin = 7200
			r.Windows = []bot.Window{{From: "12:00", To: "12:10", Zone: "UTC"}, {From: "12:20", To: "12:40", Zone: "UTC"}}
		}, yes("bob", "12:05"), yes("erin", "12:25")), "12:25", Waiting, "it came in a window that ended at Sat 10 Jan 12:10", "12:40"},

		{"queued", askedByAlice(queueing, yes("bob", "12:05")), "12:10", Queued, "waits for its window, which opens at Sat 10 Jan 12:30", "12:30"},
		{"and its time has come", askedByAlice(queueing, yes("bob", "12:05")), "12:30", Run, "", "13:00"},
		{"beyond the time for approvals", askedByAlice(queueing, yes("bob", "12:05")), "12:59", Run, "", "13:00"},
		{"and its window is over", askedByAlice(queueing, yes("bob", "12:05")), "13:00", Expired, "not started before its window ended", ""},
		{"for good", askedByAlice(queueing, yes("bob", "12:05")), "13:59", Expired, "", ""},
		{"denied in the queue", askedByAlice(queueing, yes("bob", "12:05"), no("erin", "12:50")), "12:55", Denied, "", ""},
		{"not agreed to in time", askedByAlice(queueing), "12:31", Expired, "", ""},
		{"the second comes too late for the queue", askedByAlice(func(r *bot.Rule) { two(r); queueing(r) }, yes("bob", "12:05"), yes("erin", "12:40")), "12:45", Expired, "Only 1 of 2", ""},
		{"the window is beyond the plan's end", askedByAlice(func(r *bot.Rule) {
			r.Queue, r.Windows = true, []bot.Window{{From: "14:00", To: "15:00", Zone: "UTC"}}
		}, yes("bob", "12:05")), "12:10", Refused, "no window (daily 14:00–15:00 (UTC)) opens before the plan's end", ""},
		{"and so it is from the start", askedByAlice(func(r *bot.Rule) {
			r.Queue, r.Windows = true, []bot.Window{{From: "14:00", To: "15:00", Zone: "UTC"}}
		}), "12:10", Refused, "none opens before Sat 10 Jan 14:00", ""},
		{"the plan ends in the window", askedByAlice(func(r *bot.Rule) {
			r.Queue, r.Windows = true, []bot.Window{{From: "13:30", To: "15:00", Zone: "UTC"}}
		}, yes("bob", "12:05")), "13:40", Run, "", "14:00"},
		{"at its very end", askedByAlice(func(r *bot.Rule) {
			r.Queue, r.Windows = true, []bot.Window{{From: "13:30", To: "15:00", Zone: "UTC"}}
		}, yes("bob", "12:05")), "14:00", Expired, "its time ended at Sat 10 Jan 14:00", ""},
		{"queued by the second, not by the first", askedByAlice(func(r *bot.Rule) {
			two(r)
			queueing(r)
			r.Windows = append(r.Windows, bot.Window{From: "12:10", To: "12:20", Zone: "UTC"})
		}, yes("bob", "12:05"), yes("erin", "12:25")), "12:26", Queued, "opens at Sat 10 Jan 12:30", "12:30"},
		{"a queue without windows is none", askedByAlice(func(r *bot.Rule) { r.Queue = true }, yes("bob", "12:05")), "12:31", Expired, "", ""},

		{"a count of none", askedByAlice(func(r *bot.Rule) { r.Count = 0 }), "12:10", Refused, "asks nobody to agree", ""},
		{"a count below", askedByAlice(func(r *bot.Rule) { r.Count = -1 }, yes("bob", "12:05")), "12:10", Refused, "asks nobody to agree", ""},
		{"a plan without an end", func() Case {
			c := askedByAlice(nil, yes("bob", "12:05"))
			c.Proposal.Plan.NotAfter = time.Time{}
			return c
		}(), "12:10", Refused, "no end", ""},
		{"a window that cannot be read", askedByAlice(func(r *bot.Rule) {
			r.Windows = []bot.Window{{From: "00:00", To: "00:00", Zone: "UTC"}, {From: "0", To: "0", Zone: "UTC"}}
		}, yes("bob", "12:05")), "12:10", Refused, "cannot be read", ""},
		{"started before", func() Case {
			c := askedByAlice(nil, yes("bob", "12:05"))
			c.Proposal.StartedAt = moment("12:06")
			return c
		}(), "12:10", Refused, "nothing runs twice", ""},
		{"the requester has lost the role", askedFor("bob", yes("frank", "12:05")), "12:10", Refused, "bob, who asked for it, no longer has a role that may ask (operator)", ""},
		{"the requester is gone", askedFor("zoe", yes("frank", "12:05")), "12:10", Refused, "zoe, who asked for it, is not known any more", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.c.Now = moment(x.now)
			j := Judge(x.c)
			says := j.Why
			for _, i := range j.Ignored {
				says += "\n" + i.Why
			}
			if j.State != x.state || !strings.Contains(says, x.why) || j.Why == "" {
				t.Errorf("%s: %s; want %s: %s", j.State, says, x.state, x.why)
			}
			want := time.Time{}
			if x.next != "" {
				want = moment(x.next)
			}
			if !j.Next.Equal(want) {
				t.Errorf("next %v, want %v", j.Next, want)
			}
		})
	}
}

func unshown(c Case) Case {
	c.Proposal.ShownAt, c.Proposal.State = time.Time{}, bot.Proposed
	return c
}

func askedFor(who bot.PersonID, d ...bot.Decision) Case {
	c := askedByAlice(nil, d...)
	c.Proposal.Plan.Requester = who
	return c
}

// TestJudgeOnlyWhatIsOpen: nothing runs in any state but those that wait for it.
func TestJudgeOnlyWhatIsOpen(t *testing.T) {
	for _, s := range []bot.ProposalState{"", "run", bot.Running, bot.Confirming, bot.Done, bot.Failed, bot.Undone, bot.UndoFailed, bot.Interrupted, bot.Denied, bot.Expired, bot.Cancelled, bot.Stale} {
		c := askedByAlice(nil, yes("bob", "12:05"))
		c.Proposal.State, c.Now = s, moment("12:10")
		if j := Judge(c); j.State != Refused {
			t.Errorf("%q: %s", s, j.State)
		}
	}
}

func TestJudgementTells(t *testing.T) {
	c := askedByAlice(func(r *bot.Rule) { two(r); queueing(r) }, yes("erin", "12:06"), yes("alice", "12:02"), yes("bob", "12:05"))
	c.Now = moment("12:10")
	j := Judge(c)
	if len(j.Counted) != 2 || j.Counted[0] != "bob" || j.Counted[1] != "erin" || j.Missing != 0 || len(j.Ignored) != 1 || j.Ignored[0].Decision.Person != "alice" {
		t.Errorf("%+v", j)
	}
	if !j.At.Equal(moment("12:30")) || !j.Until.Equal(moment("13:00")) {
		t.Errorf("at %v until %v", j.At, j.Until)
	}
	c.Proposal.Decisions = c.Proposal.Decisions[:1]
	if j := Judge(c); j.Missing != 1 || len(j.Counted) != 1 || !j.Until.Equal(moment("12:31")) {
		t.Errorf("%+v", j)
	}
	c.Proposal.Decisions = nil
	if j := Judge(c); j.Why != "2 more people with the role approver must agree before Sat 10 Jan 12:31 UTC." {
		t.Error(j.Why)
	}
}

// TestLostRole: what counts is the role that somebody holds now.
func TestLostRole(t *testing.T) {
	c := askedByAlice(nil, yes("bob", "12:05"))
	c.Now = moment("12:10")
	c.Person = func(id bot.PersonID) (bot.Person, bool) {
		p, ok := people[id]
		if id == "bob" {
			p.Roles = nil
		}
		return p, ok
	}
	if j := Judge(c); j.State != Waiting || len(j.Ignored) != 1 {
		t.Errorf("%+v", j)
	}
	// Somebody who answers for another is nobody.
	c.Person = func(bot.PersonID) (bot.Person, bool) { return people["erin"], true }
	if j := Judge(c); j.State == Run {
		t.Errorf("%+v", j)
	}
	c.Person = nil
	if j := Judge(c); j.State == Run {
		t.Errorf("%+v", j)
	}
}

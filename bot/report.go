package bot

import "time"

// Report is what a month brought, as the state has it, or the time since a review.
type Report struct {
	From, To time.Time
	// Known is since when the state tells of it, where that is after From; else zero. From To
	// on there is nothing that it could tell.
	Known time.Time
	// Review is what is otherwise than it was at From; nil in a month's.
	Review *Review
	// Scores are the plan's measures of success.
	Scores []Score
	// Lists are the checklists that had a run in the month, in the configuration's order.
	Lists []ListReport
	// Incidents are those and the drills that were opened in the month, the oldest first.
	Incidents []IncidentReport
	// Alerts counts the threads of alerts that began; Criticals those of them that were
	// critical.
	Alerts, Criticals int
	// Plans counts how those that ended did, the commonest first.
	Plans []Tally
	// Approvals tells of the plans that were asked for: how many were agreed to, by whom,
	// and how long that took; "" where there were none.
	Approvals string
	// Changes counts what changed on the hosts by its kind.
	Changes []Tally
	// Trends are the figures that were measured at least twice, from the first of the
	// month, or before, to the last.
	Trends []Trend
}

// Tally is how often something was.
type Tally struct {
	What string
	N    int
}

// ListReport is how the runs of one checklist went.
type ListReport struct {
	Title string
	Runs  int
	// The items of all runs, by what became of them.
	ByEvidence, ByPeople, Skipped, Left int
	// Longest is the item of the newest run that was carried the longest, "" for none.
	Longest string
	Carried int
}

// IncidentReport is how one incident, or drill, went.
type IncidentReport struct {
	// List is the title of its list, Title what it is called, What what happened.
	List, Title, What string
	OpenedAt          time.Time
	// Took is how long it was open, or is so far.
	Took time.Duration
	Open bool
	// Steps that were done, of All.
	Done, All int
	// FollowUps that were written down, and those of them that nobody has ended.
	FollowUps, FollowUpsOpen int
}

// Trend is one figure over the month.
type Trend struct {
	Host, What  string
	First, Last Reading
	Points      []Point
}

// Review is what a time brought that stays: who looks at a host as a whole begins with it.
type Review struct {
	// Changes of hosts, the newest first, without restarts: those of units come and go, and
	// the bot's own change nothing.
	Changes []Change
	// Runs are the plans that ran, the newest first.
	Runs []Ran
	// New are the alerts that fired and had not in as long a time before, Gone those that
	// had and did not any more, by name. EarlierKnown is since when that earlier time is
	// known, zero where it is not at all: then both are empty.
	New, Gone []string
	// Lost says why not all that fired may be compared, "" where it is.
	Lost         string
	EarlierKnown time.Time
}

// Ran is a plan's run.
type Ran struct {
	Plan    PlanID
	Host    string
	Summary string
	State   ProposalState
	// At is when it began.
	At time.Time
}

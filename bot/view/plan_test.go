package view

import (
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// planPages are the pages of the book about plans.
func planPages(s Style) []page {
	later := noon.Add(7 * time.Minute)
	agreed := bot.Decision{Person: "bob", Verdict: bot.Approve, Door: "matrix"}
	signed := bot.Decision{Person: "carol", Verdict: bot.Approve, Door: "ssh", StepUp: bot.StepSSH}
	denied := bot.Decision{Person: "bob", Verdict: bot.Deny, Reason: "the backup still runs", Door: "console"}
	evidence := []bot.Reading{{What: "running system", Value: "generation 41", State: bot.OK}, {What: "nginx.service", Value: "failed", Note: "in both looks", State: bot.NotOK}}
	state := func(state bot.ProposalState, change func(*bot.PlanState)) bot.PlanState {
		st := bot.PlanState{Host: "vulcan", Shown: map[bot.RoomID]time.Time{"ops": noon}, Proposal: bot.Proposal{
			State: state, Digest: strings.Repeat("5a", 32), ShownAt: noon,
			Plan: bot.Plan{ID: "pln_K7QF2MAAAAAAAAAAAAAAAAAAAA", Requester: "alice", NotAfter: noon.Add(4 * time.Hour),
				Draft: bot.Draft{Summary: "roll vulcan back from generation 42 to 41"},
				Rule:  bot.Rule{Risk: bot.RiskHigh, Approvers: []bot.Role{"approver"}, Count: 2, ApproveWithin: 1800}},
		}}
		if change != nil {
			change(&st)
		}
		return st
	}
	root := func(st bot.PlanState) bot.Message {
		return Root(bot.ThreadFacts{Thread: bot.Thread{ID: "thr_P", Kind: bot.ThreadPlan, State: bot.ThreadState{Plan: &st}}}, s)
	}
	ended := func(st *bot.PlanState) {
		st.Proposal.StartedAt, st.Proposal.EndedAt, st.Proposal.Evidence = noon, later, evidence
		st.Proposal.Why, st.Proposal.Decisions = "What was before is back.", []bot.Decision{agreed, signed}
	}
	return []page{
		{"a plan that was asked for", root(state(bot.Proposed, func(st *bot.PlanState) { st.Shown = nil }))},
		{"… waits", root(state(bot.Waiting, func(st *bot.PlanState) { st.Proposal.Decisions = []bot.Decision{agreed} }))},
		{"… wants proofs", root(state(bot.Waiting, func(st *bot.PlanState) {
			st.Proposal.Plan.Rule.StepUp = []bot.StepUp{bot.StepTOTP, bot.StepHost, bot.StepSSH}
		}))},
		{"… cannot be shown whole", root(state(bot.Proposed, func(st *bot.PlanState) { st.Closed = "The plan holds what I must not show." }))},
		{"… is queued", root(state(bot.Queued, func(st *bot.PlanState) { st.Proposal.QueuedFor, st.Proposal.Until = later, later.Add(time.Hour) }))},
		{"… runs", root(state(bot.Running, func(st *bot.PlanState) {
			st.Proposal.StartedAt, st.Proposal.Unit = noon, "watchstander-nixos-rollback-K7QF2MAA.service"
		}))},
		{"… waits for a word", root(state(bot.Confirming, func(st *bot.PlanState) { st.Proposal.StartedAt, st.Proposal.ConfirmBy = noon, later }))},
		{"… is undone", root(state(bot.Undone, ended))},
		{"… is denied", root(state(bot.Denied, func(st *bot.PlanState) {
			st.Proposal.Why, st.Proposal.EndedAt = "bob denied it: the backup still runs.", later
		}))},
		{"log: somebody agrees", Decided(signed)},
		{"log: somebody denies", Decided(denied)},
		{"log: a word was taken back", TakenBack(agreed)},
		{"log: a run says something", Advanced([]bot.Progress{{At: noon, Text: "Applying."}}, s)},
		{"log: a run says more", Advanced([]bot.Progress{{At: noon, Text: "Applying."}, {At: later, Text: "Applied; verifying."}}, s)},
		{"log: drifted", Drifted([]string{"size of the ARC was about 35 GiB, and is about 36 GiB"})},
		{"log: turned", Turned(state(bot.Running, func(st *bot.PlanState) { st.Proposal.Unit = "watchstander-x.service" }), s)},
		{"log: turned at its end", Turned(state(bot.Undone, ended), s)},
		{"log: somebody denies, which is its end", Turned(state(bot.Denied, func(st *bot.PlanState) {
			st.Proposal.Why, st.Proposal.Decisions = "bob denied it: the backup still runs.", []bot.Decision{agreed, denied}
		}), s)},
		{"log: nothing was planned", NotAsked("nixos.rollback", "Nothing in the policy allows nixos.rollback on vulcan.")},
		{"a plan that no platform takes otherwise", Marker(bot.Thread{ID: "thr_P", Kind: bot.ThreadPlan, State: bot.ThreadState{Plan: new(state(bot.Waiting, nil))}})},
	}
}

// An approval that needs a proof has no button: a tap would not count. One that
// is not yet shown whole has none either.
func TestPlanActions(t *testing.T) {
	for _, c := range []struct {
		what  string
		state bot.ProposalState
		steps []bot.StepUp
		shown bool
		shut  string
		want  []string
	}{
		{"shown", bot.Waiting, nil, true, "", []string{"approve", "deny"}},
		{"not shown", bot.Proposed, nil, false, "", nil},
		{"wants a signature", bot.Waiting, []bot.StepUp{bot.StepSSH}, true, "", []string{"deny"}},
		{"closed", bot.Waiting, nil, true, "why", nil},
		{"runs", bot.Running, nil, true, "", nil},
		{"waits for a word", bot.Confirming, nil, true, "", []string{"confirm"}},
		{"waits for a proven word", bot.Confirming, []bot.StepUp{bot.StepHost}, true, "", nil},
		{"over", bot.Done, nil, true, "", nil},
	} {
		st := bot.PlanState{Closed: c.shut, Proposal: bot.Proposal{State: c.state, Plan: bot.Plan{Rule: bot.Rule{Approvers: []bot.Role{"approver"}, StepUp: c.steps}}}}
		if c.shown {
			st.Shown = map[bot.RoomID]time.Time{"ops": noon}
		}
		var got []string
		for _, a := range planActions(st) {
			got = append(got, a.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: buttons %v, want %v", c.what, got, c.want)
		}
	}
}

// What lets something run asks twice, but where the rule says the risk is low.
func TestPlanActionsAskTwice(t *testing.T) {
	for _, risk := range []bot.Risk{bot.RiskLow, bot.RiskMedium, bot.RiskHigh, ""} {
		for _, state := range []bot.ProposalState{bot.Waiting, bot.Confirming} {
			st := bot.PlanState{
				Shown:    map[bot.RoomID]time.Time{"ops": noon},
				Proposal: bot.Proposal{State: state, Plan: bot.Plan{Rule: bot.Rule{Risk: risk, Approvers: []bot.Role{"approver"}}}},
			}
			if a := planActions(st)[0]; a.Danger != (risk != bot.RiskLow) {
				t.Errorf("risk %q, %s: %+v", risk, state, a)
			}
		}
	}
}

// The same sign means another thing in another thread, and a sign that stands
// already cannot be given again: confirming has one of its own.
func TestPlanSigns(t *testing.T) {
	plan := func(s bot.ProposalState) bot.Thread {
		return bot.Thread{State: bot.ThreadState{Plan: &bot.PlanState{Proposal: bot.Proposal{State: s}}}}
	}
	for _, c := range []struct {
		th    bot.Thread
		emoji string
		want  string
	}{
		{bot.Thread{}, "✅", "ack"}, {plan(bot.Waiting), "✅", "approve"}, {plan(bot.Waiting), "❌", "deny"}, {plan(bot.Waiting), "🔕", ""},
		{plan(bot.Confirming), "✅", ""}, {plan(bot.Confirming), "👍", "confirm"}, {plan(bot.Waiting), "👍", ""},
	} {
		a, _ := ActionFor(c.th, c.emoji)
		if a.Name != c.want {
			t.Errorf("%s in %v gives %q, want %q", c.emoji, c.th.State.Plan, a.Name, c.want)
		}
	}
}

package commands

import (
	"cmp"
	"slices"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// planUrgency is the order in which status names plans: what is undone unless
// somebody speaks, what waits for people, what goes on by itself.
var planUrgency = []bot.ProposalState{bot.Confirming, bot.Waiting, bot.Proposed, bot.Queued, bot.Running}

// waitingPlans counts those that wait for people, in words, the most urgent first.
// Others go on by themselves, and are no headline.
func waitingPlans(plans []bot.Thread) []string {
	count := map[bot.ProposalState]int{}
	for _, th := range plans {
		if th.State.Plan != nil && len(th.State.Plan.Proposal.Plan.Rule.Approvers) > 0 { // of the others nobody is asked
			count[th.State.Plan.Proposal.State]++
		}
	}
	var out []string
	if n := count[bot.Confirming]; n > 0 {
		out = append(out, phrase.Count(n, "plan is undone unless somebody confirms it", "plans are undone unless somebody confirms them"))
	}
	if n := count[bot.Waiting] + count[bot.Proposed]; n > 0 {
		out = append(out, phrase.Count(n, "plan waits for approval", "plans wait for approval"))
	}
	return out
}

// planBlocks name the plans that are not over, the most urgent first.
func planBlocks(plans []bot.Thread, call bot.Call) []bot.Block {
	plans = slices.DeleteFunc(slices.Clone(plans), func(th bot.Thread) bool { return th.State.Plan == nil })
	if len(plans) == 0 {
		return nil
	}
	slices.SortStableFunc(plans, func(a, b bot.Thread) int {
		p, q := a.State.Plan.Proposal, b.State.Plan.Proposal
		return cmp.Or(cmp.Compare(slices.Index(planUrgency, p.State), slices.Index(planUrgency, q.State)), lastMoment(p).Compare(lastMoment(q)))
	})
	const most = 12
	var items []bot.Text
	for _, th := range plans[:min(len(plans), most)] {
		items = append(items, planItem(th, call))
	}
	if more := len(plans) - most; more > 0 {
		items = append(items, bot.Line(bot.F("and "+phrase.Count(more, "other", "others")+"; "), bot.M("approvals"), bot.F(" lists them")))
	}
	return append([]bot.Block{bot.Para{Text: bot.Line(bot.B("Plans"))}}, lists(items)...)
}

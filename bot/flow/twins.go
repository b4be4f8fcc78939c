package flow

import (
	"maps"
	"slices"

	"watchstander/bot"
)

// twin is a proposal that is not over and would do the same as another one on the
// same host. Both may be wanted (a second restart after the first), so neither is
// refused, and whoever asked for the second is told.
func (c *change) twin(p bot.Proposal) (bot.Proposal, bool, error) {
	threads, err := c.OpenThreads(bot.ThreadPlan)
	if err != nil {
		return bot.Proposal{}, false, err
	}
	for _, th := range threads {
		other := th.State.Plan.Proposal
		if other.Plan.ID != p.Plan.ID && other.Plan.Host == p.Plan.Host && other.Plan.Operation == p.Plan.Operation &&
			maps.EqualFunc(other.Plan.Arguments, p.Plan.Arguments, slices.Equal[[]string]) && !other.State.Over() {
			return other, true, nil
		}
	}
	return bot.Proposal{}, false, nil
}

// plannedWord answers who asked for a plan.
func (c *change) plannedWord(p bot.Proposal) (string, error) {
	other, twice, err := c.twin(p)
	if err != nil || !twice {
		return "Planned on " + p.Plan.Host + "; its thread tells who must agree.", err
	}
	return "Planned on " + p.Plan.Host + " once more: " + string(other.Plan.ID) + " does the same, and is " + string(other.State) +
		". Deny one of the two, unless both are wanted. The new one's thread tells who must agree.", nil
}

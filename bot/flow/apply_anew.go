package flow

import (
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
)

// agentAnew notes that an agent has another state than before, and ends the plans that
// were lost with the former one: nothing will come of them any more.
func (c *change) agentAnew(e bot.Told) error {
	former, err := c.Meta(metaAgentState(e.Host))
	if err != nil {
		return err
	}
	if err := c.PutMeta(metaAgentState(e.Host), e.State); err != nil {
		return err
	}
	threads, err := c.OpenThreads(bot.ThreadPlan)
	if err != nil {
		return err
	}
	var lost []string
	for _, th := range threads {
		st := th.State.Plan
		// What was planned while we read may have come by another way.
		if st.Host != e.Host || slices.Contains(e.Kept, st.Proposal.Plan.ID) || !th.OpenedAt.Before(e.Since) {
			continue
		}
		lost = append(lost, string(st.Proposal.Plan.ID))
		if err := c.each("lost plan "+lost[len(lost)-1], func() error { return c.lost(th) }); err != nil {
			return err
		}
	}
	if former == "" && len(lost) == 0 {
		return nil // it tells its state for the first time
	}
	text := "The agent of " + e.Host + " has another state than before"
	if former == "" {
		text = "The agent of " + e.Host + " tells for the first time which state it has"
	}
	if len(lost) > 0 {
		slices.Sort(lost)
		text += ", and no longer knows " + phrase.Count(len(lost), "plan", "plans") + ": " + strings.Join(lost, ", ")
	}
	return c.journal(journal.Entry{Kind: journal.KindNote, Host: e.Host, Text: text + "."})
}

// lost ends a plan that its agent no longer knows.
func (c *change) lost(th bot.Thread) error {
	p := th.State.Plan.Proposal
	host := th.State.Plan.Host
	if p.State.Open() {
		p.State, p.Why = bot.Stale, "The agent of "+host+" no longer knows this plan, whose record there is gone: it will not run. Who wants it asks anew."
	} else {
		p.State, p.Why = bot.Interrupted, "The agent of "+host+" no longer knows this plan, whose record there is gone: it was started, and what came of it nobody knows. Look at the host; it is not run again."
	}
	p.EndedAt = c.now
	return c.advance(&th, p)
}

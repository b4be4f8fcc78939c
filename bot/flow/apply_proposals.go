package flow

import (
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/plan"
	"watchstander/bot/view"
)

// told takes what an agent says of its proposals.
func (c *change) told(e bot.Told) error {
	for _, p := range e.Proposals {
		if err := c.each("proposal "+string(p.Plan.ID), func() error { return c.proposal(e.Host, p) }); err != nil {
			return err
		}
	}
	if e.State != "" {
		if err := c.agentAnew(e); err != nil {
			return err
		}
	}
	if e.Standing != nil {
		if err := c.standingTold(e.Host, *e.Standing); err != nil {
			return err
		}
	}
	if e.Switch != nil {
		if err := c.each("last switch of "+e.Host, func() error { return c.lastSwitch(e.Host, *e.Switch) }); err != nil {
			return err
		}
	}
	return c.agentHead(e)
}

// staleNews is how long ago something that we never knew of may have ended, to
// be told still.
const staleNews = 24 * time.Hour

// proposal brings a plan's thread up to date with its agent's word. The agent
// owns a proposal's life; the thread only shows it.
func (c *change) proposal(host string, p bot.Proposal) error {
	if p.Plan.Host != host {
		// Whoever owns one host's agent is not heard about another.
		c.f.log.Error("an agent speaks of another host's plan; its word is not taken", "host", host, "plan", p.Plan.ID, "of", p.Plan.Host)
		return nil
	}
	th, ok, err := c.planThread(p.Plan.ID)
	if err != nil {
		return err
	}
	if !ok {
		if p.State.Over() && c.now.Sub(p.EndedAt) > staleNews {
			return nil
		}
		return c.newProposal(host, p)
	}
	st := th.State.Plan
	if p.Stamp <= st.Proposal.Stamp {
		return nil // we know better
	}
	if p.Digest != st.Proposal.Digest || host != st.Host {
		// A plan never changes. Whoever says so is not to be followed.
		c.f.log.Error("an agent says that a plan is another one than it was; its word is not taken", "host", host, "plan", p.Plan.ID)
		return nil
	}
	return c.advance(&th, p)
}

func (c *change) planThread(id bot.PlanID) (bot.Thread, bool, error) {
	th, ok, err := c.LatestThread("plan:" + string(id))
	return th, ok && th.State.Plan != nil, err
}

// newProposal opens the thread of a plan, and puts the whole plan first into its
// log.
func (c *change) newProposal(host string, p bot.Proposal) error {
	th := c.newThread(bot.ThreadPlan, "plan:"+string(p.Plan.ID))
	th.Severity = bot.SeverityWarning
	first := p
	first.State, first.Decisions, first.Progress, first.Drift, first.Stamp = bot.Proposed, nil, nil, nil, 0
	st := &bot.PlanState{Host: host, Proposal: first, Shown: map[bot.RoomID]time.Time{}}
	st.Rendered, st.Closed = c.wholePlan(p)
	th.State.Plan = st
	mends, ok, err := c.mended(p)
	if err != nil {
		return err
	}
	if ok {
		st.Mends, th.Severity = mends.ID, mends.Severity
	}
	rooms, err := c.planRooms(p, mends)
	if err != nil {
		return err
	}
	if st.Rendered != "" {
		if err := c.log(&th, "", view.WholePlan(p, st.Rendered)); err != nil {
			return err
		}
		st.PlanSeq = th.LastSeq
	}
	words := p.Plan.Draft.Summary + " " + string(p.Plan.ID) + " " + string(p.Plan.Operation) + " " + host
	if err := c.PutThread(th, words, c.now); err != nil {
		return err
	}
	if err := c.show(th, rooms); err != nil {
		return err
	}
	if err := c.journalPlan(journal.KindPlan, th, p.Plan.Requester, "planned: "+p.Plan.Draft.Summary, nil); err != nil {
		return err
	}
	return c.advance(&th, p)
}

// wholePlan is the plan in words, or why it cannot be shown to people as it is:
// then nobody may agree to it here.
func (c *change) wholePlan(p bot.Proposal) (rendered, closed string) {
	canonical, err := plan.Canonical(p.Plan)
	if err != nil || plan.Digest(canonical) != p.Digest {
		c.f.log.Error("a plan and its digest do not belong together", "plan", p.Plan.ID, "err", err)
		return "", "The agent names a digest that is not that of the plan. Nobody can agree to it."
	}
	if rendered, err = plan.Render(p.Plan); err != nil {
		c.f.log.Error("a plan cannot be put into words", "plan", p.Plan.ID, "err", err)
		return "", "The plan cannot be put into words, so that nobody can agree to it."
	}
	if c.f.o.Redact(rendered) != rendered {
		return "", notWhole
	}
	return rendered, ""
}

// planRooms are where a proposal is shown: where it was asked for, or where the
// alert stands that it mends, and where approvals are given; what nobody asked for
// here, or root runs without approvals, is told everywhere.
func (c *change) planRooms(p bot.Proposal, mends bot.Thread) ([]bot.RoomID, error) {
	rooms := []bot.RoomID{c.s.ApprovalsRoom}
	if st := mends.State.Alert; st != nil {
		return append(rooms, st.Rooms...), nil
	}
	x, ok, err := c.Effect(p.Key)
	if err != nil {
		return nil, err
	}
	if ok {
		conv, ok, err := c.Thread(x.Thread)
		if err != nil {
			return nil, err
		}
		if ok && conv.State.Conversation != nil {
			return append(rooms, conv.State.Conversation.Room), nil
		}
	}
	for room := range c.s.Rooms {
		rooms = append(rooms, room)
	}
	slices.Sort(rooms)
	return slices.Compact(rooms), nil
}

// advance logs what is new of a proposal, in the order in which it came about.
func (c *change) advance(th *bot.Thread, p bot.Proposal) error {
	st := th.State.Plan
	before := st.Proposal
	st.Proposal = p
	// Decisions and drift come before the run, and the run's lines before its end.
	if err := c.logDecisions(th); err != nil {
		return err
	}
	if n := st.Told.Drift; len(p.Drift) > n {
		if err := c.log(th, "", view.Drifted(p.Drift[n:])); err != nil {
			return err
		}
		st.Told.Drift = len(p.Drift)
	}
	turned := p.State != before.State
	if turned && !p.State.Over() {
		if err := c.turned(th, before.State); err != nil {
			return err
		}
	}
	if n := st.Told.Progress; len(p.Progress) > n {
		if err := c.log(th, "", view.Advanced(p.Progress[n:], c.style())); err != nil {
			return err
		}
		st.Told.Progress = len(p.Progress)
	}
	if turned && p.State.Over() {
		if err := c.turned(th, before.State); err != nil {
			return err
		}
		th.ClosedAt = c.now
	}
	th.Version++
	if err := c.PutThread(*th, "", c.now); err != nil {
		return err
	}
	if err := c.show(*th, nil); err != nil {
		return err
	}
	return c.repairNews(p)
}

// logDecisions tells the words that the agent has, and those that were taken back.
func (c *change) logDecisions(th *bot.Thread) error {
	st := th.State.Plan
	end, denied := view.Denial(st.Proposal)
	for _, d := range st.Proposal.Decisions[min(st.Told.Decisions, len(st.Proposal.Decisions)):] {
		if !denied || d.ID != end.ID { // else the end tells it
			if err := c.log(th, d.Person, view.Decided(d)); err != nil {
				return err
			}
		}
		fields := map[string]string{"verdict": string(d.Verdict), "door": d.Door, "decision": d.ID}
		if d.StepUp != "" {
			fields["step_up"] = string(d.StepUp)
		}
		if err := c.journalPlan(journal.KindDecision, *th, d.Person, view.Decided(d).Title.String(), fields); err != nil {
			return err
		}
		st.Told.Decisions++
	}
	for _, d := range st.Proposal.Decisions {
		if d.Withdrawn.IsZero() || slices.Contains(st.Told.Withdrawn, d.ID) {
			continue
		}
		if slices.ContainsFunc(st.Proposal.Decisions, func(x bot.Decision) bool {
			return x.ID != d.ID && x.Person == d.Person && x.At.Equal(d.Withdrawn)
		}) {
			st.Told.Withdrawn = append(st.Told.Withdrawn, d.ID) // a later word took its place, and is told
			continue
		}
		if err := c.log(th, d.Person, view.TakenBack(d)); err != nil {
			return err
		}
		if err := c.journalPlan(journal.KindWithdrawal, *th, d.Person, string(d.Person)+" took the word back", map[string]string{"decision": d.ID}); err != nil {
			return err
		}
		st.Told.Withdrawn = append(st.Told.Withdrawn, d.ID)
	}
	return nil
}

// turned tells a new state, and journals what has a consequence.
func (c *change) turned(th *bot.Thread, before bot.ProposalState) error {
	st := th.State.Plan
	p := st.Proposal
	if p.State != bot.Waiting || before != bot.Proposed { // that, the root says
		if err := c.log(th, "", view.Turned(*st, c.style())); err != nil {
			return err
		}
	}
	if err := c.offeredEnded(p); err != nil {
		return err
	}
	if err := c.planRanIn(*st, before); err != nil {
		return err
	}
	if err := c.switched(*st); err != nil {
		return err
	}
	kind, ok := turnKinds[p.State]
	if !ok {
		return nil
	}
	var by bot.PersonID
	if p.State == bot.Cancelled {
		var err error
		if by, err = c.cancelledBy(p); err != nil {
			return err
		}
	}
	return c.journalPlan(kind, *th, by, strings.TrimSpace(string(p.State)+": "+p.Plan.Draft.Summary+". "+p.Why), map[string]string{"state": string(p.State)})
}

var turnKinds = map[bot.ProposalState]journal.Kind{
	bot.Queued: journal.KindQueued, bot.Running: journal.KindStart, bot.Done: journal.KindEnd, bot.Failed: journal.KindEnd,
	bot.Undone: journal.KindEnd, bot.UndoFailed: journal.KindEnd, bot.Interrupted: journal.KindInterrupted,
	bot.Denied: journal.KindEnd, bot.Expired: journal.KindExpired, bot.Cancelled: journal.KindCancel, bot.Stale: journal.KindStale,
}

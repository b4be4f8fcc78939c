package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// Whether a room has all of a plan: only then does anybody's word for it count there.

// planPosted looks whether what was posted is the plan, word for word: secrets may
// have become known since it was minted, and stand redacted in the post.
func (c *change) planPosted(th *bot.Thread, s store.Send) error {
	st := th.State.Plan
	if st == nil || s.ToSeq != st.PlanSeq || st.Closed != "" {
		return nil
	}
	rendered, closed := c.wholePlan(st.Proposal)
	if closed == "" && hashOf(view.WholePlan(st.Proposal, rendered)) != s.Whole {
		closed = notWhole
	}
	if closed == "" {
		return c.planShown(th, s.Room)
	}
	c.f.log.Error("a plan was not posted as it is; nobody can agree to it here", "plan", st.Proposal.Plan.ID, "room", s.Room)
	st.Closed = closed
	th.Version++
	return c.PutThread(*th, "", c.now)
}

// notWhole is why nobody can agree to a plan that was posted otherwise than it is.
const notWhole = "The plan holds what I must not show. What is not shown whole cannot be approved: `watchstander approve` on the host shows it."

// hashOf is of all that a message says.
func hashOf(m bot.Message) string {
	body, err := json.Marshal(m)
	if err != nil {
		return "" // never shown whole
	}
	h := sha256.Sum256(body)
	return hex.EncodeToString(h[:])
}

// planShown notes that a room has all of a plan, and has the agent told of the
// first one.
func (c *change) planShown(th *bot.Thread, room bot.RoomID) error {
	st := th.State.Plan
	if !st.Shown[room].IsZero() {
		return nil
	}
	if st.Shown == nil {
		st.Shown = map[bot.RoomID]time.Time{}
	}
	first := len(st.Shown) == 0
	st.Shown[room] = c.now
	th.Version++
	if err := c.PutThread(*th, "", c.now); err != nil {
		return err
	}
	if err := c.journalPlan(journal.KindShown, *th, "", "shown whole in "+string(room), map[string]string{"room": string(room)}); err != nil {
		return err
	}
	if !first || !st.Proposal.State.Open() {
		return nil
	}
	return c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), Thread: th.ID, What: bot.ShowPlan{Plan: st.Proposal.Plan.ID, At: c.now}})
}

// planHidden: a room no longer shows the plan; it is said there again before
// anybody's word counts from there.
func planHidden(th *bot.Thread, v *store.View) {
	st := th.State.Plan
	if st == nil || st.PlanSeq == 0 || !st.Proposal.State.Open() {
		return
	}
	delete(st.Shown, v.Room)
	v.SaidSeq = min(v.SaidSeq, st.PlanSeq-1)
}

// partGone: a message that held a part of a plan was deleted.
func (c *change) partGone(e bot.Withdrawn) error {
	s, ok, err := c.SendByRemote(e.Room, e.Target)
	if err != nil || !ok || s.Kind != bot.SendReply {
		return err
	}
	th, ok, err := c.Thread(s.Thread)
	if err != nil || !ok || th.State.Plan == nil || th.State.Plan.PlanSeq != s.ToSeq {
		return err
	}
	v, ok, err := c.View(th.ID, e.Room)
	if err != nil || !ok {
		return err
	}
	planHidden(&th, &v)
	if rest, ok, err := c.UnfinishedSend(th.ID, e.Room); err != nil {
		return err
	} else if ok && rest.ToSeq == s.ToSeq && rest.Kind == s.Kind {
		if err := c.DropSends(th.ID, e.Room); err != nil { // the rest of it is said with all of it
			return err
		}
	}
	th.Version++
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	return c.PutView(v, th, c.now)
}

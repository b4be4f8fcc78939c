package flow

import (
	"context"
	"errors"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/store"
)

// Kinds of effects on agents, for answers and the journal.
const (
	kindAsk     = "ask"
	kindDecide  = "decide"
	kindCancel  = "cancel"
	kindConfirm = "confirm"
	kindTrigger = "trigger"
	kindShow    = "show plan"
	kindBack    = "take back"
)

func kindOf(o bot.Outcome) string {
	switch o.(type) {
	case bot.Ask:
		return kindAsk
	case bot.Decide:
		return kindDecide
	case bot.Cancel:
		return kindCancel
	case bot.Confirm:
		return kindConfirm
	case bot.Trigger:
		return kindTrigger
	case bot.ShowPlan:
		return kindShow
	case bot.TakeBack:
		return kindBack
	}
	return ""
}

func planOf(o bot.Outcome) bot.PlanID {
	switch o := o.(type) {
	case bot.Decide:
		return o.Plan
	case bot.Cancel:
		return o.Plan
	case bot.Confirm:
		return o.Plan
	case bot.ShowPlan:
		return o.Plan
	case bot.TakeBack:
		return o.Plan
	}
	return ""
}

// askTime bounds an order to an agent; planning looks at a host for a while.
const askTime = 6 * time.Minute

// tellsAgent gives an agent what an effect asks, and hands in its answer.
func (f *Flow) tellsAgent(ctx context.Context, e store.Effect) error {
	said, host, digest, err := f.saidOf(ctx, e)
	a := f.o.Agents[host]
	if err == nil && a == nil {
		err = bot.Errorf(bot.CodeNotFound, "The agent of %s is no longer configured.", host)
	}
	trigger, repairs := e.What.(bot.Trigger)
	if err == nil && repairs {
		err = f.unwanted(ctx, trigger)
	}
	stale := store.HoldsCode(e.What) && f.clock.now().Sub(e.At) > spendFor
	if err == nil && stale {
		// There it would count as a wrong one.
		err = bot.Errorf(bot.CodeUnavailable, "The agent of %s did not answer while the code was good. Give the next one.", host).Because(api.ErrAway)
	}
	var p bot.Proposal
	if err == nil {
		p, err = tell(ctx, a, e, said, digest)
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	if errors.Is(err, errOwnState) {
		f.log.Error("an agent was not told, since the state cannot be read; it is tried again", "effect", e.Key, "err", err)
		return err
	}
	// Who asked is told that it was given up. What nobody asked for (a plan that stands
	// whole, a word that was taken back) is tried until the agent has answered.
	out := bot.Affected{Key: e.Key, Err: err, Final: finalForAgent(e, err) || err != nil && stale || e.Tries >= effectTries && e.Request != "", At: f.clock.now()}
	if err == nil {
		out.Proposal = &p
	}
	return f.handIn(ctx, out)
}

func tell(ctx context.Context, a api.Agent, e store.Effect, said said, digest string) (bot.Proposal, error) {
	switch o := e.What.(type) {
	case bot.Ask:
		return a.Propose(ctx, api.Propose{Key: e.Key, Host: o.Host, Operation: o.Operation, Arguments: o.Arguments, Requester: e.Person, Said: said.Said})
	case bot.Decide:
		// The order to tell that the plan stands whole may still wait for its next try,
		// and whoever agrees now has read it.
		if o.Verdict == bot.Approve && !said.shown.IsZero() {
			if _, err := a.Shown(ctx, api.Shown{Plan: o.Plan, At: said.shown}); errors.Is(err, api.ErrAway) {
				return bot.Proposal{}, err
			}
		}
		return a.Decide(ctx, api.Decide{Plan: o.Plan, Digest: digest, ID: said.decision(), Person: e.Person, Verdict: o.Verdict, Reason: o.Reason,
			Code: o.Code, Signature: o.Signature, At: e.At, Said: said.Said})
	case bot.Cancel:
		return a.Cancel(ctx, api.Cancel{Plan: o.Plan, Person: e.Person, Reason: o.Reason, Said: said.Said})
	case bot.Confirm:
		return a.Confirm(ctx, api.Confirm{Plan: o.Plan, Person: e.Person, Code: o.Code, Signature: o.Signature, Said: said.Said})
	case bot.Trigger:
		return a.Trigger(ctx, api.Trigger{Key: e.Key, Standing: o.Standing, Alert: o.Alert, Since: o.Since})
	case bot.ShowPlan:
		return a.Shown(ctx, api.Shown{Plan: o.Plan, At: o.At})
	case bot.TakeBack:
		return a.Withdraw(ctx, api.Withdraw{Plan: o.Plan, ID: o.Decision, Person: e.Person, Said: said.Said})
	}
	return bot.Proposal{}, bot.Errorf(bot.CodeInternal, "%T is nothing that an agent is told.", e.What)
}

// finalForAgent tells whether telling the agent again cannot help. What an agent
// answered is an answer: whoever asked hears it at once, and may ask again. What
// nobody hears of is tried again while something is only not to be had.
func finalForAgent(e store.Effect, err error) bool {
	x, ok := errors.AsType[*bot.Error](err)
	if !ok || errors.Is(err, api.ErrAway) {
		return false
	}
	return e.Request != "" || x.Code != bot.CodeUnavailable && x.Code != bot.CodeInternal
}

// said is where an effect was asked for.
type said struct {
	api.Said
	room bot.RoomID
	// shown is since when the plan stands whole in a room, zero where it does not or
	// its agent knows.
	shown time.Time
}

// decision is the id of a word that was given there.
func (s said) decision() string { return decisionID(s.room, s.Message) }

// saidOf reads where an effect was asked for, which agent it is for, and the
// digest of the plan that it is about.
func (f *Flow) saidOf(ctx context.Context, e store.Effect) (s said, host, digest string, err error) {
	err = f.o.Store.View(ctx, func(tx *store.Tx) error {
		th, ok, err := tx.Thread(e.Thread)
		if err != nil {
			return err
		}
		if conv := th.State.Conversation; ok && conv != nil {
			s.room, s.Account, s.Message = conv.Room, conv.Account, conv.Message
			s.Door = string(f.settings.Load().Rooms[conv.Room].Chat)
		}
		switch o := e.What.(type) {
		case bot.Ask:
			host = o.Host
			return nil
		case bot.Trigger:
			host = o.Host
			return nil
		case bot.SpendCodes:
			host = o.Host
			return nil
		}
		th, ok, err = tx.LatestThread("plan:" + string(planOf(e.What)))
		if err != nil {
			return err
		}
		if !ok || th.State.Plan == nil {
			return bot.Errorf(bot.CodeNotFound, "There is no plan %s.", planOf(e.What))
		}
		st := th.State.Plan
		host, digest = st.Host, st.Proposal.Digest
		if st.Proposal.ShownAt.IsZero() {
			for _, at := range st.Shown {
				if s.shown.IsZero() || at.Before(s.shown) {
					s.shown = at
				}
			}
		}
		return nil
	})
	if _, ok := errors.AsType[*bot.Error](err); !ok {
		err = ownState(err)
	}
	return s, host, digest, err
}

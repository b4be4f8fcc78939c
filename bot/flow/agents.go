package flow

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/phrase"
	"watchstander/bot/store"
)

// agentHost is the host whose agent is meant.
func (f *Flow) agentHost(name string) (string, error) {
	hosts := slices.Sorted(maps.Keys(f.o.Agents))
	switch {
	case len(hosts) == 0:
		return "", bot.Errorf(bot.CodeUnavailable, "I have no agent on a host: nothing can be looked at or done there. `agent:` in the host's configuration names it.")
	case name == "" && len(hosts) == 1:
		return hosts[0], nil
	case name == "":
		return "", bot.Errorf(bot.CodeInvalid, "Which host? Say it again with `on HOST` behind it: %s.", phrase.Or(hosts))
	case f.o.Agents[name] == nil:
		return "", bot.Errorf(bot.CodeNotFound, "There is no agent on %s; there is one on %s.", name, phrase.Or(hosts))
	}
	return name, nil
}

const (
	// watchWait is how long an agent is asked to wait for news.
	watchWait = 25 * time.Second
	// watchTime bounds one question for news.
	watchTime = watchWait + 15*time.Second
	// agentAway is how long an agent may be away before people are told: a switch
	// restarts it.
	agentAway = 2 * time.Minute
)

// watch follows an agent's proposals. What it misses while either is away, the
// agent tells at the next question, since each proposal carries a stamp.
func (f *Flow) watch(ctx context.Context, host string, a api.Agent) {
	source := "agent/" + host
	var away time.Time
	heads := heads{f: f, host: host, a: a, source: source}
	told, first := false, true   // in a former life people may have been told
	var standing *[]bot.Standing // as it was told last
	for try := 0; ctx.Err() == nil; {
		stamp, err := f.agentStamp(ctx, source)
		var e bot.Told
		if err == nil {
			e, err = f.news(ctx, host, a, &stamp)
		}
		now := f.clock.now()
		if err == nil {
			f.agentSeen.Store(host, now)
			if standing != nil && reflect.DeepEqual(standing, e.Standing) {
				e.Standing = nil
			}
			if len(e.Proposals) > 0 || e.Standing != nil || stamp.moved {
				err = ownState(f.Take(ctx, bot.Batch{Source: source, Cursor: strconv.FormatInt(stamp.top, 10), Events: []bot.Event{e}}))
			}
		}
		if err == nil {
			if e.Standing != nil {
				standing = e.Standing
			}
			if told || first {
				if f.tellAgent(ctx, host, nil) == nil { // nothing where nothing stands
					told, first = false, false
				}
			}
			heads.exchange(ctx)
			try, away = 0, time.Time{}
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errOwnState) {
			// Nothing is known of the agent by that, and people are not sent to it.
			away = time.Time{}
			f.log.Error("the bot's own state is in the way of an agent's news", "host", host, "err", err)
		} else {
			f.log.Warn("an agent does not answer", "host", host, "err", err)
			if away.IsZero() {
				away = now
			}
			if !told && now.Sub(away) >= agentAway {
				told = f.tellAgent(ctx, host, err) == nil
			}
		}
		f.sleep(ctx, nil, backoff(try, time.Second, 30*time.Second))
		try++
	}
}

// stampAt is how far an agent's news are known.
type stampAt struct {
	at, top int64
	moved   bool
}

// errOwnState is the bot's trouble with its own state, where an agent's might be
// thought of.
var errOwnState = errors.New("the bot's own state")

func ownState(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(errOwnState, err)
}

// agentStamp is where an agent's news go on.
func (f *Flow) agentStamp(ctx context.Context, source string) (s stampAt, err error) {
	var text string
	err = f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		text, err = tx.Cursor(source)
		return err
	})
	if err == nil && text != "" {
		s.at, err = strconv.ParseInt(text, 10, 64)
	}
	s.top = s.at
	return s, ownState(err)
}

// news asks once, and waits for something new.
func (f *Flow) news(ctx context.Context, host string, a api.Agent, s *stampAt) (bot.Told, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	wait := watchWait
	if _, seen := f.agentSeen.Load(host); !seen {
		wait = 0 // that it answers at all is news
	}
	page, err := a.Proposals(ctx, api.Since{Stamp: s.at, Wait: wait})
	if err != nil {
		return bot.Told{}, err
	}
	s.top, s.moved = page.Top, page.Top != s.at
	return bot.Told{Host: host, Proposals: page.Proposals, Standing: &page.Standing, At: f.clock.now()}, nil
}

// tellAgent tells people that an agent is away, or back.
func (f *Flow) tellAgent(ctx context.Context, host string, why error) error {
	e := bot.Troubled{Subject: "agent " + host, Title: "The agent of " + host + " does not answer", Over: why == nil, At: f.clock.now(),
		Text: "Nothing can be looked at or done on the host through me, and what runs there I cannot tell. On the host: `systemctl status watchstander-agent`."}
	err := f.Take(ctx, bot.Batch{Source: "agent", Events: []bot.Event{e}})
	if err != nil && ctx.Err() == nil {
		f.log.Error("people could not be told of an agent", "host", host, "err", err)
	}
	return err
}

// agentHealth is how an agent is, for status.
func (f *Flow) agentHealth(host string, now time.Time) bot.Reading {
	r := bot.Reading{Host: "", What: "agent " + host, Value: "answers", At: now, State: bot.OK}
	seen, ok := f.agentSeen.Load(host)
	switch {
	case !ok:
		r.Value, r.State, r.Note = "has not answered yet", bot.Unknown, "since the bot started"
	case now.Sub(seen.(time.Time)) > watchTime+agentAway:
		r.Value, r.State, r.Note = "does not answer", bot.NotOK, "for "+phrase.Duration(now.Sub(seen.(time.Time)))
	}
	return r
}

// hostProbe asks an agent for what its probes measure.
type hostProbe struct {
	host string
	a    api.Agent
}

// AgentProbe makes an agent's readings those of a probe.
func AgentProbe(host string, a api.Agent) bot.Probe { return hostProbe{host, a} }

func (p hostProbe) Name() string { return "agent " + p.host }

func (p hostProbe) Read(ctx context.Context) []bot.Reading {
	rs, err := p.a.Readings(ctx, api.Nothing{})
	if err != nil {
		return []bot.Reading{{Host: p.host, What: "what its agent measures", Note: bot.ForPeople(err), At: time.Now(), State: bot.Unknown}}
	}
	for i := range rs {
		rs[i].Host = p.host
	}
	return rs
}

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

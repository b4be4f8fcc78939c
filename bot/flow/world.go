package flow

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/phrase"
	"watchstander/bot/plan"
	"watchstander/bot/store"
)

// world is what commands may read: bot.World over the state and what stands
// outside. Nothing in it changes anything.
type world struct{ f *Flow }

func (w *world) Zone() *time.Location    { return w.f.settings.Load().Zone }
func (w *world) Commands() []bot.Command { return w.f.o.Interpreter.Commands() }
func (w *world) Probes() []bot.Probe     { return w.f.o.Probes }

// Look asks a host's agent. Where there are several, what went wrong names the host.
func (w *world) Look(ctx context.Context, host, look string, args bot.Arguments) (json.RawMessage, error) {
	host, err := w.f.agentHost(host)
	if err != nil {
		return nil, err
	}
	found, err := w.f.o.Agents[host].Look(ctx, api.Look{Name: look, Arguments: args})
	if e, ok := errors.AsType[*bot.Error](err); ok && len(w.f.o.Agents) > 1 {
		return nil, bot.Errorf(e.Code, "On %s: %s", host, e.Message).Because(e.Cause)
	}
	return found, err
}

// Plan finds a plan's thread by its id, or by a beginning of it that only one has.
func (w *world) Plan(ctx context.Context, id bot.PlanID) (th bot.Thread, err error) {
	err = w.f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		th, err = planNamed(tx, id)
		return err
	})
	return th, err
}

// planNamed finds a plan's thread by its id or a beginning of it; a *bot.Error where
// there is none, or more than one.
func planNamed(tx *store.Tx, id bot.PlanID) (bot.Thread, error) {
	text := strings.TrimPrefix(string(id), "pln_")
	if len(text) < shortID {
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "There is no plan `%s`.", id)
	}
	found, err := tx.ThreadsBySubject("plan:pln_"+strings.ToUpper(text), 2)
	switch {
	case err != nil:
		return bot.Thread{}, err
	case len(found) == 0:
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "There is no plan `%s`. `approvals` lists those that wait.", id)
	case len(found) > 1:
		return bot.Thread{}, bot.Errorf(bot.CodeInvalid, "More than one plan begins with `%s`; give more of its id.", id)
	}
	return found[0], nil
}

// Plans are the threads of the proposals that are not over.
func (w *world) Plans(ctx context.Context) (out []bot.Thread, err error) {
	err = w.f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		out, err = tx.OpenThreads(bot.ThreadPlan)
		return err
	})
	return out, err
}

// Slip asks the agent for what somebody may sign.
func (w *world) Slip(ctx context.Context, id bot.PlanID, by bot.PersonID, v bot.Verdict, reason string) (string, error) {
	th, err := w.Plan(ctx, id)
	if err != nil {
		return "", err
	}
	st := th.State.Plan
	if st.Closed != "" { // a slip holds the whole plan
		return "", bot.Errorf(bot.CodeConflict, "%s", st.Closed)
	}
	a := w.f.o.Agents[st.Host]
	if a == nil {
		return "", bot.Errorf(bot.CodeNotFound, "The agent of %s is no longer configured.", st.Host)
	}
	s, err := a.Statement(ctx, api.Statement{Plan: st.Proposal.Plan.ID, Person: by, Verdict: v, Reason: reason})
	if err != nil {
		return "", err
	}
	return plan.EncodeSlip(s, st.Proposal.Plan)
}

// Agents are the hosts with an agent.
func (w *world) Agents() []string { return slices.Sorted(maps.Keys(w.f.o.Agents)) }

func (w *world) Alertmanagers() []string {
	return slices.Clone(w.f.settings.Load().Alertmanagers)
}

// Thread finds a thread by its id, or by a beginning of it that only one has.
func (w *world) Thread(ctx context.Context, id bot.ThreadID) (f bot.ThreadFacts, err error) {
	err = w.f.o.Store.View(ctx, func(tx *store.Tx) error {
		th, ok, err := tx.Thread(id)
		if err != nil {
			return err
		}
		if !ok {
			if th, err = byBeginning(tx, id); err != nil {
				return err
			}
		}
		f, err = gatherFacts(tx, th, allEpisodes, w.f.clock.now())
		return err
	})
	return f, err
}

// allEpisodes bounds what a command may list.
const allEpisodes = 500

// shortID is the least of an id that people may type.
const shortID = 4

func byBeginning(tx *store.Tx, id bot.ThreadID) (bot.Thread, error) {
	text := strings.TrimPrefix(string(id), "thr_")
	if len(text) < shortID {
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "There is no thread %s.", id)
	}
	found, err := tx.ThreadsByPrefix("thr_"+strings.ToUpper(text), 2)
	switch {
	case err != nil:
		return bot.Thread{}, err
	case len(found) == 0:
		return bot.Thread{}, bot.Errorf(bot.CodeNotFound, "There is no thread %s.", id)
	case len(found) > 1:
		return bot.Thread{}, bot.Errorf(bot.CodeInvalid, "More than one thread begins with %s; give more of its id.", id)
	}
	return found[0], nil
}

// facts are what is shown of threads in a list.
func (w *world) facts(tx *store.Tx, ths []bot.Thread) (out []bot.ThreadFacts, err error) {
	for _, th := range ths {
		f, err := gatherFacts(tx, th, 1, w.f.clock.now())
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (w *world) Untold() int {
	n := 0
	for _, name := range w.Alertmanagers() {
		n += w.f.untold.count(name)
	}
	return n
}

func (w *world) OpenThreads(ctx context.Context) (out []bot.ThreadFacts, err error) {
	err = w.f.o.Store.View(ctx, func(tx *store.Tx) error {
		ths, err := tx.OpenThreads(bot.ThreadAlert, bot.ThreadHeartbeat, bot.ThreadReboot, bot.ThreadNotice)
		if err != nil {
			return err
		}
		out, err = w.facts(tx, ths)
		return err
	})
	slices.SortStableFunc(out, func(a, b bot.ThreadFacts) int { return b.Thread.Severity.Rank() - a.Thread.Severity.Rank() })
	return out, err
}

func (w *world) FindThreads(ctx context.Context, words string, limit int) (out []bot.ThreadFacts, err error) {
	err = w.f.o.Store.View(ctx, func(tx *store.Tx) error {
		ths, err := tx.FindThreads(words, limit)
		if err != nil {
			return err
		}
		out, err = w.facts(tx, ths)
		return err
	})
	return out, err
}

func (w *world) alertmanager(name string) (Alertmanager, error) {
	am, ok := w.f.o.Alertmanagers[name]
	if !ok {
		return nil, bot.Errorf(bot.CodeNotFound, "No Alertmanager %q is configured.", name)
	}
	return am, nil
}

func (w *world) Silences(ctx context.Context, alertmanager string) ([]bot.Silence, error) {
	am, err := w.alertmanager(alertmanager)
	if err != nil {
		return nil, err
	}
	return am.Silences(ctx)
}

func (w *world) Covered(ctx context.Context, alertmanager string, m []bot.Matcher) (int, error) {
	am, err := w.alertmanager(alertmanager)
	if err != nil {
		return 0, err
	}
	covered, err := am.Covered(ctx, m)
	return len(covered), err
}

func (w *world) Graph(ctx context.Context, expr string, span time.Duration) (bot.Picture, error) {
	if w.f.o.Grapher == nil {
		return bot.Picture{}, bot.Errorf(bot.CodeUnavailable, "No Prometheus is configured, so there is nothing to draw from.")
	}
	return w.f.o.Grapher.Expression(ctx, expr, span)
}

// Health is the state of the bot itself.
func (w *world) Health(ctx context.Context) []bot.Reading {
	f := w.f
	now := f.clock.now()
	out := []bot.Reading{{What: "running since", Value: f.started.In(w.Zone()).Format("Mon 2 Jan 15:04 MST"), Source: f.o.Version, At: now, State: bot.OK}}
	for _, id := range slices.Sorted(maps.Keys(f.o.Chats)) {
		r := bot.Reading{What: "chat " + string(id), Value: "listening", At: now, State: bot.OK}
		if !f.heard(id) {
			r.Value, r.State, r.Note = "not listening", bot.NotOK, "see the log of the bot"
		}
		out = append(out, r)
	}
	for _, name := range w.Alertmanagers() {
		out = append(out, f.pollHealth(name, now))
	}
	for _, host := range slices.Sorted(maps.Keys(f.o.Agents)) {
		out = append(out, f.agentHealth(host, now))
	}
	var counts map[store.Priority]int
	var oldest time.Time
	var requests, effects int64
	unseen := map[string]int{}
	err := f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		for _, name := range w.Alertmanagers() {
			list, err := readUnseen(tx, name)
			if err != nil {
				return err
			}
			unseen[name] = len(list)
		}
		if counts, oldest, err = tx.DueByPriority(f.roomNames(), now); err != nil {
			return err
		}
		requests, effects, err = tx.CountDue()
		return err
	})
	if err != nil {
		return append(out, bot.Reading{What: "state", Value: "unreadable", Note: "see the log of the bot", At: now, State: bot.NotOK})
	}
	for _, name := range w.Alertmanagers() {
		if n := unseen[name]; n > 0 {
			out = append(out, bot.Reading{What: "held back by " + name, Value: phrase.Count(n, "alert", "alerts") + " without a thread",
				Note: "silenced, inhibited or muted since they began, so that nobody was told", At: now, State: bot.OK})
		}
	}
	waiting := 0
	for _, n := range counts {
		waiting += n
	}
	var parts []string
	for _, p := range []struct {
		n         int
		one, many string
	}{
		{waiting, "message for the rooms", "messages for the rooms"},
		{int(requests) - 1, "other command", "other commands"}, // one is this question
		{int(effects), "order for an agent, an Alertmanager or a picture", "orders for agents, Alertmanagers or pictures"},
	} {
		if p.n > 0 {
			parts = append(parts, phrase.Count(p.n, p.one, p.many))
		}
	}
	if parts == nil {
		parts = []string{"nothing"}
	}
	r := bot.Reading{What: "waiting", Value: strings.Join(parts, ", "), At: now, State: bot.OK}
	if age := now.Sub(oldest); waiting > 0 && age > time.Minute {
		r.State, r.Note = bot.NotOK, "the oldest waits for "+phrase.Duration(age)
	}
	return append(out, r)
}

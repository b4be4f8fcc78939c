package flow

import (
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

const (
	// firstReview is how far a review looks back that is the first of its list.
	firstReview = 92 * 24 * time.Hour
	// mostFirings bounds the alerts whose names are compared.
	mostFirings = 20000
)

// lookBack orders what changed since the run before.
func (c *change) lookBack(th bot.Thread, former *bot.ChecklistState) error {
	from := c.now.Add(-firstReview)
	if former != nil {
		from = former.Firing
	}
	return c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), Thread: th.ID, What: bot.MakeReport{Thread: th.ID, From: from.UTC(), To: c.now.UTC(), Since: true}})
}

// gatherReview reads what is otherwise out of the state.
func gatherReview(tx *store.Tx, s *Settings, o bot.MakeReport) (*bot.Review, error) {
	known, err := stateKnown(tx, s, o.To)
	if err != nil {
		return nil, err
	}
	r := &bot.Review{}
	if known.After(o.From) {
		r.Known = known
	}
	changes, err := tx.AllChanges(o.From, o.To)
	if err != nil {
		return nil, err
	}
	for _, x := range slices.Backward(changes) {
		if x.Kind != bot.ChangeRestart && x.Kind != bot.ChangeBot {
			r.Changes = append(r.Changes, x)
		}
	}
	plans, err := tx.ClosedThreads(bot.ThreadPlan, o.From, o.To)
	if err != nil {
		return nil, err
	}
	for _, th := range plans {
		st := th.State.Plan
		if p := st.Proposal; !p.StartedAt.IsZero() {
			r.Runs = append(r.Runs, bot.Ran{Plan: p.Plan.ID, Host: st.Host, Summary: p.Plan.Draft.Summary, State: p.State, At: p.StartedAt})
		}
	}
	slices.SortStableFunc(r.Runs, func(a, b bot.Ran) int { return b.At.Compare(a.At) })
	return r, compareAlerts(tx, o, known, r)
}

// stateKnown is since when the state tells of all that it is told.
func stateKnown(tx *store.Tx, s *Settings, now time.Time) (time.Time, error) {
	known, err := metaTime(tx, metaKnown)
	if err != nil {
		return known, err
	}
	if known.IsZero() {
		known = now
	}
	if kept := now.Add(-s.KeepClosed); s.KeepClosed > 0 && known.Before(kept) {
		known = kept
	}
	return known, nil
}

// compareAlerts finds the alerts that are new, and those that came no more. Where the
// earlier time is not known nothing can be called new.
func compareAlerts(tx *store.Tx, o bot.MakeReport, known time.Time, r *bot.Review) error {
	earlier := o.From.Add(-o.To.Sub(o.From))
	if known.After(earlier) {
		earlier = known
	}
	if !earlier.Before(o.From) {
		return nil
	}
	episodes, err := tx.EpisodesIn(earlier, o.To, mostFirings)
	if err != nil || len(episodes) == mostFirings {
		return err // of more than that nothing is claimed
	}
	r.EarlierKnown = earlier
	before, since := map[string]bool{}, map[string]bool{}
	for _, e := range episodes {
		name := e.Labels["alertname"]
		if name == "" {
			continue
		}
		if e.StartsAt.Before(o.From) {
			before[name] = true
		}
		if !e.Resolved || !e.EndsAt.Before(o.From) {
			since[name] = true
		}
	}
	for name := range since {
		if !before[name] {
			r.New = append(r.New, name)
		}
	}
	for name := range before {
		if !since[name] {
			r.Gone = append(r.Gone, name)
		}
	}
	slices.Sort(r.New)
	slices.Sort(r.Gone)
	return nil
}

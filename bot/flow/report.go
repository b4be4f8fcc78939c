package flow

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// reportOn orders the report of the month that a run looks back on: the one before where
// it begins in the first days of one, else the one that goes on.
func (c *change) reportOn(th bot.Thread) error {
	const firstDays = 7
	at := th.State.Checklist.Firing.In(c.s.Zone)
	from := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, c.s.Zone)
	if at.Day() <= firstDays {
		from = from.AddDate(0, -1, 0)
	}
	to := from.AddDate(0, 1, 0)
	if to.After(c.now) {
		to = c.now
	}
	return c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), Thread: th.ID, What: bot.MakeReport{Thread: th.ID, From: from.UTC(), To: to.UTC()}})
}

// mostSeries bounds the lines of a report's picture.
const mostSeries = 6

func moved(t bot.Trend) float64 { return math.Abs(t.Last.Figure - t.First.Figure) }

// report gathers what a month brought, and draws what was measured in percent.
func (f *Flow) report(ctx context.Context, e store.Effect, o bot.MakeReport) error {
	var r bot.Report
	err := f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = gatherReport(tx, f.settings.Load(), o, f.clock.now())
		return err
	})
	if err == nil && !o.Since { // the measures are of months
		r.Scores, err = f.world.Scorecard(ctx, o.From)
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	if err != nil {
		return f.handIn(ctx, bot.Affected{Key: e.Key, Err: err, At: f.clock.now()})
	}
	return f.handIn(ctx, bot.Reported{Key: e.Key, Report: r, Trends: f.drawTrends(r), At: f.clock.now()})
}

// drawTrends makes one picture for each unit that people compare by eye.
func (f *Flow) drawTrends(r bot.Report) []bot.Picture {
	if f.o.Draw == nil {
		return nil
	}
	var out []bot.Picture
	for _, unit := range []struct{ unit, draws, title string }{
		{bot.FigurePercent, bot.UnitPercent, "What was measured in percent"},
		{bot.FigureSeconds, bot.UnitSeconds, "Ages, and times left"},
	} {
		g := bot.Graph{Title: unit.title, Start: r.From, End: r.To}
		p := bot.Panel{Expr: "at each look of a checklist", Unit: unit.draws}
		of := slices.DeleteFunc(slices.Clone(r.Trends), func(t bot.Trend) bool { return t.Last.Unit != unit.unit })
		// Those that moved the most are looked at; the file has all.
		slices.SortStableFunc(of, func(a, b bot.Trend) int { return cmp.Compare(moved(b), moved(a)) })
		p.Omitted = max(len(of)-mostSeries, 0)
		for _, t := range of[:min(len(of), mostSeries)] {
			name := t.What
			if t.Host != "" {
				name = t.Host + " " + t.What
			}
			p.Series = append(p.Series, bot.Series{Name: name, Points: t.Points})
			if first := t.Points[0].At; first.Before(g.Start) {
				g.Start = first
			}
		}
		if len(p.Series) == 0 {
			continue
		}
		// Points are a list apart, however far that is: nothing is a gap.
		g.Step, g.Panels = r.To.Sub(g.Start), []bot.Panel{p}
		picture, err := f.o.Draw(g)
		if err != nil {
			f.log.Warn("a report's trends could not be drawn", "unit", unit.unit, "err", err)
			continue
		}
		out = append(out, picture)
	}
	return out
}

// gatherReport reads a time out of the state.
func gatherReport(tx *store.Tx, s *Settings, o bot.MakeReport, now time.Time) (r bot.Report, err error) {
	r.From, r.To = o.From, o.To
	known, err := stateKnown(tx, s, now)
	if err != nil {
		return r, err
	}
	if known.After(o.From) {
		r.Known = known
	}
	if r.Lists, err = gatherLists(tx, s, o); err != nil {
		return r, err
	}
	if r.Incidents, err = gatherIncidents(tx, o); err != nil {
		return r, err
	}
	alerts, err := tx.ThreadsOpened(bot.ThreadAlert, o.From, o.To)
	if err != nil {
		return r, err
	}
	r.Alerts = len(alerts)
	for _, th := range alerts {
		if th.Severity == bot.SeverityCritical {
			r.Criticals++
		}
	}
	plans, err := tx.ClosedThreads(bot.ThreadPlan, o.From, o.To)
	if err != nil {
		return r, err
	}
	ended := map[string]int{}
	for _, th := range plans {
		ended[string(th.State.Plan.Proposal.State)]++
	}
	r.Plans = tallies(ended)
	asked, err := countApprovals(tx, o.From, o.To)
	if err != nil {
		return r, err
	}
	if asked.asked > 0 {
		r.Approvals = asked.words()
	}
	changes, err := tx.AllChanges(o.From, o.To)
	if err != nil {
		return r, err
	}
	kinds := map[string]int{}
	for _, x := range changes {
		kinds[string(x.Kind)]++
	}
	r.Changes = tallies(kinds)
	if o.Since {
		if r.Review, err = gatherReview(tx, o, known, now); err != nil {
			return r, err
		}
	}
	r.Trends, err = gatherTrends(tx, o)
	return r, err
}

func tallies(n map[string]int) []bot.Tally {
	var out []bot.Tally
	for _, what := range slices.Sorted(maps.Keys(n)) {
		out = append(out, bot.Tally{What: what, N: n[what]})
	}
	slices.SortStableFunc(out, func(a, b bot.Tally) int { return b.N - a.N })
	return out
}

func gatherLists(tx *store.Tx, s *Settings, o bot.MakeReport) ([]bot.ListReport, error) {
	opened, err := tx.ThreadsOpened(bot.ThreadChecklist, o.From, o.To)
	if err != nil {
		return nil, err
	}
	var out []bot.ListReport
	for _, x := range s.Checklists {
		l := bot.ListReport{Title: x.Title}
		for _, th := range opened { // the oldest first
			run := th.State.Checklist
			if run.Name != x.Name || run.Incident != nil {
				continue
			}
			l.Runs++
			l.Longest, l.Carried = "", 0
			for _, i := range run.Items {
				switch {
				case i.Status == bot.ItemDone && i.By == "":
					l.ByEvidence++
				case i.Status == bot.ItemDone:
					l.ByPeople++
				case i.Status == bot.ItemSkipped:
					l.Skipped++
				default:
					l.Left++
				}
				if i.Status != bot.ItemDone && i.Carried > l.Carried {
					l.Longest, l.Carried = i.Item.Task, i.Carried
				}
			}
		}
		if l.Runs > 0 {
			out = append(out, l)
		}
	}
	return out, nil
}

// gatherIncidents reads the incidents and drills that were opened in the month.
func gatherIncidents(tx *store.Tx, o bot.MakeReport) (out []bot.IncidentReport, err error) {
	opened, err := tx.ThreadsOpened(bot.ThreadChecklist, o.From, o.To)
	if err != nil {
		return nil, err
	}
	for _, th := range opened {
		run := th.State.Checklist
		if run.Incident == nil {
			continue
		}
		x := bot.IncidentReport{List: run.Title, Title: run.IncidentName(), What: run.Incident.What, OpenedAt: run.Firing, Open: th.Open(), All: len(run.Items)}
		end := o.To
		if !th.Open() {
			end = th.ClosedAt
		}
		x.Took = end.Sub(run.Firing)
		for _, i := range run.Items {
			if i.Status == bot.ItemDone {
				x.Done++
			}
		}
		todo, err := tx.FollowUps(th.ID)
		if err != nil {
			return nil, err
		}
		x.FollowUps = len(todo)
		for _, f := range todo {
			if f.Status == bot.ItemOpen {
				x.FollowUpsOpen++
			}
		}
		out = append(out, x)
	}
	return out, nil
}

// trendsBefore is how far before a month its trends begin, so that there is something to
// compare with.
const trendsBefore = 31 * 24 * time.Hour

func gatherTrends(tx *store.Tx, o bot.MakeReport) ([]bot.Trend, error) {
	from := o.From
	if !o.Since {
		from = from.Add(-trendsBefore)
	}
	readings, err := tx.Readings(from, o.To)
	if err != nil {
		return nil, err
	}
	type thing struct{ host, what, unit string }
	found := map[thing]*bot.Trend{}
	for _, r := range readings {
		if r.Unit == "" || r.State == bot.Unknown || r.At.After(o.To) {
			continue
		}
		k := thing{r.Host, r.What, r.Unit}
		t := found[k]
		if t == nil {
			t = &bot.Trend{Host: r.Host, What: r.What, First: r}
			found[k] = t
		}
		t.Last = r
		t.Points = append(t.Points, bot.Point{At: r.At, Value: r.Figure})
	}
	var out []bot.Trend
	for _, t := range found {
		if len(t.Points) > 1 && !t.Last.At.Before(o.From) {
			out = append(out, *t)
		}
	}
	slices.SortFunc(out, func(a, b bot.Trend) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.What, b.What), cmp.Compare(a.Last.Unit, b.Last.Unit))
	})
	return out, nil
}

// reported tells it in its thread, or in the conversation in which it was asked for.
func (c *change) reported(e bot.Reported) error {
	x, was, err := c.effectDone(e.Key)
	if err != nil || !was {
		return err
	}
	o := x.What.(bot.MakeReport)
	m := view.Report(e.Report, e.Trends, c.style())
	if o.Thread == "" {
		return c.tell(x, "", m)
	}
	th, ok, err := c.Thread(o.Thread)
	if err != nil || !ok {
		return err
	}
	if err := c.log(&th, "", m); err != nil {
		return err
	}
	return c.PutThread(th, "", c.now)
}

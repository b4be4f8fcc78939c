package flow

import (
	"context"

	"watchstander/bot"
	"watchstander/bot/store"
)

// Person finds one of the configuration as people call them.
func (w *world) Person(called string) (bot.Person, bool) { return w.f.settings.Load().Called(called) }

// Schedules are the checklists with how they stand. Where a checklist has runs of
// several hosts, the newest that is open is told, else the newest.
func (w *world) Schedules(ctx context.Context) (out []bot.ScheduleFacts, err error) {
	s := w.f.settings.Load()
	err = w.f.o.Store.View(ctx, func(tx *store.Tx) error {
		out = nil
		open, err := tx.OpenThreads(bot.ThreadChecklist)
		if err != nil {
			return err
		}
		for _, x := range s.Checklists {
			f := bot.ScheduleFacts{Checklist: x.Checklist}
			if f.Schedule, _, err = tx.Schedule(x.Name); err != nil {
				return err
			}
			for _, th := range open {
				if run := th.State.Checklist; run.Incident != nil || run.Name != x.Name {
					continue
				}
				if !th.OpenedAt.Before(f.Run.OpenedAt) {
					f.Run = th
				}
				f.Open = append(f.Open, th)
			}
			if f.Run.State.Checklist == nil {
				if f.Run, err = newestRun(tx, x.Name); err != nil {
					return err
				}
			}
			out = append(out, f)
		}
		return nil
	})
	return out, err
}

// Incidents are the open ones, the one that was closed last, and all follow-ups that
// nobody has ended.
func (w *world) Incidents(ctx context.Context) (out bot.IncidentFacts, err error) {
	s := w.f.settings.Load()
	err = w.f.o.Store.View(ctx, func(tx *store.Tx) error {
		out = bot.IncidentFacts{}
		var err error
		if out.Open, err = openIncidents(tx); err != nil {
			return err
		}
		if out.Last, err = lastIncident(tx); err != nil {
			return err
		}
		if out.FollowUps, err = tx.OpenFollowUps(); err != nil {
			return err
		}
		for i, x := range out.FollowUps {
			list, _ := s.takes(x.List)
			out.FollowUps[i].List = list.Name
		}
		return nil
	})
	return out, err
}

// lastIncident is the one that was closed last, of those that were opened last.
func lastIncident(tx *store.Tx) (last bot.Thread, err error) {
	const look = 50
	found, err := tx.ThreadsBySubject(incidentSubject(""), look)
	for _, th := range found {
		if !th.Open() && th.ClosedAt.After(last.ClosedAt) {
			last = th
		}
	}
	return last, err
}

// newestRun is the newest run of a checklist, of whatever host.
func newestRun(tx *store.Tx, name string) (bot.Thread, error) {
	const look = 20 // names may begin alike
	found, err := tx.ThreadsBySubject(runSubject(name, ""), look)
	for _, th := range found {
		if th.State.Checklist != nil && th.State.Checklist.Name == name {
			return th, nil
		}
	}
	return bot.Thread{}, err
}

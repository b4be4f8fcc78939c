package flow

import (
	"context"

	"watchstander/bot"
	"watchstander/bot/store"
)

// Person finds one of the configuration by name.
func (w *world) Person(id bot.PersonID) (bot.Person, bool) { return w.f.settings.Load().People(id) }

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
				if th.State.Checklist.Name == x.Name && !th.OpenedAt.Before(f.Run.OpenedAt) {
					f.Run = th
				}
				if th.State.Checklist.Name == x.Name {
					f.Open = append(f.Open, th)
				}
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

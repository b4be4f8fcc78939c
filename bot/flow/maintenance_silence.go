package flow

import (
	"errors"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// A maintenance's silence follows its thread. It is asked for until Alertmanager has it or
// refuses it; one that comes about when nobody wants it any more is ended again, and so is
// a shorter one as soon as the longer one is there. All of them end by themselves with the
// maintenance's time, so that what is never ended does no harm after it.

// clocksApart is how much sooner than by ours a silence may come to its end by
// Alertmanager's clock.
const clocksApart = 5 * time.Second

// orderMaintenanceSilence orders the one that holds until the maintenance's end.
func (c *change) orderMaintenanceSilence(th bot.Thread, by bot.PersonID) (bot.EffectKey, error) {
	st := th.State.Maintenance
	key := c.f.o.IDs.Effect()
	return key, c.makeDue(store.Effect{Key: key, Thread: th.ID, Person: by, What: bot.MakeSilence{Thread: th.ID, Alertmanager: st.Alertmanager,
		Silence: bot.Silence{Matchers: st.Matchers, StartsAt: c.now, EndsAt: st.Until, Comment: "maintenance: " + st.Reason}}})
}

// endMaintenanceSilences ends what is there of an ended maintenance's silences. One on its
// way ends when it is there (madeForMaintenance), and with the maintenance's time they
// all do, unless somebody has given one a later end in Alertmanager.
func (c *change) endMaintenanceSilences(th bot.Thread, by bot.PersonID) error {
	st := th.State.Maintenance
	inTime := !st.EndedAt.Before(st.Until)
	if inTime && !st.SilenceUntil.After(st.Until.Add(time.Second)) {
		st.Silence = ""
		return nil
	}
	var ids []string
	if st.Silence != "" { // it may have got another id in Alertmanager
		ids = append(ids, st.Silence)
	}
	if x, ok, err := c.Effect(st.Key); err != nil {
		return err
	} else if ok && x.State == store.EffectDue && !inTime {
		st.Unsure = true
	}
	for _, key := range append(slices.Clone(st.Former), st.Key) {
		x, ok, err := c.Effect(key)
		if err != nil {
			return err
		}
		if ok && x.State == store.EffectDone && x.Result != "" && !slices.Contains(ids, x.Result) {
			ids = append(ids, x.Result)
		}
	}
	for _, id := range ids {
		if err := c.endSilenceOf(th, id, by); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) endSilenceOf(th bot.Thread, id string, by bot.PersonID) error {
	return c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), Thread: th.ID, Person: by,
		What: bot.EndSilence{Thread: th.ID, Alertmanager: th.State.Maintenance.Alertmanager, IDs: []string{id}}})
}

// ofMaintenance finds the maintenance that an effect was ordered for, not by people.
func (c *change) ofMaintenance(x store.Effect) (bot.Thread, bool, error) {
	about := aboutOf(x.What)
	if x.Request != "" || about == "" {
		return bot.Thread{}, false, nil
	}
	th, ok, err := c.Thread(about)
	return th, ok && th.State.Maintenance != nil, err
}

// affectedMaintenance applies what an effect of a maintenance came to. The effect has its
// try counted, and is not put yet.
func (c *change) affectedMaintenance(th bot.Thread, x store.Effect, e bot.Affected) error {
	st := th.State.Maintenance
	o, making := x.What.(bot.MakeSilence)
	over := !st.Until.After(c.now) && !st.SilenceUntil.After(c.now)
	if making {
		over = !o.Silence.EndsAt.After(c.now)
	}
	if e.Err != nil && !final(e.Err) && !over {
		x.NextTry = c.now.Add(max(backoff(x.Tries, 2*time.Second, time.Minute), askedToWait(e.Err)))
		if err := c.PutEffect(x); err != nil {
			return err
		}
		return c.maintenanceWaits(th, x, making, bot.ForPeople(e.Err))
	}
	x.Result, x.State = e.Result, store.EffectDone
	if e.Err != nil {
		x.State = store.EffectFailed
	}
	if err := c.PutEffect(x); err != nil {
		return err
	}
	c.after = append(c.after, func() { c.f.pollSoon(st.Alertmanager) })
	if making {
		return c.madeForMaintenance(th, x, o, e.Err)
	}
	if over {
		e.Err = nil // it has ended by itself
	}
	return c.endedForMaintenance(th, x, e.Err)
}

// maintenanceWaits says once that Alertmanager does not do what it should yet.
func (c *change) maintenanceWaits(th bot.Thread, x store.Effect, making bool, why string) error {
	st := th.State.Maintenance
	wanted := making && x.Key == st.Key && th.Open() || !making && !th.Open()
	if !wanted || st.Trouble != "" {
		return nil
	}
	st.Trouble = why
	if err := c.log(&th, "", view.MaintenanceSilenceWaits(*st, making, c.style())); err != nil {
		return err
	}
	return c.putMaintenance(&th)
}

func (c *change) madeForMaintenance(th bot.Thread, x store.Effect, o bot.MakeSilence, failed error) error {
	st := th.State.Maintenance
	wanted := x.Key == st.Key && th.Open()
	switch {
	case failed != nil && !wanted:
		if !st.Unsure || x.Key != st.Key {
			return nil
		}
		st.Unsure = false
		return c.putMaintenance(&th)
	case failed != nil:
		st.Trouble = bot.ForPeople(failed)
		if err := c.log(&th, "", view.Failed("The silence", st.Trouble+" Notices come as ever; `maintenance start` again tries once more.")); err != nil {
			return err
		}
		return c.putMaintenance(&th)
	case !wanted:
		by := st.EndedBy
		if by == "" {
			by = x.Person
		}
		if err := c.endSilenceOf(th, x.Result, by); err != nil || x.Key != st.Key {
			return err
		}
		st.Unsure, st.Silence, st.SilenceUntil = false, x.Result, o.Silence.EndsAt
		return c.putMaintenance(&th)
	}
	s := o.Silence
	s.CreatedBy = string(x.Person)
	st.Silence, st.SilenceUntil, st.Trouble = x.Result, s.EndsAt, ""
	said := view.Silenced(s, x.Result, c.style())
	if err := c.journalSilence(journal.KindSilence, x, said.Title.String()); err != nil {
		return err
	}
	if err := c.log(&th, "", said); err != nil {
		return err
	}
	var coming []bot.EffectKey
	for _, key := range st.Former {
		former, ok, err := c.Effect(key)
		switch {
		case err != nil:
			return err
		case ok && former.State == store.EffectDue:
			coming = append(coming, key) // it ends when it is there
		case ok && former.State == store.EffectDone && former.Result != x.Result:
			if err := c.endSilenceOf(th, former.Result, x.Person); err != nil {
				return err
			}
		}
	}
	st.Former = coming
	return c.putMaintenance(&th)
}

// endedForMaintenance notes that a silence is no more. That Alertmanager does not know it
// any more is as good; that it refuses to end it, or is not configured any more, is not.
func (c *change) endedForMaintenance(th bot.Thread, x store.Effect, failed error) error {
	st := th.State.Maintenance
	ids := x.What.(bot.EndSilence).IDs
	if failed == nil {
		if err := c.journalSilence(journal.KindUnsilence, x, view.Unsilenced(x.Person, ids).Title.String()); err != nil {
			return err
		}
	}
	if th.Open() || !slices.Contains(ids, st.Silence) {
		return nil // a shorter one
	}
	if e, ok := errors.AsType[*bot.Error](failed); ok && (e.Code != bot.CodeNotFound || c.f.o.Alertmanagers[st.Alertmanager] == nil) {
		st.Trouble = bot.ForPeople(failed)
		if err := c.log(&th, "", view.Failed("Ending the silence", st.Trouble)); err != nil {
			return err
		}
		return c.putMaintenance(&th)
	}
	troubled := st.Trouble != ""
	st.Silence, st.Trouble = "", ""
	if troubled {
		if err := c.log(&th, "", view.MaintenanceSilenceGone(c.now, c.style())); err != nil {
			return err
		}
	}
	return c.putMaintenance(&th)
}

// maintenanceSilencePolled tells what others did to an open maintenance's silence.
func (c *change) maintenanceSilencePolled(th *bot.Thread, n *silenceNews) (changed bool, err error) {
	st := th.State.Maintenance
	if !th.Open() || st.Silence == "" || !c.now.Before(st.Until) {
		return false, nil
	}
	if slices.ContainsFunc(n.ended, func(s bot.Silence) bool { return s.ID == st.Silence }) {
		for id, s := range n.byID {
			// Alertmanager gives a silence that somebody edits there another id.
			if s.State == "active" && strings.HasSuffix(s.Comment, "["+string(st.Key)+"]") {
				st.Silence, st.SilenceUntil = id, s.EndsAt
				return true, c.log(th, "", view.SilenceChanged(s, c.style()))
			}
		}
		if until := st.SilenceUntil; !c.now.Before(until.Add(-clocksApart)) {
			// The longer one that was to follow is not there, and why is told already.
			st.Silence, st.SilenceUntil = "", time.Time{}
			if st.Trouble == "" {
				st.Trouble = view.RanOut
			}
			return true, c.log(th, "", view.MaintenanceSilenceRanOut(*st, until, c.style()))
		}
		st.Silence, st.SilenceUntil, st.Trouble = "", time.Time{}, view.EndedElsewhere
		return true, c.log(th, "", view.MaintenanceSilenceEnded(*st, c.style()))
	}
	s, listed := n.byID[st.Silence]
	if !listed || s.EndsAt.Sub(st.SilenceUntil).Abs() < time.Second {
		return false, nil
	}
	st.SilenceUntil = s.EndsAt
	return true, c.log(th, "", view.SilenceChanged(s, c.style()))
}

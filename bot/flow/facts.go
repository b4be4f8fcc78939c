package flow

import (
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// rootEpisodes is how many alerts a root may list; the rest is counted.
const rootEpisodes = 40

// gatherFacts reads what a thread's root is made of.
func gatherFacts(tx *store.Tx, th bot.Thread, episodes int, now time.Time) (f bot.ThreadFacts, err error) {
	f.Thread = th
	switch st := th.State; {
	case st.Alert != nil:
		return alertFacts(tx, f, episodes)
	case st.Reboot != nil:
		f.Gathered, err = factsOf(tx, st.Reboot.Threads, now)
	case st.Brief != nil:
		f.Gathered, err = factsOf(tx, st.Brief.Threads, now)
	case st.Digest != nil:
		f.Gathered, err = factsOf(tx, st.Digest.Threads, now)
	case st.Checklist != nil && st.Checklist.Incident != nil:
		return incidentFacts(tx, f, episodes)
	case st.Storm != nil && th.Open():
		waiting, err := tx.WaitingThreads(st.Storm.Room, now)
		if err != nil {
			return f, err
		}
		for _, w := range waiting {
			g, err := gatherFacts(tx, w, 1, now)
			if err != nil {
				return f, err
			}
			f.Gathered = append(f.Gathered, g)
		}
		return f, nil
	}
	return f, err
}

// incidentFacts are what is to be done after an incident, and what changed before it.
func incidentFacts(tx *store.Tx, f bot.ThreadFacts, episodes int) (_ bot.ThreadFacts, err error) {
	if f.FollowUps, err = tx.FollowUps(f.Thread.ID); err != nil || episodes <= 1 {
		return f, err
	}
	from, to := f.Thread.OpenedAt.Add(-bot.ChangesBefore), f.Thread.OpenedAt
	if host := f.Thread.State.Checklist.Host; host != "" {
		f.Changes, err = tx.Changes(host, from, to)
		return f, err
	}
	if f.Changes, err = tx.AllChanges(from, to); err != nil {
		return f, err
	}
	for i, x := range f.Changes {
		f.Changes[i].Text = whatChanged(x)
	}
	return f, nil
}

func factsOf(tx *store.Tx, ids []bot.ThreadID, now time.Time) ([]bot.ThreadFacts, error) {
	var out []bot.ThreadFacts
	for _, id := range ids {
		th, ok, err := tx.Thread(id)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue // pruned
		}
		f, err := gatherFacts(tx, th, 1, now)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func alertFacts(tx *store.Tx, f bot.ThreadFacts, episodes int) (_ bot.ThreadFacts, err error) {
	th, st := f.Thread, f.Thread.State.Alert
	if f.Counts, err = tx.CountEpisodes(th.ID); err != nil {
		return f, err
	}
	if f.Episodes, err = tx.WorstEpisodes(th.ID, episodes); err != nil {
		return f, err
	}
	ids, err := tx.SilencesOver(th.ID)
	if err != nil {
		return f, err
	}
	for _, id := range ids {
		s, ok, err := tx.KnownSilence(st.Alertmanager, id)
		if err != nil {
			return f, err
		}
		if ok {
			f.Silences = append(f.Silences, s.Silence)
		}
	}
	kept, err := tx.SilencesKept(st.Alertmanager, th.ID)
	if err != nil {
		return f, err
	}
	for _, s := range kept {
		if !slices.Contains(ids, s.ID) {
			f.Kept = append(f.Kept, s.Silence)
		}
	}
	if st.Host != "" && episodes > 1 { // lists have no place for them
		f.Changes, err = tx.Changes(st.Host, th.OpenedAt.Add(-bot.ChangesBefore), th.OpenedAt)
	}
	return f, err
}

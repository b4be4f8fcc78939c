package flow

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// silenceNews is what a poll changed about silences.
type silenceNews struct {
	byID    map[string]bot.Silence // all that are listed
	changed map[string]bool        // end, comment or matchers differ from before
	ended   []bot.Silence          // active before, not any more
	ending  map[string]bool        // end soon, and nobody was told yet
	made    []store.KnownSilence   // new ones that we did not make
	covered map[string]bool        // silences that hold alerts of open threads
	over    map[bot.ThreadID][]string
	// known are the rows as they stand now, and touched the threads whose root
	// tells of a silence that changed.
	known   map[string]store.KnownSilence
	touched map[bot.ThreadID]bool
}

func (n *silenceNews) touch(k store.KnownSilence) {
	for _, id := range k.Held {
		n.touched[id] = true
	}
}

func (n *silenceNews) add(to []bot.Silence, id string) []bot.Silence {
	s, ok := n.byID[id]
	if !ok || slices.ContainsFunc(to, func(x bot.Silence) bool { return x.ID == id }) {
		return to
	}
	return append(to, s)
}

// endedOver are the ended silences that held alerts of the thread before.
func (n *silenceNews) endedOver(th bot.ThreadID) []bot.Silence {
	var out []bot.Silence
	for _, s := range n.ended {
		if slices.Contains(n.over[th], s.ID) {
			out = append(out, s)
		}
	}
	return out
}

// touches notes which silences hold the group, and tells whether one of them
// shows differently now.
func (n *silenceNews) touches(g *group) bool {
	for _, e := range g.newest {
		for _, id := range e.SilencedBy {
			n.covered[id] = true
		}
	}
	return n.touched[g.thread.ID]
}

// silences compares the listed silences with those known.
func (c *change) silences(p bot.Polled) (*silenceNews, error) {
	news := &silenceNews{byID: map[string]bot.Silence{}, changed: map[string]bool{}, ending: map[string]bool{},
		covered: map[string]bool{}, over: map[bot.ThreadID][]string{},
		known: map[string]store.KnownSilence{}, touched: map[bot.ThreadID]bool{}}
	first, err := c.Meta("silences known " + p.Alertmanager)
	if err != nil {
		return nil, err
	}
	known, err := c.KnownSilences(p.Alertmanager)
	if err != nil {
		return nil, err
	}
	live, err := c.LiveEpisodes()
	if err != nil {
		return nil, err
	}
	for _, e := range live {
		news.over[e.Thread] = append(news.over[e.Thread], e.SilencedBy...)
	}
	was := map[string]store.KnownSilence{}
	for _, k := range known {
		was[k.ID] = k
	}
	for _, s := range p.Silences {
		news.byID[s.ID] = s
		k, ok := was[s.ID]
		delete(was, s.ID)
		next := store.KnownSilence{Alertmanager: p.Alertmanager, Silence: s, Told: k.Told, Held: k.Held}
		switch {
		case !ok && s.State == "expired":
			continue // over before we heard of it
		case !ok:
			effect, ours, err := c.makerOf(s)
			if err != nil {
				return nil, err
			}
			if made, ok := effect.What.(bot.MakeSilence); ok && made.Thread != "" {
				next.Held = []bot.ThreadID{made.Thread}
				news.touch(next)
			}
			// What stood before the bot first looked needs no word.
			if !ours && first != "" {
				news.made = append(news.made, next)
			}
		case k.State != "expired" && s.State == "expired":
			news.ended = append(news.ended, s)
			news.touch(next)
		case k.State == "expired":
			continue
		case !k.EndsAt.Equal(s.EndsAt) || k.Comment != s.Comment || !slices.Equal(k.Matchers, s.Matchers) || k.State != s.State:
			news.changed[s.ID] = true
			news.touch(next)
			next.Told = ""
		}
		if s.State == "active" && next.Told == "" && s.EndsAt.Sub(p.At) <= c.s.SilenceWarning && s.EndsAt.Sub(s.StartsAt) > 2*c.s.SilenceWarning {
			news.ending[s.ID] = true
			next.Told = "ending"
		}
		news.known[s.ID] = next
		if ok && reflect.DeepEqual(k, next) {
			continue
		}
		if err := c.PutSilence(next); err != nil {
			return nil, err
		}
	}
	for _, k := range was {
		// Alertmanager forgets expired silences after its retention.
		if k.State == "expired" {
			continue
		}
		k.State = "expired"
		news.ended = append(news.ended, k.Silence)
		news.touch(k)
		if err := c.PutSilence(k); err != nil {
			return nil, err
		}
	}
	if first == "" {
		return news, c.PutMeta("silences known "+p.Alertmanager, "yes")
	}
	return news, nil
}

// makerOf is the effect that made a silence: the one that has its id, or one under way
// whose key it carries, and which does not know yet that it is made.
func (c *change) makerOf(s bot.Silence) (store.Effect, bool, error) {
	x, ours, err := c.EffectByResult(s.ID)
	if ours || err != nil {
		return x, ours, err
	}
	i := strings.LastIndex(s.Comment, " [")
	if i < 0 {
		return x, false, nil
	}
	x, ok, err := c.Effect(bot.EffectKey(strings.TrimSuffix(s.Comment[i+2:], "]")))
	return x, ok && x.State == store.EffectDue, err
}

// holds notes that silences hold a thread's alerts back.
func (c *change) holds(n *silenceNews, th bot.ThreadID, ids []string) error {
	for _, id := range ids {
		k, ok := n.known[id]
		if !ok || slices.Contains(k.Held, th) {
			continue
		}
		k.Held = append(slices.Clone(k.Held), th)
		n.known[id] = k
		if err := c.PutSilence(k); err != nil {
			return err
		}
	}
	return nil
}

// silencesKept brings the roots of closed threads up to date whose silences
// changed; the open ones have been looked at.
func (c *change) silencesKept(n *silenceNews, open map[string]bool) error {
	for _, id := range slices.Sorted(maps.Keys(n.touched)) {
		th, ok, err := c.Thread(id)
		if err != nil {
			return err
		}
		if !ok || open[th.Subject] && th.Open() {
			continue
		}
		th.Version++
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
	}
	return nil
}

// warnOfSilences tells a thread that a silence over it was changed, or ends
// soon while alerts still fire beneath it.
func (c *change) warnOfSilences(g *group, n *silenceNews) error {
	firing := map[string]int{}
	for _, e := range g.live() {
		for _, id := range e.SilencedBy {
			if n.ending[id] || n.changed[id] {
				firing[id]++
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(firing)) {
		s := n.byID[id]
		var told bot.Message
		switch {
		case n.ending[id]:
			told = view.SilenceEnds(s, firing[id], c.style())
		case len(g.held) > 0:
			continue // the held entry has just told it
		default:
			told = view.SilenceChanged(s, c.style())
		}
		if err := c.log(&g.thread, "", told); err != nil {
			return err
		}
		if err := c.PutThread(g.thread, "", c.now); err != nil {
			return err
		}
	}
	return nil
}

// silencesElsewhere gives silences that were made elsewhere and that hold no
// open thread a thread of their own, and keeps those threads true.
func (c *change) silencesElsewhere(p bot.Polled, n *silenceNews) error {
	for _, k := range n.made {
		if n.covered[k.ID] {
			continue // its threads have told it
		}
		th := c.newThread(bot.ThreadSilence, "silence:"+p.Alertmanager+":"+k.ID)
		s := k.Silence
		th.State.Silence, th.Severity = &s, bot.SeverityInfo
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		if err := c.show(th, []bot.RoomID{c.s.NoticesRoom}); err != nil {
			return err
		}
	}
	threads, err := c.OpenThreads(bot.ThreadSilence)
	if err != nil {
		return err
	}
	for _, th := range threads {
		now, listed := n.byID[th.State.Silence.ID]
		ended := slices.ContainsFunc(n.ended, func(s bot.Silence) bool { return s.ID == th.State.Silence.ID })
		if !ended && (!listed || !n.changed[now.ID]) {
			continue
		}
		if listed {
			th.State.Silence = &now
		} else {
			th.State.Silence.State = "expired"
		}
		if ended {
			th.ClosedAt = c.now
		}
		th.Version++
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		if err := c.show(th, nil); err != nil {
			return err
		}
	}
	return nil
}

package flow

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
	"watchstander/bot/store"
)

// Bounds of what is read for noise. What is older than the newest of so many episodes is
// left out, and the span begins later.
const (
	noiseEpisodes = 10_000
	noiseAcks     = 5000
)

// noiseKey is what firings are counted by.
type noiseKey struct{ alert, host string }

// noiseFiring is one firing of one alert, in whatever threads it was shown.
type noiseFiring struct {
	key      noiseKey
	alert    string // which one of the key's
	severity bot.Severity
	from, to time.Time // to is the end of the span while it fires
	live     bool
	whole    time.Duration // how long it fired, also before the span
	silenced time.Duration
	acked    bool
}

// noise is what the state knows of a span.
type noise struct {
	facts    bot.NoiseFacts
	episodes []bot.Episode
	threads  map[bot.ThreadID]bot.Thread
	acks     []journal.Entry
}

// Noise computes what fired how often since a moment from the episodes, and what people
// made of it from the journal: an ack falls from its thread's state, and stays there.
func (w *world) Noise(ctx context.Context, since time.Time) (bot.NoiseFacts, error) {
	now, s := w.f.clock.now(), w.f.settings.Load()
	var n noise
	err := w.f.o.Store.View(ctx, func(tx *store.Tx) error {
		n = noise{facts: bot.NoiseFacts{Asked: since, Since: since, Until: now, BotSince: w.f.started}}
		if err := n.read(tx, s.KeepClosed); err != nil {
			return err
		}
		return n.listened(w.f, tx)
	})
	if err != nil {
		return bot.NoiseFacts{}, err
	}
	n.count(s)
	return n.facts, nil
}

// later makes the span begin later than was asked for.
func (n *noise) later(at time.Time, why string) {
	if at.After(n.facts.Since) {
		n.facts.Since, n.facts.Short = at, why
	}
	if n.facts.Since.After(n.facts.Until) {
		n.facts.Since = n.facts.Until
	}
}

func (n *noise) doubt(format string, args ...any) {
	n.facts.Doubts = append(n.facts.Doubts, fmt.Sprintf(format, args...))
}

// read fetches all that the figures are made of.
func (n *noise) read(tx *store.Tx, keep time.Duration) error {
	known, err := tx.KnownSince()
	if err != nil {
		return err
	}
	if known.IsZero() || n.facts.BotSince.Before(known) {
		known = n.facts.BotSince // it has listened from then on
	}
	n.later(known, "before that the bot's state knows nothing")
	if keep > 0 {
		n.later(n.facts.Until.Add(-keep), "threads are let go of "+phrase.Duration(keep)+" after their end (`state: keep_closed`)")
	}
	ended, err := tx.EndedEpisodes(n.facts.Since, noiseEpisodes)
	if err != nil {
		return err
	}
	if len(ended) == noiseEpisodes {
		n.later(ended[len(ended)-1].EndsAt, fmt.Sprintf("only the newest %d firings are counted", noiseEpisodes))
	}
	live, err := tx.LiveEpisodes()
	if err != nil {
		return err
	}
	n.episodes = append(live, ended...)
	first := n.facts.Until
	var of []bot.ThreadID
	for _, e := range n.episodes {
		if e.FirstAt.Before(first) {
			first = e.FirstAt
		}
		of = append(of, e.Thread)
	}
	slices.Sort(of)
	if n.threads, err = tx.Threads(slices.Compact(of)); err != nil {
		return err
	}
	if len(n.episodes) == 0 {
		return nil
	}
	acks, broken, err := tx.JournalSearch(journal.Filter{Kinds: []journal.Kind{journal.KindAck}, Since: first}, noiseAcks)
	n.acks = acks
	if len(broken) > 0 {
		n.doubt("%s not what was written; of acks in there nothing is known. Look at the journal on the host with `watchstander journal verify`.",
			phrase.Count(len(broken), "journal entry is", "journal entries are"))
	}
	if len(acks) == noiseAcks {
		n.doubt("Only the newest %d acks are counted.", noiseAcks)
	}
	return err
}

// listened finds for how much of the span alerts could not be heard.
func (n *noise) listened(f *Flow, tx *store.Tx) error {
	deaf, err := f.deaf(tx, n.facts.Since, n.facts.Until)
	if err != nil {
		return err
	}
	n.facts.Deaf = bot.TotalOf(bot.JoinIntervals(deaf))
	known, err := metaTime(tx, metaKnown)
	if err != nil {
		return err
	}
	since, err := deafUnknown(tx, n.facts.Since, known)
	if err == nil && !since.IsZero() {
		n.doubt("Whether the bot was away is known for %s alone.", phrase.Duration(n.facts.Until.Sub(since)))
	}
	return err
}

// count makes figures of what was read.
func (n *noise) count(s *Settings) {
	firings, ackers := n.firings(s)
	groups := map[noiseKey][]*noiseFiring{}
	for _, x := range firings {
		groups[x.key] = append(groups[x.key], x)
	}
	again := n.again(s)
	for key, xs := range groups {
		g := noiseGroup(key, xs, s.ReopenWithin)
		for _, by := range ackers[key] {
			g.Acks++
			g.Ackers = append(g.Ackers, by)
		}
		slices.Sort(g.Ackers)
		g.Ackers = slices.Compact(g.Ackers)
		g.Again = max(g.Again, again[key])
		n.facts.Firings += g.Fired
		n.facts.Groups = append(n.facts.Groups, g)
	}
	slices.SortFunc(n.facts.Groups, func(a, b bot.NoiseGroup) int {
		return cmp.Or(cmp.Compare(b.Fired, a.Fired), cmp.Compare(b.Firing, a.Firing), strings.Compare(a.Alert, b.Alert), strings.Compare(a.Host, b.Host))
	})
	n.facts.Hosts = criticalTimes(firings, s.Hosts)
	if n.facts.Until.Sub(n.facts.Since) > store.KeptOver {
		n.doubtTrimmed(s)
	}
}

// keyOf is what an episode is counted by.
func keyOf(e bot.Episode, s *Settings) noiseKey { return noiseKey{e.Name(), s.Host(e.Labels)} }

// firings joins the episodes that are the same firing in several threads (its routes were
// edited, or two receivers tell of it), and tells by whom each key's were acked.
func (n *noise) firings(s *Settings) (out []*noiseFiring, ackers map[noiseKey][]bot.PersonID) {
	acks := map[bot.ThreadID][]journal.Entry{}
	for _, a := range n.acks {
		acks[bot.ThreadID(a.Subject)] = append(acks[bot.ThreadID(a.Subject)], a)
	}
	ackers = map[noiseKey][]bot.PersonID{}
	type ackOf struct {
		key noiseKey
		seq int64
	}
	counted := map[ackOf]bool{}
	known := map[string]*noiseFiring{}
	for _, e := range n.episodes {
		th, ok := n.threads[e.Thread]
		if !ok || th.State.Alert == nil {
			continue
		}
		end := n.facts.Until
		if e.Resolved {
			end = e.EndsAt
		}
		if end.Before(n.facts.Since) {
			continue
		}
		key := keyOf(e, s)
		alert := th.State.Alert.Alertmanager + " " + e.Fingerprint
		id := fmt.Sprint(alert, " ", e.StartsAt.UnixMilli())
		x := known[id]
		if x == nil {
			x = &noiseFiring{key: key, alert: alert, severity: e.Severity, from: e.Since(), to: end}
			known[id] = x
			out = append(out, x)
		}
		x.live = x.live || !e.Resolved
		if e.Severity.Rank() > x.severity.Rank() {
			x.severity = e.Severity
		}
		if e.Since().Before(x.from) {
			x.from = e.Since()
		}
		if end.After(x.to) {
			x.to = end
		}
		if t := e.SilencedUntil(n.facts.Until); e.Ended == bot.EndedByMove {
			x.silenced += t // what is silenced after it is counted where it went on
		} else {
			x.silenced = max(x.silenced, t)
		}
		for _, a := range acks[e.Thread] {
			// Of its end the bot heard when the row changed last.
			if e.FirstAt.After(a.At) || e.Resolved && e.ChangedAt.Before(a.At) {
				continue
			}
			x.acked = true
			if of := (ackOf{x.key, a.Seq}); !counted[of] {
				counted[of] = true
				ackers[x.key] = append(ackers[x.key], a.By)
			}
		}
	}
	for _, x := range out {
		x.whole = x.to.Sub(x.from)
		x.silenced = min(x.silenced, x.whole)
		if x.from.Before(n.facts.Since) {
			x.from = n.facts.Since
		}
	}
	return out, ackers
}

// again is how often threads that speak of one key alone, and began in the span, were
// opened again: an alert that fires again with its old start leaves no other trace.
func (n *noise) again(s *Settings) map[noiseKey]int {
	of := map[bot.ThreadID]map[noiseKey]bool{}
	for _, e := range n.episodes {
		if of[e.Thread] == nil {
			of[e.Thread] = map[noiseKey]bool{}
		}
		of[e.Thread][keyOf(e, s)] = true
	}
	out := map[noiseKey]int{}
	for id, keys := range of {
		th, ok := n.threads[id]
		if !ok || th.State.Alert == nil || len(keys) > 1 || th.OpenedAt.Before(n.facts.Since) {
			continue
		}
		for key := range keys {
			out[key] += th.State.Alert.Reopened
		}
	}
	return out
}

// doubtTrimmed names what was open for so long that a part of it was let go of.
func (n *noise) doubtTrimmed(s *Settings) {
	trimmed := map[string]bool{}
	for _, e := range n.episodes {
		th, ok := n.threads[e.Thread]
		if !ok {
			continue
		}
		end := n.facts.Until
		if !th.Open() {
			end = th.ClosedAt
		}
		if end.Sub(th.OpenedAt) > store.KeptOver {
			trimmed[keyOf(e, s).alert] = true
		}
	}
	if len(trimmed) == 0 {
		return
	}
	var names []string
	for name := range trimmed {
		names = append(names, name)
	}
	slices.Sort(names)
	const most = 5
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	n.doubt("A thread that is open for more than %s lets go of what ended in it before; the figures may be too low for %s.",
		phrase.Duration(store.KeptOver), strings.Join(names, ", "))
}

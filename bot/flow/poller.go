package flow

import (
	"context"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// pollLeast is the shortest time between two polls, however many ask for one.
const pollLeast = 2 * time.Second

// poll is the worker that asks one Alertmanager for its own account, at the
// configured pace and whenever something is in doubt.
func (f *Flow) poll(ctx context.Context, name string, am Alertmanager, soon <-chan struct{}) {
	for ctx.Err() == nil {
		mark := f.o.Store.Mark()
		var p bot.Polled
		err := f.guard("poll of "+name, func() error {
			ctx, cancel := context.WithTimeout(ctx, workTime)
			defer cancel()
			p = am.Poll(ctx, mark)
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			p = bot.Polled{Failure: bot.ForPeople(err)}
		}
		p.Alertmanager, p.Mark = name, mark
		if p.At.IsZero() {
			p.At = f.clock.now()
		}
		result := "ok"
		if p.Failure != "" {
			result = "error"
		} else {
			f.polledAt.Store(name, p.At)
		}
		f.o.Metrics.Polls.WithLabelValues(name, result).Inc()
		_ = f.Take(ctx, bot.Batch{Source: "alertmanager/" + name, Events: []bot.Event{p}}) // logged where it failed; the next poll says it again
		f.sleep(ctx, nil, pollLeast)
		f.sleep(ctx, soon, max(f.pollEvery(name)-pollLeast, 0))
	}
}

// pollHealth tells when an Alertmanager last gave its account: what the threads
// say of silences and of ends is as old as that.
func (f *Flow) pollHealth(name string, now time.Time) bot.Reading {
	r := bot.Reading{What: "account of alertmanager " + name, Source: "its API", At: now, State: bot.Unknown,
		Value: "none yet", Note: "what is silenced, or over without a word, is unknown"}
	v, ok := f.polledAt.Load(name)
	if !ok {
		return r
	}
	at, _ := v.(time.Time)
	age := now.Sub(at)
	r.Value = phrase.Duration(age) + " old"
	if age <= 3*max(f.pollEvery(name), pollLeast)+workTime {
		r.State, r.Note = bot.OK, ""
	}
	return r
}

func (f *Flow) pollEvery(name string) time.Duration {
	if every := f.settings.Load().Poll[name]; every > 0 {
		return every
	}
	return 30 * time.Second
}

// pollSoon asks the poller of an Alertmanager to look now.
func (f *Flow) pollSoon(name string) {
	if c, ok := f.polls[name]; ok {
		nudge(c)
	}
}

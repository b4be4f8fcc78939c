package flow

import (
	"context"
	"time"

	"watchstander/bot"
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
		}
		f.o.Metrics.Polls.WithLabelValues(name, result).Inc()
		_ = f.Take(ctx, bot.Batch{Source: "alertmanager/" + name, Events: []bot.Event{p}}) // logged where it failed; the next poll says it again
		f.sleep(ctx, nil, pollLeast)
		every := f.settings.Load().Poll[name]
		if every <= 0 {
			every = 30 * time.Second
		}
		f.sleep(ctx, soon, max(every-pollLeast, 0))
	}
}

// pollSoon asks the poller of an Alertmanager to look now.
func (f *Flow) pollSoon(name string) {
	if c, ok := f.polls[name]; ok {
		nudge(c)
	}
}

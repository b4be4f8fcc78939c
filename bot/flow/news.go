package flow

import (
	"slices"

	"watchstander/bot"
	"watchstander/bot/view"
)

// logNews writes what happened into the log of a thread that already stands.
func (c *change) logNews(g *group, before bot.Severity, live []*bot.Episode) error {
	th, labels := &g.thread, g.thread.State.Alert.GroupLabels
	style := c.style()
	for _, n := range []struct {
		es  []*bot.Episode
		say func([]bot.Episode) bot.Message
	}{
		{g.fired, func(es []bot.Episode) bot.Message { return view.Fired(es, labels, style) }},
		{g.doubted, func(es []bot.Episode) bot.Message { return view.InDoubt(es, labels, style) }},
		{g.confirmed, func(es []bot.Episode) bot.Message { return view.Confirmed(es, labels, style) }},
		{g.resolved, func(es []bot.Episode) bot.Message { return view.Resolved(es, labels, style) }},
		{g.held, func(es []bot.Episode) bot.Message { return view.Held(es, labels, g.holding, style) }},
		{g.freed, func(es []bot.Episode) bot.Message { return view.Freed(es, labels, g.released, style) }},
	} {
		if len(n.es) == 0 {
			continue
		}
		if err := c.log(th, "", n.say(values(n.es))); err != nil {
			return err
		}
	}
	if len(live) > 0 && th.Severity.Rank() > before.Rank() && len(g.fired)+len(g.freed) == 0 {
		if err := c.log(th, "", view.Worse(before, th.Severity)); err != nil {
			return err
		}
	}
	if len(live) == 0 && len(g.resolved) > 0 && len(g.newest) > 1 {
		return c.log(th, "", view.Over(g.span()))
	}
	return nil
}

// values are the episodes in the order of their numbers, whatever order they
// were told in.
func values(es []*bot.Episode) []bot.Episode {
	out := make([]bot.Episode, len(es))
	for i, e := range es {
		out[i] = *e
	}
	slices.SortStableFunc(out, func(a, b bot.Episode) int { return a.Number - b.Number })
	return out
}

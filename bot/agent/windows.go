package agent

import (
	"context"

	"watchstander/bot"
	"watchstander/bot/gate"
)

// nextWindows is the look bot.LookWindows: by the policy that is in force, when what may
// start next. What has no windows may start at any time, and is left out.
func (c *Core) nextWindows(context.Context, bot.Arguments) (any, error) {
	now := c.now()
	out := []bot.NextWindow{}
	for _, r := range c.settings.Load().Policy.Rules {
		if len(r.Rule.Windows) == 0 {
			continue
		}
		from, until, ok := gate.OpenOrNext(r.Rule.Windows, now)
		if !ok {
			continue
		}
		w := bot.NextWindow{Rule: c.say("%s", r.Rule.Name), Words: c.say("%s", gate.WindowWords(r.Rule.Windows)), From: from, Until: until}
		for _, o := range r.Operations {
			w.Operations = append(w.Operations, c.say("%s", o))
		}
		out = append(out, w)
	}
	return out, nil
}

package flow

import (
	"watchstander/bot"
	"watchstander/bot/store"
)

// Lanes keep what is slow from what is not, and one host's trouble from another's:
// plans that take minutes, pictures that nobody asked for in a storm, an agent or an
// Alertmanager that hangs. An effect waits for those of its own lane alone.

// laneAtOnce is how many effects of one lane run at the same time. There are as many
// lanes as hosts, rooms and Alertmanagers are configured, times a few.
const laneAtOnce = 2

// makeDue orders a new effect: it is due at its NextTry, at once where it has none.
func (c *change) makeDue(x store.Effect) error {
	lane, err := c.laneOf(x)
	if err != nil {
		return err
	}
	x.Lane, x.State, x.At = lane, store.EffectDue, c.now
	if x.NextTry.IsZero() {
		x.NextTry = c.now
	}
	return c.PutEffect(x)
}

// laneOf is the lane that an effect goes in.
func (c *change) laneOf(x store.Effect) (string, error) {
	switch o := x.What.(type) {
	case bot.Ask:
		return "plans of " + o.Host, nil
	case bot.Trigger:
		return "repairs of " + o.Host, nil // not behind what people ask for
	case bot.LookForChanges:
		return "changes of " + o.Host, nil
	case bot.DrawGraph:
		if x.Request == "" {
			return "pictures that nobody asked for", nil
		}
		return "pictures", nil
	case bot.MakeSilence, bot.EndSilence:
		return "silences of " + alertmanagerOf(o), nil
	case bot.SpendCodes:
		return "codes for " + o.Host, nil // nor before words: there may be many
	case bot.Measure:
		return "evidence", nil
	case bot.MakeReport:
		return "reports", nil
	case bot.EraseMessage:
		return "erasing in " + string(o.Room), nil
	}
	host, err := c.toldHost(x.What)
	return "words for " + host, err
}

package flow

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

// What only its asker needs to see is shown to them alone while they surely look, and to
// all when the platform takes it no sooner.
func TestWhatItsAskerNoLongerWaitsForIsShownToAll(t *testing.T) {
	for name, x := range map[string]struct {
		trouble bot.RefusalKind
		lasts   time.Duration
		want    bot.UserID
	}{
		"at once":             {"", 0, "stranger"},
		"after a short wait":  {bot.Busy, 10 * time.Second, "stranger"},
		"after a long wait":   {bot.Busy, 10 * time.Minute, ""},
		"after it was away":   {bot.Unreachable, 10 * time.Minute, ""},
		"tried a moment long": {bot.Unsure, 2 * time.Second, "stranger"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, take := newFlow(t)
			f.o.Interpreter = literal{}
			f.settings.Load().Person = func(bot.ChatID, bot.UserID) (bot.Person, bool) { return bot.Person{}, false }
			c := &paper{caps: bot.Caps{Asides: true}}
			r := newRoom(f, "ops", "paper", c)
			f.rooms["ops"] = r
			began := time.Now()
			c.onSend = func(context.Context, bot.Sending) error {
				if left := x.lasts - time.Since(began); left > 0 {
					return &bot.Refusal{Kind: x.trouble, After: left}
				}
				return nil
			}
			take(bot.Said{Chat: "paper", Room: "ops", ID: "e1", User: "stranger", Text: "status", At: time.Now()})
			for time.Since(began) < 15*time.Minute {
				post(t, r)
				time.Sleep(5 * time.Second)
			}
			if got := c.shown(); !slices.Equal(got, []bot.UserID{x.want}) {
				t.Errorf("%s: %d posts, for %q alone, want one for %q", name, len(got), got, x.want)
			}
		})
	}
}

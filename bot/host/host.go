// Package host holds the typed words of a host: what it is made of, as an agent
// tells it. One file for each integration; each has the names of its looks, what
// they answer (JSON on the wire), and one asking function for each look, so that
// nobody beside it handles raw answers.
//
// Neighbours: integrations/* give these values, inside the agent; commands and
// checklists ask for them through a bot.Looker. It imports bot alone.
package host

import (
	"context"
	"encoding/json"

	"watchstander/bot"
)

// ask asks an agent for a look and gives its answer as what it is.
func ask[T any](ctx context.Context, l bot.Looker, host, look string, args bot.Arguments) (T, error) {
	var answer T
	raw, err := l.Look(ctx, host, look, args)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return answer, bot.Errorf(bot.CodeUnavailable, "The agent's answer to %s cannot be read; are bot and agent of the same version?", look).Because(err)
	}
	return answer, nil
}

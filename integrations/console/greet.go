package console

import (
	"context"
	"fmt"
	"time"

	"watchstander/bot"
)

// greet waits for the server's hello.
func (s *session) greet(ctx context.Context) error {
	wait := time.NewTimer(2 * helloTime)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-wait.C:
		return bot.Errorf(bot.CodeUnavailable, "The bot does not answer.")
	case w := <-s.link.told:
		return s.greeted(w)
	}
}

// greeted takes the server's first line.
func (s *session) greeted(w told) error {
	switch {
	case w.line.Bye != nil && w.line.Again:
		return gone{bot.Errorf(bot.CodeUnavailable, "%s", cleanLine(*w.line.Bye))}
	case w.line.Bye != nil:
		return bot.Errorf(bot.CodeUnavailable, "The bot turned this console away: %s", cleanLine(*w.line.Bye))
	case w.err != nil:
		return gone{bot.Errorf(bot.CodeUnavailable, "The bot closed the connection.").Because(w.err)}
	case w.hi.Version != version:
		return bot.Errorf(bot.CodeInvalid, "What answers there is no bot that this program understands.")
	}
	s.welcome(w.hi)
	return nil
}

// welcome takes what the server says of itself.
func (s *session) welcome(h hello) {
	s.hi = h
	if zone, err := time.LoadLocation(h.Zone); err == nil {
		s.paint.zone = zone
	}
	s.paint.named(h.User, h.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	tidy := func(words []string) (out []string) {
		for _, w := range words[:min(len(words), maxWords)] {
			out = append(out, cleanLine(w))
		}
		return out
	}
	s.offers.words, s.offers.threaded = tidy(h.Words), tidy(h.Threaded)
}

// lost is how a conversation ends that nobody ended.
func lost(err error) error {
	return gone{bot.Errorf(bot.CodeUnavailable, "The connection to the bot was lost.").Because(fmt.Errorf("console: %w", err))}
}

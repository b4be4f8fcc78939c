package console

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"watchstander/bot"
)

// told is one line of the server, or why there are no more.
type told struct {
	line toClient
	hi   hello // the first line, if it is one
	err  error
}

// hear hands the server's lines over until there are no more.
func (s *session) hear() {
	r := newLines(s.conn, maxTold)
	for first := true; ; first = false {
		var w told
		b, err := r.next()
		switch {
		case err != nil:
			w.err = err
		case first:
			if json.Unmarshal(b, &w.hi) != nil || w.hi.Version == 0 {
				_ = json.Unmarshal(b, &w.line) // a bye, else nothing
			}
		case json.Unmarshal(b, &w.line) != nil:
			continue // of a version to come
		}
		select {
		case s.told <- w:
		case <-s.end:
			return
		}
		if w.err != nil {
			return
		}
	}
}

// greet waits for the server's hello.
func (s *session) greet(ctx context.Context) error {
	wait := time.NewTimer(2 * helloTime)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-wait.C:
		return bot.Errorf(bot.CodeUnavailable, "The bot does not answer.")
	case w := <-s.told:
		switch {
		case w.line.Bye != nil:
			return bot.Errorf(bot.CodeUnavailable, "The bot turned this console away: %s", cleanLine(*w.line.Bye))
		case w.err != nil:
			return bot.Errorf(bot.CodeUnavailable, "The bot closed the connection.").Because(w.err)
		case w.hi.Version != version:
			return bot.Errorf(bot.CodeInvalid, "What answers there is no bot that this program understands.")
		}
		s.welcome(w.hi)
		return nil
	}
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

// lost is how a conversation ends that the person did not end.
func lost(err error) error {
	return bot.Errorf(bot.CodeUnavailable, "The connection to the bot was lost.").Because(fmt.Errorf("console: %w", err))
}

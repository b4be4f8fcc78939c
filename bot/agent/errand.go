package agent

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// errandLook is how often systemd is asked whether an errand is over.
const errandLook = time.Second

// Errand has something done in a unit that is no run of a plan: it needs what the
// agent itself has not (the network), changes nothing on the host, and so nobody is
// asked. It returns when the unit is over.
//
// Its unit's name is always the same, so that there is never more than one of it,
// whoever started it: one that is under way, of an agent that was restarted since, is
// waited for. systemd ends it after its limit. The error is a *bot.Error that says why
// it did not end well, for people; that it did end well proves nothing.
func (s *Systemd) Errand(ctx context.Context, x Spawn) error {
	err := s.Start(ctx, x)
	if errors.Is(err, fs.ErrExist) {
		// It runs, or has failed unseen.
		alive, why := s.Running(ctx, x.Unit)
		switch {
		case why != nil:
			err = why
		case alive:
			err = nil
		default:
			s.Ended(ctx, x.Unit)
			err = s.Start(ctx, x)
		}
	}
	if err != nil {
		s.Log.Warn("an errand cannot be sent", "unit", x.Unit, "err", err)
		s.Ended(context.WithoutCancel(ctx), x.Unit)
		return bot.Errorf(bot.CodeUnavailable, "%s cannot be started; the agent's log has the cause.", x.Unit).Because(err)
	}
	// It is no longer than its limit there, and what systemd needs to end it.
	const ending = 2 * time.Minute
	limit := time.NewTimer(x.Limit + ending)
	defer limit.Stop()
	tick := time.NewTicker(errandLook)
	defer tick.Stop()
	for {
		alive, err := s.Running(ctx, x.Unit)
		if err == nil && !alive {
			err = s.outcome(ctx, x)
			s.Ended(context.WithoutCancel(ctx), x.Unit)
			return err
		}
		select {
		case <-ctx.Done():
			return bot.Errorf(bot.CodeUnavailable, "The agent was stopped while %s ran.", x.Unit).Because(context.Cause(ctx))
		case <-limit.C:
			return bot.Errorf(bot.CodeUnavailable, "%s should be over, and systemd does not say that it is.", x.Unit).Because(err)
		case <-tick.C: // a bus that is away for a moment is asked again
		}
	}
}

// outcome says how a unit failed. One that ended well is gone.
func (s *Systemd) outcome(ctx context.Context, x Spawn) error {
	u, err := s.Units.Unit(ctx, x.Unit)
	switch {
	case err != nil:
		return bot.Errorf(bot.CodeUnavailable, "How %s ended cannot be found out.", x.Unit).Because(err)
	case u.Active != "failed":
		return nil
	case u.Result == "timeout":
		return bot.Errorf(bot.CodeUnavailable, "%s was ended after %s.", x.Unit, phrase.Duration(x.Limit))
	case u.Result == "exit-code" && x.Exits[u.ExitCode] != "":
		return bot.Errorf(bot.CodeUnavailable, "%s", x.Exits[u.ExitCode])
	case u.Result == "exit-code":
		return bot.Errorf(bot.CodeUnavailable, "%s failed with exit code %d; its log has the cause.", x.Unit, u.ExitCode)
	}
	return bot.Errorf(bot.CodeUnavailable, "%s failed (%s); its log has the cause.", x.Unit, short(u.Result))
}

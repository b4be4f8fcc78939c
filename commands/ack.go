package commands

import (
	"context"
	"errors"

	"watchstander/bot"
)

// ack takes what fires in a thread upon the asker; flow counts what that covers.
func ack(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	id, err := subject(ctx, call, "ack THREAD")
	if err != nil {
		return nil, err
	}
	return bot.TakeAck{Thread: id, Comment: call.Args["comment"].Text}, nil
}

func unack(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	id, err := subject(ctx, call, "unack THREAD")
	if err != nil {
		return nil, err
	}
	return bot.DropAck{Thread: id}, nil
}

// subject is the thread that a command means: the one that was named, else the
// one that it was said in.
func subject(ctx context.Context, call bot.Call, how string) (bot.ThreadID, error) {
	if named, ok := call.Args["thread"]; ok {
		f, err := call.World.Thread(ctx, bot.ThreadID(named.Text))
		return f.Thread.ID, err
	}
	if call.Thread == "" {
		return "", bot.Errorf(bot.CodeInvalid, "Outside a thread, say which one you mean: `%s`. `alerts` lists them.", how)
	}
	return call.Thread, nil
}

// numbered finds the alert that people call #n. Where an alert fired again under
// its old number, the one that fires is meant: it comes first.
func numbered(f bot.ThreadFacts, n int) (bot.Episode, error) {
	for _, e := range f.Episodes {
		if e.Number == n {
			return e, nil
		}
	}
	return bot.Episode{}, bot.Errorf(bot.CodeNotFound, "This thread has no alert #%d; `alerts %s` lists those it has.", n, shortThread(f.Thread.ID))
}

func notFound(err error) bool {
	e, ok := errors.AsType[*bot.Error](err)
	return ok && e.Code == bot.CodeNotFound
}

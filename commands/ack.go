package commands

import (
	"context"
	"errors"

	"watchstander/bot"
)

// ack takes what fires in a thread upon the asker; flow counts what that covers.
func ack(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	f, err := subject(ctx, call, "ack")
	if err != nil {
		return nil, err
	}
	return bot.TakeAck{Thread: f.Thread.ID, Comment: call.Args["comment"].Text}, nil
}

func unack(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	f, err := subject(ctx, call, "unack")
	if err != nil {
		return nil, err
	}
	return bot.DropAck{Thread: f.Thread.ID}, nil
}

// subject is the alert's thread that a command means: the one that was named,
// else the one that it was said in.
func subject(ctx context.Context, call bot.Call, command string) (bot.ThreadFacts, error) {
	id := call.Thread
	if named, ok := call.Args["thread"]; ok {
		id = bot.ThreadID(named.Text)
	}
	if id == "" {
		return bot.ThreadFacts{}, bot.Errorf(bot.CodeInvalid, "Outside a thread, say which one you mean: `%s THREAD`. `alerts` lists them.", command)
	}
	f, err := call.World.Thread(ctx, id)
	if err == nil && f.Thread.State.Alert == nil {
		err = noAlert(f, command)
	}
	return f, err
}

// noAlert says what a thread is instead, and how it comes to its end.
func noAlert(f bot.ThreadFacts, command string) error {
	is, then := "This thread is about no alert", "`alerts` lists those that are."
	switch st := f.Thread.State; {
	case st.Notice != nil:
		is, then = "This is a trouble of my own and no alert", "It closes by itself when it has passed."
	case st.Heartbeat != nil:
		is, then = "This is a missed heartbeat and no alert", "It closes by itself when the heartbeat returns."
	case st.Reboot != nil:
		is, then = "This thread gathers alerts, each with a thread of its own", "`alerts` lists them here; then `"+command+" THREAD`."
	}
	what := map[string]string{"graph": "no graph", "ack": "nothing to ack", "unack": "no ack to take back", "runbook": "no alert of that number"}[command]
	return bot.Errorf(bot.CodeInvalid, "%s: there is %s. %s", is, what, then)
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

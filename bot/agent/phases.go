package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// try applies, verifies, has it confirmed and commits. Without an error its
// evidence is good.
func (w *worker) try(ctx context.Context) ([]bot.Reading, error) {
	w.work.tell("Applying.")
	err := part(ctx, "Applying", applyLimit(w.plan.Draft), func(ctx context.Context) error { return w.op.Apply(ctx, w.plan, w.work) })
	w.acted = time.Now().UTC()
	if err != nil {
		return nil, err
	}
	w.work.tell("Applied; verifying.")
	evidence, err := w.readings(ctx, "Verifying", afterLimit(w.plan.Draft), allOK, w.op.Verify)
	if err != nil {
		return evidence, err
	}
	if w.plan.Rule.ConfirmWithin > 0 {
		if err := w.confirmed(ctx, evidence); err != nil {
			return evidence, err
		}
	}
	committer, ok := w.op.(bot.Committer)
	if !ok {
		return evidence, nil
	}
	w.work.tell("Verified; making it last.")
	// A stop does not break this off: half of it would be worse than either.
	more, err := w.readings(context.WithoutCancel(ctx), "Making it last", afterLimit(w.plan.Draft), noneWrong, committer.Commit)
	w.acted = time.Now().UTC()
	return append(evidence, more...), err
}

// part runs one part of an operation under its limit. A panic is a failure.
func part(ctx context.Context, what string, limit time.Duration, f func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := guarded(what, func() (struct{}, error) { return struct{}{}, f(bounded) })
	switch {
	case ctx.Err() != nil:
		return bot.Errorf(bot.CodeConflict, "%s was broken off: the run was told to stop.%s", what, asLeft(err)).Because(err)
	case err != nil && bounded.Err() != nil:
		return bot.Errorf(bot.CodeUnavailable, "%s did not end within %s.%s", what, phrase.Duration(limit), asLeft(err)).Because(err)
	case err == nil:
		return nil
	}
	if _, ok := errors.AsType[*bot.Error](err); ok {
		return err
	}
	return bot.Errorf(bot.CodeInternal, "%s failed; the log of the run's unit has the cause.", what).Because(err)
}

// asLeft is what an operation says itself of how it was left when its time was over:
// that it is unknown, as a rule.
func asLeft(err error) string {
	if e, ok := errors.AsType[*bot.Error](err); ok && e.Message != "" {
		return " " + told(e)
	}
	return ""
}

// allOK wants every reading to be OK. noneWrong lets those pass that are unknown:
// what Verify found good is not torn down because something cannot be read back.
func allOK(r bot.Reading) bool     { return r.State == bot.OK }
func noneWrong(r bot.Reading) bool { return r.State == bot.OK || r.State == bot.Unknown }

// readings runs a part that brings evidence, and judges it: none is no evidence.
func (w *worker) readings(ctx context.Context, what string, limit time.Duration, good func(bot.Reading) bool, f func(context.Context, bot.Plan, bot.Work) ([]bot.Reading, error)) ([]bot.Reading, error) {
	var found []bot.Reading
	err := part(ctx, what, limit, func(ctx context.Context) (err error) {
		found, err = f(ctx, w.plan, w.work)
		return err
	})
	if err != nil {
		return found, err
	}
	if len(found) == 0 {
		return nil, bot.Errorf(bot.CodeConflict, "%s ended well, and found no evidence at all.", what)
	}
	var bad []string
	for _, r := range found {
		if !good(r) {
			bad = append(bad, readingWords(r))
		}
	}
	switch {
	case len(bad) == 0:
		return found, nil
	case len(bad) > mostNamed:
		bad = append(bad[:mostNamed], fmt.Sprintf("and %d more", len(bad)-mostNamed))
	}
	return found, bot.Errorf(bot.CodeConflict, "%s did not succeed: %s.", what, strings.Join(bad, "; "))
}

// mostNamed is how many readings one sentence names.
const mostNamed = 4

func readingWords(r bot.Reading) string {
	words := r.What + " " + string(r.State)
	switch {
	case r.Value != "" && r.State == bot.Unknown:
		words = r.What + ": " + r.Value + ", unknown"
	case r.Value != "":
		words = r.What + ": " + r.Value
	}
	if r.Note != "" {
		return words + " (" + strings.TrimSuffix(r.Note, ".") + ")"
	}
	return words
}

// doneWords counts what proves it, and names what could not be read back.
func doneWords(evidence []bot.Reading) string {
	ok, unknown := 0, ""
	for _, r := range evidence {
		if r.State == bot.OK {
			ok++
		} else {
			unknown += " Not known: " + readingWords(r) + "."
		}
	}
	if ok == 1 {
		return "Verified by one reading." + unknown
	}
	return fmt.Sprintf("Verified by %d readings.", ok) + unknown
}

// backWords name what is back, by the first of what was read.
func backWords(evidence []bot.Reading) string {
	const most = 2
	var words []string
	for _, r := range evidence[:min(most, len(evidence))] {
		words = append(words, strings.TrimSpace(r.What+" "+r.Value))
	}
	return "What was before is back: " + strings.Join(words, ", ") + "."
}

// confirmed waits for somebody's word. The word is a file that is made once: by
// the agent for whoever says so, or here when the time is over.
func (w *worker) confirmed(ctx context.Context, evidence []bot.Reading) error {
	within := w.plan.Rule.ConfirmWithin.Duration()
	by := time.Now().Add(within).UTC().Truncate(time.Millisecond)
	w.work.tell("Verified; somebody must confirm within %s that all is well, or it is undone.", phrase.Duration(within))
	if err := w.disk.writeJSON(runName(w.o.Plan, fileConfirming), confirming{By: by, Evidence: tellable(evidence, w.o.Redact)}); err != nil {
		return err
	}
	name := runName(w.o.Plan, fileWord)
	stopped := false
	for {
		left := time.Until(by)
		if left <= 0 || stopped {
			// From here on no word can come that would not be heard.
			if err := w.disk.createJSON(name, word{Well: false, At: time.Now().UTC()}); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
		var said word
		switch err := w.disk.readJSON(name, 64<<10, &said); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case said.Well:
			w.work.tell("%s confirmed it.", said.Person)
			return nil
		case said.Person != "":
			return bot.Errorf(bot.CodeConflict, "%s", strings.TrimSpace(fmt.Sprintf("%s said that all is not well. %s", said.Person, said.Reason)))
		case stopped:
			return bot.Errorf(bot.CodeConflict, "It was told to stop before anybody confirmed it.")
		default:
			return bot.Errorf(bot.CodeConflict, "Nobody confirmed it within %s.", phrase.Duration(within))
		}
		select {
		case <-ctx.Done():
			stopped = true
		case <-time.After(min(left, lookAtWord)):
		}
	}
}

// undo brings back what was, after why, and says how that went.
func (w *worker) undo(ctx context.Context, undoer bot.Undoer, why error) outcome {
	ctx, cancel := w.inTime(ctx)
	defer cancel()
	w.work.tell("Undoing.")
	evidence, err := w.readings(ctx, "Undoing", afterLimit(w.plan.Draft), allOK, undoer.Undo)
	if err != nil {
		w.o.Log.Error("undoing fails", "plan", w.o.Plan, "err", err)
		return outcome{State: bot.UndoFailed, Why: told(why) + " " + told(err) + " How the host is now must be looked at.", Evidence: evidence}
	}
	return outcome{State: bot.Undone, Why: told(why) + " " + backWords(evidence), Evidence: evidence}
}

// inTime is a context that a stop does not end at once: it lives until shortly before
// systemd would kill the run, whether it was stopped before or is while it lasts.
func (w *worker) inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	bounded, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unwatch := context.AfterFunc(ctx, func() {
		since := time.Now()
		if at := w.stopped.Load(); at != nil {
			since = *at
		}
		left := time.NewTimer(time.Until(since.Add(stopLimit(w.plan.Draft) - lastWords)))
		defer left.Stop()
		select {
		case <-left.C:
			cancel(ErrStopped)
		case <-bounded.Done():
		}
	})
	return bounded, func() { unwatch(); cancel(nil) }
}

// told is an error as a sentence for people.
func told(err error) string {
	text := bot.ForPeople(err)
	if _, ok := errors.AsType[*bot.Error](err); !ok {
		text = "Something went wrong inside; the log of the run's unit has the cause."
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

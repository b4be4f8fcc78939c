package units

import (
	"context"
	"errors"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// noteAsked is when the restart was asked for.
const noteAsked = "asked"

// Apply restarts the unit, unless somebody has done so since the plan was made.
func (r Restart) Apply(ctx context.Context, p bot.Plan, w bot.Work) error {
	name, k := p.Arguments.One(host.UnitArgument), r.k
	u, err := k.unit(ctx, name)
	if err != nil {
		return err
	}
	if u.Invocation != fact(p.Draft.Bound, factInvocation) {
		return bot.Errorf(bot.CodeConflict, "%s was restarted by somebody since, and is %s. Nothing was done.", name, stateWords(u))
	}
	if err := w.Note(noteAsked, time.Now().UTC().Format(time.RFC3339Nano)); err != nil {
		return err
	}
	if u.Active == "failed" {
		r.forget(ctx, name, w)
	}
	w.Say("asked systemd to restart %s", name)
	err = k.h.Units.Restart(ctx, name)
	if job, ok := errors.AsType[*sys.JobError](err); ok {
		return bot.Errorf(bot.CodeUnavailable, "systemd could not restart %s: its job ended as %s.", name, line(job.Result)).Because(err)
	}
	switch {
	case err == nil:
		w.Say("systemd says that it is done; I look at it myself now")
		return nil
	case errors.Is(err, sys.ErrLost) || ctx.Err() != nil:
		return r.unheard(ctx, name, u.Invocation, w, err)
	}
	return bot.Errorf(bot.CodeUnavailable, "systemd did not restart %s.", name).Because(err)
}

// forget has systemd forget how often a failed unit was started of late: one that it gave
// up after its last start too many, it would else refuse to start until StartLimitIntervalSec
// is over, whoever asks. Where it does not, the restart shows what comes of it.
func (r Restart) forget(ctx context.Context, name string, w bot.Work) {
	if err := r.k.h.Units.ResetFailed(ctx, name); err != nil {
		w.Say("systemd does not forget that %s failed: %s", name, bot.ForPeople(err))
		return
	}
	w.Say("had systemd forget that %s failed, since it starts none that failed too often", name)
}

const (
	// lostWait is how long a restart of which nothing was heard may take to be seen:
	// longer than the 90 s that systemd gives a service to stop.
	lostWait = 2 * time.Minute
	// lastLook bounds the look after the time is over.
	lastLook = 20 * time.Second
)

// unheard is what follows where systemd did not tell what became of the restart. It
// may have been done, be under way, or never have begun: only a start that is another
// than before decides, and then Verify looks whether it holds. Without one nobody
// knows, and that is said.
func (r Restart) unheard(ctx context.Context, name, before string, w bot.Work, cause error) error {
	k := r.k
	w.Say("systemd did not tell what became of it: whether %s was restarted is unknown, and I look at it myself", name)
	asked := time.Now()
	for {
		u, err := k.lookLate(ctx, name)
		anew := err == nil && u.Invocation != "" && u.Invocation != before
		over := ctx.Err() != nil || time.Since(asked) >= lostWait
		switch {
		case anew && errors.Is(ctx.Err(), context.Canceled):
			return bot.Errorf(bot.CodeUnavailable, "%s was started anew, and is %s; whether it stays up was not looked at.", name, stateWords(u)).Because(cause)
		case anew && (over || !changing(u)):
			w.Say("%s was started anew, and is %s", name, stateWords(u))
			return nil
		case over && err != nil:
			return bot.Errorf(bot.CodeUnavailable, "Whether %s was restarted is unknown: systemd did not tell what became of it, and it cannot be looked at: %s", name, bot.ForPeople(err)).Because(errors.Join(cause, err))
		case over:
			return bot.Errorf(bot.CodeUnavailable, "Whether %s was restarted is unknown: systemd did not tell what became of it. It was last seen as %s, of the same start as before; a restart may still be under way.",
				name, stateWords(u)).Because(cause)
		}
		_ = wait(ctx, k.o.Settle) // the end of the context is seen after one more look
	}
}

// lookLate looks at a unit, once more even after the context has ended.
func (k *Keeper) lookLate(ctx context.Context, name string) (sys.Unit, error) {
	if ctx.Err() != nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
		defer cancel()
		ctx = late
	}
	return k.unit(ctx, name)
}

// changing: it is on its way to another state.
func changing(u sys.Unit) bool {
	st, _ := standingOf(u)
	return st == between || u.Active == "reloading" || u.Active == "refreshing"
}

func fact(fs []bot.Fact, name string) string {
	for _, f := range fs {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

package units

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// Verify looks twice, and at those that restarted with it. What was before the
// restart proves nothing: the invocation must be another, and the start later than
// the order.
func (r Restart) Verify(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	name, k := p.Arguments.One(host.UnitArgument), r.k
	asked, err := time.Parse(time.RFC3339Nano, w.Noted(noteAsked))
	if err != nil {
		return nil, bot.Errorf(bot.CodeInternal, "When the restart was asked for is not known, so nothing proves it.").Because(err)
	}
	var out []bot.Reading
	var first sys.Unit
	var firstStanding standing
	for i := range 2 {
		if err := wait(ctx, k.o.Settle); err != nil {
			return nil, bot.Errorf(bot.CodeUnavailable, "The time was over before %s could be looked at.", name).Because(err)
		}
		u, err := k.unit(ctx, name)
		if err != nil {
			return nil, err
		}
		state, why := k.fresh(u, asked, fact(p.Draft.Bound, factInvocation))
		if i == 1 {
			// The process of what was on its way, or is a oneshot, may be another by now.
			settled := firstStanding != between && u.Type != "oneshot"
			if u.Invocation != first.Invocation || u.Restarts != first.Restarts || settled && u.MainPID != first.MainPID {
				state, why = bot.NotOK, append(why, fmt.Sprintf("it did not stay up: its main process was %d before", first.MainPID))
			}
		}
		first = u
		firstStanding, _ = standingOf(u)
		what, value := fmt.Sprintf("%s after %s", name, phrase.Duration(k.o.Settle)), stateWords(u)
		if i == 1 {
			what, value = Evidence(name), value+", after "+phrase.Duration(2*k.o.Settle)
		}
		out = append(out, reading(k.h.Name, what, value, state, why...))
	}
	if follow := fact(p.Draft.Observed, factFollow); follow != nothing && follow != "unknown" {
		for f := range strings.FieldsSeq(follow) {
			u, err := k.unit(ctx, f)
			if err != nil {
				return nil, err
			}
			state, why := back(u, asked)
			out = append(out, reading(k.h.Name, f+", which restarts with it", stateWords(u), state, why...))
		}
	}
	for f := range strings.FieldsSeq(fact(p.Draft.Observed, factEnds)) {
		u, err := k.unit(ctx, f)
		if err != nil {
			return nil, err
		}
		// That it would stop was said and agreed to; that it would fail was not.
		state, why := bot.OK, ""
		if u.Active == "failed" {
			state, why = bot.NotOK, "it was active before"
		}
		out = append(out, reading(k.h.Name, f+", which may stop with it", stateWords(u), state, why))
	}
	return out, nil
}

// back judges a unit that was active, and was to be restarted along.
func back(u sys.Unit, asked time.Time) (bot.ReadingState, []string) {
	st, why := standingOf(u)
	switch {
	case st == ended && u.Started.Before(asked.Truncate(time.Millisecond)), st == down:
		return bot.NotOK, []string{"it was active before"}
	case why != "":
		return st.state(), []string{why}
	}
	return st.state(), nil
}

func reading(host, what, value string, state bot.ReadingState, why ...string) bot.Reading {
	return bot.Reading{Host: host, What: what, Value: value, Note: strings.Join(why, "; "), Source: "systemd over D-Bus", At: now(), State: state}
}

// fresh judges a unit that should run, newly started, and says what is missing.
func (k *Keeper) fresh(u sys.Unit, asked time.Time, before string) (bot.ReadingState, []string) {
	var why []string
	if u.Invocation == "" || u.Invocation == before {
		why = append(why, "it is the same start as before")
	}
	// Times of systemd's may be cut to milliseconds.
	if u.Started.Before(asked.Truncate(time.Millisecond)) {
		why = append(why, "its last start is not later than the order")
	}
	st, is := standingOf(u)
	switch {
	case is != "":
		why = append(why, is)
	case u.Type == "oneshot":
		if u.Result != "" && u.Result != "success" {
			why = append(why, "it did not go through")
		}
	case u.MainPID > 0:
		why = append(why, k.lives(u.MainPID)...)
	case u.Type != "forking" && strings.HasSuffix(u.Name, ".service"): // timers and sockets have none
		why = append(why, "it has no main process")
	}
	switch {
	case len(why) == 0:
		return bot.OK, nil
	case st == between && len(why) == 1:
		return bot.Unknown, why // it may come up yet
	}
	return bot.NotOK, why
}

// lives looks for a process itself, beside what systemd says of it. Where there is
// no process 1, there is no table of the host's processes, and nothing to be held
// against systemd's word.
func (k *Keeper) lives(pid int) []string {
	if _, err := k.h.Files.Stat("/proc/1"); err != nil {
		return nil
	}
	switch _, err := k.h.Files.Stat("/proc/" + strconv.Itoa(pid)); {
	case errors.Is(err, fs.ErrNotExist):
		return []string{"its main process is gone"}
	case err != nil:
		return []string{"whether its main process lives is unknown"}
	}
	return nil
}

// wait waits; an error is the context's.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

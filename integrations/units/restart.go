package units

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// Restart is the operation service.restart. It has no undo: what a restart ended
// is over.
type Restart struct{ k *Keeper }

var (
	_ bot.Operation = Restart{}
	_ bot.Prover    = Restart{}
)

// Restart is the operation on this host.
func (k *Keeper) Restart() Restart { return Restart{k} }

// Name is service.restart.
func (Restart) Name() bot.OperationName { return host.RestartOperation }

// Parse wants one "unit" that is on the list of those that may be restarted, and
// gives it its full name.
func (r Restart) Parse(_ context.Context, args bot.Arguments) (bot.Arguments, error) {
	name, err := unitOf(args, string(host.RestartOperation))
	if err != nil {
		return nil, err
	}
	if !r.k.restartable[name] {
		return nil, r.k.notRestartable(name)
	}
	return bot.Arguments{host.UnitArgument: {name}}, nil
}

func (k *Keeper) notRestartable(name string) error {
	if len(k.restartable) == 0 {
		return bot.Errorf(bot.CodeForbidden, "%s is not on the list of what may be restarted on %s: that is empty.", name, k.h.Name)
	}
	return bot.Errorf(bot.CodeForbidden, "%s is not on the list of what may be restarted on %s: %s.", name, k.h.Name, listed(k.restartable))
}

// Proves names the reading of the unit itself.
func (Restart) Proves(args bot.Arguments) []string {
	return []string{Evidence(args.One(host.UnitArgument))}
}

// Facts of a plan, by their names.
const (
	factInvocation = "invocation"
	factFile       = "unit file"
	factFollow     = "restarts with it"
	factEnds       = "stops with it, or may, and stays so"
)

const nothing = "nothing"

// Plan looks at the unit and at what systemd would restart with it.
func (r Restart) Plan(ctx context.Context, args bot.Arguments) (bot.Draft, error) {
	k, name := r.k, args.One(host.UnitArgument)
	if !k.restartable[name] {
		return bot.Draft{}, k.notRestartable(name)
	}
	u, err := k.unit(ctx, name)
	if err != nil {
		return bot.Draft{}, err
	}
	if u.Load != "loaded" {
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "%s cannot be restarted: systemd says that it is %s.", name, line(u.Load))
	}
	if u.Fragment == "" {
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "%s has no unit file, so a plan cannot name what it would start.", name)
	}
	file, err := k.h.Files.Resolve(u.Fragment)
	if err != nil {
		return bot.Draft{}, bot.Errorf(bot.CodeUnavailable, "The unit file of %s, %s, cannot be found.", name, line(u.Fragment)).Because(err)
	}
	d := bot.Draft{
		Summary: fmt.Sprintf("restart %s on %s", name, k.h.Name),
		Steps: []string{
			"have systemd restart " + name,
			fmt.Sprintf("look at it %s later and %s later: it must run, started since, with the same main process both times", phrase.Duration(k.o.Settle), phrase.Duration(2*k.o.Settle)),
		},
		Irreversible: []string{"Connections to it, and work that it has begun, end."},
		Undo:         "A restart cannot be undone. If it does not come up, `service " + strings.TrimSuffix(name, ".service") + "` and `logs` show why.",
		Takes:        "some seconds", Limit: bot.SecondsOf(5 * time.Minute),
		Bound: []bot.Fact{{Name: factInvocation, Value: u.Invocation}, {Name: factFile, Value: line(file)}},
		Locks: []string{"unit " + name},
	}
	d.Conditions = append(d.Conditions, running(u))
	bonds, err := k.bonds(ctx, name)
	follow := bot.Condition{Text: "nothing else stops or restarts with it"}
	fact := nothing
	switch {
	case err != nil:
		follow.State, follow.Found = bot.Unknown, "systemctl did not tell: "+bot.ForPeople(err)
		fact = "unknown"
	case bonds.cut:
		return bot.Draft{}, bot.Errorf(bot.CodeConflict, "More than %d units would stop or restart with %s; that is for a person on the host.", mostFollowers, name)
	case len(bonds.follow)+len(bonds.ends) > 0:
		for _, f := range slices.Concat(bonds.follow, bonds.ends) {
			if vital(f) {
				return bot.Draft{}, bot.Errorf(bot.CodeConflict, "%s would stop or restart with %s, and the host needs it; that is for a person on the host.", f, name)
			}
		}
		var found []string
		if n := len(bonds.follow); n > 0 {
			fact = strings.Join(bonds.follow, " ")
			found = append(found, "these restart: "+strings.Join(bonds.follow, ", "))
			d.Steps[0] += ", which restarts " + phrase.Count(n, "other unit", "other units") + " too"
		}
		if n := len(bonds.ends); n > 0 {
			found = append(found, "these stop, or may, and are not started again: "+strings.Join(bonds.ends, ", "))
			d.Steps[0] += "; that stops, or may stop, " + phrase.Count(n, "other unit", "other units") + " and starts none of them again"
		}
		follow.State, follow.Found = bot.NotOK, strings.Join(found, "; ")
	default:
		follow.State, follow.Found = bot.OK, "nothing does"
	}
	d.Conditions = append(d.Conditions, follow)
	if err == nil {
		c := bot.Condition{Text: "systemd has read the unit file that is there now", Found: "it has", State: bot.OK}
		if bonds.stale {
			c.Found, c.State = "it has not: the restart uses the older one", bot.NotOK
		}
		d.Conditions = append(d.Conditions, c)
	}
	d.Observed = []bot.Fact{{Name: factFollow, Value: fact}, {Name: "state", Value: u.Active + " (" + u.Sub + ")"}}
	if len(bonds.ends) > 0 {
		d.Observed = append(d.Observed, bot.Fact{Name: factEnds, Value: strings.Join(bonds.ends, " ")})
	}
	return d, nil
}

// running tells how the unit is before the restart, and what the restart does to it.
func running(u sys.Unit) bot.Condition {
	c := bot.Condition{Text: "it runs now", Found: stateWords(u), State: bot.NotOK}
	switch st, why := standingOf(u); {
	case st == runs:
		c.State = bot.OK
	case st == ended && why == "":
		c.Text, c.State = "it runs now, or its last run ended well", bot.OK
		c.Found += "; the restart runs it once more"
	case u.Active == "failed" || u.Active == "inactive" && u.Type != "oneshot":
		c.Found += "; the restart starts it" // the state says the rest
	case u.Active == "activating" && st == between:
		c.Found += "; " + why + ": the restart cuts that off, and begins anew"
	default:
		c.Found += "; " + why + "; the restart starts it"
	}
	return c
}

// stateWords is "active (running), main process 812".
func stateWords(u sys.Unit) string {
	s := line(u.Active + " (" + u.Sub + ")")
	if u.MainPID > 0 {
		s += fmt.Sprintf(", main process %d", u.MainPID)
	}
	if u.Result != "" && u.Result != "success" {
		s += ", ended last with " + line(u.Result)
	}
	if u.Restarts > 0 {
		s += ", restarted by systemd " + phrase.Count(u.Restarts, "time", "times")
	}
	return s
}

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

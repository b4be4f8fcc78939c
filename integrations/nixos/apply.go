package nixos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/bot/sys"
)

// What a run notes, for those of its calls that come later.
const (
	noteBefore   = "units before"    // which units were fine, and what each of them did
	noteBegan    = "switch began"    // when
	noteTrouble  = "trouble before"  // which units failed already
	noteChecks   = "checks before"   // which health checks held
	noteSwitch   = "switch"          // switchStarted, switchNone or switchOver
	noteExit     = "exit"            // of switch-to-configuration test
	noteSnippets = "failed snippets" // of the activation script
	noteFailed   = "failed units"    // as the switch itself saw them
	noteTouched  = "touched units"   // started or restarted by the switch
	noteListed   = "listed units"    // all that the switch named as started, reloaded, new or failed
	noteProfile  = "profile"         // "touched" from before it is set
	noteBoot     = "boot menu"       // "touched" from before it is written
)

const (
	switchStarted = "started" // and what came of it is not known
	switchNone    = "nothing" // it surely changed nothing
	switchOver    = "over"
)

// Apply activates the target for now. It returns without an error when the target
// runs, whatever its units do: judging them is Verify's matter.
func (r *activating) Apply(ctx context.Context, p bot.Plan, w bot.Work) error {
	n, to := r.n, goalOf(p)
	if err := r.hold(ctx, p, w, w.BeginBy()); err != nil {
		return err
	}
	if !time.Now().Before(w.BeginBy()) {
		return bot.Errorf(bot.CodeConflict, "The time in which it may begin was over when the build lock was free. Nothing was changed; ask again.")
	}
	// Units and locks were waited for, which may have taken hours.
	if err := n.unchanged(p); err != nil {
		return err
	}
	// Of a system that is only proposed nothing is run before people have agreed to it.
	if to.number == 0 {
		dry, err := n.dry(ctx, to)
		if err != nil {
			return err
		}
		w.Say("Its dry run: %s.", dry.touches())
		// That may have taken a while.
		if !time.Now().Before(w.BeginBy()) {
			return bot.Errorf(bot.CodeConflict, "The time in which it may begin was over after its dry run. Nothing was changed; ask again.")
		}
		if err := n.unchanged(p); err != nil {
			return err
		}
	}
	// It may have changed since the plan, which need not have asked all of them.
	held, broken := n.holding(ctx, n.o.Checks)
	for _, c := range broken {
		w.Say("Before the switch, the %s does not hold: %s. Unless it holds afterwards, all is undone.", checkName(c.Check), c.why)
	}
	before, trouble, err := n.unitsBefore(ctx)
	if err != nil {
		return bot.Errorf(bot.CodeUnavailable, "How the units of %s are cannot be found out, so that nothing was begun.", n.o.Host.Name).Because(err)
	}
	if err := errors.Join(
		noteJSON(w, noteBefore, before),
		noteJSON(w, noteBegan, time.Now().UTC()),
		noteJSON(w, noteTrouble, trouble),
		noteJSON(w, noteChecks, held),
		w.Note(noteSwitch, switchStarted),
	); err != nil {
		return bot.Errorf(bot.CodeInternal, "What was before cannot be written down, so that nothing was begun.").Because(err)
	}
	w.Say("Activating %s.", to)
	a, runErr := n.activate(ctx, to.system, "test", func(l string) { w.Say("%s", l) })
	if err := r.noteActivation(w, a, runErr); err != nil {
		return err
	}
	runs, err := n.running(currentSystem)
	switch {
	case runErr != nil:
		return bot.Errorf(bot.CodeUnavailable, "Activating %s did not come to an end.", to).Because(runErr)
	case a.Locked:
		return bot.Errorf(bot.CodeConflict, "Somebody else was switching %s at that moment. Nothing was changed.", n.o.Host.Name)
	case a.Exit == 100:
		return bot.Errorf(bot.CodeConflict, "%s can only be booted into: %s. Nothing was changed.", to.first(), meaning(a.Exit))
	case a.Inhibited != "":
		return bot.Errorf(bot.CodeConflict, "%s refuses to be switched to: %s. Nothing was changed.", to.first(), a.Inhibited)
	case err != nil:
		return err
	case runs != to.system:
		return bot.Errorf(bot.CodeUnavailable, "After activating %s it is not what runs: switch-to-configuration ended with %s.", to, a.ended())
	}
	w.Say("%s runs; switch-to-configuration ended with %s. Profile and boot menu are as they were.", to.first(), a.ended())
	return nil
}

// noteActivation writes down what the switch said, before anything is made of it.
func (r *activating) noteActivation(w bot.Work, a activation, runErr error) error {
	outcome := switchOver
	switch {
	case a.Touched:
	case runErr != nil:
		outcome = switchStarted
	case a.Locked, a.Exit == 100, a.Inhibited != "":
		outcome = switchNone
	}
	err := errors.Join(
		w.Note(noteExit, strconv.Itoa(a.Exit)),
		w.Note(noteSnippets, strings.Join(a.Snippets, ", ")),
		w.Note(noteFailed, strings.Join(a.Failed, ", ")),
		noteJSON(w, noteTouched, slices.Concat(a.Start, a.Restart)),
		noteJSON(w, noteListed, slices.Concat(a.Start, a.Restart, a.Reload, a.Fresh, a.Failed)),
		w.Note(noteSwitch, outcome),
	)
	if err != nil {
		return bot.Errorf(bot.CodeInternal, "What the switch did cannot be written down.").Because(err)
	}
	return nil
}

// unchanged looks whether the host is still as the plan says.
func (n *NixOS) unchanged(p bot.Plan) error {
	stale := func(what string) error {
		return bot.Errorf(bot.CodeConflict, "%s is no longer as the plan says: %s. Nothing was changed; ask again.", n.o.Host.Name, what)
	}
	s, err := n.look()
	if err != nil {
		return err
	}
	boot, err := n.bootID()
	if err != nil {
		return err
	}
	to := goalOf(p)
	l, ok := s.find(to.number)
	switch {
	case to.number > 0 && !ok:
		return stale(to.String() + " is gone")
	case to.number > 0 && l.target != to.system:
		return stale(to.String() + " is another system")
	case len(n.missing(to.system)) > 0:
		return stale(to.String() + " is not whole any more")
	case s.current != bound(p, factCurrent):
		return stale("another system runs")
	case s.target != bound(p, factProfile) || strconv.Itoa(s.profile) != bound(p, factNumber):
		return stale(fmt.Sprintf("the profile points at generation %d", s.profile))
	case s.booted != bound(p, factBooted) || boot != bound(p, factBoot):
		return stale("it was started anew")
	}
	return nil
}

// bound is a bound fact of a plan.
func bound(p bot.Plan, name string) string {
	for _, f := range p.Draft.Bound {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// hold takes the host's build lock for the rest of the run. It does not wait for it
// beyond by, where that is given: what was agreed to ends then.
func (r *activating) hold(ctx context.Context, p bot.Plan, w bot.Work, by time.Time) error {
	l := r.n.o.BuildLock
	if l.Path == "" {
		return nil
	}
	r.mu.Lock()
	_, have := r.held[p.ID]
	r.mu.Unlock()
	if have {
		return nil
	}
	if l.Holder == "" {
		l.Holder = "watchstander " + string(p.ID)
	}
	// The first try is no more than that, so that people hear what is waited for.
	wait, late := l.Wait, false
	if left := time.Until(by); !by.IsZero() && left < wait {
		wait, late = max(0, left), true
	}
	l.Wait = 0
	release, err := r.n.o.Host.Files.Hold(ctx, l)
	if held, theirs := errors.AsType[*sys.Held](err); theirs && ctx.Err() == nil {
		w.Say("Waiting for the build lock: %s.", tame(held.Error()))
		l.Wait = wait
		release, err = r.n.o.Host.Files.Hold(ctx, l)
	}
	held, theirs := errors.AsType[*sys.Held](err)
	switch {
	case err == nil:
		r.mu.Lock()
		r.held[p.ID] = release
		r.mu.Unlock()
		return nil
	case theirs && ctx.Err() != nil:
		return bot.Errorf(bot.CodeConflict, "The time was over before the build lock %s was free. Nothing was changed.", l.Path).Because(err)
	case theirs && late:
		return bot.Errorf(bot.CodeConflict, "The time in which it may begin was over before the build lock was free: %s. Nothing was changed; ask again.", tame(held.Error()))
	case theirs:
		return bot.Errorf(bot.CodeConflict, "The build lock is still taken after %s: %s. Nothing was changed.", phrase.Duration(wait), tame(held.Error()))
	}
	return bot.Errorf(bot.CodeUnavailable, "The build lock %s cannot be taken. Nothing was changed.", l.Path).Because(err)
}

// release gives the build lock back, at the end of Commit or Undo.
func (r *activating) release(p bot.Plan, w bot.Work) {
	r.mu.Lock()
	release, have := r.held[p.ID]
	delete(r.held, p.ID)
	r.mu.Unlock()
	if !have {
		return
	}
	if err := release(); err != nil {
		w.Say("The build lock %s could not be given back: it may have to be removed by hand.", r.n.o.BuildLock.Path)
	}
}

// sleep waits, as long as the context lives.
func sleep(ctx context.Context, d time.Duration) error { return pause(ctx, d, nil) }

// errStopping is why pause did not wait any longer: the run was told to stop.
var errStopping = errors.New("the run was told to stop")

// pause waits, as long as the context lives and nobody says stop.
func pause(ctx context.Context, d time.Duration, stopping <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-stopping:
		return errStopping
	}
}

func isClosed(stopping <-chan struct{}) bool {
	select {
	case <-stopping:
		return true
	default:
		return false
	}
}

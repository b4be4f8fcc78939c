package simulated

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"watchstander/bot/sys"
)

// stopTime is how long systemd lets a unit end by itself when it is stopped, where
// the unit does not say.
const stopTime = 90 * time.Second

// transient is what runs in a unit that was made for it.
type transient struct {
	sys.Transient
	p     *process
	stop  context.CancelCauseFunc // SIGTERM
	ended chan struct{}           // closed when what it executes has returned
	// finished: how it ended is settled. Guarded by the host's lock.
	finished bool
}

var (
	errStopped = errors.New("systemd stops the unit")
	errLimit   = fmt.Errorf("the unit's time is over: %w", context.DeadlineExceeded)
)

// StartTransient starts a unit of its own.
func (u units) StartTransient(ctx context.Context, t sys.Transient) error {
	if err := u.may(ctx); err != nil {
		return err
	}
	if err := t.Check(); err != nil {
		return err
	}
	h := u.p.h
	// systemd's own doing: it does not end with whoever asked for it.
	p := h.process(h.powered(), "watchstander")
	run := &transient{Transient: t, p: p, ended: make(chan struct{})}
	var life context.Context
	life, run.stop = context.WithCancelCause(p.life)

	h.mu.Lock()
	if old := h.units[t.Name]; old != nil && old.Load != "not-found" || h.closed {
		h.mu.Unlock()
		p.kill(ErrKilled)
		return fmt.Errorf("%s: %w", t.Name, fs.ErrExist)
	}
	it := h.newUnit(sys.Unit{
		Name: t.Name, Description: t.Description, Load: "loaded", Active: "active", Sub: "running", Result: "success",
		Type: "exec", Memory: 32 * mib, Fragment: "/run/systemd/transient/" + t.Name, MainPID: p.pid,
	})
	it.transient = run
	h.units[t.Name] = it
	h.logged(t.Name, "Started %s.", t.Description)
	h.mu.Unlock()

	if h.o.Exec == nil {
		// What it would execute must be there: systemd says so when it starts.
		if _, _, err := h.find(t.Argv[0]); err != nil {
			h.finish(run, 203, "exit-code")
			close(run.ended)
			return &sys.JobError{Unit: t.Name, Result: "failed"}
		}
	}
	err := h.begin(func() {
		defer close(run.ended)
		ctx := life
		if t.Limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, t.Limit, errLimit)
			defer cancel()
		}
		code := h.execute(ctx, p.sys(), t)
		switch cause := context.Cause(ctx); {
		case errors.Is(cause, errLimit):
			h.finish(run, code, "timeout")
		case code != 0 && !errors.Is(cause, errStopped):
			h.finish(run, code, "exit-code")
		default:
			h.finish(run, code, "success")
		}
	})
	if err != nil {
		close(run.ended)
	}
	return err
}

func (h *Host) execute(ctx context.Context, as sys.Host, t sys.Transient) int {
	if h.o.Exec != nil {
		return h.o.Exec(ctx, as, t)
	}
	out, err := as.Run.Run(ctx, sys.Command{Argv: t.Argv, Env: t.Env, Line: func(_, line string) { h.Log(t.Name, "%s", line) }})
	if err != nil {
		return 143
	}
	return out.Exit
}

// finish settles how a unit ended: one that ended well is gone, and one that
// failed stays until somebody has seen it.
func (h *Host) finish(run *transient, code int, result string) {
	h.mu.Lock()
	it := h.units[run.Name]
	if run.finished || it == nil || it.transient != run {
		h.mu.Unlock()
		run.p.kill(ErrKilled)
		return
	}
	run.finished = true
	if result == "success" {
		h.logged(run.Name, "%s: Deactivated successfully.", run.Name)
		delete(h.units, run.Name)
	} else {
		h.failed(it, result)
		it.ExitCode = code
	}
	h.mu.Unlock()
	run.p.kill(ErrKilled)
}

// stopTransient has what runs in a unit end, and kills it after some time.
func (h *Host) stopTransient(power context.Context, name string, run *transient) string {
	run.stop(errStopped)
	timer := time.NewTimer(cmp.Or(run.StopLimit, stopTime))
	defer timer.Stop()
	select {
	case <-run.ended:
		return "done"
	case <-power.Done():
		return ""
	case <-timer.C:
	}
	h.finish(run, 137, "timeout")
	h.Log(name, "%s: State 'stop-sigterm' timed out. Killing.", name)
	return "done"
}

// Kill ends what runs in a unit at once, as SIGKILL does: it can touch nothing of
// the host any more, though it may take its goroutine some time to see that.
func (h *Host) Kill(name string) {
	h.mu.Lock()
	it := h.units[name]
	if it == nil {
		h.mu.Unlock()
		panic("the simulated host has no unit " + name)
	}
	run := it.transient
	if run == nil {
		h.failed(it, "signal")
		h.mu.Unlock()
		return
	}
	h.mu.Unlock()
	h.finish(run, 137, "signal")
}

// Wait waits until what runs in a transient unit has returned, or the context is
// over. A unit that there is not has nothing running in it.
func (h *Host) Wait(ctx context.Context, name string) error {
	h.mu.Lock()
	var run *transient
	if it := h.units[name]; it != nil {
		run = it.transient
	}
	h.mu.Unlock()
	if run == nil {
		return nil
	}
	select {
	case <-run.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

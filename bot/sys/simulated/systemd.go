package simulated

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"watchstander/bot/sys"
)

// units are systemd's, for one process.
type units struct{ p *process }

var _ sys.Units = units{}

var errBus = errors.New("dial unix /run/dbus/system_bus_socket: connect: connection refused")

// may refuses who is no more, and everybody while there is no bus.
func (u units) may(ctx context.Context) error {
	if u.p.life.Err() != nil {
		return context.Cause(u.p.life)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	u.p.h.mu.Lock()
	defer u.p.h.mu.Unlock()
	if !u.p.h.bus {
		return errBus
	}
	return nil
}

func (u units) List(ctx context.Context, patterns ...string) ([]sys.Unit, error) {
	if err := u.may(ctx); err != nil {
		return nil, err
	}
	h := u.p.h
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	var found []sys.Unit
	for _, name := range slices.Sorted(maps.Keys(h.units)) {
		if matches(name, patterns) {
			found = append(found, h.units[name].now(now))
		}
	}
	return found, nil
}

// matches reads patterns as systemctl does: a backslash means itself.
func matches(name string, patterns []string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(strings.ReplaceAll(p, `\`, `\\`), name); ok && err == nil {
			return true
		}
	}
	return len(patterns) == 0
}

func (u units) Unit(ctx context.Context, name string) (sys.Unit, error) {
	if err := u.may(ctx); err != nil {
		return sys.Unit{}, err
	}
	if err := sys.CheckUnitName(name); err != nil {
		return sys.Unit{}, err
	}
	return u.p.h.Unit(name), nil
}

func (u units) Start(ctx context.Context, name string) error   { return u.job(ctx, name, "start") }
func (u units) Restart(ctx context.Context, name string) error { return u.job(ctx, name, "restart") }
func (u units) Stop(ctx context.Context, name string) error    { return u.job(ctx, name, "stop") }

func (u units) ResetFailed(ctx context.Context, name string) error {
	if err := u.may(ctx); err != nil {
		return err
	}
	h := u.p.h
	h.mu.Lock()
	defer h.mu.Unlock()
	it := h.units[name]
	if it == nil {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if it.Active == "failed" {
		it.Active, it.Sub, it.Since = "inactive", "dead", time.Now().UTC()
	}
	it.Result, it.Restarts, it.base = "success", 0, 0
	if it.transient != nil && it.Active == "inactive" {
		delete(h.units, name)
	}
	return nil
}

// job has systemd do something with a unit, and waits for the job's end. Whoever
// no longer waits does not stop it.
func (u units) job(ctx context.Context, name, verb string) error {
	if err := u.may(ctx); err != nil {
		return err
	}
	if err := sys.CheckUnitName(name); err != nil {
		return err
	}
	h := u.p.h
	h.mu.Lock()
	it, lost, power := h.units[name], h.lost, h.power
	if it == nil || it.Load == "not-found" {
		h.mu.Unlock()
		if verb == "stop" && it != nil {
			return nil
		}
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if it.Load == "masked" && verb != "stop" {
		h.mu.Unlock()
		return fmt.Errorf("%s is masked: %w", name, fs.ErrPermission)
	}
	j := it.takeJob(verb)
	h.mu.Unlock()

	done := make(chan string, 1)
	if h.begin(func() { done <- h.doJob(power, name, verb, j) }) != nil {
		return sys.ErrLost
	}
	select {
	case result := <-done:
		switch result {
		case "done":
			return nil
		case "":
			return sys.ErrLost
		}
		return &sys.JobError{Unit: name, Result: result}
	case <-lost:
		return sys.ErrLost
	case <-u.p.life.Done():
		return context.Cause(u.p.life)
	case <-ctx.Done():
		return fmt.Errorf("the job of %s is not over yet: %w", name, context.Cause(ctx))
	}
}

// takeJob gives the script of a job, for who holds the lock.
func (u *unit) takeJob(verb string) Job {
	usual := Job{Result: "done", Takes: startTakes}
	for i, j := range u.jobs {
		if j.Verb == "" || j.Verb == verb {
			u.jobs = slices.Delete(u.jobs, i, i+1)
			if j.Takes == 0 {
				j.Takes = usual.Takes
			}
			if j.Result == "" {
				j.Result = usual.Result
			}
			return j
		}
	}
	return usual
}

// doJob is the job. It gives "" where the power was lost before its end.
func (h *Host) doJob(power context.Context, name, verb string, j Job) string {
	h.mu.Lock()
	it := h.units[name]
	if it == nil {
		h.mu.Unlock()
		return "canceled"
	}
	tr := it.transient
	before := it.Unit
	if j.Result != "canceled" && j.Result != "skipped" && j.Result != "dependency" {
		switch verb {
		case "start", "restart":
			it.flapping, it.busy = 0, time.Time{}
			it.Active, it.Sub = "activating", "start"
		case "stop":
			it.Active, it.Sub = "deactivating", "stop-sigterm"
		}
	}
	h.mu.Unlock()
	if verb == "stop" && tr != nil {
		return h.stopTransient(power, name, tr)
	}
	if !passes(power, j.Takes) {
		return ""
	}
	h.mu.Lock()
	work := h.works[name]
	h.mu.Unlock()
	if work != nil && j.Result == "done" && (verb == "start" || verb == "restart") {
		if err := work(power); err != nil {
			h.Log(name, "%v", err)
			j.Result = "failed"
		}
		if power.Err() != nil {
			return ""
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if it = h.units[name]; it == nil {
		return "canceled"
	}
	switch {
	case j.Result == "canceled" || j.Result == "skipped" || j.Result == "dependency":
		it.Unit = before
		return j.Result
	case verb == "stop" && j.Result == "done":
		h.stopped(it)
	case j.Result == "timeout":
		h.failed(it, "timeout")
	case j.Result == "failed":
		h.failed(it, "exit-code")
	default:
		h.started(it)
		if it.Active == "failed" {
			return "failed"
		}
	}
	return j.Result
}

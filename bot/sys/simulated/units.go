package simulated

import (
	"context"
	"crypto/rand"
	"encoding/hex"
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

// How long jobs take, unless a Job says otherwise.
const (
	startTakes  = 400 * time.Millisecond
	reloadTakes = 50 * time.Millisecond
)

// unit is one in systemd's table.
type unit struct {
	sys.Unit
	// broken is how every start ends, "" for well; brokenBy is the generation that has
	// it so, 0 for whoever called Break.
	broken   string
	brokenBy int
	// flapping units are started again by systemd every so often, from a moment on.
	flapping time.Duration
	since    time.Time
	base     int
	// busy units are at work until then.
	busy time.Time
	jobs []Job
	// transient is what runs in it.
	transient *transient
}

// Job is how the next job of a unit goes.
type Job struct {
	// Verb it is for: "start", "stop", "restart" or "reload"; "" is any.
	Verb string
	// Result is systemd's: done, failed, timeout, dependency, canceled, skipped.
	Result string
	// Takes is how long it runs; 0 is as long as usual.
	Takes time.Duration
}

// Service is a service that runs.
func Service(name, description string) sys.Unit {
	return sys.Unit{
		Name: name, Description: description, Load: "loaded", Active: "active", Sub: "running",
		Result: "success", Type: "simple", Memory: 48 * mib, Fragment: "/etc/systemd/system/" + name,
	}
}

// Oneshot is a service that has done its work and ended.
func Oneshot(name, description string) sys.Unit {
	u := Service(name, description)
	u.Active, u.Sub, u.Type, u.Memory = "inactive", "dead", "oneshot", -1
	return u
}

// SetUnit puts a unit into the table, in place of one of that name.
func (h *Host) SetUnit(u sys.Unit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.units[u.Name] = h.newUnit(u)
}

// newUnit fills what is left out, for who holds the lock.
func (h *Host) newUnit(u sys.Unit) *unit {
	now := time.Now().UTC()
	if u.Since.IsZero() {
		u.Since = now
	}
	if u.Started.IsZero() {
		u.Started = u.Since
	}
	if u.Invocation == "" {
		u.Invocation = invocation()
	}
	if u.Active == "active" && u.MainPID == 0 && strings.HasSuffix(u.Name, ".service") && u.Sub != "exited" {
		u.MainPID = h.nextPID()
	}
	return &unit{Unit: u}
}

func (h *Host) nextPID() int {
	h.lastPID += 7
	return h.lastPID
}

func invocation() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// RemoveUnit takes a unit out of the table.
func (h *Host) RemoveUnit(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.units, name)
}

// change does something with a unit that there is, and panics where there is none:
// that is a mistake of the test.
func (h *Host) change(name string, do func(*unit)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.units[name]
	if u == nil {
		panic("the simulated host has no unit " + name)
	}
	do(u)
}

// Set changes a unit. What depends on it does not follow.
func (h *Host) Set(name string, change func(*sys.Unit)) {
	h.change(name, func(u *unit) { change(&u.Unit) })
}

// Fail makes a unit fail now; a start mends it. The result is systemd's:
// "exit-code", "signal", "oom-kill", "timeout".
func (h *Host) Fail(name, result string) {
	h.change(name, func(u *unit) { h.failed(u, result) })
}

// Break makes a unit fail now and at every start, until it is mended.
func (h *Host) Break(name, result string) {
	h.change(name, func(u *unit) {
		u.broken, u.brokenBy = result, 0
		h.failed(u, result)
	})
}

// Flap has systemd start a unit again every so often, since it fails each time
// after some while, until it is mended, stopped or restarted.
func (h *Host) Flap(name string, every time.Duration) {
	h.change(name, func(u *unit) { u.flap(every) })
}

func (u *unit) flap(every time.Duration) {
	u.flapping, u.since, u.base = every, time.Now(), u.Restarts
}

// Mend ends what Break and Flap began. What has failed stays so until it is started
// or reset.
func (h *Host) Mend(name string) {
	h.change(name, func(u *unit) { u.broken, u.flapping, u.Restarts = "", 0, u.now(time.Now()).Restarts })
}

// Busy has a unit work for some time, as a oneshot does that was started just now.
func (h *Host) Busy(name string, lasts time.Duration) {
	h.change(name, func(u *unit) {
		now := time.Now().UTC()
		u.busy, u.Since, u.Started, u.Invocation, u.MainPID = now.Add(lasts), now, now, invocation(), h.nextPID()
	})
}

// NextJob says how the next job of a unit goes; several are taken in order.
func (h *Host) NextJob(name string, j Job) {
	h.change(name, func(u *unit) { u.jobs = append(u.jobs, j) })
}

// Unit is how a unit is, asked without a bus. Load is "not-found" for none.
func (h *Host) Unit(name string) sys.Unit {
	h.mu.Lock()
	defer h.mu.Unlock()
	if u := h.units[name]; u != nil {
		return u.now(time.Now())
	}
	return sys.Unit{Name: name, Load: "not-found", Active: "inactive", Sub: "dead", Memory: -1}
}

// Bus lets systemd be reached, or not: jobs that are waited for are lost then.
func (h *Host) Bus(up bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.bus == up {
		return
	}
	h.bus = up
	if !up {
		close(h.lost)
		return
	}
	h.lost = make(chan struct{})
}

// SetSystemState has systemd call its own state so; "" is what its units make it.
func (h *Host) SetSystemState(state string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = state
}

// failed is for who holds the lock.
func (h *Host) failed(u *unit, result string) {
	u.Active, u.Sub, u.Result, u.Since, u.MainPID, u.Memory = "failed", "failed", result, time.Now().UTC(), 0, -1
	u.busy, u.flapping = time.Time{}, 0
	u.ExitCode = 1
	if result == "signal" || result == "oom-kill" || result == "watchdog" {
		u.ExitCode = 137
	}
	h.logged(u.Name, "%s: Failed with result '%s'.", u.Name, result)
}

// now is the unit as it is at a moment.
func (u *unit) now(at time.Time) sys.Unit {
	v := u.Unit
	if at.Before(u.busy) {
		v.Active, v.Sub = "activating", "start"
		return v
	}
	if !u.busy.IsZero() {
		v.Active, v.Sub, v.Result, v.Since, v.MainPID, v.Memory = "inactive", "dead", "success", u.busy, 0, -1
	}
	if u.flapping > 0 {
		passed := at.Sub(u.since)
		rounds := int(passed / u.flapping)
		v.Restarts = u.base + rounds
		v.Since = u.since.Add(time.Duration(rounds) * u.flapping).UTC()
		v.Started = v.Since
		// It runs for the first half of each round, and waits in the second.
		if passed%u.flapping >= u.flapping/2 {
			v.Active, v.Sub, v.Result, v.ExitCode, v.MainPID = "activating", "auto-restart", "exit-code", 1, 0
			v.Since = v.Since.Add(u.flapping / 2)
		} else if rounds > 0 {
			v.Active, v.Sub, v.Result = "active", "running", "success"
		}
	}
	return v
}

// started makes a unit run, or fail where it is broken, for who holds the lock.
func (h *Host) started(u *unit) {
	now := time.Now().UTC()
	u.Invocation, u.Started, u.Since, u.Restarts = invocation(), now, now, 0
	u.flapping, u.busy = 0, time.Time{}
	if u.broken != "" {
		h.failed(u, u.broken)
		return
	}
	u.Active, u.Result, u.ExitCode = "active", "success", 0
	switch {
	case u.Type == "oneshot":
		u.Active, u.Sub, u.MainPID, u.Memory = "inactive", "dead", 0, -1
	case strings.HasSuffix(u.Name, ".service"):
		u.Sub, u.MainPID, u.Memory = "running", h.nextPID(), 48*mib
	case strings.HasSuffix(u.Name, ".timer"):
		u.Sub = "waiting"
	case strings.HasSuffix(u.Name, ".socket"):
		u.Sub = "listening"
	default:
		u.Sub = "active"
	}
	h.logged(u.Name, "Started %s.", u.Description)
}

// stopped is for who holds the lock.
func (h *Host) stopped(u *unit) {
	u.Active, u.Sub, u.Result, u.Since, u.MainPID, u.Memory = "inactive", "dead", "success", time.Now().UTC(), 0, -1
	u.flapping, u.busy = 0, time.Time{}
	h.logged(u.Name, "Stopped %s.", u.Description)
}

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
func (u units) Reload(ctx context.Context, name string) error  { return u.job(ctx, name, "reload") }
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

func (u units) SystemState(ctx context.Context) (string, error) {
	if err := u.may(ctx); err != nil {
		return "", err
	}
	h := u.p.h
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != "" {
		return h.state, nil
	}
	now := time.Now()
	for _, it := range h.units {
		if it.now(now).Active == "failed" {
			return "degraded", nil
		}
	}
	return "running", nil
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
	if verb == "reload" && it.now(time.Now()).Active != "active" {
		h.mu.Unlock()
		return &sys.JobError{Unit: name, Result: "invalid"}
	}
	j := it.takeJob(verb)
	h.mu.Unlock()

	done := make(chan string, 1)
	h.work.Go(func() { done <- h.doJob(power, name, verb, j) })
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
	if verb == "reload" {
		usual.Takes = reloadTakes
	}
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
		case "reload":
			it.Sub = "reload"
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
	case verb == "reload":
		it.Sub = before.Sub
		return j.Result
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

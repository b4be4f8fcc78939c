package simulated

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"watchstander/bot/sys"
)

// startTakes is how long jobs take, unless a Job says otherwise.
const startTakes = 400 * time.Millisecond

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
	// Verb it is for: "start", "stop" or "restart"; "" is any.
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

// Works says what a unit does whenever it is started, beside taking its time: with
// an error the start fails. The context ends with a power loss.
func (h *Host) Works(name string, work func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.works[name] = work
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

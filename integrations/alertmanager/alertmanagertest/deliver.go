package alertmanagertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"
)

// Sent is one request that was made to a receiver.
type Sent struct {
	At       time.Time
	Peer     string
	Receiver string
	GroupKey string
	Payload  []byte
	Attempt  int // from 1, within one notification
	// Status is what the receiver answered; 0: the connection was refused, or
	// the handler took longer than it may.
	Status int
	// Copy: not a notification, but a knob's late or repeated copy of one.
	Copy bool
}

// delivery is one notification on its way: first the wait for the peers before
// this one, then the look into the log, then attempts until one succeeds, one
// is refused for good, or the time is over.
type delivery struct {
	group     *group
	life      int
	snapshot  []*alert // of the whole group
	alerts    []*alert // what is neither silenced nor inhibited
	flushedAt time.Time
	at        time.Time // when there is something to do next
	deadline  time.Time

	decided  bool // the log was looked at, and there is something to tell
	inFlight bool
	payload  []byte
	firing   map[string]bool
	resolved map[string]bool
	attempt  int
	pause    time.Duration // before the next attempt
}

// decide looks into the notification log; am.mu is held. It returns false when
// nobody needs to be told.
func (d *delivery) decide(now time.Time) bool {
	g := d.group
	receiver := g.am.receivers[g.route.Receiver]
	d.firing, d.resolved = map[string]bool{}, map[string]bool{}
	for _, a := range d.alerts {
		if a.resolvedAt(d.flushedAt) {
			d.resolved[a.fingerprint] = true
		} else {
			d.firing[a.fingerprint] = true
		}
	}
	entry, told := g.am.log[g.logKey()]
	if told && !entry.expiresAt.After(now) {
		entry, told = logEntry{}, false
	}
	reason := entry.reason(told, d.firing, d.resolved, !receiver.NoResolved, g.route.RepeatInterval, d.flushedAt)
	if reason == "" {
		return false
	}
	alerts := d.alerts
	if receiver.NoResolved {
		if len(d.firing) == 0 { // counts as told, so that the log is right
			d.record(now)
			return false
		}
		alerts = slices.DeleteFunc(slices.Clone(alerts), func(a *alert) bool { return d.resolved[a.fingerprint] })
	}
	d.decided = true
	d.payload = g.am.payload(g, alerts, d.resolved, reason)
	d.pause = 500 * time.Millisecond
	return true
}

// attemptOnce makes one request, without am.mu, and says what comes next.
func (am *Alertmanager) attemptOnce(ctx context.Context, d *delivery) {
	am.mu.Lock()
	receiver := *am.receivers[d.group.route.Receiver]
	d.attempt++
	am.mu.Unlock()

	ctx, cancel := context.WithDeadline(ctx, d.deadline)
	defer cancel()
	status, err := call(ctx, receiver, d.payload)

	am.mu.Lock()
	defer am.mu.Unlock()
	now := time.Now()
	am.sent = append(am.sent, Sent{
		At: now, Peer: am.o.Name, Receiver: receiver.Name, GroupKey: d.group.key,
		Payload: d.payload, Attempt: d.attempt, Status: status,
	})
	d.inFlight = false
	if d.life != am.life { // the process that sent it is gone
		return
	}
	switch {
	case err == nil && status/100 == 2:
		d.record(now)
		if late := am.knobs.lateCopies; late > 0 {
			am.copies = append(am.copies, lateCopy{at: now.Add(late), receiver: receiver.Name, groupKey: d.group.key, payload: d.payload})
		}
		d.finish(now, true)
	case err == nil && status/100 != 5:
		d.finish(now, false)
	default:
		d.at = now.Add(d.pause)
		d.pause = min(d.pause*3/2, time.Minute)
		if !d.at.Before(d.deadline) {
			d.at = d.deadline // where takeDue gives up
		}
	}
	am.changed()
}

// record writes the log, here and, by gossip, at the peers.
func (d *delivery) record(now time.Time) {
	am := d.group.am
	keep := min(2*d.group.route.RepeatInterval, logRetention)
	entry := logEntry{at: now, expiresAt: now.Add(keep), firing: d.firing, resolved: d.resolved}
	am.log[d.group.logKey()] = entry
	for _, p := range am.reached() {
		p.log[d.group.logKey()] = entry
	}
}

// finish ends the delivery: on success what was resolved leaves the group, on
// failure everything stays for the next flush.
func (d *delivery) finish(now time.Time, success bool) {
	g := d.group
	g.busy = false
	g.am.queue = slices.DeleteFunc(g.am.queue, func(other *delivery) bool { return other == d })
	if !success {
		return
	}
	g.forget(d.snapshot, d.flushedAt)
	g.rest(now)
}

var errRefused = errors.New("connection refused")

// call makes one request in-process. A handler that answers too late was not
// heard.
func call(ctx context.Context, receiver Receiver, payload []byte) (status int, err error) {
	if receiver.Handler == nil {
		return 0, errRefused
	}
	r := httptest.NewRequest(http.MethodPost, receiver.URL, bytes.NewReader(payload)).WithContext(ctx)
	maps.Copy(r.Header, receiver.Header)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Alertmanager/0.34.2")
	w := httptest.NewRecorder()
	if err := serve(receiver.Handler, w, r); err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return w.Code, nil
}

// serve calls a handler as a server does: a panic breaks the connection off.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v", p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// lateCopy is a notification that is sent once more, for nobody's good.
type lateCopy struct {
	at       time.Time
	receiver string
	groupKey string
	payload  []byte
}

func (am *Alertmanager) sendCopy(ctx context.Context, c lateCopy) {
	am.mu.Lock()
	receiver := *am.receivers[c.receiver]
	am.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status, _ := call(ctx, receiver, c.payload) // a copy is not tried again
	am.mu.Lock()
	defer am.mu.Unlock()
	am.sent = append(am.sent, Sent{
		At: time.Now(), Peer: am.o.Name, Receiver: c.receiver, GroupKey: c.groupKey,
		Payload: c.payload, Attempt: 1, Status: status, Copy: true,
	})
}

// Sent lists the requests that were made to receivers, in order.
func (am *Alertmanager) Sent() []Sent {
	am.mu.Lock()
	defer am.mu.Unlock()
	return slices.Clone(am.sent)
}

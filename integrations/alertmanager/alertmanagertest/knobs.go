package alertmanagertest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Stop ends the process: it sends nothing and connections to it are refused.
// What it held in memory (alerts, groups, notifications on their way) is gone;
// silences and the notification log are on its disk.
func (am *Alertmanager) Stop() {
	am.mu.Lock()
	defer am.mu.Unlock()
	am.stop()
}

func (am *Alertmanager) stop() {
	am.running = false
	am.life++
	clear(am.alerts)
	for _, rule := range am.inhibit {
		clear(rule.sources)
	}
	clear(am.groups)
	am.queue, am.copies, am.resendAt = nil, nil, time.Time{}
	am.changed()
}

// Start begins a new life after Stop. It knows no alert until Prometheus sends
// them again, ResendAfter from now.
func (am *Alertmanager) Start() {
	am.mu.Lock()
	defer am.mu.Unlock()
	am.start()
}

func (am *Alertmanager) start() {
	if am.running {
		return
	}
	am.running, am.startedAt = true, time.Now()
	am.resendAt = am.startedAt.Add(am.o.ResendAfter)
	am.catchUp()
	am.changed()
}

// Restart is Stop and, at once, Start.
func (am *Alertmanager) Restart() {
	am.mu.Lock()
	defer am.mu.Unlock()
	am.stop()
	am.start()
}

// SetUnreachable cuts the network to its API; it goes on sending.
func (am *Alertmanager) SetUnreachable(yes bool) { am.turn(func() { am.knobs.unreachable = yes }) }

// SetSlow makes its API take so long for each answer.
func (am *Alertmanager) SetSlow(d time.Duration) { am.turn(func() { am.knobs.slow = d }) }

// LoseAnswers makes the next n requests to its API do their work and the answers
// get lost on the way back.
func (am *Alertmanager) LoseAnswers(n int) { am.turn(func() { am.knobs.loseAnswers = n }) }

// AnswerWith makes its API answer every request with this status, as a proxy
// before it does; 0: no longer.
func (am *Alertmanager) AnswerWith(status int) { am.turn(func() { am.knobs.answerWith = status }) }

// SetSettling makes it a peer that is still joining its cluster: it sends
// nothing and says so.
func (am *Alertmanager) SetSettling(yes bool) { am.turn(func() { am.knobs.settling = yes }) }

// SetLateCopies makes it send every notification once more, d after it was
// delivered, whatever has happened since; 0: no longer.
func (am *Alertmanager) SetLateCopies(d time.Duration) { am.turn(func() { am.knobs.lateCopies = d }) }

// Mute makes the routes to a receiver fall into time intervals of these names,
// in which they are silent; none: no longer.
func (am *Alertmanager) Mute(receiver string, intervals ...string) {
	am.turn(func() { am.knobs.muted[receiver] = intervals })
}

// SetMaxAlerts cuts the lists of alerts that a receiver is sent from now on.
func (am *Alertmanager) SetMaxAlerts(receiver string, n int) {
	am.turn(func() { am.receiver(receiver).MaxAlerts = n })
}

// SetHandler puts another program behind a receiver's address; nil: none.
func (am *Alertmanager) SetHandler(receiver string, h http.Handler) {
	am.turn(func() { am.receiver(receiver).Handler = h })
}

// Redeliver sends once more, now, what was sent as the i-th (see
// [Alertmanager.Sent]): a late copy of anything.
func (am *Alertmanager) Redeliver(i int) {
	am.turn(func() {
		s := am.sent[i]
		am.copies = append(am.copies, lateCopy{at: time.Now(), receiver: s.Receiver, groupKey: s.GroupKey, payload: s.Payload})
	})
}

// EditRoutes reloads the configuration with other routes. As in the real one
// every group is made anew, with the key that follows from the route's new
// matchers, and a group with a new key is one that nobody was told of.
func (am *Alertmanager) EditRoutes(edit func([]Route) []Route) {
	am.turn(func() {
		var routes []Route
		for _, r := range am.routes {
			routes = append(routes, r.Route)
		}
		am.setRoutes(edit(routes))
		clear(am.groups)
		am.queue = nil
		am.life++
		for _, fingerprint := range sortedKeys(am.alerts) {
			if a := am.alerts[fingerprint]; !a.resolvedAt(time.Now()) {
				am.put(a)
			}
		}
	})
}

// turn changes something and lets everybody look again.
func (am *Alertmanager) turn(change func()) {
	am.mu.Lock()
	defer am.mu.Unlock()
	change()
	am.changed()
}

func (am *Alertmanager) receiver(name string) *Receiver {
	r := am.receivers[name]
	if r == nil {
		panic(fmt.Sprintf("alertmanagertest: no receiver %q; there are %q", name, sortedKeys(am.receivers)))
	}
	return r
}

// receiversOf lists the receivers of an alert, as its routes say.
func (am *Alertmanager) receiversOf(a *alert) []string {
	var out []string
	for _, r := range am.match(a) {
		if !slices.Contains(out, r.Receiver) {
			out = append(out, r.Receiver)
		}
	}
	return out
}

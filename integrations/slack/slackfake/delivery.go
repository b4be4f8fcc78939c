package slackfake

import (
	"encoding/json"
	"slices"
	"time"
)

// delivery is one thing that the app is to be told: an event, an interaction or a
// command.
type delivery struct {
	id      string
	kind    string // of its envelope: events_api, interactive, slash_commands
	payload object
	attempt int    // 0 for the first
	reason  string // why the one before failed
	done    bool
	answer  func(json.RawMessage) // with what the acknowledgement holds; called with the lock
}

// Lost is what the app never acknowledged, though Slack had tried as often as it does.
type Lost struct {
	Kind    string // "events_api", "interactive" or "slash_commands"
	Payload map[string]any
	Reason  string
	At      time.Time
}

// Figures count deliveries.
type Figures struct {
	// Events that happened, Sent deliveries and redeliveries of all kinds, Retried the
	// redeliveries among them, and Acked those that were acknowledged in time.
	Events, Sent, Retried, Acked int
	// LateAcks came too late, twice, for an unknown envelope, or over another connection
	// than the envelope: none of them counts.
	LateAcks int
}

// Figures are the counts so far.
func (f *Fake) Figures() Figures {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.events
}

// Lost is all that was lost so far. Of an interaction or a command, the person has seen
// that it failed: Slack does not send those again.
func (f *Fake) Lost() []Lost {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.lost)
}

// Pending is the number of deliveries that are neither acknowledged nor lost.
func (f *Fake) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.deliveries)
}

// deliver begins a delivery. The caller holds the lock.
func (f *Fake) deliver(kind string, payload object, answer func(json.RawMessage)) {
	d := &delivery{id: f.newID("Dl"), kind: kind, payload: copied(payload), answer: answer}
	f.deliveries[d.id] = d
	if f.shuffled == 0 {
		f.try(d)
		return
	}
	if len(f.shuffle) == 0 {
		f.after(2*time.Second, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.flush()
		})
	}
	f.shuffle = append(f.shuffle, d)
	if f.shuffled--; f.shuffled == 0 {
		f.flush()
	}
}

func (f *Fake) flush() {
	all := f.shuffle
	f.shuffle, f.shuffled = nil, 0
	for _, d := range slices.Backward(all) {
		f.try(d)
	}
}

// copied is a payload that later changes of the workspace do not change.
func copied(o object) object {
	b, _ := json.Marshal(o)
	var out object
	_ = json.Unmarshal(b, &out)
	return out
}

// try delivers once.
func (f *Fake) try(d *delivery) {
	if f.closed || d.done {
		return
	}
	f.events.Sent++
	if d.attempt > 0 {
		f.events.Retried++
	}
	if f.o.RequestURL != "" {
		f.post(d)
		return
	}
	s := f.turn()
	if s == nil {
		f.failed(d, "connection_failed")
		return
	}
	e := &envelope{id: f.newID("En"), d: d, socket: s}
	out := object{"type": d.kind, "envelope_id": e.id, "payload": d.payload, "accepts_response_payload": d.kind != "events_api"}
	if d.kind == "events_api" {
		out["retry_attempt"], out["retry_reason"] = d.attempt, d.reason
	}
	f.envelopes[e.id] = e
	e.cancel = f.after(f.o.AckWithin, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.envelopes[e.id] == e {
			delete(f.envelopes, e.id)
			f.failed(d, "timeout")
		}
	})
	s.send(out)
}

// failed has a delivery tried again, if its kind is (documented for the Events API;
// interactions and commands come once).
func (f *Fake) failed(d *delivery, reason string) {
	if d.done {
		return
	}
	if d.kind != "events_api" || d.attempt >= len(f.o.Retries) {
		d.done = true
		delete(f.deliveries, d.id)
		f.lost = append(f.lost, Lost{Kind: d.kind, Payload: d.payload, Reason: reason, At: f.now()})
		return
	}
	wait := f.o.Retries[d.attempt]
	d.attempt++
	d.reason = reason
	f.after(wait, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.try(d)
	})
}

// acked ends a delivery.
func (f *Fake) acked(d *delivery, payload json.RawMessage) {
	f.events.Acked++
	if d.done {
		return
	}
	d.done = true
	delete(f.deliveries, d.id)
	if d.answer != nil {
		d.answer(payload)
	}
}

// envelope is one try of a delivery over one connection.
type envelope struct {
	id     string
	d      *delivery
	socket *socket
	cancel func()
}

// ack takes an acknowledgement that came over a connection. One that comes when its
// connection is gone, or over another one, does not count.
func (f *Fake) ack(s *socket, id string, payload json.RawMessage) {
	e := f.envelopes[id]
	if e == nil || e.socket != s || s.gone {
		f.events.LateAcks++
		return
	}
	delete(f.envelopes, id)
	e.cancel()
	f.acked(e.d, payload)
}

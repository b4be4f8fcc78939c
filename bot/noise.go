package bot

import "time"

// Bounds by which an alert counts as flapping.
const (
	// NoiseShort is the most that a firing lasts which is over before anybody could act.
	NoiseShort = 10 * time.Minute
	// NoiseFlaps is how many short firings of one alert, or how many times of firing again
	// soon after its end, are flapping.
	NoiseFlaps = 3
)

// NoiseFacts tell what fired how often over a span, and what people made of it: as the
// bot's threads and its journal know it, which is not all that happened (Doubts).
type NoiseFacts struct {
	// Asked is the beginning of the span that was asked for, Until its end. The figures
	// reach back to Since, which is later where the state keeps less; Short then says why.
	Asked, Since, Until time.Time
	Short               string
	// BotSince is when the bot was started: of what began and ended while it was away
	// before, it may never have heard.
	BotSince time.Time
	// Deaf is for how much of the span not all alerts could be heard: the bot was away, an
	// Alertmanager did not answer, or a heartbeat was missed.
	Deaf time.Duration
	// Firings over all groups. What went on in another thread is one firing.
	Firings int
	// Groups that fired, the noisiest first.
	Groups []NoiseGroup
	// Hosts are the configured ones, and after them "" for alerts that speak of none of
	// these, where one was critical.
	Hosts []CriticalTime
	// Doubts say where the figures are too low, or rest on less than they should.
	Doubts []string
}

// Unread counts the critical firings that nobody acked.
func (f NoiseFacts) Unread() (n int) {
	for _, g := range f.Groups {
		n += g.Unread
	}
	return n
}

// Flapping counts the groups that flap.
func (f NoiseFacts) Flapping() (n int) {
	for _, g := range f.Groups {
		if g.Flaps() {
			n++
		}
	}
	return n
}

// NoiseGroup are the firings of one alert name on one host.
type NoiseGroup struct {
	Alert string
	// Host is the configured one, "" for none of these.
	Host string
	// Severity is the worst that it had.
	Severity Severity
	// Alerts are how many different ones (label sets) have the name, Fired how often they
	// fired together, Live how many fire now.
	Alerts, Fired, Live int
	// Firing is the time in the span in which at least one of them fired.
	Firing time.Duration
	// Acks given over any of the firings, by Ackers, sorted; one ack over several alerts of
	// a thread is one. An ack that was taken back later counts: somebody had looked.
	Acks   int
	Ackers []PersonID
	// Acked are the firings that an ack covered.
	Acked int
	// Unread are the critical firings that nobody acked, but for those that were silenced
	// or muted for most of their time.
	Unread int
	// Short is how many firings of one alert were over within NoiseShort, of that alert
	// which has the most.
	Short int
	// Again is how often one fired again so soon after its end that it went on in its
	// thread.
	Again int
	// Silenced is the share of the firings' whole time, from 0 to 1, in which a silence or a
	// mute interval held them.
	Silenced float64
}

// NeverAcked tells whether nobody ever said that they are on it.
func (g NoiseGroup) NeverAcked() bool { return g.Acks == 0 }

// Flaps tells whether it comes and goes too often to be looked at each time.
func (g NoiseGroup) Flaps() bool { return g.Short >= NoiseFlaps || g.Again >= NoiseFlaps }

// CriticalTime is for how much of a span critical alerts fired of a host: that alone. A
// host without one may be down all the same, and one with one up.
type CriticalTime struct {
	// Host is the configured one, "" for none of these.
	Host string
	// Critical is the time in which at least one fired, silenced or not; Times counts the
	// spans of it, Longest is the longest of these.
	Critical, Longest time.Duration
	Times             int
}

// Without is the share of a span, from 0 to 1, in which no critical alert fired; 1 of an
// empty one.
func (c CriticalTime) Without(span time.Duration) float64 {
	if span <= 0 {
		return 1
	}
	return 1 - min(1, float64(c.Critical)/float64(span))
}

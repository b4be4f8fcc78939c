package alertmanagertest

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"watchstander/bot"
)

// alert is one alert as Alertmanager holds it. Values are never changed once
// they are stored, only replaced: a snapshot may be on its way.
type alert struct {
	fingerprint  string
	labels       model.LabelSet
	annotations  model.LabelSet
	generatorURL string
	startsAt     time.Time
	endsAt       time.Time // zero: Prometheus keeps sending it
	timeout      bool      // endsAt is only when the sender's silence counts as the end
	updatedAt    time.Time
}

func (a *alert) resolvedAt(t time.Time) bool { return !a.endsAt.IsZero() && !a.endsAt.After(t) }

// Option adds to an alert that is fired.
type Option func(*alert)

// Annotate sets annotations.
func Annotate(annotations bot.Labels) Option {
	return func(a *alert) { a.annotations = labelSet(annotations) }
}

// GeneratorURL sets the link to the expression.
func GeneratorURL(url string) Option { return func(a *alert) { a.generatorURL = url } }

func labelSet(l bot.Labels) model.LabelSet {
	out := make(model.LabelSet, len(l))
	for name, value := range l {
		out[model.LabelName(name)] = model.LabelValue(value)
	}
	return out
}

// identity are an alert's labels; those without a value are none.
func identity(l bot.Labels) model.LabelSet {
	out := labelSet(l)
	maps.DeleteFunc(out, func(_ model.LabelName, value model.LabelValue) bool { return value == "" })
	return out
}

func fromLabelSet(l model.LabelSet) map[string]string {
	out := make(map[string]string, len(l))
	for name, value := range l {
		out[string(name)] = string(value)
	}
	return out
}

// Fire makes Prometheus fire an alert and keep sending it, to all peers, until
// [Alertmanager.Resolve]. It returns the fingerprint. To fire what fires already
// changes its annotations, and its start only with [StartsAt].
func (am *Alertmanager) Fire(l bot.Labels, options ...Option) string {
	am.mu.Lock()
	defer am.mu.Unlock()
	now := time.Now()
	a := &alert{labels: identity(l), startsAt: now, updatedAt: now}
	a.fingerprint = a.labels.Fingerprint().String()
	if known := am.firing[a.fingerprint]; known != nil {
		a.startsAt = known.startsAt
	}
	for _, o := range options {
		o(a)
	}
	am.fire(a)
	return a.fingerprint
}

func (am *Alertmanager) fire(a *alert) {
	for _, p := range am.peers {
		p.firing[a.fingerprint] = a
		if p.running && p.resendAt.IsZero() {
			p.put(a)
		}
	}
	am.changed()
}

// Refire fires an alert that is resolved again under its old start, which
// Alertmanager 0.34 was seen to pass on. It panics when there was none.
func (am *Alertmanager) Refire(l bot.Labels) {
	am.mu.Lock()
	defer am.mu.Unlock()
	old := am.alerts[identity(l).Fingerprint().String()]
	if old == nil {
		panic("alertmanagertest: nothing with these labels has fired")
	}
	again := *old
	again.endsAt, again.updatedAt = time.Time{}, time.Now()
	am.fire(&again)
}

// Resolve ends an alert: Prometheus says so to all peers. What does not fire
// stays as it is.
func (am *Alertmanager) Resolve(l bot.Labels) {
	am.mu.Lock()
	defer am.mu.Unlock()
	fingerprint := identity(l).Fingerprint().String()
	now := time.Now()
	for _, p := range am.peers {
		delete(p.firing, fingerprint)
		if a := p.alerts[fingerprint]; p.running && a != nil && !a.resolvedAt(now) {
			ended := *a
			ended.endsAt, ended.timeout, ended.updatedAt = now, false, now
			p.put(&ended)
		}
	}
	am.changed()
}

// Firing lists the labels of what Prometheus is firing, ordered by fingerprint.
func (am *Alertmanager) Firing() []bot.Labels {
	am.mu.Lock()
	defer am.mu.Unlock()
	var out []bot.Labels
	for _, fingerprint := range slices.Sorted(maps.Keys(am.firing)) {
		out = append(out, fromLabelSet(am.firing[fingerprint].labels))
	}
	return out
}

// put stores an alert and sorts it into its groups, as the API's POST does.
// am.mu is held.
func (am *Alertmanager) put(a *alert) {
	if old := am.alerts[a.fingerprint]; old != nil && overlap(old, a) {
		a = merge(old, a)
	}
	am.alerts[a.fingerprint] = a
	for _, rule := range am.inhibit {
		if rule.source.Matches(a.labels) {
			rule.sources[a.fingerprint] = a
		}
	}
	for _, r := range am.match(a) {
		am.groupOf(r, a).insert(a)
	}
}

// overlap tells whether two accounts are of one firing.
func overlap(old, a *alert) bool {
	before := func(t, end time.Time) bool { return end.IsZero() || t.Before(end) }
	return !a.endsAt.IsZero() && a.endsAt.After(old.startsAt) && before(a.endsAt, old.endsAt) ||
		a.startsAt.After(old.startsAt) && before(a.startsAt, old.endsAt)
}

// merge is the newer account with the earlier start. An end that was set, and
// not merely expected, outlives a newer but earlier expectation.
func merge(old, a *alert) *alert {
	merged := *a
	if old.startsAt.Before(a.startsAt) {
		merged.startsAt = old.startsAt
	}
	later := !a.endsAt.IsZero() && (old.endsAt.IsZero() || old.endsAt.After(a.endsAt))
	if a.resolvedAt(a.updatedAt) {
		if later && old.resolvedAt(a.updatedAt) {
			merged.endsAt = old.endsAt
		}
	} else if later && !old.timeout {
		merged.endsAt = old.endsAt
	}
	return &merged
}

// suppression is why an alert is not sent.
type suppression struct {
	silencedBy, inhibitedBy []string
}

func (am *Alertmanager) suppressed(a *alert, now time.Time) suppression {
	var s suppression
	for _, rule := range am.inhibit {
		if by := rule.inhibitor(a, now); by != "" {
			s.inhibitedBy = []string{by} // the real one, too, stops at the first
			break
		}
	}
	for _, id := range slices.Sorted(maps.Keys(am.silences)) {
		if sil := am.silences[id]; sil.state(now) == stateActive && sil.matchers.Matches(a.labels) {
			s.silencedBy = append(s.silencedBy, id)
		}
	}
	return s
}

// inhibitor finds the firing alert that inhibits a, "" when there is none. An
// alert that both sides match is not inhibited by another such.
func (rule inhibitRule) inhibitor(a *alert, now time.Time) string {
	if !rule.target.Matches(a.labels) {
		return ""
	}
	both := rule.source.Matches(a.labels)
	found := ""
	for fingerprint, source := range rule.sources {
		if found != "" && found < fingerprint { // the answer must not depend on chance
			continue
		}
		if source.resolvedAt(now) || both && rule.target.Matches(source.labels) {
			continue
		}
		if !slices.ContainsFunc(rule.equal, func(name string) bool {
			return source.labels[model.LabelName(name)] != a.labels[model.LabelName(name)]
		}) {
			found = fingerprint
		}
	}
	return found
}

package alertmanager

import (
	"cmp"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"watchstander/bot"
)

// PayloadVersion is the only version of the webhook's payload that there is in
// the wild; another one would mean other things by the same names.
const PayloadVersion = "4"

// wireMessage is the payload, as far as we use it. Newer Alertmanagers add keys
// (notification_reason, routeLabels, …), and what we do not use is not looked
// at.
type wireMessage struct {
	Version         string      `json:"version"`
	Receiver        string      `json:"receiver"`
	GroupKey        string      `json:"groupKey"`
	GroupLabels     bot.Labels  `json:"groupLabels"`
	ExternalURL     string      `json:"externalURL"`
	TruncatedAlerts uint64      `json:"truncatedAlerts"`
	Alerts          []wireAlert `json:"alerts"`
}

type wireAlert struct {
	Status       string     `json:"status"`
	Labels       bot.Labels `json:"labels"`
	Annotations  bot.Labels `json:"annotations"`
	StartsAt     time.Time  `json:"startsAt"`
	EndsAt       time.Time  `json:"endsAt"`
	GeneratorURL string     `json:"generatorURL"`
	Fingerprint  string     `json:"fingerprint"`
}

// Decode reads a webhook's body. Its errors are [bot.Error] with CodeInvalid;
// their messages name the field ("alerts[3].startsAt: is missing") and hold
// nothing that the body said.
//
// Required are the version, a receiver, at least one alert, and of each alert
// its status, labels, start, and end when it is resolved: without one of these
// we would have to guess which episode is meant. A missing fingerprint is
// computed as Alertmanager does it. Invalid UTF-8 and NUL, which a database may
// refuse, become U+FFFD. Of an alert that the body lists twice (same
// fingerprint and start) one is kept, and a firing one rather than a resolved
// one, for to call a resolved alert firing does less harm than the reverse.
func Decode(body []byte) (bot.Group, error) {
	var m wireMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return bot.Group{}, locate(body, err)
	}
	switch {
	case m.Version == "":
		return bot.Group{}, fault("version", "is missing")
	case m.Version != PayloadVersion:
		return bot.Group{}, fault("version", `is not "`+PayloadVersion+`"`)
	case m.Receiver == "":
		return bot.Group{}, fault("receiver", "is missing")
	case m.Alerts == nil:
		return bot.Group{}, fault("alerts", "is missing")
	case len(m.Alerts) == 0:
		return bot.Group{}, fault("alerts", "is empty")
	}
	groupLabels, anyEmpty := tidyLabels(m.GroupLabels)
	g := bot.Group{
		Receiver:    unquoteMeta(clean(m.Receiver)),
		GroupKey:    clean(m.GroupKey),
		Labels:      groupLabels,
		ExternalURL: clean(m.ExternalURL),
		Truncated:   int(min(m.TruncatedAlerts, math.MaxInt32)),
		Alerts:      make([]bot.Alert, 0, len(m.Alerts)),
	}
	seen := make(map[episode]int, len(m.Alerts))
	for i := range m.Alerts {
		a, empty, err := m.Alerts[i].decode(i)
		if err != nil {
			return bot.Group{}, err
		}
		anyEmpty = anyEmpty || empty
		key := episode{a.Fingerprint, a.StartsAt.UnixMilli()}
		if at, twice := seen[key]; twice {
			if supersedes(a, g.Alerts[at]) {
				g.Alerts[at] = a
			}
			continue
		}
		seen[key] = len(g.Alerts)
		g.Alerts = append(g.Alerts, a)
	}
	if anyEmpty {
		if err := nullLabel(body); err != nil {
			return bot.Group{}, err
		}
	}
	return g, nil
}

type episode struct {
	fingerprint string
	startsAt    int64
}

// supersedes tells which of two accounts of one episode is kept; of equal ones
// it is the later in the body.
func supersedes(later, earlier bot.Alert) bool {
	if later.Resolved != earlier.Resolved {
		return earlier.Resolved
	}
	return !later.EndsAt.Before(earlier.EndsAt)
}

// decode checks the i-th alert. empty says that a label had no value: it was
// an empty string, or JSON's null.
func (w *wireAlert) decode(i int) (_ bot.Alert, empty bool, _ error) {
	a := bot.Alert{
		Fingerprint:  clean(w.Fingerprint),
		StartsAt:     Millis(w.StartsAt),
		GeneratorURL: clean(w.GeneratorURL),
	}
	a.Labels, empty = tidyLabels(w.Labels)
	if len(a.Labels) == 0 {
		return a, empty, alertFault(i, "labels", "is missing or empty")
	}
	a.Annotations = tidyAnnotations(w.Annotations)
	switch {
	case w.StartsAt.IsZero():
		return a, empty, alertFault(i, "startsAt", "is missing")
	case !tellable(a.StartsAt):
		return a, empty, alertFault(i, "startsAt", "is no time of this era")
	}
	switch w.Status {
	case "firing":
		// Its end, when there is one, is only the time at which Alertmanager
		// would give up on a silent Prometheus.
	case "resolved":
		a.Resolved = true
		if w.EndsAt.IsZero() {
			return a, empty, alertFault(i, "endsAt", "is missing, but the alert is resolved")
		}
		if a.EndsAt = Millis(w.EndsAt); !tellable(a.EndsAt) {
			return a, empty, alertFault(i, "endsAt", "is no time of this era")
		}
	case "":
		return a, empty, alertFault(i, "status", "is missing")
	default:
		return a, empty, alertFault(i, "status", `is neither "firing" nor "resolved"`)
	}
	a.Fingerprint = cmp.Or(a.Fingerprint, Fingerprint(a.Labels))
	return a, empty, nil
}

// Fingerprint computes an alert's fingerprint as Alertmanager does.
func Fingerprint(l bot.Labels) string {
	return model.Fingerprint(model.LabelsToSignature(l)).String()
}

// Millis is t as the state and the API keep times: UTC, cut to milliseconds.
// The zero time stays zero.
func Millis(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

// tellable tells whether JSON can say t: a zone's offset can push a valid time
// out of the years that it has, and what cannot be said again cannot be stored.
func tellable(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// clean replaces NUL; encoding/json has already replaced invalid UTF-8.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

// tidyLabels removes labels without a value, which to Prometheus and
// Alertmanager are the same as absent ones, and cleans the rest. It may change
// its argument. removed tells whether there were any.
func tidyLabels(l bot.Labels) (_ bot.Labels, removed bool) {
	for name, value := range l {
		if value == "" {
			delete(l, name)
			removed = true
		}
	}
	return tidyAnnotations(l), removed
}

// tidyAnnotations cleans names and values, and makes nil an empty map.
func tidyAnnotations(l bot.Labels) bot.Labels {
	if l == nil {
		return bot.Labels{}
	}
	dirty := false
	for name, value := range l {
		dirty = dirty || strings.IndexByte(name, 0) >= 0 || strings.IndexByte(value, 0) >= 0
	}
	if !dirty {
		return l
	}
	out := make(bot.Labels, len(l))
	for _, name := range l.Names() { // in order: the result must not depend on chance
		out[clean(name)] = clean(l[name])
	}
	return out
}

// unquoteMeta takes back regexp.QuoteMeta, which Alertmanager applies to the
// receiver's name in everything that it sends ("ops.chat" arrives as
// "ops\.chat").
func unquoteMeta(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`\.+*?()|[]{}^$`, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

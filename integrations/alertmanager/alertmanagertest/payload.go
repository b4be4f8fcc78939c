package alertmanagertest

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// payload is the webhook's body, key for key as the real one writes it; it is
// deliberately not made of the types with which our handler reads it.
type payload struct {
	Receiver           string            `json:"receiver"`
	Status             string            `json:"status"`
	Alerts             []payloadAlert    `json:"alerts"`
	NotificationReason *string           `json:"notification_reason,omitempty"`
	GroupLabels        map[string]string `json:"groupLabels"`
	CommonLabels       map[string]string `json:"commonLabels"`
	CommonAnnotations  map[string]string `json:"commonAnnotations"`
	RouteLabels        map[string]string `json:"routeLabels,omitzero"`
	ExternalURL        string            `json:"externalURL"`
	Version            string            `json:"version"`
	GroupKey           string            `json:"groupKey"`
	TruncatedAlerts    uint64            `json:"truncatedAlerts"`
}

type payloadAlert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// payload writes one notification; am.mu is held.
func (am *Alertmanager) payload(g *group, alerts []*alert, resolved map[string]bool, reason string) []byte {
	receiver := am.receivers[g.route.Receiver]
	p := payload{
		Receiver:          regexp.QuoteMeta(receiver.Name), // so it is
		Status:            "resolved",
		Alerts:            []payloadAlert{},
		GroupLabels:       fromLabelSet(g.labels),
		CommonLabels:      common(alerts, func(a *alert) model.LabelSet { return a.labels }),
		CommonAnnotations: common(alerts, func(a *alert) model.LabelSet { return a.annotations }),
		ExternalURL:       am.o.ExternalURL,
		Version:           "4",
		GroupKey:          g.key,
	}
	if am.atLeast(0, 32) {
		p.NotificationReason, p.RouteLabels = &reason, map[string]string{}
	}
	if n := receiver.MaxAlerts; n > 0 && len(alerts) > n {
		p.TruncatedAlerts = uint64(len(alerts) - n)
		alerts = alerts[:n]
	}
	for _, a := range alerts {
		out := payloadAlert{
			Status: "firing", Labels: fromLabelSet(a.labels), Annotations: fromLabelSet(a.annotations),
			StartsAt: a.startsAt, GeneratorURL: a.generatorURL, Fingerprint: a.fingerprint,
		}
		if resolved[a.fingerprint] {
			out.Status, out.EndsAt = "resolved", a.endsAt
		} else {
			p.Status = "firing"
		}
		p.Alerts = append(p.Alerts, out)
	}
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(p); err != nil {
		panic(err) // strings and times only
	}
	return body.Bytes()
}

// common is what all alerts agree in.
func common(alerts []*alert, of func(*alert) model.LabelSet) map[string]string {
	out := map[string]string{}
	for i, a := range alerts {
		if i == 0 {
			out = fromLabelSet(of(a))
			continue
		}
		maps.DeleteFunc(out, func(name, value string) bool {
			return string(of(a)[model.LabelName(name)]) != value
		})
	}
	return out
}

// atLeast compares the version that is claimed.
func (am *Alertmanager) atLeast(major, minor int) bool {
	parts := strings.SplitN(am.o.Version, ".", 3)
	if len(parts) < 2 {
		return true
	}
	maj, errMajor := strconv.Atoi(parts[0])
	mnr, errMinor := strconv.Atoi(parts[1])
	if errMajor != nil || errMinor != nil {
		return true
	}
	return maj > major || maj == major && mnr >= minor
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package alertmanagertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// apiTime is a time as the API writes it: milliseconds, cut.
type apiTime time.Time

func (t apiTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z"))
}

// ServeHTTP serves the parts of API v2 that the bot uses, in the real one's
// words. It is the process alone: whether a connection reaches it is up to
// [Transport].
func (am *Alertmanager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, found := strings.CutPrefix(r.URL.Path, "/api/v2/")
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	am.mu.Lock()
	defer am.mu.Unlock()
	id, isOne := strings.CutPrefix(path, "silence/")
	switch {
	case r.Method == http.MethodGet && path == "status":
		am.getStatus(w)
	case r.Method == http.MethodGet && path == "receivers":
		am.getReceivers(w)
	case r.Method == http.MethodGet && path == "alerts":
		am.getAlerts(w, r.URL.Query())
	case r.Method == http.MethodPost && path == "alerts":
		am.postAlerts(w, r)
	case r.Method == http.MethodGet && path == "alerts/groups":
		am.getGroups(w, r.URL.Query())
	case r.Method == http.MethodGet && path == "silences":
		am.getSilences(w, r.URL.Query())
	case r.Method == http.MethodPost && path == "silences":
		am.postSilence(w, r)
	case isOne && !uuid.MatchString(id):
		answer(w, http.StatusUnprocessableEntity, map[string]any{"code": 601, "message": fmt.Sprintf("silenceID in path must be of type uuid: %q", id)})
	case r.Method == http.MethodGet && isOne:
		am.getSilence(w, id)
	case r.Method == http.MethodDelete && isOne:
		am.deleteSilence(w, id)
	default:
		answer(w, http.StatusNotFound, map[string]any{"code": 404, "message": "path " + r.URL.Path + " was not found"})
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body) // to a recorder
	}
}

func (am *Alertmanager) getStatus(w http.ResponseWriter) {
	cluster := map[string]any{"status": "disabled", "peers": []any{}}
	if len(am.peers) > 1 || am.knobs.settling {
		cluster["name"], cluster["status"] = am.o.Name, "ready"
		if am.knobs.settling {
			cluster["status"] = "settling"
		}
		members := []any{map[string]any{"name": am.o.Name, "address": am.o.Name + ":9094"}}
		for _, p := range am.reached() {
			members = append(members, map[string]any{"name": p.o.Name, "address": p.o.Name + ":9094"})
		}
		cluster["peers"] = members
	}
	answer(w, http.StatusOK, map[string]any{
		"cluster": cluster,
		"versionInfo": map[string]any{
			"version": am.o.Version, "branch": "HEAD", "revision": "simulated",
			"buildUser": "", "buildDate": "", "goVersion": "",
		},
		"config": map[string]any{"original": am.config()},
		"uptime": apiTime(am.startedAt),
	})
}

// config is the configuration as the API shows it: with secrets masked.
func (am *Alertmanager) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, "route:\n  receiver: %q\n  routes:\n", am.routes[len(am.routes)-1].Receiver)
	for _, r := range am.routes {
		fmt.Fprintf(&b, "  - receiver: %q\n    continue: %t\n    group_interval: %s\n    repeat_interval: %s\n    matchers:\n",
			r.Receiver, r.Continue, model.Duration(r.GroupInterval), model.Duration(r.RepeatInterval))
		for _, m := range r.matchers {
			fmt.Fprintf(&b, "    - %q\n", m)
		}
	}
	b.WriteString("receivers:\n")
	for _, name := range sortedKeys(am.receivers) {
		r := am.receivers[name]
		address := "<secret>"
		if !am.atLeast(0, 26) {
			address = r.URL // older ones do not mask it
		}
		fmt.Fprintf(&b, "- name: %q\n  webhook_configs:\n  - send_resolved: %t\n    url: %s\n    max_alerts: %d\n",
			name, !r.NoResolved, address, r.MaxAlerts)
	}
	return b.String()
}

func (am *Alertmanager) getReceivers(w http.ResponseWriter) {
	out := []any{}
	for _, name := range sortedKeys(am.receivers) {
		out = append(out, map[string]any{"name": name})
	}
	answer(w, http.StatusOK, out)
}

// filter reads what alerts and groups can be asked for.
type filter struct {
	active, silenced, inhibited, muted bool
	receiver                           *regexp.Regexp
	matchers                           labels.Matchers
}

func readFilter(q url.Values) (filter, error) {
	yes := func(name string) bool { return !q.Has(name) || q.Get(name) == "true" }
	f := filter{active: yes("active"), silenced: yes("silenced"), inhibited: yes("inhibited"), muted: yes("muted")}
	if q.Has("receiver") {
		re, err := regexp.Compile("^(?:" + q.Get("receiver") + ")$")
		if err != nil {
			return f, fmt.Errorf("failed to parse receiver param: %w", err)
		}
		f.receiver = re
	}
	for _, text := range q["filter"] {
		m, err := parse.Matcher(text)
		if err != nil {
			return f, err
		}
		f.matchers = append(f.matchers, m)
	}
	return f, nil
}

// lists tells whether an alert is listed, and under which suppression.
func (f filter) lists(am *Alertmanager, a *alert, now time.Time) (suppression, bool) {
	if a.resolvedAt(now) || !f.matchers.Matches(a.labels) {
		return suppression{}, false
	}
	s := am.suppressed(a, now)
	suppressed := len(s.silencedBy)+len(s.inhibitedBy) > 0
	return s, (f.active || suppressed) && (f.silenced || len(s.silencedBy) == 0) && (f.inhibited || len(s.inhibitedBy) == 0)
}

func (am *Alertmanager) getAlerts(w http.ResponseWriter, q url.Values) {
	f, err := readFilter(q)
	if err != nil {
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	now := time.Now()
	out := []any{}
	for _, fingerprint := range sortedKeys(am.alerts) {
		a := am.alerts[fingerprint]
		receivers := am.receiversOf(a)
		if f.receiver != nil && !slices.ContainsFunc(receivers, f.receiver.MatchString) {
			continue
		}
		if s, ok := f.lists(am, a, now); ok {
			out = append(out, am.listed(a, s, nil, receivers))
		}
	}
	answer(w, http.StatusOK, out)
}

func (am *Alertmanager) getGroups(w http.ResponseWriter, q url.Values) {
	f, err := readFilter(q)
	if err != nil {
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	now := time.Now()
	out := []any{}
	for _, id := range sortedKeys(am.groups) {
		g := am.groups[id]
		receiver := g.route.Receiver
		muted := am.knobs.muted[receiver]
		if f.receiver != nil && !f.receiver.MatchString(receiver) || !f.muted && len(muted) > 0 {
			continue
		}
		alerts := []any{}
		for _, fingerprint := range sortedKeys(g.alerts) {
			a := g.alerts[fingerprint]
			if s, ok := f.lists(am, a, now); ok {
				alerts = append(alerts, am.listed(a, s, muted, am.receiversOf(a)))
			}
		}
		if len(alerts) == 0 {
			continue
		}
		group := map[string]any{
			"alerts": alerts, "labels": fromLabelSet(g.labels), "receiver": map[string]any{"name": receiver},
		}
		if am.atLeast(0, 32) {
			group["routeLabels"] = map[string]string{}
		}
		out = append(out, group)
	}
	answer(w, http.StatusOK, out)
}

// listed is one alert as the API lists it.
func (am *Alertmanager) listed(a *alert, s suppression, muted, receivers []string) any {
	endsAt := a.endsAt
	if endsAt.IsZero() {
		endsAt = time.Now().Add(4 * time.Minute) // what Prometheus says, ahead of its next word
	}
	state := "active"
	if len(s.silencedBy)+len(s.inhibitedBy)+len(muted) > 0 {
		state = "suppressed"
	}
	some := func(ids []string) []string { return append([]string{}, ids...) } // never null
	status := map[string]any{"state": state, "silencedBy": some(s.silencedBy), "inhibitedBy": some(s.inhibitedBy)}
	if am.atLeast(0, 28) {
		status["mutedBy"] = some(muted)
	}
	references := []any{}
	for _, name := range receivers {
		references = append(references, map[string]any{"name": name})
	}
	return map[string]any{
		"annotations": fromLabelSet(a.annotations), "labels": fromLabelSet(a.labels),
		"startsAt": apiTime(a.startsAt), "endsAt": apiTime(endsAt), "updatedAt": apiTime(a.updatedAt),
		"fingerprint": a.fingerprint, "generatorURL": a.generatorURL,
		"receivers": references, "status": status,
	}
}

// validName tells which label names are taken: before 0.27 only the classic ones.
func (am *Alertmanager) validName(name string) bool {
	if am.atLeast(0, 27) {
		return model.UTF8Validation.IsValidLabelName(name)
	}
	return model.LegacyValidation.IsValidLabelName(name)
}

// resolveTimeout is after what time an alert that was posted without an end
// counts as resolved.
const resolveTimeout = 5 * time.Minute

func (am *Alertmanager) postAlerts(w http.ResponseWriter, r *http.Request) {
	var posted []struct {
		Labels       model.LabelSet `json:"labels"`
		Annotations  model.LabelSet `json:"annotations"`
		StartsAt     time.Time      `json:"startsAt"`
		EndsAt       time.Time      `json:"endsAt"`
		GeneratorURL string         `json:"generatorURL"`
	}
	if err := json.NewDecoder(r.Body).Decode(&posted); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"code": 400, "message": err.Error()})
		return
	}
	now := time.Now()
	for _, p := range posted {
		a := &alert{
			labels: p.Labels, annotations: p.Annotations, generatorURL: p.GeneratorURL,
			startsAt: p.StartsAt, endsAt: p.EndsAt, updatedAt: now,
		}
		if a.startsAt.IsZero() {
			if a.startsAt = a.endsAt; a.startsAt.IsZero() {
				a.startsAt = now
			}
		}
		if a.endsAt.IsZero() {
			a.endsAt, a.timeout = now.Add(resolveTimeout), true
		}
		for name, value := range a.labels {
			if value == "" {
				delete(a.labels, name)
			} else if !am.validName(string(name)) {
				answer(w, http.StatusBadRequest, fmt.Sprintf("invalid label set: invalid name %q", name))
				return
			}
		}
		if len(a.labels) == 0 {
			answer(w, http.StatusBadRequest, "at least one label pair required")
			return
		}
		a.fingerprint = a.labels.Fingerprint().String()
		am.put(a)
	}
	am.changed()
	answer(w, http.StatusOK, nil)
}

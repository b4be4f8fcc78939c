package alertmanager_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

// The scenarios below are run against the simulation and against the real
// Alertmanager: what they say is true of both.

const (
	ours      = "ops.bot" // a pattern, to who forgets to quote it
	lookalike = "opsXbot"
	cutAt2    = "cut"
	token     = "the-webhook's-token"
)

// rig is one Alertmanager, or a pair, with the bot's two ends joined to it.
type rig struct {
	client *alertmanager.Client
	web    *http.Client // to the API, for what Prometheus does
	urls   []string
	hook   string // the webhook's address
	inbox  *inbox
	front  *front
	stop   func(peer int)
}

var scenarios = []struct {
	name string
	run  func(*testing.T, *rig)
}{
	{"what is delivered and what is listed agree", deliveredAndListed},
	{"the end is delivered and the alert not listed any more", resolved},
	{"the same episode may fire again after its end", refired},
	{"a silence is made once for one key, shows, and ends", silenced},
	{"an alert that ends in silence is never delivered as resolved", endsInSilence},
	{"a silence that somebody edits keeps its key", editedByHand},
	{"an alert ends by itself when nobody sends it any more", endsByItself},
	{"an inhibited alert is listed as such and not delivered", inhibited},
	{"matchers survive the way there and back", matchersRoundTrip},
	{"other receivers are none of our business", otherReceivers},
	{"a 503 is repeated soon", repeated},
	{"a 400 is repeated only at the next flush", notRepeated},
	{"a cut list says so", truncated},
	{"odd labels arrive whole", oddLabels},
	{"check finds it in order", checked},
	{"a heartbeat comes as often as check says", heartbeats},
}

func TestScenariosSimulated(t *testing.T) {
	for _, version := range []string{"0.25.0", "0.34.2"} {
		for _, s := range scenarios {
			t.Run(version+": "+s.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { s.run(t, simulatedRig(t, version, 1)) })
			})
		}
		for _, s := range pairScenarios {
			t.Run(version+": "+s.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { s.run(t, simulatedRig(t, version, 2)) })
			})
		}
	}
}

func TestScenariosReal(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, realRig(t, 1))
		})
	}
	for _, s := range pairScenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, realRig(t, 2))
		})
	}
}

func simulatedRig(t *testing.T, version string, peers int) *rig {
	t.Helper()
	g := newRig(t)
	g.hook = "http://watchstander/webhook/main"
	header := http.Header{"Authorization": {"Bearer " + token}}
	route := func(receiver string, matchers ...string) alertmanagertest.Route {
		return alertmanagertest.Route{
			Receiver: receiver, Matchers: matchers, GroupBy: []string{"alertname", "cluster"},
			GroupWait: 200 * time.Millisecond, GroupInterval: time.Second, RepeatInterval: time.Hour,
		}
	}
	beats := func(r alertmanagertest.Route, repeat time.Duration) alertmanagertest.Route {
		r.RepeatInterval = repeat
		return r
	}
	o := alertmanagertest.Options{
		Version: version,
		Routes: []alertmanagertest.Route{
			route(lookalike, `team="other"`), route(cutAt2, `team="many"`),
			beats(route(ours, `alertname="Beat"`), 500*time.Millisecond), beats(route(ours, `alertname="SlowBeat"`), 1500*time.Millisecond), route(ours),
		},
		Receivers: []alertmanagertest.Receiver{
			{Name: ours, Handler: g.front, URL: g.hook, Header: header},
			{Name: lookalike, Handler: g.front, URL: g.hook, Header: header},
			{Name: cutAt2, Handler: g.front, URL: g.hook, Header: header, MaxAlerts: 2},
		},
		Inhibit: []alertmanagertest.Inhibit{{
			Source: []string{`severity="critical"`}, Target: []string{`severity="warning"`}, Equal: []string{"instance"},
		}},
		PeerTimeout: time.Second,
	}
	var ams []*alertmanagertest.Alertmanager
	if peers == 1 {
		ams = []*alertmanagertest.Alertmanager{alertmanagertest.New(o)}
	} else {
		first, second := alertmanagertest.NewPair(o)
		ams = []*alertmanagertest.Alertmanager{first, second}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, am := range ams {
		running.Go(func() { am.Run(ctx) })
		g.urls = append(g.urls, am.URL())
	}
	t.Cleanup(func() { cancel(); running.Wait() })
	transport := alertmanagertest.Transport(ams...)
	g.web = &http.Client{Transport: transport}
	g.stop = func(peer int) { ams[peer].Stop() }
	g.connect(t, transport)
	return g
}

func realRig(t *testing.T, peers int) *rig {
	t.Helper()
	real.Require(t, "prometheus-alertmanager", "alertmanager") // skips before anything is started
	g := newRig(t)
	server := httptest.NewServer(g.front)
	t.Cleanup(server.Close)
	g.hook = server.URL + "/webhook/main"
	o := real.AlertmanagerOptions{
		Config: fmt.Sprintf(`
route:
  receiver: %[1]q
  group_by: [alertname, cluster]
  group_wait: 200ms
  group_interval: 1s
  repeat_interval: 1h
  routes:
    - {receiver: %[2]q, matchers: ['team="other"']}
    - {receiver: %[3]q, matchers: ['team="many"']}
    - {matchers: ['alertname="Beat"'], repeat_interval: 500ms}
    - {match: {alertname: SlowBeat}, repeat_interval: 1500ms}
inhibit_rules:
  - {source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [instance]}
receivers:
  - name: %[1]q
    webhook_configs: [{url: %[4]q, http_config: {authorization: {credentials: %[5]q}}}]
  - name: %[2]q
    webhook_configs: [{url: %[4]q, http_config: {authorization: {credentials: %[5]q}}}]
  - name: %[3]q
    webhook_configs: [{url: %[4]q, max_alerts: 2, http_config: {authorization: {credentials: %[5]q}}}]
`, ours, lookalike, cutAt2, g.hook, token),
		Args: []string{"--cluster.peer-timeout=1s"},
	}
	var ams []*real.Alertmanager
	if peers == 1 {
		ams = []*real.Alertmanager{real.StartAlertmanager(t, o)}
	} else {
		ams = real.StartAlertmanagers(t, peers, o)
	}
	for _, am := range ams {
		g.urls = append(g.urls, am.URL)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	g.web = &http.Client{Transport: transport}
	g.stop = func(peer int) { ams[peer].Stop(t) }
	g.connect(t, nil)
	return g
}

func newRig(t *testing.T) *rig {
	t.Helper()
	g := &rig{inbox: &inbox{}}
	h, err := alertmanager.NewHandler(alertmanager.HandlerOptions{
		Endpoint: "main", Credentials: []alertmanager.Credential{alertmanager.Bearer(token)}, Sink: g.inbox, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	g.front = &front{next: h}
	return g
}

func (g *rig) connect(t *testing.T, transport http.RoundTripper) {
	t.Helper()
	c, err := alertmanager.New(alertmanager.Options{
		Name: "main", URLs: g.urls, Receivers: []string{ours, cutAt2}, SettleAfter: 2 * time.Second,
		Transport: transport, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	g.client = c
}

// posted is an alert as Prometheus posts it.
type posted struct {
	Labels       bot.Labels `json:"labels"`
	Annotations  bot.Labels `json:"annotations,omitempty"`
	StartsAt     time.Time  `json:"startsAt,omitzero"`
	EndsAt       time.Time  `json:"endsAt,omitzero"`
	GeneratorURL string     `json:"generatorURL,omitempty"`
}

func alertOf(labels ...string) posted {
	l := bot.Labels{}
	for i := 0; i < len(labels); i += 2 {
		l[labels[i]] = labels[i+1]
	}
	now := time.Now()
	return posted{Labels: l, StartsAt: now, EndsAt: now.Add(time.Hour)}
}

// ended is the alert's end, as Prometheus posts it.
func ended(p posted) posted {
	p.EndsAt = time.Now()
	return p
}

// post sends alerts to every peer that answers.
func (g *rig) post(t *testing.T, alerts ...posted) {
	t.Helper()
	body, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	took := 0
	for _, url := range g.urls {
		resp, err := g.web.Post(url+"/api/v2/alerts", "application/json", bytes.NewReader(body))
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s takes no alerts: %s", url, resp.Status)
		}
		took++
	}
	if took == 0 {
		t.Fatal("no peer took the alerts")
	}
}

// until waits for something to come true, in real or fake time.
func until(t *testing.T, what string, check func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// never waits long enough for what must not happen.
func never(t *testing.T, what string, check func() error) {
	t.Helper()
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err := check(); err == nil {
			t.Fatalf("it happened: %s", what)
		}
	}
}

// inbox is a sink that keeps what it takes.
type inbox struct {
	mu     sync.Mutex
	events []bot.Event
	fail   int
}

var errFull = errors.New("disk full")

func (in *inbox) Take(_ context.Context, b bot.Batch) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.fail > 0 {
		in.fail--
		return errFull
	}
	in.events = append(in.events, b.Events...)
	return nil
}

func (in *inbox) failNext(n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.fail = n
}

func (in *inbox) deliveries() []bot.Delivery {
	in.mu.Lock()
	defer in.mu.Unlock()
	var out []bot.Delivery
	for _, e := range in.events {
		if d, ok := e.(bot.Delivery); ok {
			out = append(out, d)
		}
	}
	return out
}

// told counts the deliveries that told this of an alert.
func (in *inbox) told(name string, resolved bool) int {
	n := 0
	for _, d := range in.deliveries() {
		if slices.ContainsFunc(d.Group.Alerts, func(a bot.Alert) bool {
			return a.Labels["alertname"] == name && a.Resolved == resolved
		}) {
			n++
		}
	}
	return n
}

// last is what was told last of an alert.
func (in *inbox) last(name string) (bot.Group, bot.Alert, bool) {
	for _, d := range slices.Backward(in.deliveries()) {
		for _, a := range d.Group.Alerts {
			if a.Labels["alertname"] == name {
				return d.Group, a, true
			}
		}
	}
	return bot.Group{}, bot.Alert{}, false
}

func (in *inbox) firing(name string) func() error {
	return func() error {
		if _, a, ok := in.last(name); !ok || a.Resolved {
			return fmt.Errorf("the bot was told %+v", in.deliveries())
		}
		return nil
	}
}

func (in *inbox) resolved(name string) func() error {
	return func() error {
		if _, a, ok := in.last(name); !ok || !a.Resolved {
			return fmt.Errorf("the bot was told %+v", in.deliveries())
		}
		return nil
	}
}

// front stands before the handler and refuses what it is told to.
type front struct {
	next   http.Handler
	mu     sync.Mutex
	refuse int
	times  []time.Time
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.times = append(f.times, time.Now())
	refuse := f.refuse > 0
	if refuse {
		f.refuse--
	}
	f.mu.Unlock()
	if refuse {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	f.next.ServeHTTP(w, r)
}

func (f *front) calls() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.times)
}

// listed is how the poll lists an alert.
func listed(p bot.Polled, name string) (bot.PolledGroup, bot.PolledAlert, bool) {
	for _, g := range p.Groups {
		for _, a := range g.Alerts {
			if a.Labels["alertname"] == name {
				return g, a, true
			}
		}
	}
	return bot.PolledGroup{}, bot.PolledAlert{}, false
}

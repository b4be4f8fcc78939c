package alertmanagertest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
)

// Options configure a simulated Alertmanager. Zero values give what is said at
// each.
type Options struct {
	// Name is the peer's name; "am1".
	Name string
	// Version is what it claims to be; "0.34.2". Before 0.28 the API leaves out
	// newer fields, as the real one does.
	Version string
	// ExternalURL is its address, under which [Transport] finds it;
	// "http://<name>:9093".
	ExternalURL string
	// Routes are tried in order; the first that matches takes the alert, and
	// those after it only if it says Continue. None: one route to the first
	// receiver, grouped by alertname.
	Routes    []Route
	Receivers []Receiver
	Inhibit   []Inhibit
	// PeerTimeout is how long the second peer of a pair waits for the first;
	// 15 s.
	PeerTimeout time.Duration
	// ResendAfter is how long after a restart Prometheus has sent every alert
	// again; 1 min.
	ResendAfter time.Duration
}

// Route says which alerts go where, and how they are grouped.
type Route struct {
	Receiver string
	// Matchers as Alertmanager writes them (`severity="critical"`); none: every
	// alert.
	Matchers []string
	// GroupBy are label names; "..." groups by all of them. None: one group.
	GroupBy        []string
	GroupWait      time.Duration // 30 s
	GroupInterval  time.Duration // 5 min
	RepeatInterval time.Duration // 4 h
	Continue       bool
}

// Receiver is one receiver with one webhook.
type Receiver struct {
	Name    string
	Handler http.Handler // nil: connections to it are refused
	URL     string       // of the request; "http://watchstander/webhook/<name>"
	Header  http.Header  // credentials
	// MaxAlerts cuts the list of alerts; 0: never.
	MaxAlerts int
	// NoResolved is send_resolved: false.
	NoResolved bool
}

// Inhibit is one inhibition rule: while an alert that Source matches fires, the
// alerts that Target matches are not sent, if the labels named in Equal agree.
type Inhibit struct {
	Source, Target []string // matchers
	Equal          []string
}

// Alertmanager is one simulated Alertmanager, or one peer of a pair. It may be
// used by many goroutines.
type Alertmanager struct {
	o Options
	// mu guards everything below, of all peers of a cluster.
	mu    *sync.Mutex
	peers []*Alertmanager // this one too, by position

	receivers map[string]*Receiver
	routes    []*route
	inhibit   []inhibitRule

	running   bool
	startedAt time.Time
	life      int // counts starts: work of a former life is thrown away
	alerts    map[string]*alert
	groups    map[string]*group
	firing    map[string]*alert // what Prometheus still sends, by fingerprint
	resendAt  time.Time         // zero: nothing is to be sent again
	silences  map[string]*silence
	log       map[string]logEntry // the notification log, by group key and receiver
	made      int                 // silences, for their ids

	queue  []*delivery
	copies []lateCopy
	sent   []Sent
	wake   chan struct{}

	knobs knobs
}

type knobs struct {
	settling    bool
	partitioned bool
	unreachable bool
	slow        time.Duration
	loseAnswers int
	answerWith  int
	lateCopies  time.Duration
	muted       map[string][]string // receiver → time intervals
}

type route struct {
	Route
	index    int
	matchers labels.Matchers
}

// key is the beginning of the keys of the route's groups: it holds the route's
// matchers, so that an edit of them changes the keys.
func (r *route) key() string {
	if len(r.matchers) == 0 {
		return "{}"
	}
	return "{}/" + r.matchers.String()
}

type inhibitRule struct {
	source, target labels.Matchers
	equal          []string
	// sources are the alerts that the source's matchers match, so that ten
	// thousand others need not be looked at for each alert.
	sources map[string]*alert
}

// New makes one Alertmanager that knows no other and is up. It panics on options
// that make no sense, since they are a test's own mistake.
func New(o Options) *Alertmanager {
	am := &Alertmanager{mu: &sync.Mutex{}}
	am.peers = []*Alertmanager{am}
	am.configure(o)
	return am
}

// NewPair makes two peers of one cluster: alerts that are fired at one reach
// both (Prometheus sends to all), silences and the notification log are gossiped,
// and the second waits PeerTimeout before it looks whether the first has sent.
// o.Name and o.ExternalURL are not used; they are "am1" and "am2".
func NewPair(o Options) (first, second *Alertmanager) {
	lock := &sync.Mutex{}
	first, second = &Alertmanager{mu: lock}, &Alertmanager{mu: lock}
	for i, am := range []*Alertmanager{first, second} {
		am.peers = []*Alertmanager{first, second}
		o.Name, o.ExternalURL = fmt.Sprintf("am%d", i+1), ""
		am.configure(o)
	}
	return first, second
}

func (am *Alertmanager) configure(o Options) {
	o.Name = cmp.Or(o.Name, "am1")
	o.Version = cmp.Or(o.Version, "0.34.2")
	o.ExternalURL = cmp.Or(o.ExternalURL, "http://"+o.Name+":9093")
	o.PeerTimeout = cmp.Or(o.PeerTimeout, 15*time.Second)
	o.ResendAfter = cmp.Or(o.ResendAfter, time.Minute)
	if len(o.Receivers) == 0 {
		panic("alertmanagertest: no receivers")
	}
	if len(o.Routes) == 0 {
		o.Routes = []Route{{Receiver: o.Receivers[0].Name, GroupBy: []string{"alertname"}}}
	}
	am.o = o
	am.receivers = map[string]*Receiver{}
	for _, r := range o.Receivers {
		r.URL = cmp.Or(r.URL, "http://watchstander/webhook/"+r.Name)
		am.receivers[r.Name] = &r
	}
	am.setRoutes(o.Routes)
	for _, rule := range o.Inhibit {
		am.inhibit = append(am.inhibit, inhibitRule{
			source: mustParse(rule.Source), target: mustParse(rule.Target), equal: rule.Equal, sources: map[string]*alert{},
		})
	}
	am.running, am.startedAt = true, time.Now()
	am.alerts, am.groups, am.firing = map[string]*alert{}, map[string]*group{}, map[string]*alert{}
	am.silences, am.log = map[string]*silence{}, map[string]logEntry{}
	am.knobs.muted = map[string][]string{}
	am.wake = make(chan struct{}, 1)
}

func (am *Alertmanager) setRoutes(routes []Route) {
	am.routes = nil
	for i, r := range routes {
		if am.receivers[r.Receiver] == nil {
			panic(fmt.Sprintf("alertmanagertest: a route leads to the receiver %q, which does not exist", r.Receiver))
		}
		r.GroupWait = cmp.Or(r.GroupWait, 30*time.Second)
		r.GroupInterval = cmp.Or(r.GroupInterval, 5*time.Minute)
		r.RepeatInterval = cmp.Or(r.RepeatInterval, 4*time.Hour)
		am.routes = append(am.routes, &route{Route: r, index: i, matchers: mustParse(r.Matchers)})
	}
}

func mustParse(texts []string) labels.Matchers {
	ms, err := parse.Matchers(strings.Join(texts, ","))
	if err != nil {
		panic(fmt.Sprintf("alertmanagertest: the matchers %q: %v", texts, err))
	}
	return ms
}

// match lists the routes that an alert takes.
func (am *Alertmanager) match(a *alert) []*route {
	var out []*route
	for _, r := range am.routes {
		if r.matchers.Matches(a.labels) {
			out = append(out, r)
			if !r.Continue {
				break
			}
		}
	}
	return out
}

// position is the peer's place in its cluster, which decides how long it waits.
func (am *Alertmanager) position() int { return slices.Index(am.peers, am) }

// reached lists the other peers that gossip reaches now.
func (am *Alertmanager) reached() []*Alertmanager {
	var out []*Alertmanager
	for _, p := range am.peers {
		if p != am && p.running && am.running && !p.knobs.partitioned && !am.knobs.partitioned {
			out = append(out, p)
		}
	}
	return out
}

// Name is the peer's name.
func (am *Alertmanager) Name() string { return am.o.Name }

// URL is the address at which [Transport] finds it.
func (am *Alertmanager) URL() string { return am.o.ExternalURL }

// changed lets Run look again, and lets groups that slept look at their next
// flush whether something has to be told. am.mu is held.
func (am *Alertmanager) changed() {
	now := time.Now()
	for _, p := range am.peers {
		for _, g := range p.groups {
			g.awake(now)
		}
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

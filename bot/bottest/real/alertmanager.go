package real

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// AlertmanagerOptions may be left empty, all but Config.
type AlertmanagerOptions struct {
	Config string   // alertmanager.yml
	Args   []string // further arguments, such as "--cluster.peer-timeout=1s"; they win
}

// Alertmanager is Debian's or whatever PATH has. It may be stopped or killed
// and started again; silences and notification log stay (after a kill, what
// was saved of them).
type Alertmanager struct {
	*Process
	URL         string
	ClusterAddr string // "" when alone
	Dir         string
}

// StartAlertmanager starts one that knows no other.
func StartAlertmanager(t testing.TB, o AlertmanagerOptions) *Alertmanager {
	t.Helper()
	a := newAlertmanager(t, o, "", nil)
	a.Start(t)
	return a
}

// StartAlertmanagers starts n of them as one cluster, and returns when each
// sees all others and has settled, which is when they begin to notify. They
// gossip faster than they would in earnest.
func StartAlertmanagers(t testing.TB, n int, o AlertmanagerOptions) []*Alertmanager {
	t.Helper()
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = FreeAddr(t)
	}
	all := make([]*Alertmanager, n)
	for i := range all {
		var peers []string
		for j, addr := range addrs {
			if j != i {
				peers = append(peers, addr)
			}
		}
		all[i] = newAlertmanager(t, o, addrs[i], peers)
	}
	for _, a := range all {
		a.Start(t)
	}
	for _, a := range all {
		Eventually(t, startTime, "Alertmanager's cluster settles", func() error { return a.settled(t.Context(), n) })
	}
	return all
}

func newAlertmanager(t testing.TB, o AlertmanagerOptions, clusterAddr string, peers []string) *Alertmanager {
	t.Helper()
	program := Require(t, "prometheus-alertmanager", "alertmanager")
	addr := FreeAddr(t)
	a := &Alertmanager{URL: "http://" + addr, ClusterAddr: clusterAddr, Dir: t.TempDir()}
	config := filepath.Join(a.Dir, "alertmanager.yml")
	writeFile(t, config, o.Config)
	args := []string{
		"--config.file=" + config,
		"--storage.path=" + filepath.Join(a.Dir, "data"),
		"--web.listen-address=" + addr,
		"--web.external-url=" + a.URL,
		"--cluster.listen-address=" + clusterAddr,
	}
	if clusterAddr != "" {
		args = append(args,
			"--cluster.advertise-address="+clusterAddr,
			"--cluster.gossip-interval=20ms", // it settles after some ten times this
			"--cluster.pushpull-interval=500ms",
			"--cluster.reconnect-interval=500ms",
		)
	}
	for _, peer := range peers {
		args = append(args, "--cluster.peer="+peer)
	}
	a.Process = newProcess(t, Command{
		Name:  "alertmanager",
		Path:  program,
		Args:  append(args, o.Args...),
		Dir:   a.Dir,
		Ready: answers(a.URL + "/-/ready"),
	})
	return a
}

func (a *Alertmanager) settled(ctx context.Context, n int) error {
	var status struct {
		Cluster struct {
			Status string     `json:"status"`
			Peers  []struct{} `json:"peers"`
		} `json:"cluster"`
	}
	if err := doJSON(ctx, http.MethodGet, a.URL+"/api/v2/status", nil, nil, &status); err != nil {
		return err
	}
	if c := status.Cluster; c.Status != "ready" || len(c.Peers) != n {
		return fmt.Errorf("%s is %q and sees %d of %d peers", a.URL, c.Status, len(c.Peers), n)
	}
	return nil
}

// Alert is what is posted to Alertmanager. Times may be zero: it begins now,
// and ends after the configuration's resolve_timeout unless posted again.
type Alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt,omitzero"`
	EndsAt       time.Time         `json:"endsAt,omitzero"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// HeldAlert is an alert as Alertmanager holds it.
type HeldAlert struct {
	Alert
	Fingerprint string    `json:"fingerprint"`
	UpdatedAt   time.Time `json:"updatedAt"`
	Status      struct {
		State       string   `json:"state"` // "active", "suppressed" or "unprocessed"
		SilencedBy  []string `json:"silencedBy"`
		InhibitedBy []string `json:"inhibitedBy"`
	} `json:"status"`
	Receivers []struct {
		Name string `json:"name"`
	} `json:"receivers"`
}

// Post sends alerts, as Prometheus does.
func (a *Alertmanager) Post(t testing.TB, alerts ...Alert) {
	t.Helper()
	a.must(t, http.MethodPost, "/alerts", alerts, nil)
}

// Alerts lists what Alertmanager holds, silenced and inhibited alerts too.
func (a *Alertmanager) Alerts(t testing.TB) []HeldAlert {
	t.Helper()
	var alerts []HeldAlert
	a.must(t, http.MethodGet, "/alerts", nil, &alerts)
	return alerts
}

func (a *Alertmanager) must(t testing.TB, method, path string, in, out any) {
	t.Helper()
	if err := doJSON(t.Context(), method, a.URL+"/api/v2"+path, nil, in, out); err != nil {
		t.Fatalf("Alertmanager: %v", err)
	}
}

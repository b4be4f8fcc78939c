package real

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// PrometheusOptions may be left empty.
type PrometheusOptions struct {
	// Config is prometheus.yml; rules.yml lies beside it. Empty: metrics (see
	// [Prometheus.Metrics]) and rules looked at five times a second, alerts
	// sent to Alertmanagers.
	Config        string
	Rules         string // rules.yml; empty: no rules
	Alertmanagers []*Alertmanager
	Args          []string // further arguments; they win
}

// Prometheus is Debian's or whatever PATH has. It may be stopped or killed and
// started again.
type Prometheus struct {
	*Process
	URL     string
	Dir     string
	Metrics *Metrics // scraped as job "test", instance "house"
}

// StartPrometheus starts a Prometheus with an empty store.
func StartPrometheus(t testing.TB, o PrometheusOptions) *Prometheus {
	t.Helper()
	program := Require(t, "prometheus")
	addr := FreeAddr(t)
	p := &Prometheus{URL: "http://" + addr, Dir: t.TempDir(), Metrics: StartMetrics(t)}
	if o.Config == "" {
		o.Config = p.config(o.Alertmanagers)
	}
	if o.Rules == "" {
		o.Rules = "groups: []\n"
	}
	config := filepath.Join(p.Dir, "prometheus.yml")
	writeFile(t, config, o.Config)
	writeFile(t, filepath.Join(p.Dir, "rules.yml"), o.Rules)
	args := []string{
		"--config.file=" + config,
		"--storage.tsdb.path=" + filepath.Join(p.Dir, "data"),
		"--web.listen-address=" + addr,
		"--web.enable-lifecycle",
		"--rules.alert.resend-delay=1s",
	}
	p.Process = StartProcess(t, Command{
		Name:  "prometheus",
		Path:  program,
		Args:  append(args, o.Args...),
		Dir:   p.Dir,
		Ready: answers(p.URL + "/-/ready"),
	})
	return p
}

func (p *Prometheus) config(alertmanagers []*Alertmanager) string {
	var to []string
	for _, a := range alertmanagers {
		to = append(to, strconv.Quote(strings.TrimPrefix(a.URL, "http://")))
	}
	return fmt.Sprintf(`global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
  evaluation_interval: 200ms
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - static_configs:
        - targets: [%s]
scrape_configs:
  - job_name: test
    static_configs:
      - targets: [%q]
        labels: {instance: house}
`, strings.Join(to, ", "), p.Metrics.Addr)
}

// SetRules makes Prometheus work by other rules.
func (p *Prometheus) SetRules(t testing.TB, rules string) {
	t.Helper()
	writeFile(t, filepath.Join(p.Dir, "rules.yml"), rules)
	if _, err := do(t.Context(), http.MethodPost, p.URL+"/-/reload", nil, nil); err != nil {
		t.Fatalf("Prometheus does not take the new rules: %v", err)
	}
}

// Sample is one series of a query's answer.
type Sample struct {
	Labels map[string]string
	Value  float64
	At     time.Time
}

// Query evaluates an expression now; the answer must be an instant vector.
func (p *Prometheus) Query(t testing.TB, expr string) []Sample {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string  `json:"metric"`
				Value  [2]json.RawMessage `json:"value"` // seconds, and a number as a string
			} `json:"result"`
		} `json:"data"`
	}
	p.get(t, "/api/v1/query?"+url.Values{"query": {expr}}.Encode(), &answer)
	var samples []Sample
	for _, r := range answer.Data.Result {
		var seconds float64
		var number string
		if err := json.Unmarshal(r.Value[0], &seconds); err != nil {
			t.Fatalf("Prometheus: %s: the answer's time %s: %v", expr, r.Value[0], err)
		}
		if err := json.Unmarshal(r.Value[1], &number); err != nil {
			t.Fatalf("Prometheus: %s: the answer's value %s: %v", expr, r.Value[1], err)
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Fatalf("Prometheus: %s: %v", expr, err)
		}
		samples = append(samples, Sample{r.Metric, value, time.UnixMilli(int64(seconds * 1000))})
	}
	return samples
}

// AlertState is an alert as Prometheus sees it.
type AlertState struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	State       string            `json:"state"` // "pending" or "firing"
	ActiveAt    time.Time         `json:"activeAt"`
}

// Alerts lists the alerts that are pending or firing.
func (p *Prometheus) Alerts(t testing.TB) []AlertState {
	t.Helper()
	var answer struct {
		Data struct {
			Alerts []AlertState `json:"alerts"`
		} `json:"data"`
	}
	p.get(t, "/api/v1/alerts", &answer)
	return answer.Data.Alerts
}

func (p *Prometheus) get(t testing.TB, path string, out any) {
	t.Helper()
	if err := doJSON(t.Context(), http.MethodGet, p.URL+path, nil, nil, out); err != nil {
		t.Fatalf("Prometheus: %v", err)
	}
}

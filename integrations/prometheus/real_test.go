package prometheus

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// rules are one that is well, one that fails in the server's own judgement, and three of
// which one can never fire.
const rules = `
groups:
- name: house
  rules:
  - {record: "job:up:sum", expr: sum by (job) (up)}
  - {record: "never", expr: "up + ignoring(job, instance) up"}
  - {alert: Recorded, expr: "job:up:sum > 5"}
  - {alert: WrongName, expr: "systemd_unit_state{state=\"failed\"} > 0", annotations: {runbook_url: "https://wiki.example.org/{{ $labels.instance }}"}}
  - {alert: Gone, expr: "absent(no_such_metric) > 1"}
`

// needed is the path of a program that the test cannot do without.
func needed(t *testing.T, name string) string {
	t.Helper()
	binary, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("WATCHSTANDER_REQUIRE_REAL") == "1" {
			t.Fatalf("%s is not in PATH, and WATCHSTANDER_REQUIRE_REAL=1", name)
		}
		t.Skipf("%s is not in PATH", name)
	}
	return binary
}

// real starts the Prometheus of the PATH with rules and a scrape of itself. past, which
// may be nil, fills its store beforehand.
func real(t *testing.T, past func(data string)) string {
	t.Helper()
	binary := needed(t, "prometheus")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(filepath.Join(dir, "rules.yml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: self
    static_configs: [{targets: [%q]}]
  - job_name: nobody
    static_configs: [{targets: ["127.0.0.1:1"]}]
`, address), 0o600); err != nil {
		t.Fatal(err)
	}
	if past != nil {
		past(filepath.Join(dir, "data"))
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("%s", b)
		}
	})
	return "http://" + address
}

func TestAgainstRealPrometheus(t *testing.T) {
	c, err := New(Config{URL: real(t, nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := t.Context()
	eventually(t, func() error {
		version, err := c.Ready(ctx)
		if err == nil && version == "" {
			err = errors.New("no version")
		}
		return err
	})
	eventually(t, func() error {
		v, err := c.Instant(ctx, "count(up)", time.Time{})
		if err == nil && (len(v) != 1 || v[0].Value != 2) {
			err = fmt.Errorf("%v", v)
		}
		return err
	})
	now := time.Now()
	graph := func(expr string) Request {
		return Request{Title: "Real", Expr: expr, Start: now.Add(-time.Minute), End: now.Add(2 * time.Second)}
	}
	g, err := c.Graph(ctx, graph("up == 0 and on(job) scrape_duration_seconds < 5"))
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Panels) != 2 || len(g.Panels[0].Series) != 2 || g.Panels[1].Unit != "seconds" || g.Panels[0].Series[0].Name == "" {
		t.Errorf("%+v", g)
	}
	if _, err = c.Graph(ctx, graph("no_such_metric > 1")); !errors.Is(err, ErrNoSeries) {
		t.Error(err)
	}
	if g, err = c.Graph(ctx, graph("absent(no_such_metric)")); err != nil || len(g.Panels[0].Series) != 1 {
		t.Errorf("%+v, %v", g, err)
	}
	if _, err = c.Graph(ctx, graph("this is not PromQL")); !errors.Is(err, ErrExpression) {
		t.Error(err)
	}
	// What is taken apart must be what this server reads, too.
	for _, expr := range []string{`process_resident_memory_bytes > 0.1 * process_virtual_memory_bytes`, `(up > bool 0) == 1`,
		"sum by (job) (\n rate(prometheus_http_requests_total[5m]) # all\n) >= 0"} {
		for _, p := range TakeApart(expr) {
			for _, e := range append(p.Limits, p.Expr) {
				if _, err := c.Instant(ctx, e, time.Time{}); err != nil {
					t.Errorf("%s: %v", e, err)
				}
			}
		}
	}
}

// What the probe says of a real server with one target that is down and a rule that
// fails.
func TestProbeOfRealPrometheus(t *testing.T) {
	c, err := New(Config{URL: real(t, nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, func() error {
		rs := c.Probe().Read(t.Context())
		want := []string{
			"not ok | prometheus targets | 1 of 2 up | down: nobody 127.0.0.1:1 (connection refused) | 1",
			"not ok | prometheus rules | 5 rules in 1 group | failing: never (",
			"not ok | rules without series | 1 of 3 alerting rules | these cannot fire, for what they name has no series: WrongName (systemd_unit_state) | 1",
			"not ok | alert runbooks | 1 of 3 alerts with one, 1 of them elsewhere, not followed | without one: Gone, Recorded | 2",
		}
		for i, w := range want {
			if got := inWords(rs[i]); !strings.HasPrefix(got, w) {
				return fmt.Errorf("got\n%s\nwant\n%s", got, w)
			}
		}
		return nil
	})
}

func inWords(r bot.Reading) string {
	return fmt.Sprintf("%s | %s | %s | %s | %v", r.State, r.What, r.Value, r.Note, r.Figure)
}

func eventually(t *testing.T, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

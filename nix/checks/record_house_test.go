package checks

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// recordBlackbox has it look at a server with TLS, at one that is not there, and at a name.
func recordBlackbox(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "blackbox.yml")
	if err := os.WriteFile(file, []byte(`modules:
  http: {prober: http, http: {preferred_ip_protocol: ip4, tls_config: {insecure_skip_verify: true}}}
  tcp_tls: {prober: tcp, tcp: {preferred_ip_protocol: ip4, tls: true, tls_config: {insecure_skip_verify: true}}}
  dns: {prober: dns, timeout: 3s, dns: {query_name: example.org, query_type: A, preferred_ip_protocol: ip4}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	url, version := exporter(t, "blackbox_exporter", nil, "--config.file="+file)
	how := version + ", built from the module proxy's source; its answer for the module %s on " + "%s:\n  /probe?module=%[1]s"
	address := strings.TrimPrefix(server.URL, "https://")
	save(t, "blackbox-http", fmt.Sprintf(how, "http", "a server with TLS"), url+"/probe?module=http&target="+server.URL, "probe_success 1", "probe_ssl_earliest_cert_expiry", "probe_http_duration_seconds")
	save(t, "blackbox-tls", fmt.Sprintf(how, "tcp_tls", "a server with TLS"), url+"/probe?module=tcp_tls&target="+address, "probe_success 1", "probe_ssl_earliest_cert_expiry")
	save(t, "blackbox-dns", fmt.Sprintf(how, "dns", "a server that does not answer"), url+"/probe?module=dns&target=127.0.0.1:9", "probe_success 0", "probe_dns_lookup_time_seconds")
	save(t, "blackbox", version+", built from the module proxy's source; its own figures:\n  /metrics", url+"/metrics", "blackbox_exporter_config_last_reload_successful")
}

// recordPrometheus has an Alertmanager tell a receiver that is not there.
func recordPrometheus(t *testing.T) {
	am := real.StartAlertmanager(t, real.AlertmanagerOptions{Config: `
route: {receiver: nobody, group_by: [alertname], group_wait: 1s, group_interval: 1s}
receivers: [{name: nobody, webhook_configs: [{url: "http://127.0.0.1:9/"}]}]
`})
	prom := real.StartPrometheus(t, real.PrometheusOptions{Alertmanagers: []*real.Alertmanager{am}, Rules: `
groups:
  - name: sample
    interval: 1s
    rules: [{alert: Watchdog, expr: vector(1), labels: {severity: none}}, {record: sample, expr: vector(1)}]
`})
	const how = ", of Debian 12; with one Alertmanager, one target and two rules"
	save(t, "alertmanager", "alertmanager 0.25.0"+strings.Replace(how, "with one Alertmanager, one target and two rules", "with one alert and a webhook that is not there", 1), am.URL+"/metrics",
		`alertmanager_notifications_failed_total{integration="webhook"} 1`, "alertmanager_config_last_reload_successful")
	save(t, "prometheus", "prometheus 2.42.0"+how, prom.URL+"/metrics", "prometheus_rule_evaluation_failures_total", "prometheus_notifications_sent_total", "prometheus_rule_group_last_evaluation_timestamp_seconds", "prometheus_tsdb_compactions_failed_total")
	// What Prometheus itself adds of each target and each alert.
	var own strings.Builder
	own.WriteString("# What Prometheus 2.42.0 adds to what it scrapes and evaluates; recorded through its API, query by query.\n")
	for _, metric := range []string{"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added", "ALERTS", "ALERTS_FOR_STATE"} {
		for _, s := range prom.Query(t, metric) {
			labels := ""
			for _, name := range []string{"alertname", "alertstate", "instance", "job", "severity"} {
				if v, ok := s.Labels[name]; ok {
					labels += fmt.Sprintf("%s=%q,", name, v)
				}
			}
			fmt.Fprintf(&own, "%s{%s} %v\n", metric, strings.TrimSuffix(labels, ","), s.Value)
		}
	}
	if err := os.WriteFile("recorded/scrape.prom", []byte(own.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// recordBot runs the bot between a homeserver and an Alertmanager, and lets each of them
// fail once.
func recordBot(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "watchstander")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../..").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	hs := real.StartHomeserver(t, real.HomeserverOptions{})
	bot, alice := hs.NewUser(t, "watchstander"), hs.NewUser(t, "alice")
	room := alice.CreateRoom(t, real.RoomOptions{Name: "ops", Invite: []*real.User{bot}})
	listen := real.FreeAddr(t)
	am := real.StartAlertmanager(t, real.AlertmanagerOptions{Config: fmt.Sprintf(`
route: {receiver: watchstander, group_by: [alertname], group_wait: 1s, group_interval: 1s}
receivers: [{name: watchstander, webhook_configs: [{url: "http://%s/webhook/main", http_config: {authorization: {credentials: token-of-the-test}}}]}]
`, listen)})
	proxy := real.StartProxy(t, hs.URL)
	for name, text := range map[string]string{"matrix-token": bot.Token, "webhook-token": "token-of-the-test", "config.yaml": fmt.Sprintf(`
version: 1
zone: UTC
state: {path: %q}
listen: %s
chats: [{name: matrix, matrix: {homeserver: %q, user: %q, token_file: matrix-token}}]
rooms: [{name: matrix, chat: matrix, id: %q}]
people: [{name: alice, roles: [operator], matrix: [%q]}]
alertmanagers: [{name: main, urls: [%q], receivers: [watchstander], poll: 1s}]
webhooks: [{name: main, alertmanager: main, bearer_token_file: webhook-token}]
routes: [{rooms: [matrix]}]
`, filepath.Join(dir, "state.db"), listen, proxy.URL, bot.ID, room, alice.ID, am.URL)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	real.StartProcess(t, real.Command{Name: "watchstander", Path: program, Args: []string{"serve", "--config", filepath.Join(dir, "config.yaml")}})
	metrics := "http://" + listen + "/metrics"
	published := func(what string) {
		real.Eventually(t, 20*time.Second, "the bot publishes "+what, func() error {
			if !strings.Contains(read(t, metrics), what) {
				return fmt.Errorf("it is not there")
			}
			return nil
		})
	}
	am.Post(t, real.Alert{Labels: map[string]string{"alertname": "HighLoad", "severity": "critical"}})
	published("watchstander_sent_total{")
	// What a person says and what must not be said.
	alice.Say(t, room, "!silences")
	published("watchstander_commands_total{")
	am.Post(t, real.Alert{Labels: map[string]string{"alertname": "LoginFailed"}, Annotations: map[string]string{"description": "postgres://bob:Sommer2026!@db/shop was refused"}})
	published("watchstander_redactions_total{")
	proxy.Fail(http.StatusInternalServerError)
	am.Post(t, real.Alert{Labels: map[string]string{"alertname": "DiskFull", "severity": "critical"}})
	published("watchstander_chat_errors_total{")
	proxy.Plug()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+listen+"/webhook/main", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer another")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
	}
	am.Stop(t)
	save(t, "watchstander", "watchstander of this tree, between a homeserver (Dendrite) that failed for a moment and an Alertmanager 0.25.0 that ended:\n  watchstander serve",
		metrics, `watchstander_polls_total{alertmanager="main",result="error"}`, "watchstander_lookups_total{", "watchstander_webhooks_total{", "watchstander_due_oldest_seconds")
}

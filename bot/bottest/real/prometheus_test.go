package real_test

import (
	"fmt"
	"testing"

	"watchstander/bot/bottest/real"
)

func TestPrometheusTellsAlertmanager(t *testing.T) {
	t.Parallel()
	hook, config := notifying(t)
	am := real.StartAlertmanager(t, real.AlertmanagerOptions{Config: config})
	prom := real.StartPrometheus(t, real.PrometheusOptions{
		Alertmanagers: []*real.Alertmanager{am},
		Rules: `
groups:
  - name: test
    rules:
      - alert: PoolFull
        expr: pool_used_ratio > 0.9
        labels: {severity: critical}
`,
	})
	prom.Metrics.Set(`pool_used_ratio{pool="tank"}`, 0.5)
	value := func(want float64) func() error {
		return func() error {
			got := prom.Query(t, "pool_used_ratio")
			if len(got) != 1 || got[0].Value != want || got[0].Labels["pool"] != "tank" || got[0].Labels["instance"] != "house" {
				return fmt.Errorf("the query says %+v", got)
			}
			return nil
		}
	}
	real.Eventually(t, soon, "the value is scraped", value(0.5))
	if alerts := prom.Alerts(t); len(alerts) != 0 {
		t.Errorf("with half a pool: %+v", alerts)
	}
	prom.Metrics.Set(`pool_used_ratio{pool="tank"}`, 0.95)
	real.Eventually(t, soon, "the webhook hears of the full pool", hook.has("firing PoolFull"))
	if alerts := prom.Alerts(t); len(alerts) != 1 || alerts[0].State != "firing" || alerts[0].Labels["severity"] != "critical" {
		t.Errorf("with a full pool: %+v", alerts)
	}
	prom.SetRules(t, "groups: []\n")
	real.Eventually(t, soon, "the alert is gone with its rule", func() error {
		if alerts := prom.Alerts(t); len(alerts) != 0 {
			return fmt.Errorf("there are %+v", alerts)
		}
		return nil
	})
	prom.Metrics.Unset(`pool_used_ratio{pool="tank"}`)
	real.Eventually(t, soon, "the series ends", func() error {
		if got := prom.Query(t, "pool_used_ratio"); len(got) != 0 {
			return fmt.Errorf("the query says %+v", got)
		}
		return nil
	})
}

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/flow"
	"watchstander/bot/redact"
)

// redactor is the last look at everything that is said, with its figure. Its
// rules can be replaced while it is in use.
type redactor struct {
	rules atomic.Pointer[redact.Redactor]
	count *prometheus.CounterVec
}

func newRedactor(c *config.Config, registry prometheus.Registerer) (*redactor, error) {
	r := &redactor{count: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "watchstander_redactions_total",
		Help: "Secrets kept out of what was said, by rule."}, []string{"rule"})}
	registry.MustRegister(r.count)
	rules, err := rulesOf(c)
	if err != nil {
		return nil, err
	}
	r.rules.Store(rules)
	return r, nil
}

// rulesOf makes the rules of a configuration, which know the bot's own secrets.
func rulesOf(c *config.Config) (*redact.Redactor, error) {
	o := redact.Options{IDPrefixes: bot.IDPrefixes}
	for _, r := range c.Redact {
		o.Rules = append(o.Rules, redact.Rule{Name: r.Name, Pattern: r.Pattern.String()})
	}
	for name, s := range secretsOf(c) {
		value, err := s.Read()
		if err != nil {
			return nil, err
		}
		o.Known = append(o.Known, redact.Known{Name: name, Value: value})
	}
	return redact.New(o)
}

func (r *redactor) redact(s string) string {
	out, found := r.rules.Load().Redact(s)
	for _, f := range found {
		r.count.WithLabelValues(f.Rule).Inc()
	}
	return out
}

// secretsOf are the bot's own secrets, which it must never say, whatever asks.
func secretsOf(c *config.Config) map[string]config.Secret {
	out := map[string]config.Secret{}
	credentials := func(name string, x config.Credentials) {
		if x.Bearer != nil {
			out[name+"-token"] = *x.Bearer
		}
		if x.Basic != nil {
			out[name+"-password"] = x.Basic.Password
		}
	}
	for i, ch := range c.Chats {
		if ch.Matrix != nil {
			out[fmt.Sprintf("matrix-token-%d", i+1)] = ch.Matrix.Token
		}
		if s := ch.Slack; s != nil {
			out[fmt.Sprintf("slack-bot-token-%d", i+1)] = s.BotToken
			if s.AppToken != nil {
				out[fmt.Sprintf("slack-app-token-%d", i+1)] = *s.AppToken
			}
			if s.HTTP != nil {
				out[fmt.Sprintf("slack-signing-secret-%d", i+1)] = s.HTTP.SigningSecret
			}
		}
	}
	for i, a := range c.Alertmanagers {
		credentials(fmt.Sprintf("alertmanager-%d", i+1), a.Credentials)
	}
	for i, w := range c.Webhooks {
		credentials(fmt.Sprintf("webhook-%d", i+1), w.Credentials)
		if w.HMAC != nil {
			out[fmt.Sprintf("webhook-%d-secret", i+1)] = w.HMAC.Secret
		}
	}
	if c.Prometheus != nil {
		credentials("prometheus", c.Prometheus.Credentials)
	}
	if c.Grafana != nil && c.Grafana.Token != nil {
		out["grafana-token"] = *c.Grafana.Token
	}
	if c.DeadMan != nil {
		out["dead-man-url"] = c.DeadMan.URL
	}
	return out
}

// deadMan tells an external watcher that all works.
type deadMan struct {
	url    config.Secret
	own    string // our own address, which must answer too
	client *http.Client
}

func (d *deadMan) ping(ctx context.Context) error {
	if err := d.get(ctx, d.own+"/healthz"); err != nil {
		return bot.Errorf(bot.CodeUnavailable, "The webhooks' own address does not answer.").Because(err)
	}
	address, err := d.url.Read()
	if err != nil {
		return err
	}
	return d.get(ctx, address)
}

// get asks an address; its errors do not hold it.
func (d *deadMan) get(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return bot.Errorf(bot.CodeInvalid, "It is no URL.") // the cause would hold the address
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return bot.Errorf(bot.CodeUnavailable, "It does not answer.")
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return bot.Errorf(bot.CodeUnavailable, "It answered %d.", resp.StatusCode)
	}
	return nil
}

// dueCollector reads how much waits, when it is asked.
type dueCollector struct{ f *flow.Flow }

var (
	dueDesc    = prometheus.NewDesc("watchstander_due", "Rows that wait for work, by kind.", []string{"kind"}, nil)
	oldestDesc = prometheus.NewDesc("watchstander_due_oldest_seconds", "How long the oldest due view has waited to be shown.", nil, nil)
)

func (dueCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- dueDesc
	ch <- oldestDesc
}

func (d dueCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	views, oldest, requests, effects, err := d.f.Due(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(dueDesc, err)
		return
	}
	for kind, n := range views {
		ch <- prometheus.MustNewConstMetric(dueDesc, prometheus.GaugeValue, float64(n), "view_"+kind)
	}
	ch <- prometheus.MustNewConstMetric(dueDesc, prometheus.GaugeValue, float64(requests), "command")
	ch <- prometheus.MustNewConstMetric(dueDesc, prometheus.GaugeValue, float64(effects), "effect")
	ch <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, oldest.Seconds())
}

package main

import (
	"context"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/chart"
	"watchstander/bot/config"
	"watchstander/docs/runbooks"
	"watchstander/integrations/grafana"
	prom "watchstander/integrations/prometheus"
)

func newPrometheus(p *config.Prometheus) (*prom.Client, error) {
	c := prom.Config{URL: p.URL}
	switch {
	case p.Bearer != nil:
		c.Bearer = p.Bearer.Read
	case p.Basic != nil:
		c.Username, c.Password = p.Basic.Username, p.Basic.Password.Read
	}
	return prom.New(c)
}

// ruleProbe knows our own runbooks beside those that rules link to.
func ruleProbe(c *prom.Client) *prom.Probe {
	p := c.Probe()
	p.Runbook = func(name string) bool { _, ok := runbooks.Find(name); return ok }
	return p
}

func newGrafana(g *config.Grafana) *grafana.Probe {
	o := grafana.Options{URL: g.URL, Dashboards: g.Dashboards, AtLeast: g.AtLeast}
	if g.Token != nil {
		o.Token = g.Token.Read
	}
	return grafana.New(o)
}

// trendHosts chooses each host's series by what tells its alerts.
func trendHosts(hosts []config.Host) []prom.TrendHost {
	var out []prom.TrendHost
	for _, x := range hosts {
		match := make([]string, len(x.Match))
		for i, m := range x.Match {
			match[i] = m.String()
		}
		out = append(out, prom.TrendHost{Name: x.Name, Match: strings.Join(match, ","), Below: float64(x.UseBelow)})
	}
	return out
}

// grapher joins what Prometheus measured with the drawing.
type grapher struct {
	client *prom.Client
	zone   func() *time.Location
	span   time.Duration
}

// Alert implements flow.Grapher.
func (g grapher) Alert(ctx context.Context, e bot.Episode) (bot.Picture, error) {
	r, err := prom.ForAlerts([]bot.Alert{{Fingerprint: e.Fingerprint, Labels: e.Labels, Annotations: e.Annotations, StartsAt: e.StartsAt,
		EndsAt: e.EndsAt, Resolved: e.Resolved, GeneratorURL: e.GeneratorURL}}, g.span, time.Now())
	if err != nil {
		return bot.Picture{}, err
	}
	return g.draw(ctx, r)
}

// Expression implements flow.Grapher.
func (g grapher) Expression(ctx context.Context, expr string, span time.Duration) (bot.Picture, error) {
	if span <= 0 {
		span = g.span
	}
	now := time.Now()
	return g.draw(ctx, prom.Request{Title: expr, Expr: expr, Start: now.Add(-span), End: now})
}

func (g grapher) draw(ctx context.Context, r prom.Request) (bot.Picture, error) {
	graph, err := g.client.Graph(ctx, r)
	if err != nil {
		return bot.Picture{}, err
	}
	return chart.Draw(graph, chart.Options{Zone: g.zone()})
}

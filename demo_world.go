package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/chart"
	"watchstander/bot/flow"
)

// simulated puts a simulated host in the place of Prometheus and of the probes.
func simulated(s *simulatedHost) func(*flow.Options) {
	return func(o *flow.Options) {
		o.Grapher = s
		o.Probes = append(o.Probes, s)
	}
}

// simulatedHost has a load and a disk that follow the demo's story; all else that is
// known of the host its agent tells. Its figures are a function of the time and of
// what was set, so that status, graphs and alerts tell the same: what the story sets
// stays as it is set.
type simulatedHost struct {
	mu    sync.Mutex
	began time.Time
	load  []step
	disk  []step
}

// step is a value from a time on.
type step struct {
	at    time.Time
	value float64
	// lively: it moves a little around the value.
	lively bool
}

func newSimulatedHost(now time.Time) *simulatedHost {
	return &simulatedHost{began: now, load: []step{{now.Add(-24 * time.Hour), 0.6, true}}, disk: []step{{now.Add(-24 * time.Hour), 71, true}}}
}

func (s *simulatedHost) set(what *[]step, value float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*what = append(*what, step{time.Now(), value, false})
}

func valueAt(steps []step, t time.Time) float64 {
	now := steps[0]
	for _, x := range steps {
		if !x.at.After(t) {
			now = x
		}
	}
	if !now.lively {
		return now.value
	}
	// The same at every look.
	return now.value * (1 + 0.04*math.Sin(float64(t.Unix())/37) + 0.02*math.Sin(float64(t.Unix())/11))
}

// Name implements bot.Probe.
func (s *simulatedHost) Name() string { return "host vulcan" }

// Read implements bot.Probe.
func (s *simulatedHost) Read(context.Context) []bot.Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	load, disk := valueAt(s.load, now), valueAt(s.disk, now)
	r := func(what, value string, ok bool, note string) bot.Reading {
		x := bot.Reading{Host: "vulcan", What: what, Value: value, Source: "simulated", At: now, State: bot.OK}
		if !ok {
			x.State, x.Note = bot.NotOK, note
		}
		return x
	}
	return []bot.Reading{
		r("load", fmt.Sprintf("%.1f on 8 CPUs", load), load < 16, "more than 2 for each CPU").With(load/8, bot.FigureCount),
		r("memory", "38 % of 62.7 GiB", true, "").With(38, bot.FigurePercent),
		r("disk /srv", fmt.Sprintf("%.0f %% of 1.8 TiB", disk), disk < 90, "90 % or more").With(disk, bot.FigurePercent),
	}
}

// Expression implements flow.Grapher: the demo knows two series by name.
func (s *simulatedHost) Expression(_ context.Context, expr string, span time.Duration) (bot.Picture, error) {
	switch expr {
	case "load":
		return s.draw("load", bot.UnitNone, &s.load, 16, span)
	case "disk":
		return s.draw("disk", bot.UnitPercent, &s.disk, 90, span)
	}
	return bot.Picture{}, bot.Errorf(bot.CodeNotFound, "The demo has no Prometheus; it can draw `load` and `disk`.")
}

// Alert implements flow.Grapher.
func (s *simulatedHost) Alert(_ context.Context, e bot.Episode) (bot.Picture, error) {
	switch e.Name() {
	case "HighLoad":
		return s.draw("HighLoad", bot.UnitNone, &s.load, 16, 0)
	case "DiskFull":
		return s.draw("DiskFull", bot.UnitPercent, &s.disk, 90, 0)
	}
	return bot.Picture{}, bot.Errorf(bot.CodeNotFound, "The demo has no Prometheus, and no figures for this alert.")
}

func (s *simulatedHost) draw(title, unit string, steps *[]step, limit float64, span time.Duration) (bot.Picture, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if span <= 0 || span > 24*time.Hour {
		span = time.Hour
	}
	now := time.Now()
	g := bot.Graph{Title: title, Start: now.Add(-span), End: now, Step: span / 240}
	series := bot.Series{Name: "vulcan", Firing: true}
	for t := g.Start; !t.After(now); t = t.Add(g.Step) {
		series.Points = append(series.Points, bot.Point{At: t, Value: valueAt(*steps, t)})
	}
	g.Panels = []bot.Panel{{Expr: title, Unit: unit, Series: []bot.Series{series}, Thresholds: []bot.Threshold{{Op: bot.Above, Value: limit}}}}
	return chart.Draw(g, chart.Options{Zone: time.Local})
}

func labels(name, severity, instance string) bot.Labels {
	return bot.Labels{"alertname": name, "severity": severity, "instance": instance, "job": "node"}
}

func annotated(summary string) bot.Labels {
	return bot.Labels{"summary": summary, "runbook_url": "https://runbooks.example.org/demo"}
}

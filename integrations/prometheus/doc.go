// Package prometheus asks a Prometheus server (or what speaks its API: Thanos,
// Mimir, VictoriaMetrics) what an alert's expression looked like over the last
// hours, and hands back a bot.Graph that bot/chart can draw. It also answers
// single questions ("how many targets are up?") and tells `check` whether the
// server can be used.
//
// The way of an alert: its generatorURL holds the expression (generator.go); the
// expression is taken apart, with Prometheus' own parser, into what to draw and
// the thresholds to draw as lines (apart.go); names of metrics tell the unit
// (unit.go); the parts are asked for (query.go) and put together (graph.go).
//
// A probe tells how the server does its own work (probe.go: its targets; rules.go:
// whether rules are evaluated; series.go: which can never fire).
//
// Everything is bounded: time, bytes, points and series. An expression comes
// from whoever can send us alerts, and a bot must survive a bad one.
//
// It is a leaf: it imports bot and the client library, and no neighbour. main
// joins it with bot/chart.
package prometheus
